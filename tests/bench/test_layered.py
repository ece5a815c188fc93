"""The page of starts of files, and the strip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictures import scene
from PIL import Image

from limner.bench import gallery, layered
from limner.bench.layered import FILE, START, TWO, Row, page
from limner.errors import ImageError

FOUND = [
    Row("a", 500, START, 40, 200, 20.0, 0.6, 0.43),
    Row("b", 500, START, 40, 190, 21.0, 0.7, 0.37),
    Row("a", 500, FILE, 40, 200, 22.0, 0.7),
    Row("b", 500, FILE, 40),
    Row("a", 500, TWO, 40, 200, 22.0, 0.7),
    Row("a", 500, START, 100, 500, 25.0, 0.8, 1.0),
    Row("a", 500, FILE, 100, 500, 25.0, 0.8),
    Row("a", 500, TWO, 100, 500, 24.0, 0.75),
]


def test_the_page_has_means_where_every_picture_has_a_figure() -> None:
    text = page(FOUND, "the command")
    assert "| 40 % | 195 | 40 % | 20.50 | 0.6500 | – | – | 22.00 | 0.7000 |" in text
    assert "| 100 % | 500 | 100 % | 25.00 | 0.8000 | 25.00 | 0.8000 | 24.00 | 0.7500 |" in text
    assert "two files are 1.00 dB behind the one. What is told is at most 3 points off." in text


def test_a_folder_of_pictures_becomes_rows_and_a_page(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no PNG"):
        layered.main(["--data", str(tmp_path), "--out", str(tmp_path)])
    Image.fromarray(scene(128, 96)).save(tmp_path / "small.png")
    assert layered.main(["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--bytes", "120"]) == 0
    rows = [Row(**json.loads(line)) for line in (tmp_path / "out/layered.jsonl").read_text("utf-8").splitlines()]
    starts = [row for row in rows if row.way == START]
    assert [row.percent for row in starts] == list(layered.PERCENTS)
    assert starts[0].bytes is not None and all(row.bytes is None or row.bytes <= 120 for row in rows)
    assert starts[-1].share == 1.0 and (starts[-1].psnr_db or 0) > (starts[4].psnr_db or 0)
    assert "## At most 120 bytes" in (tmp_path / "out/layered.md").read_text("utf-8")


def test_a_strip_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(scene(96, 64)).save(tmp_path / "small.png")
    monkeypatch.setattr(gallery, "samples", lambda: {layered.STRIP_PHOTO: tmp_path / "small.png"})
    monkeypatch.setattr(layered, "STRIP_BYTES", 150)
    assert layered.main(["--strip", str(tmp_path / "strip.webp")]) == 0
    with Image.open(tmp_path / "strip.webp") as sheet:
        assert sheet.width == 2 * gallery.MARGIN_PX + 5 * (gallery.PANEL_PX + gallery.GAP_PX)
