"""What people send when a picture may take a hundred bytes: BlurHash, ThumbHash, the best WebP thumbnail.

Each makes of a picture (h, w, 3) the best it can within a number of bytes, and the picture that its receiver shows.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import blurhash
import numpy as np
import thumbhash
from PIL import Image

from limner.bench.baselines import FILTERS, best_file
from limner.bench.hashes import SIDE_PX, from_blurhash, from_thumbhash, small_size
from limner.bench.metrics import psnr_db
from limner.image import Pixels

MOST_COMPONENTS = 9
THUMBNAIL_SIDES_PX = (8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96)
UPS = ("bicubic", "lanczos")


@dataclass(frozen=True)
class Thumb:
    """One thumbnail: how it was made, what is sent, what is shown of it, and how near that is."""

    setting: str
    blob: bytes
    picture: Pixels
    psnr_db: float

    @property
    def bytes(self) -> int:
        return len(self.blob)


def best_blurhash(picture: Pixels, budget_bytes: int) -> Thumb | None:
    """The BlurHash (one byte a character) of the numbers of components that serve the picture best."""
    small = np.asarray(shrunk(picture, SIDE_PX))
    found = []
    for across, down in components(budget_bytes, picture.shape[1] / picture.shape[0]):
        text = blurhash.encode(small, across, down)
        shown = from_blurhash(text.encode(), small.shape[1], small.shape[0])
        found.append(seen(picture, f"{across}x{down}", text.encode(), Image.fromarray(shown)))
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
    return seen(picture, "thumbhash", bytes(code), Image.fromarray(from_thumbhash(code, small.width, small.height)))


def best_webp(picture: Pixels, budget_bytes: int) -> Thumb | None:
    """The WebP file of the size and quality that serve best."""
    found = []
    for side in THUMBNAIL_SIDES_PX:
        coded = best_file("webp", shrunk(picture, side), budget_bytes)
        if coded is not None:
            quality, blob = coded
            found.append(seen(picture, f"{side} px q{quality}", blob, Image.open(io.BytesIO(blob)).convert("RGB")))
    return max(found, key=lambda thumb: thumb.psnr_db, default=None)


THUMBS: dict[str, Callable[[Pixels, int], Thumb | None]] = {
    "blurhash": best_blurhash,
    "thumbhash": best_thumbhash,
    "webp": best_webp,
}


def shrunk(picture: Pixels, side_px: int) -> Image.Image:
    """The picture with its longer side at ``side_px``."""
    return Image.fromarray(picture).resize(small_size(picture.shape[1], picture.shape[0], side_px), Image.Resampling.BOX)


def seen(picture: Pixels, setting: str, blob: bytes, shown: Image.Image) -> Thumb:
    """A thumbnail enlarged by the filter that serves it best."""
    size = picture.shape[1], picture.shape[0]
    ways = [np.asarray(shown.resize(size, FILTERS[up]), np.uint8) for up in UPS]
    figures = [psnr_db(picture, way, peak=255.0) for way in ways]
    best = int(np.argmax(figures))
    return Thumb(f"{setting} {UPS[best]}", blob, ways[best], figures[best])
