"""What people send when a picture may take a hundred bytes: BlurHash, ThumbHash, the best WebP thumbnail.

Each makes of a picture (h, w, 3) the best it can within a number of bytes, and the picture that its receiver shows.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import blurhash
import numpy as np
import thumbhash
from numpy.typing import NDArray
from PIL import Image

from limner.bench.baselines import FILTERS, best_file
from limner.bench.metrics import psnr_db
from limner.image import Pixels

SIDE_PX = 48  # BlurHash and ThumbHash know no more than a picture of this size shows
MOST_COMPONENTS = 9
THUMBNAIL_SIDES_PX = (8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96)
UPS = ("bicubic", "lanczos")


@dataclass(frozen=True)
class Thumb:
    """One thumbnail: how it was made, its length, what is shown of it, and how near that is."""

    setting: str
    bytes: int
    picture: Pixels
    psnr_db: float


def best_blurhash(picture: Pixels, budget_bytes: int) -> Thumb | None:
    """The BlurHash (one byte a character) of the numbers of components that serve the picture best."""
    small = np.asarray(shrunk(picture, SIDE_PX))
    found = []
    for across, down in components(budget_bytes, picture.shape[1] / picture.shape[0]):
        text = blurhash.encode(small, across, down)
        shown = np.array(blurhash.decode(text, small.shape[1], small.shape[0]), np.uint8)
        found.append(seen(picture, f"{across}x{down}", len(text), Image.fromarray(shown)))
    return max(found, key=lambda thumb: thumb.psnr_db, default=None)


def components(budget_bytes: int, aspect: float) -> Iterator[tuple[int, int]]:
    """For each number of components across, as many down as fit (4 + 2 n characters), if that suits the aspect at all."""
    most = (budget_bytes - 4) // 2
    for across in range(1, MOST_COMPONENTS + 1):
        down = min(most // across, MOST_COMPONENTS)
        if down >= 1 and 0.4 < across / down / aspect < 2.5:
            yield across, down


def best_thumbhash(picture: Pixels, budget_bytes: int) -> Thumb | None:
    """The ThumbHash, whose length is not for its user to choose."""
    small = shrunk(picture, SIDE_PX)
    opaque = np.asarray(small.convert("RGBA"))
    code = thumbhash.rgba_to_thumb_hash(small.width, small.height, opaque.reshape(-1).tolist())
    if len(code) > budget_bytes:
        return None
    return seen(picture, "thumbhash", len(code), Image.fromarray(from_thumbhash(code, small.width, small.height)))


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


def best_webp(picture: Pixels, budget_bytes: int) -> Thumb | None:
    """The WebP file of the size and quality that serve best."""
    found = []
    for side in THUMBNAIL_SIDES_PX:
        coded = best_file("webp", shrunk(picture, side), budget_bytes)
        if coded is not None:
            quality, blob = coded
            found.append(seen(picture, f"{side} px q{quality}", len(blob), Image.open(io.BytesIO(blob)).convert("RGB")))
    return max(found, key=lambda thumb: thumb.psnr_db, default=None)


THUMBS: dict[str, Callable[[Pixels, int], Thumb | None]] = {
    "blurhash": best_blurhash,
    "thumbhash": best_thumbhash,
    "webp": best_webp,
}


def shrunk(picture: Pixels, side_px: int) -> Image.Image:
    """The picture with its longer side at ``side_px``."""
    image = Image.fromarray(picture)
    factor = side_px / max(image.size)
    return image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))), Image.Resampling.BOX)


def seen(picture: Pixels, setting: str, size_bytes: int, shown: Image.Image) -> Thumb:
    """A thumbnail enlarged by the filter that serves it best."""
    size = picture.shape[1], picture.shape[0]
    ways = [np.asarray(shown.resize(size, FILTERS[up]), np.uint8) for up in UPS]
    figures = [psnr_db(picture, way, peak=255.0) for way in ways]
    best = int(np.argmax(figures))
    return Thumb(f"{setting} {UPS[best]}", size_bytes, ways[best], figures[best])
