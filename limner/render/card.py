"""A card in place of a picture that cannot be painted here: the sketch and the words, marked as a preview.

    sketch (h, w) 0..1 --> dark lines on paper, as large as the card allows --+
    words ------------------------------------> lines that fit below it ------+--> (H, W, 3) with a band that says PREVIEW

The font is Pillow's own, which has Latin letters; others show as boxes.
"""

from __future__ import annotations

import textwrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

LEAST_PX, MOST_PX = 320, 1024  # of the longer side of what stands above the words
PAPER, INK, BAND = (250, 248, 240), (40, 40, 46), (188, 60, 40)
MARK = "PREVIEW: what was sent, not a picture"
FONT_PX, LINE_PX, MARGIN_PX = 18, 26, 14
LETTER_PX = 9.5  # mean width of a letter of the font
MOST_LINES = 40


def card(words: str, sketch: Floats | None, width_px: int, height_px: int) -> Pixels:
    """words, and a sketch (h, w) of 0..1 or None, of a picture of so many pixels -> the card (H, W, 3)."""
    width, height = shown_px(width_px, height_px)
    lines = wrapped(words, width)
    below = 2 * MARGIN_PX + LINE_PX * len(lines)
    page = Image.new("RGB", (width, LINE_PX + height + below), PAPER)
    if sketch is not None:
        page.paste(Image.fromarray(inked(sketch)).resize((width, height), Image.Resampling.BICUBIC), (0, LINE_PX))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(FONT_PX)
    draw.rectangle((0, 0, width, LINE_PX - 1), fill=BAND)
    draw.text((MARGIN_PX, 3), MARK, fill=PAPER, font=font)
    if sketch is None:
        draw.text((MARGIN_PX, LINE_PX + height // 2), "(no sketch was sent)", fill=INK, font=font)
    for number, line in enumerate(lines):
        draw.text((MARGIN_PX, LINE_PX + height + MARGIN_PX + number * LINE_PX), line, fill=INK, font=font)
    return np.asarray(page)


def shown_px(width_px: int, height_px: int) -> tuple[int, int]:
    """The picture's proportions at a size that is neither tiny nor huge; a strip is not narrower than the least."""
    longer = max(width_px, height_px)
    wanted = min(max(longer, LEAST_PX), MOST_PX)
    width, height = (max(1, round(side * wanted / longer)) for side in (width_px, height_px))
    return max(width, LEAST_PX), max(height, LINE_PX)


def wrapped(words: str, width_px: int) -> list[str]:
    """Words as lines that fit; of a long text the beginning. What could disturb is shown escaped."""
    plain = "".join(char if char.isprintable() else " " for char in words)
    lines = textwrap.wrap(plain, max(8, int((width_px - 2 * MARGIN_PX) / LETTER_PX))) or ["(no words were sent)"]
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], "..."]


def inked(sketch: Floats) -> Pixels:
    """A sketch (h, w) as ink on paper (h, w, 3)."""
    part = np.clip(sketch, 0, 1).astype(np.float32)[..., None]
    mixed: Floats = (1 - part) * np.array(PAPER, np.float32) + part * np.array(INK, np.float32)
    return np.rint(mixed).astype(np.uint8)
