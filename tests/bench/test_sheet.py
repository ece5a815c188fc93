"""The sheet and the picture of the bytes."""

from __future__ import annotations

import numpy as np
import pytest

from limner.bench import sheet
from limner.container import KINDS, Blob, Layer, pack
from limner.container.explain import Report, explain

TEXT = Layer(2, b"\x00a red boat")
LISTED = pack(Blob(3, b"\x01\x02", 64, 48, (TEXT, Layer(4, bytes(70)), Layer(20, b"?", may_skip=True))))


@pytest.fixture
def report() -> Report:
    return explain(LISTED)


def test_every_byte_has_a_group(report: Report) -> None:
    counts = sheet.owner_bytes(report)
    assert sum(counts.values()) == len(LISTED)
    # Magic 2, head 1, model 2, size 2; three leads and two lengths; three checks.
    assert counts == {"header": 7, "frame": 5, "text": len(TEXT.body), "check": 6, "sketch": 70, "unknown": 1}


def test_every_kind_of_layer_has_a_colour() -> None:
    assert set(KINDS.values()) < set(sheet.OWNER_COLOURS)


@pytest.mark.parametrize("count", [1, 11, 500, 1500, 70_000])
def test_the_cells_fit(count: int) -> None:
    columns, cell = sheet._grid(count, (560, 373))
    assert columns * cell <= 560 and -(-count // columns) * cell <= 373


def test_the_bytes_are_drawn_in_the_colours_of_their_owners(report: Report) -> None:
    drawn = np.asarray(sheet.bytes_image(LISTED, report, (560, 373)))
    # The first byte of the magic: hue of the header at the depth of its value, in the corner of its cell.
    assert tuple(drawn[1, 1]) == sheet._depth(sheet.OWNER_COLOURS["header"], 0xA7)


@pytest.mark.parametrize(("width", "height"), [(600, 400), (10, 2000), (1, 1)])
def test_a_panel_has_a_size(width: int, height: int) -> None:
    shown = sheet.panel_size(width, height)
    assert 1 <= shown[0] <= sheet.PANEL_PX and 1 <= shown[1] <= sheet.PANEL_PX * sheet.TALLEST


def test_a_sheet_is_drawn(report: Report) -> None:
    panel = sheet.Panel("sent", sheet.bytes_image(LISTED, report, (560, 300)), ("a", "b"), sheet.legend(report))
    empty = sheet.Panel("none", sheet.blank_image((560, 300), "none is small enough"))
    image = sheet.sheet("limner", "a boat", [sheet.Shelf("100 bytes", "note", (panel, empty))] * 2)
    assert image.width == 2 * sheet.MARGIN_PX + 2 * sheet.PANEL_PX + sheet.GAP_PX
    assert sheet.as_pixels(image).shape == (image.height, image.width, 3)
