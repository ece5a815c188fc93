"""How BlurHash and ThumbHash are painted: small, for their receiver to enlarge."""

from __future__ import annotations

from collections.abc import Sequence

import blurhash
import numpy as np
from numpy.typing import NDArray

from limner.image import Pixels

SIDE_PX = 48  # BlurHash and ThumbHash know no more than a picture of this size shows


def small_size(width_px: int, height_px: int, side_px: int = SIDE_PX) -> tuple[int, int]:
    """Width and height of a picture with its longer side at ``side_px``."""
    factor = side_px / max(width_px, height_px)
    return max(1, round(width_px * factor)), max(1, round(height_px * factor))


def from_blurhash(code: bytes, width_px: int, height_px: int) -> Pixels:
    """Paint a BlurHash, one byte a character, at a size."""
    return np.array(blurhash.decode(code.decode("ascii"), width_px, height_px), np.uint8)


def from_thumbhash(code: Sequence[int], width_px: int, height_px: int) -> Pixels:
    """Paint an opaque ThumbHash at a size.

    Source: Wallace 2023, ThumbHash. (The package's own decoder does not begin anew with each pixel.)
    """
    head = int.from_bytes(bytes(code[:5]), "little")
    landscape, short = head >> 39, head >> 24 & 7
    across, down = (7, max(3, short)) if landscape else (max(3, short), 7)
    nibbles = [byte >> shift & 15 for byte in code[5:] for shift in (0, 4)]
    planes = []
    for size, mean, scale in (
        ((across, down), (head & 63) / 63, (head >> 18 & 31) / 31),
        ((3, 3), (head >> 6 & 63) / 31.5 - 1, 1.25 * (head >> 27 & 63) / 63),
        ((3, 3), (head >> 12 & 63) / 31.5 - 1, 1.25 * (head >> 33 & 63) / 63),
    ):
        places = [(x, y) for y in range(size[1]) for x in range(size[0]) if x + y and x * size[1] < size[0] * (size[1] - y)]
        plane = np.full((height_px, width_px), mean)
        for x, y in places:
            wave = 2 * np.outer(cosine(y, height_px), cosine(x, width_px))
            plane += (nibbles.pop(0) / 7.5 - 1) * scale * wave
        planes.append(plane)
    light, blueish, reddish = planes
    blue = light - 2 / 3 * blueish
    red = (3 * light - blue + reddish) / 2
    shown: Pixels = np.rint(255 * np.clip(np.stack([red, red - reddish, blue], -1), 0, 1)).astype(np.uint8)
    return shown


def cosine(waves: int, size_px: int) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.cos(np.pi / size_px * waves * (np.arange(size_px) + 0.5))
    return wave
