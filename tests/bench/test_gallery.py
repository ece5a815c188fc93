"""The page of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from limner.bench import gallery


def test_the_photographs_are_there() -> None:
    paths = gallery.samples()
    assert len(paths) == 12
    assert all(path.is_file() for path in paths.values())


def test_a_page_and_a_sheet_for_each_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(scene(200, 180)).save(tmp_path / "small.png")
    monkeypatch.setattr(gallery, "samples", lambda: {"small": tmp_path / "small.png"})
    monkeypatch.setattr(gallery, "BUDGETS_BYTES", (200, 400))
    assert gallery.main(["--out", str(tmp_path / "docs"), "--cache", str(tmp_path / "cache")]) == 0
    text = (tmp_path / "docs/pictures.md").read_text("utf-8")
    assert "(pictures/small.webp)" in text
    with Image.open(tmp_path / "docs/pictures/small.webp") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    # Three columns: the photograph, and a panel for each budget.
    assert pixels.shape[1] == 2 * gallery.MARGIN_PX + 3 * (gallery.PANEL_PX + gallery.GAP_PX)


def test_what_nothing_is_small_enough_for_is_an_empty_panel() -> None:
    picture = scene(64, 64)
    sheet = gallery.strip(picture, [[gallery.Panel(picture, "ours"), None, None]])
    assert sheet.width == 2 * gallery.MARGIN_PX + 2 * (gallery.PANEL_PX + gallery.GAP_PX)
