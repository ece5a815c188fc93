"""FID and KID: closed forms, other people's formulas, squares as they are counted, and nets that see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure_laws import noisy
from pictures import scene

from limner.bench.measures import SET_MEASURES, set_measured, sets, sets_on
from limner.bench.measures.sets import Features, frechet, kernel_distance, patches, whole
from limner.errors import ImageError, LimnerError


def drawn(count: int, d: int, seed: int, shift: float = 0.0, size: float = 1.0) -> Features:
    """Correlated features."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).standard_normal((d, d)) / np.sqrt(d)
    return size * rng.standard_normal((count, d)) @ mix + shift


def by_matrix_root(one: Features, two: Features) -> float:
    """FID as its authors write it: the matrix root of the product of covariances (Heusel et al. 2017, equation 6)."""
    linalg = pytest.importorskip("scipy.linalg")
    a, b = (np.cov(features, rowvar=False) for features in (one, two))
    gap = one.mean(0) - two.mean(0)
    return float(gap @ gap + np.trace(a) + np.trace(b) - 2 * np.trace(np.real(linalg.sqrtm(a @ b))))


def by_eigenvalues(one: Features, two: Features) -> float:
    """As torch-fidelity 0.4 has it: the roots of the eigenvalues of that product."""
    a, b = (np.cov(features, rowvar=False) for features in (one, two))
    gap = one.mean(0) - two.mean(0)
    roots = np.sqrt(np.linalg.eigvals(a @ b).astype(complex)).real.sum()
    return float(gap @ gap + np.trace(a) + np.trace(b) - 2 * roots)


@pytest.mark.parametrize(("counts", "d"), [((50, 70), 8), ((200, 40), 24), ((90, 90), 60)])
def test_frechet_is_that_of_others(counts: tuple[int, int], d: int) -> None:
    one, two = drawn(counts[0], d, 1), drawn(counts[1], d, 2, 0.3, 1.4)
    assert frechet(one, two) == pytest.approx(by_matrix_root(one, two), rel=1e-6)
    assert frechet(one, two) == pytest.approx(by_eigenvalues(one, two), rel=1e-6)


def test_with_fewer_pictures_than_features_it_is_that_of_the_eigenvalues() -> None:
    one, two = drawn(9, 40, 1), drawn(14, 40, 2, 0.2)
    assert frechet(one, two) == pytest.approx(by_eigenvalues(one, two), rel=1e-5)


def test_frechet_of_gaussians_by_hand() -> None:
    """Of axes apart it is the sum of (m - n)^2 + (s - t)^2."""
    one = np.array([[1.0, 5.0], [-1.0, 5.0], [0.0, 6.0], [0.0, 4.0]])  # variances 2/3 and 2/3, means 0 and 5
    two = np.array([[3.0, 5.0], [-3.0, 5.0], [0.0, 8.0], [0.0, 2.0]])  # variances 6 and 6, means 0 and 5
    assert frechet(one, two + np.array([1, 0])) == pytest.approx(1 + 2 * (np.sqrt(6) - np.sqrt(2 / 3)) ** 2)


@settings(max_examples=25)
@given(st.integers(2, 40), st.integers(1, 20), st.integers(0, 999))
def test_they_are_distances(count: int, d: int, seed: int) -> None:
    one, two = drawn(count, d, seed), drawn(count, d, seed + 1, 0.5)
    assert frechet(one, one) == pytest.approx(0, abs=1e-7) and frechet(one, two) >= 0
    assert frechet(one, two) == pytest.approx(frechet(two, one), rel=1e-6, abs=1e-7)
    assert kernel_distance(one, two) == pytest.approx(kernel_distance(two, one), rel=1e-9)
    order = np.random.default_rng(seed).permutation(count)
    assert frechet(one[order], two) == pytest.approx(frechet(one, two), rel=1e-6, abs=1e-7)


def test_frechet_heeds_means_spreads_and_how_features_go_together() -> None:
    one = drawn(400, 6, 1)
    assert frechet(one, one + 0.1) == pytest.approx(6 * 0.01)
    assert frechet(one, 1.2 * (one - one.mean(0)) + one.mean(0)) == pytest.approx(0.04 * np.trace(np.cov(one.T)))
    apart = np.stack([np.random.default_rng(k).permutation(column) for k, column in enumerate(one.T)], 1)
    assert frechet(one, apart) > 0.05  # the same means and variances


def kernel_by_hand(one: Features, two: Features) -> float:
    """The unbiased estimate, pair by pair (Binkowski et al. 2018, equation 4)."""

    def k(x: Features, y: Features) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    n, m = len(one), len(two)
    within = [sum(k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j) for x in (one, two)]
    between = sum(k(x, y) for x in one for y in two)
    return within[0] / (n * (n - 1)) + within[1] / (m * (m - 1)) - 2 * between / (n * m)


def test_kid_by_hand() -> None:
    one, two = drawn(12, 5, 1), drawn(12, 5, 2, 0.4)
    assert kernel_distance(one, two) == pytest.approx(kernel_by_hand(one, two))
    assert kernel_distance(drawn(300, 5, 1), drawn(300, 5, 2, 0.4)) > kernel_distance(drawn(300, 5, 1), drawn(300, 5, 3))


def test_kid_of_many_is_a_mean_over_subsets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "SUBSETS", 7)
    monkeypatch.setattr(sets, "SUBSET_SIZE", 20)
    one, two = drawn(60, 4, 1), drawn(45, 4, 2, 0.4)
    random = np.random.RandomState(2020)
    found = []
    for _ in range(7):
        part = one[random.choice(60, 20, replace=False)]
        found.append(kernel_by_hand(part, two[random.choice(45, 20, replace=False)]))
    assert kernel_distance(one, two) == pytest.approx(np.mean(found))


# torchmetrics 1.9.0 with an identity for its net: KernelInceptionDistance(subsets=1, subset_size=12), FrechetInceptionDistance.
GOLDEN = [0.3957328, 1.3893373]


def test_they_are_those_of_torchmetrics() -> None:
    one, two = drawn(12, 5, 7), drawn(12, 5, 8, 0.4)
    assert [kernel_distance(one, two), frechet(one, two)] == pytest.approx(GOLDEN, rel=1e-4)


@pytest.mark.parametrize("size", [(512, 768, 8), (256, 256, 1), (255, 4000, 0), (511, 512, 2), (1365, 2048, 40 + 28)])
def test_squares_are_counted_as_hific_does(size: tuple[int, int, int]) -> None:
    height, width, count = size
    found = list(patches(np.zeros((height, width, 3), np.uint8)))
    assert len(found) == count and all(patch.shape == (256, 256, 3) for patch in found)
    rows, columns = height // 256, width // 256
    assert count == rows * columns + max(0, rows - 1) * max(0, columns - 1)


def test_the_second_grid_lies_128_px_from_the_first() -> None:
    at = np.stack([*np.indices((512, 768)) // 128, np.zeros((512, 768))], 2).astype(np.uint8)
    corners = [tuple(patch[0, 0, :2].tolist()) for patch in patches(at)]
    assert corners == [(0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4), (1, 1), (1, 3)]
    assert [picture is at for picture in whole(at)] == [True]


@pytest.mark.parametrize("distance", [frechet, kernel_distance])
def test_one_picture_is_too_few(distance: object) -> None:
    assert callable(distance)
    with pytest.raises(LimnerError, match="1 pieces of pictures"):
        distance(np.zeros((1, 4)), np.zeros((5, 4)))


def test_without_weights_they_are_absent_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    pytest.importorskip("torch")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("LIMNER_WEIGHTS", "")
    figures, absent = set_measured([], SET_MEASURES, sets_on("cpu"))
    assert figures == {} and list(absent) == ["fid", "fid_patched", "kid", "kid_patched"]
    assert all(why.count("limner weights fetch inception-fid") == 1 for why in absent.values())
    with pytest.raises(LimnerError, match="no measure 'fis': there are fid"):
        set_measured([], ["fis"], SET_MEASURES)


def test_pictures_are_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from made_weights import save

    from limner.nets.inception import Inception

    save(Inception(), tmp_path / "inception-fid" / "pt_inception.pth")
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path))
    table = sets_on("cpu")
    originals = [scene(300, 260, seed) for seed in range(2)]
    near, far = ([(one, noisy(one, noise)) for one in originals] for noise in (4, 60))
    figures, absent = set_measured(iter(far), table, table)
    assert figures.keys() == table.keys() and absent == {}
    better, _ = set_measured(near, ["fid", "kid"], table)
    assert all(better[name] < figures[name] for name in better)
    # Each picture has one square, its upper left: seen as if it were the picture.
    corners = [(one[:256, :256].copy(), two[:256, :256].copy()) for one, two in far]
    assert table["fid"].of(corners) == pytest.approx(figures["fid_patched"])
    figures, absent = set_measured([(one[:200], two[:200]) for one, two in far], ["kid_patched"], table)
    assert figures == {} and "0 pieces of pictures" in absent["kid_patched"]
    digests = {measure.described().partition("weights sha256 ")[2] for measure in table.values()}
    assert len(digests) == 1 and len(digests.pop()) == 16
    with pytest.raises(ImageError, match="compared"):
        table["fid"].of([(originals[0], originals[0][1:])])
