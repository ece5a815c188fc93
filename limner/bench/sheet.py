"""A contact sheet: shelves of captioned panels, and a picture of a file's bytes in the colours of their owners."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from limner.container.explain import Report, Row
from limner.image import Pixels

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER, INK, SOFT, RULE = (250, 248, 243), (32, 35, 42), (112, 116, 125), (216, 211, 200)
OWNER_COLOURS: dict[str, Colour] = {
    "header": (196, 78, 58),
    "frame": (222, 148, 52),
    "check": (120, 94, 160),
    "latent": (44, 110, 145),
    "text": (62, 134, 86),
    "masks": (168, 92, 134),
    "sketch": (98, 104, 112),
    "choice": (180, 140, 60),
    "painter": (64, 128, 128),
}
OTHER_OWNER: Colour = (140, 140, 140)

PANEL_PX, GAP_PX, MARGIN_PX = 560, 28, 56
TALLEST = 1.25
"""A panel is at most this many times as high as wide."""
SMALLEST_HEX_CELL_PX = 15


@dataclass(frozen=True)
class Panel:
    """One picture with a heading over it, lines under it, and coloured names (a legend) under those."""

    heading: str
    image: Image.Image
    lines: tuple[str, ...] = ()
    legend: tuple[tuple[str, Colour], ...] = ()


@dataclass(frozen=True)
class Shelf:
    """Panels side by side under one title; ``note`` stands beside the title."""

    title: str
    note: str
    panels: tuple[Panel, ...]


def panel_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the size in which a picture of that size is shown."""
    factor = min(PANEL_PX / width_px, PANEL_PX * TALLEST / height_px)
    return max(1, round(width_px * factor)), max(1, round(height_px * factor))


def picture_image(pixels: Pixels) -> Image.Image:
    """Scale (h, w, 3) sRGB to the size of a panel."""
    image = Image.fromarray(pixels)
    return image.resize(panel_size(image.width, image.height), Image.Resampling.LANCZOS)


def blank_image(size: tuple[int, int], words: str) -> Image.Image:
    """Return an empty panel that says why it is empty."""
    image = Image.new("RGB", size, RULE)
    ImageDraw.Draw(image).text((size[0] / 2, size[1] / 2), words, INK, text_font(20), anchor="mm")
    return image


def owner_group(row: Row) -> str:
    """Return what a stretch of a file serves: header, frame (lead and length of a layer), check, or the layer's kind."""
    if row.owner == "header":
        return "header"
    if row.field == "check":
        return "check"
    return row.owner.split()[-1] if row.field == "body" else "frame"


def owner_bytes(report: Report) -> dict[str, int]:
    """Return how many bytes each group owns, in the order of the file; the counts add up to the file."""
    counts: dict[str, int] = {}
    for row in report.rows:
        counts[owner_group(row)] = counts.get(owner_group(row), 0) + row.length
    return counts


def bytes_image(blob: bytes, report: Report, size: tuple[int, int]) -> Image.Image:
    """Draw every byte as a cell: hue by owner, depth by value, in hexadecimal where there is room."""
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    owners = [owner_group(row) for row in report.rows for _ in range(row.length)]
    columns, cell = _grid(len(blob), size)
    font, side = text_font(cell * 0.52), max(0, cell - 2)
    for index, (value, owner) in enumerate(zip(blob, owners, strict=True)):
        left, top = index % columns * cell, index // columns * cell
        fill = _depth(OWNER_COLOURS.get(owner, OTHER_OWNER), value)
        draw.rectangle((left, top, left + side, top + side), fill)
        if cell >= SMALLEST_HEX_CELL_PX:
            ink = INK if sum(fill) > 400 else PAPER
            draw.text((left + (cell - 1) / 2, top + (cell - 1) / 2), f"{value:02x}", ink, font, anchor="mm")
    return image


def legend(report: Report) -> tuple[tuple[str, Colour], ...]:
    """Return the names and colours for ``bytes_image``, with the bytes of each."""
    return tuple((f"{name} {count}", OWNER_COLOURS.get(name, OTHER_OWNER)) for name, count in owner_bytes(report).items())


def sheet(title: str, subtitle: str, shelves: Sequence[Shelf]) -> Image.Image:
    """Draw title, subtitle and shelves one under the other."""
    panels = max(len(shelf.panels) for shelf in shelves)
    width = 2 * MARGIN_PX + panels * PANEL_PX + (panels - 1) * GAP_PX
    heights = [_shelf_height(shelf) for shelf in shelves]
    image = Image.new("RGB", (width, 150 + sum(heights) + MARGIN_PX), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN_PX, 44), title, INK, text_font(46))
    draw.text((MARGIN_PX, 104), subtitle, SOFT, text_font(22))
    top = 150
    for shelf, height in zip(shelves, heights, strict=True):
        _draw_shelf(image, draw, shelf, top)
        top += height
    return image


HEAD_PX, LINE_PX, LEGEND_PX = 116, 27, 34
"""Over the panels of a shelf; for each line under them; for a legend."""


def _shelf_height(shelf: Shelf) -> int:
    return HEAD_PX + max(panel.image.height for panel in shelf.panels) + _caption_height(shelf) + 20


def _caption_height(shelf: Shelf) -> int:
    return max(LINE_PX * len(panel.lines) + LEGEND_PX * bool(panel.legend) for panel in shelf.panels) + 14


def _draw_shelf(image: Image.Image, draw: ImageDraw.ImageDraw, shelf: Shelf, top: int) -> None:
    draw.line((MARGIN_PX, top + 12, image.width - MARGIN_PX, top + 12), RULE, 2)
    draw.text((MARGIN_PX, top + 26), shelf.title, INK, text_font(34))
    after = MARGIN_PX + draw.textlength(shelf.title, text_font(34)) + 20
    draw.text((after, top + 38), shelf.note, SOFT, text_font(21))
    deepest = max(panel.image.height for panel in shelf.panels)
    for left, panel in _places(shelf):
        draw.text((left, top + 80), panel.heading, SOFT, text_font(21))
        image.paste(panel.image, (left, top + HEAD_PX))
        below = top + HEAD_PX + deepest + 12
        for index, line in enumerate(panel.lines):
            draw.text((left, below + LINE_PX * index), line, SOFT if index else INK, text_font(20))
        _draw_legend(draw, panel, left, below + LINE_PX * len(panel.lines) + 4)


def _places(shelf: Shelf) -> Iterator[tuple[int, Panel]]:
    for index, panel in enumerate(shelf.panels):
        yield MARGIN_PX + index * (PANEL_PX + GAP_PX), panel


def _draw_legend(draw: ImageDraw.ImageDraw, panel: Panel, left: int, top: int) -> None:
    for name, colour in panel.legend:
        draw.rectangle((left, top + 4, left + 14, top + 18), colour)
        draw.text((left + 22, top), name, INK, text_font(19))
        left += 44 + round(draw.textlength(name, text_font(19)))


def _grid(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return columns and side of the largest square cells of which ``count`` fit."""
    cell = max(1, math.isqrt(size[0] * size[1] // max(1, count)))
    while cell > 1 and -(-count // (size[0] // cell)) * cell > size[1]:
        cell -= 1
    return max(1, size[0] // cell), cell


def _depth(colour: Colour, value: int) -> Colour:
    weight = 0.3 + 0.7 * value / 255
    red, green, blue = (round(paper + (channel - paper) * weight) for paper, channel in zip(PAPER, colour, strict=True))
    return red, green, blue


def text_font(size: float) -> Font:
    # The face that Pillow carries has no sign beyond Latin letters and the middle dot.
    return ImageFont.load_default(max(6, size))


def as_pixels(image: Image.Image) -> Pixels:
    """Return an image as (h, w, 3) uint8."""
    return np.asarray(image.convert("RGB"), dtype=np.uint8)
