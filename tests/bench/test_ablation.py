"""The ablation of sedic: what each row sends, painted by tiny models, or said not to be painted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import scene

pytest.importorskip("skimage")

from limner import files
from limner.bench import ablation, ablation_page, datasets
from limner.bench.ablation import Making
from limner.bench.ablation_page import Row
from limner.bench.measures import Measure, Told
from limner.bench.sedic_paper import TABLE_1, VARIANTS
from limner.errors import BudgetError
from limner.image import save
from limner.render.stagepainter import STAGE_PAINTERS
from limner.systems.levels import Settings

DETAIL = "white walls, red roof, two small windows, a grey chimney, ivy on the left, a step of stone before the green door"
BOXES = ([8, 10, 40, 30], [50, 30, 90, 60], [4, 40, 40, 60])
SCENE = {
    "overall": "a green hill under a blue sky, with a path that leads up to a small house, seen from below, in the morning",
    "objects": [{"name": f"thing {number}", "box": box, "detail": DETAIL} for number, box in enumerate(BOXES)],
}
MAKING = Making(Settings(STAGE_PAINTERS["paper"], masks="box"), reference_bpp=0.2)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two pictures; of the second there are two things to be said."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("one", "two"):
        save(scene(96, 64), folder / f"{name}.png")
    told = {"one.png": SCENE, "two.png": SCENE | {"objects": SCENE["objects"][:2]}}
    (folder / "scenes.json").write_text(json.dumps(told), "utf-8")
    return folder


def painter(place: Path, **named: object) -> Path:
    size = {"area_px": 3072, "short_px": None, "multiple": 8, "object_steps": [1], "last_steps": 1}
    kept = {"painter": size | named, "masks": "box"}
    (place / "settings.json").write_text(json.dumps(kept), "utf-8")
    return place / "settings.json"


def test_what_each_row_sends(pictures: Path) -> None:
    item = datasets.opened(str(pictures)).pictures[0]
    found = ablation.files_of(item, MAKING)
    assert [file.variant for file in found] == list(VARIANTS)
    bodies = set()
    for file in found:
        read = files.read(file.blob)
        assert isinstance(read, files.OfSedic)
        layers, wanted = read.layers, file.variant
        assert len(layers.objects) == file.objects == wanted.objects
        assert (layers.reference is not None) == wanted.reference
        assert (layers.whole is not None) == bool(wanted.overall_words)
        if layers.reference is not None:
            bodies.add(layers.reference.body)
        counts = [len(one.words.words.split()) for one in layers.objects if one.words]
        assert all(wanted.detail_words / 2 <= count <= wanted.detail_words for count in counts if wanted.detail_words < 20)
    assert len(bodies) == 1
    assert len(bodies.pop()) <= 0.2 * 96 * 64 / 8


def test_a_scene_with_less_sends_less(pictures: Path) -> None:
    item = datasets.opened(str(pictures)).pictures[1]
    found = {file.variant.number: file.objects for file in ablation.files_of(item, MAKING)}
    assert (found[1], found[3], found[6]) == (0, 1, 2)


def test_a_rate_that_cannot_be_had_is_refused(pictures: Path) -> None:
    item = datasets.opened(str(pictures)).pictures[0]
    with pytest.raises(BudgetError):
        ablation.files_of(item, Making(MAKING.settings, reference_bpp=0.001))


def run(pictures: Path, out: Path, *more: str) -> tuple[str, list[dict[str, object]]]:
    asked = ["--data", str(pictures), "--out", str(out), "--reference-bpp", "0.2", "--rows", "1", "6", "7", *more]
    assert ablation.main(asked) == 0
    lines = (out / "ablation.jsonl").read_text("utf-8").splitlines()
    return (out / "ablation.md").read_text("utf-8"), [json.loads(line) for line in lines]


def test_without_the_painter_it_says_so(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = painter(tmp_path, base="nobody/nothing", control="nobody/else")
    page, rows = run(pictures, tmp_path / "out", "--settings", str(settings), "-j", "2")
    assert capsys.readouterr().out == page
    assert "**Nothing was painted**" in page and "psnr_db of the reference" in page and "nobody/nothing" in page
    assert [row["painted"] for row in rows] == [False] * 6
    figures = {(row["picture"], row["variant"]["number"]): row["figures"]["psnr_db"] for row in rows}  # type: ignore[index]
    assert figures["one.png", 1] == figures["one.png", 6] > figures["one.png", 7]
    for reported in TABLE_1:
        assert f"{reported.bpp:.4f} | {reported.lpips:.4f} | {reported.dists:.4f} |" in page


def test_painted_by_tiny_models(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("diffusers")
    import tiny_stages

    place = tiny_stages.save(tmp_path)
    asked = ["--settings", str(painter(place, base=str(place / "base"), control=str(place / "ir"))), "--device", "cpu"]
    (pictures / "two.png").unlink()
    page, rows = run(pictures, tmp_path / "out", *asked, "-j", "2")
    assert "Painted from the files alone" in page and "of the reference |" not in page
    assert [row["painted"] for row in rows] == [True] * 3
    assert len({json.dumps(row["figures"]) for row in rows}) == 3
    told: list[str] = []
    monkeypatch.setattr(ablation, "decoded", lambda found, options: told.extend(options) or [scene(96, 64)] * len(found))
    page, rows = run(pictures, tmp_path / "again", *asked, "--unpainted")
    assert ablation.ASKED in page and not any(row["painted"] for row in rows)
    assert told[-4:] == ["--stages", "0", "-j", "1"]


def test_measures_that_are_there_are_shown_and_others_named() -> None:
    def one(original: np.ndarray, painted: np.ndarray, told: Told) -> float:
        return 1.0

    kept = {
        "lpips_alex": Measure("lpips_alex", -1, "how", "", one),
        "dists": Measure("dists", -1, "how", "", one, missing=lambda: "its weights are not here"),
        "ms_ssim": Measure("ms_ssim", 1, "how", "", one),
    }
    rows = [Row(name, VARIANTS[0], 0, 80, 10, 100, True, {"lpips_alex": 0.25}) for name in "ab"]
    page = ablation_page.page(rows, kept, "Settings light.", "", "command")
    assert "| 1 | 0 | yes | yes |  | 50 | 0.00 | 100.0 | 1.0000 | 0.2500 |" in page
    assert "- dists: not measured: its weights are not here." in page
    assert "- ms_ssim: not measured: the pictures are too small." in page
    assert "Painted from the files alone" in page
