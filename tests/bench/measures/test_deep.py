"""Measures with nets: opened from folders of weights that nobody learned, by the code that opens the published ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measure_laws import TOLD, faults, noisy
from pictures import scene

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
pytest.importorskip("transformers")
constants = pytest.importorskip("huggingface_hub.constants")

import tiny_clip  # noqa: E402
from made_weights import made, save  # noqa: E402

from limner.bench.measures import Measure, Told, described, measured, on  # noqa: E402
from limner.catalog import CATALOG  # noqa: E402
from limner.nets.dists import Dists  # noqa: E402
from limner.nets.lpips import Lpips  # noqa: E402

DEEP = ("lpips_alex", "lpips_vgg", "dists", "clip_image", "clip_text")
SIDE_PX = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of every net under the names of the catalogue, in the forms in which they are published."""
    place = tmp_path_factory.mktemp("weights")
    save(Lpips("alex"), place / "lpips-alex" / "alexnet.pth")
    vgg = made(Lpips("vgg"), 1)
    (place / "lpips-vgg").mkdir()
    safetensors.save_file(vgg, place / "lpips-vgg" / "vgg.safetensors")
    judges = {name: tensor for name, tensor in made(Dists(), 2).items() if name in ("alpha", "beta")}
    (place / "dists").mkdir()
    torch.save(judges, place / "dists" / "weights.pt")
    tiny_clip.write(place / "clip-b32")
    return place


@pytest.fixture
def weights(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """These weights and no others: an empty cache of the hub, and no way out."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(folder))
    yield folder


@pytest.fixture
def table(weights: Path) -> dict[str, Measure]:
    return {name: measure for name, measure in on("cpu").items() if name in DEEP}


def test_all_are_there_where_the_weights_are(table: dict[str, Measure]) -> None:
    picture = scene(SIDE_PX, SIDE_PX)
    figures, absent = measured(picture, noisy(picture, 20), TOLD, table=table)
    assert figures.keys() == set(DEEP) and absent == {}
    equal, _ = measured(picture, picture.copy(), TOLD, table=table)
    assert [equal[name] for name in DEEP[:4]] == pytest.approx([0, 0, 0, 1], abs=1e-5)


@pytest.mark.parametrize("name", ["lpips_alex", "lpips_vgg", "dists", "clip_image"])
def test_they_obey_the_laws(table: dict[str, Measure], name: str) -> None:
    assert faults(table[name], SIDE_PX, tolerance=1e-7) == set()


def test_the_text_is_held_against_the_painted_one(table: dict[str, Measure]) -> None:
    of = table["clip_text"].of
    one, two = scene(SIDE_PX, SIDE_PX), noisy(scene(SIDE_PX, SIDE_PX, 3), 60)
    assert of(one, two, TOLD) == of(two, two, TOLD) != of(two, one, TOLD)
    assert of(one, two, Told("another")) != of(one, two, TOLD)
    assert -1 <= of(one, two, Told("long " * 100)) <= 1


def test_lpips_is_that_of_the_net(table: dict[str, Measure]) -> None:
    one, two = scene(SIDE_PX, SIDE_PX), scene(SIDE_PX, SIDE_PX, 1)
    nets = {"lpips_alex": (Lpips("alex"), 0), "lpips_vgg": (Lpips("vgg"), 1), "dists": (Dists(), 2)}
    for name, (net, seed) in nets.items():
        state = made(net, seed)
        if name == "dists":  # its trunk is that of LPIPS's vgg
            state |= {key: tensor for key, tensor in made(Lpips("vgg"), 1).items() if key.startswith("features")}
        net.take(state)
        tensors = [torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255 for picture in (one, two)]
        assert table[name].of(one, two, TOLD) == pytest.approx(net(*tensors).item(), rel=1e-5)


def test_judges_that_are_broken_on_purpose_are_caught(table: dict[str, Measure]) -> None:
    good = table["lpips_alex"]
    swapped = replace(good, of=lambda one, two, told: good.of(one, two[..., ::-1].copy(), told))
    assert faults(swapped, SIDE_PX) != set()
    cut = replace(good, of=lambda one, two, told: good.of(one[:40, :40], two[:40, :40], told))
    assert "bottom" in faults(cut, 80)
    wrong = replace(good, of=lambda one, two, told: good.of(one, two // 255, told))
    assert faults(wrong, SIDE_PX) != set()


def test_what_is_too_small_or_untold_is_absent(table: dict[str, Measure]) -> None:
    small = scene(20, 20)
    figures, absent = measured(small, noisy(small, 9), table=table)
    assert figures.keys() == {"lpips_vgg", "dists", "clip_image"}
    assert absent == {"lpips_alex": "20 x 20 px: it needs sides of at least 31", "clip_text": "nobody told its words"}


def test_parameters_name_the_weights(table: dict[str, Measure], weights: Path) -> None:
    said = described(table=table)
    digests = {name: text.partition("weights sha256 ")[2] for name, text in said.items()}
    assert all(len(digest) == 16 for digest in digests.values())
    assert digests["clip_image"] == digests["clip_text"] and len(set(digests.values())) == 4
    assert described(table={"lpips_alex": on("cpu")["lpips_alex"]})["lpips_alex"] == said["lpips_alex"]


def test_without_weights_they_are_absent_with_the_command(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", "")
    picture = scene(SIDE_PX, SIDE_PX)
    figures, absent = measured(picture, picture, TOLD, DEEP, on("cpu"))
    assert figures == {} and list(absent) == list(DEEP)
    wanted = ("lpips-alex", "lpips-vgg", "dists", "clip-b32", "clip-b32")
    for name, weight in zip(DEEP, wanted, strict=True):
        assert absent[name].count(f"limner weights fetch {weight}") == 1 and weight in CATALOG
        assert "sha256" not in on("cpu")[name].described()


def test_half_of_the_weights_is_not_enough(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "mine"
    shutil.copytree(weights / "dists", place / "dists")
    (place / "lpips-alex").mkdir()
    trunk = {name: tensor for name, tensor in made(Lpips("alex")).items() if name.startswith("features")}
    torch.save(trunk, place / "lpips-alex" / "alexnet.pth")
    monkeypatch.setenv("LIMNER_WEIGHTS", str(place))
    picture = scene(SIDE_PX, SIDE_PX)
    figures, absent = measured(picture, picture, names=["lpips_alex", "dists"], table=on("cpu"))
    assert figures == {} and "lin0.model.1.weight (1, 64, 1, 1) is missing" in absent["lpips_alex"]
    assert absent["lpips_alex"].endswith("; or limner weights fetch lpips-alex")
    assert absent["dists"].endswith("limner weights fetch lpips-vgg")


def test_a_net_is_opened_once(table: dict[str, Measure], monkeypatch: pytest.MonkeyPatch) -> None:
    picture = scene(SIDE_PX, SIDE_PX)
    before = table["lpips_alex"].of(picture, noisy(picture, 9), TOLD)
    monkeypatch.setenv("LIMNER_WEIGHTS", "")
    assert table["lpips_alex"].of(picture, noisy(picture, 9), TOLD) == before
    assert np.isfinite(before)
