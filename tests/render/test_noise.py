"""The specified noise: its laws, a stranger's version by the text alone, published and golden vectors, and how normal it is."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from limner.errors import EncodeError, MissingError
from limner.render import noise
from limner.render.noise import gaussian

VECTORS = Path(__file__).parents[2] / "spec" / "vectors" / "noise"
SEEDS = st.integers(0, 2**32 - 1)


# A stranger's version, one number at a time, from the text of the format and nothing else of ours.


def stranger_block(seed: int, draw: int, n: int) -> list[int]:
    return stranger_philox([n, 0, draw, 0], [seed, 0x6C696D6E])


def stranger_philox(counter: list[int], key: list[int]) -> list[int]:
    (a, b, c, d), (k, l) = counter, key  # noqa: E741
    for _ in range(10):
        x, y = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (y >> 32) ^ b ^ k, y % 2**32, (x >> 32) ^ d ^ l, x % 2**32
        k, l = (k + 0x9E3779B9) % 2**32, (l + 0xBB67AE85) % 2**32  # noqa: E741
    return [a, b, c, d]


@cache
def stranger_entry(i: int) -> int:
    """By halving: the last z, in 2^-20, up to whose upper rounding border the probability is not passed."""
    p = (64 + i % 64) * 2 ** (i // 64) / 2**38
    low, high = 0, 1 << 23
    while low < high:
        middle = (low + high) // 2
        if math.erfc((middle + 0.5) / 2**20 / math.sqrt(2)) > p:
            low = middle + 1
        else:
            high = middle
    return low


def stranger_normal(w: int) -> int:
    m = 2 * (w % 2**31) + 1
    o = max(o for o in range(32) if 2**o <= m)
    scaled = m * 2 ** (31 - o)
    i, f = 64 * o + scaled // 2**25 % 64, scaled % 2**25
    a, b = stranger_entry(i), stranger_entry(i + 1)
    size = a - ((a - b) * f + 2**24) // 2**25
    return -size if w >= 2**31 else size


@given(SEEDS, SEEDS, st.integers(0, 70))
@settings(max_examples=40)
def test_a_stranger_makes_the_same(seed: int, draw: int, count: int) -> None:
    expected = [word for n in range(-(-count // 4)) for word in stranger_block(seed, draw, n)][:count]
    assert noise.words(seed, draw, count).tolist() == expected
    values = gaussian(seed, draw, (count,))
    assert (values.astype(float) * 2**20).tolist() == [stranger_normal(word) for word in expected]


@pytest.mark.parametrize(
    "word", [0, 1, 2, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**30, 2**30 - 1, *(2**k for k in range(3, 30))]
)
def test_words_at_the_borders(word: int) -> None:
    (found,) = noise.quantiles(np.array([word], np.uint64)).tolist()
    assert found == stranger_normal(word)


def test_the_table_is_the_normal_distribution() -> None:
    assert noise.table().tolist() == [stranger_entry(i) for i in range(2049)]
    assert noise.table()[0] == 6_645_830


# Laws.


@given(SEEDS, st.integers(0, 40), st.integers(0, 300), st.integers(0, 300))
def test_the_first_values_do_not_depend_on_how_many_there_are(seed: int, draw: int, few: int, more: int) -> None:
    assert np.array_equal(gaussian(seed, draw, (few,)), gaussian(seed, draw, (few + more,))[:few])


@given(SEEDS, st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_a_shape_is_filled_in_order(seed: int, sides: list[int]) -> None:
    values = gaussian(seed, 0, tuple(sides))
    assert values.shape == tuple(sides) and values.dtype == np.float32
    assert np.array_equal(values.reshape(-1), gaussian(seed, 0, (math.prod(sides),)))


@given(SEEDS, st.integers(0, 40))
def test_other_seeds_and_draws_are_other_noise(seed: int, draw: int) -> None:
    values = gaussian(seed, draw, (64,))
    assert not np.any(values == gaussian((seed + 1) % 2**32, draw, (64,)))
    assert not np.any(values == gaussian(seed, draw + 1, (64,)))


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=50))
def test_both_signs_are_alike_and_further_words_are_nearer(tails: list[int]) -> None:
    drawn = np.array(sorted(tails), np.uint64)
    sizes = noise.quantiles(drawn)
    assert np.all(np.diff(sizes) <= 0) and sizes.min() >= 0
    assert np.array_equal(noise.quantiles(drawn + np.uint64(2**31)), -sizes)


@given(SEEDS)
def test_floats_hold_the_values_exactly(seed: int) -> None:
    whole = gaussian(seed, 0, (256,)).astype(np.float64) * 2**20
    assert np.array_equal(whole, np.rint(whole)) and np.abs(whole).max() <= 6_645_830


@pytest.mark.parametrize(("seed", "draw"), [(-1, 0), (2**32, 0), (0, -1), (0, 2**32)])
def test_seeds_have_32_bits(seed: int, draw: int) -> None:
    with pytest.raises(EncodeError, match="2\\*\\*32 - 1"):
        gaussian(seed, draw, (1,))


def test_another_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "normal.bin"
    other.write_bytes(bytes(8196))
    monkeypatch.setattr(noise, "TABLE_FILE", other)
    noise.table.cache_clear()
    with pytest.raises(MissingError, match="install limner anew"):
        noise.table()


# Published vectors, and our own.

PUBLISHED = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_philox_is_the_published_one(counter: str, key: str, expected: str) -> None:
    """Known answers of Random123, the library of the paper."""
    numbers = [int(word, 16) for word in counter.split()]
    a, b, c, d = (np.array([number], np.uint64) for number in numbers)
    left, right = (int(word, 16) for word in key.split())
    found = noise.philox((a, b, c, d), (left, right))
    assert " ".join(f"{int(word[0]):08x}" for word in found) == expected
    assert stranger_philox(numbers, [left, right]) == [int(word, 16) for word in expected.split()]


def vectors(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.json"))
    if not found:
        raise FileNotFoundError(f"no vectors in {folder}")
    return found


@pytest.mark.parametrize("path", vectors(VECTORS), ids=lambda path: path.stem)
def test_vectors(path: Path) -> None:
    kept = json.loads(path.read_text("utf-8"))
    count = kept["first"] + len(kept["words"])
    drawn = noise.words(kept["seed"], kept["draw"], count)[kept["first"] :]
    assert [f"{word:08x}" for word in drawn.tolist()] == kept["words"]
    values = gaussian(kept["seed"], kept["draw"], (count,))[kept["first"] :]
    assert (values.astype(float) * 2**20).tolist() == kept["normals"]


def test_no_vectors_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vectors(tmp_path)


# How normal it is.


def evenly(octave: int) -> tuple[NDArray[np.uint64], int]:
    """The words 2^octave .. 2^(octave + 1) - 1, or so many of them evenly, and how many each stands for."""
    step = max(1, 1 << octave >> 15)
    return np.arange(1 << octave, 1 << (octave + 1), step, dtype=np.uint64) + np.uint64(step // 2), step


def test_the_map_is_near_the_normal_distribution() -> None:
    """The figures of the text: moments over all words, each octave sampled evenly, and the distribution's largest distance."""
    moments, distances = np.zeros(3), []
    for drawn, step in (evenly(octave) for octave in range(31)):
        sizes = noise.quantiles(drawn) / 2**20
        moments += [step * float(np.sum(sizes**power)) for power in (0, 2, 4)]
        p = (2.0 * drawn + 1) / 2**32
        some = zip(sizes[::31].tolist(), p[::31].tolist(), strict=True)
        distances += [abs(math.erfc(z / math.sqrt(2)) - q) / 2 for z, q in some]
    count, variance, fourth = moments / 2**31
    assert count == 1 - 2**-31 and variance - 1 == pytest.approx(6.8e-6, abs=1e-7)
    assert fourth / variance**2 - 3 == pytest.approx(-1.5e-5, abs=1e-6)
    assert 4.1e-6 < max(distances) < 4.2e-6


def test_a_long_draw_looks_normal() -> None:
    """Within five deviations of what normal numbers would have; Kolmogorov and Smirnov's distance below its 0.1 % point."""
    values = gaussian(20_230_706, 0, (1 << 18,)).astype(np.float64)
    root = math.sqrt(values.size)
    for power, expected, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(float(np.mean(values**power)) - expected) * root < 5 * math.sqrt(spread)
    ordered = np.sort(values)[:: 1 << 6]
    below = np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in ordered.tolist()])
    steps = np.arange(ordered.size) * 64 / values.size
    assert np.abs(below - steps).max() * root < 1.95
    assert abs(float(np.mean(values[1:] * values[:-1]))) * root < 5
