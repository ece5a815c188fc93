"""One picture at any size: shrunk where it is large enough, mirrored outwards where it is not.

Enlarging would make a picture smooth, and smooth pictures are quicker to code; a mirrored one is as rough as it was.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.errors import LimnerError
from limner.image import Pixels

MADE_PX = 768, 512
LEAVES = 2500
LEAST_PX, MOST_PX = 6.0, 160.0
GRAIN = 2.5  # standard deviation, of 0..255


@dataclass(frozen=True, eq=False)
class Source:
    """The picture (h, w, 3) that all sizes are made from, and a word on it."""

    pixels: Pixels
    words: str

    def at(self, width_px: int, height_px: int) -> Pixels:
        """(height, width, 3) of it."""
        height, width = self.pixels.shape[:2]
        scale = max(width_px / width, height_px / height)
        if scale > 1:
            below, right = max(0, height_px - height), max(0, width_px - width)
            large = np.pad(self.pixels, ((0, below), (0, right), (0, 0)), mode="symmetric")
            return np.ascontiguousarray(large[:height_px, :width_px])
        rows, columns = min(height, round(height_px / scale)), min(width, round(width_px / scale))
        top, left = (height - rows) // 2, (width - columns) // 2
        return image.resize(self.pixels[top : top + rows, left : left + columns], width_px, height_px)


def given(pixels: Pixels) -> Source:
    """A photograph. Nothing but its size and hash is told."""
    height, width = pixels.shape[:2]
    sha256 = hashlib.sha256(f"{width} {height}\n".encode() + pixels.tobytes()).hexdigest()
    return Source(pixels, f"a photograph that was given, {width} x {height} px, SHA-256 of its pixels {sha256[:16]}")


def made() -> Source:
    """A picture that needs no file."""
    return Source(leaves(*MADE_PX), "{} x {} px of dead leaves, made by the project".format(*MADE_PX))


def leaves(width_px: int, height_px: int, count: int = LEAVES) -> Pixels:
    """Discs that lie over each other, their radii by the inverse cube, shaded, with grain: the edges and scales of photographs.

    Source: Lee, Mumford and Huang 2001, *Occlusion models for natural images*.
    """
    # The stream of RandomState never changes.
    random = np.random.RandomState(0)
    radii = 1 / np.sqrt(1 / LEAST_PX**2 - random.random_sample(count) * (1 / LEAST_PX**2 - 1 / MOST_PX**2))
    places = random.random_sample((count, 2)) * (height_px, width_px)
    colours = 60 + 120 * random.random_sample((count, 1)) + 50 * (random.random_sample((count, 3)) - 0.5)
    slopes = 60 * (random.random_sample((count, 2)) - 0.5)
    found = np.full((height_px, width_px, 3), 128.0)
    for radius, place, colour, slope in zip(radii, places, colours, slopes, strict=True):
        lay(found, radius, place, colour, slope)
    found += GRAIN * random.standard_normal((height_px, width_px, 1))
    pixels: Pixels = np.clip(np.rint(found), 0, 255).astype(np.uint8)
    return pixels


Floats = NDArray[np.float64]


def lay(picture: Floats, radius: float, place: Floats, colour: Floats, slope: Floats) -> None:
    """Lay a disc over a picture."""
    low = np.maximum(0, np.floor(place - radius)).astype(int)
    high = np.minimum(picture.shape[:2], np.ceil(place + radius) + 1).astype(int)
    down, right = np.ogrid[low[0] : high[0], low[1] : high[1]]
    down, right = (down - place[0]) / radius, (right - place[1]) / radius
    shaded = colour + (slope[0] * down + slope[1] * right)[..., None]
    window = picture[low[0] : high[0], low[1] : high[1]]
    window[:] = np.where((down**2 + right**2 <= 1)[..., None], shaded, window)


def sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Read sizes as ``WxH``, with commas between. Raises LimnerError."""
    found = []
    for one in text.replace(",", " ").split():
        read = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", one)
        if read is None or int(read[1]) * int(read[2]) > image.MAX_PIXELS:
            raise LimnerError(f"a size is WIDTHxHEIGHT in pixels, as 768x512, at most {image.MAX_PIXELS} of them, not {one!r}")
        found.append((int(read[1]), int(read[2])))
    if not found:
        raise LimnerError("no sizes: give some, as 64x64,768x512")
    return tuple(dict.fromkeys(found))
