"""A PNG file that is written piece by piece is the one that Pillow would write, but for the packing."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from cut_strips import Cut
from pictures import scene
from PIL import Image

from limner.image import png_pieces, to_file
from limner.pixels import png, strips

NOTES = {"Software": "limner", "limner:detail": "nothing invented"}


@pytest.mark.parametrize("heights", [(1,), (7, 2, 30), (400,)])
def test_pixels_and_notes_come_back(heights: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = scene(123, 77)
    monkeypatch.setattr(strips, "STRIP_PX", 2000)
    data = b"".join(png_pieces(Cut(pixels, heights), NOTES))
    found, whole = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(to_file(pixels, notes=NOTES)))
    assert np.array_equal(np.array(found), pixels)
    assert found.mode == "RGB" and found.info == whole.info and NOTES.items() <= found.info.items()


def test_rows_are_filtered_as_in_a_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = scene(90, 60)
    monkeypatch.setattr(strips, "STRIP_PX", 1000)
    whole = b"".join(data for name, data in png.chunks_of(to_file(pixels)) if name == b"IDAT")
    rows = b"".join(png.filtered(Cut(pixels, (13,))))
    assert rows == zlib.decompress(whole)
    assert len({*rows[:: 1 + 3 * 90]}) > 1  # several filters, or the test says little


def test_a_single_pixel() -> None:
    data = b"".join(png_pieces(Cut(np.full((1, 1, 3), 7, np.uint8), (1,)), {}))
    assert np.array(Image.open(io.BytesIO(data))).tolist() == [[[7, 7, 7]]]
