"""libvips as a reader of large files: rows are decoded as they are asked for (``limner[big]``).

It decodes and nothing more: colours, transparency and orientation are treated as those of any other picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from limner.extras import need
from limner.pixels.png import names_behind_pixels

LARGE_PX = 1 << 24
"""Pictures of fewer pixels are as well in memory."""
# Pillow's name of a format -> the loader, and the modes that it decodes to the same pixels. Left out: TIFF, of which libtiff
# takes a file that was cut for a whole one.
LOADERS: Mapping[str, tuple[str, frozenset[str]]] = {
    "JPEG": ("jpegload", frozenset({"L", "RGB"})),
    "MPO": ("jpegload", frozenset({"L", "RGB"})),
    "PNG": ("pngload", frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})),
}
# Bands of eight bits -> Pillow's mode.
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# Chunks of PNG that may say how the picture is turned.
TURNING = {b"eXIf", b"zTXt", b"iTXt"}
LEVELS = {"uchar": "uint8", "ushort": "uint16"}


@dataclass(frozen=True, eq=False)
class Region:
    """An opened file. region: pyvips' own. levels: NumPy's name of the type of a sample. fault: what pyvips raises."""

    region: Any
    size_px: tuple[int, int]
    bands: int
    levels: str
    fault: type[Exception]

    def piece(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Pixels in left, top, right, bottom. OSError for a damaged file."""
        left, top, right, bottom = box
        try:
            data = self.region.fetch(left, top, right - left, bottom - top)
        except self.fault as error:
            raise OSError(str(error)) from error
        pixels = np.frombuffer(data, self.levels).reshape(bottom - top, right - left, self.bands)
        if self.levels == "uint8":
            return Image.fromarray(pixels[:, :, 0] if self.bands == 1 else pixels, MODES[self.bands])
        # As Pillow reads them: grey as it is, of colours the upper half.
        return Image.fromarray(pixels[:, :, 0]) if self.bands == 1 else Image.fromarray((pixels >> 8).astype(np.uint8))


def may_stream(path: Path, image: Image.Image) -> bool:
    """Whether libvips is here and reads a file as Pillow does. ``image``: its head, which has to say all there is to say."""
    _, modes = LOADERS.get(image.format or "", ("", frozenset[str]()))
    if image.mode not in modes or find_spec("pyvips") is None:
        return False
    return image.format != "PNG" or not TURNING & names_behind_pixels(path)


def streamed(path: Path, image: Image.Image, *, in_order: bool) -> Callable[[], Region] | None:
    """What begins to read a file; None if libvips does not read it after all.

    ``in_order``: rows are asked for from the top; else libvips puts what it decodes into a temporary file.
    """
    loader, _ = LOADERS[image.format or ""]
    begin = partial(region, path, loader, "sequential" if in_order else "random")
    try:
        return begin if begin().size_px == image.size else None
    except OSError:  # Pillow may read it yet, or says what is wrong with it.
        return None


def region(path: Path, loader: str, access: str) -> Region:
    """Begin to read a file. OSError for one that libvips does not read, or whose samples have neither 8 nor 16 bits."""
    pyvips = need("pyvips", extra="big")
    # Else every file that was ever opened, and the rows of it that were read last, would be kept for another time.
    pyvips.cache_set_max(0)
    try:
        image = getattr(pyvips.Image, loader)(os.fspath(path), access=access, fail_on="truncated")
    except pyvips.Error as error:
        raise OSError(str(error)) from error
    if image.format not in LEVELS or image.bands not in MODES:
        raise OSError(f"{image.bands} bands of {image.format}")
    return Region(pyvips.Region.new(image), (image.width, image.height), image.bands, LEVELS[image.format], pyvips.Error)
