"""The page of all rates."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import scene
from PIL import Image

from limner.bench import rates
from limner.bench.rates import Point, falls, page
from limner.errors import ImageError

FOUND = [
    Point("a", 0.001, 49),
    Point("a", 0.01, 491, 470, 22.0),
    Point("a", 0.1, 4915, 4900, 21.5),
    Point("b", 0.001, 49, 48, 19.0),
    Point("b", 0.01, 491, 490, 20.0),
    Point("b", 0.1, 4915, 4900, 25.0),
]


def test_a_picture_that_is_worse_at_more_bytes_is_told_of() -> None:
    assert [(one.picture, one.rate_bpp, fall) for one, fall in falls(FOUND)] == [("a", 0.1, 0.5)]


def test_the_page_has_means_and_slack() -> None:
    text = page(FOUND, "the command")
    assert "| 0.001 | 49 | 1 of 2 | 98.0 % | 98.0 % | 19.00 | 0 | 0.00 |" in text
    assert "| 0.1 | 4915 | 2 of 2 | 99.7 % | 99.7 % | 23.25 | 1 | 0.50 |" in text
    assert "is used: 1 of 4 (a at 0.01)." in text


def test_a_folder_of_pictures_becomes_a_page(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no PNG"):
        rates.main(["--data", str(tmp_path), "--out", str(tmp_path)])
    Image.fromarray(scene(160, 128)).save(tmp_path / "small.png")
    assert rates.main(["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--bpp", "0.001", "0.2", "0.3"]) == 0
    text = (tmp_path / "out/rates.md").read_text("utf-8")
    assert "| 0.001 | 2 | 0 of 1 | – | – | – | 0 | 0.00 |" in text and "| 0.3 | 768 | 1 of 1 |" in text
