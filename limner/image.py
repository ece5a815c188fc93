"""Picture files <-> sRGB uint8 (h, w, 3), whole and in memory; pad and crop as inverse pairs.

    file --pixels.source--> strips -> Picture           pixels -> save, to_file
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limner.atomic import write_atomic
from limner.errors import ImageError
from limner.pixels import png
from limner.pixels.colours import WHITE as WHITE
from limner.pixels.opened import FAULTS, one_line
from limner.pixels.opened import MAX_PIXELS as MAX_PIXELS
from limner.pixels.opened import Pixels as Pixels
from limner.pixels.opened import Source as Source
from limner.pixels.resample import resize as resize
from limner.pixels.source import PictureFile, read
from limner.pixels.strips import Held, Padded, Strips, check_pixels, joined

# What pictures are written as.
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_DESCRIPTION = 0x010E  # a tag of EXIF


@dataclass(frozen=True, eq=False)
class Picture:
    """Hold a picture: ``pixels`` (h, w, 3) uint8 sRGB 0..255, and what a user should know about how it was read.

    Raises ImageError unless the array has that form and at least one pixel.
    """

    pixels: Pixels
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_pixels(self.pixels)


def load(
    source: Source, *, max_pixels: int = MAX_PIXELS, background: tuple[int, int, int] = WHITE, name: str | None = None
) -> Picture:
    """Read a picture as a person expects to see it.

    ``source``: a path, the bytes of a file, an open binary file, a Pillow image, or a uint8 array (h, w), (h, w, 3) or
    (h, w, 4). ``max_pixels``: the most pixels to decode. ``background``: sRGB 0..255 behind what is transparent.
    ``name``: what to call the source in errors.

    Raises ImageError in one line that names the source: no such file, not a picture, cut off, or over the limit.
    """
    found = read(source, max_pixels=max_pixels, background=background, name=name, stream=False)
    if isinstance(found, PictureFile):
        return Picture(joined(found), found.warnings)
    return Picture(joined(found).copy())


def pad(pixels: Pixels, multiple: int) -> Pixels:
    """Grow (h, w, 3) to sides that are multiples of ``multiple`` by repeating the right column and the bottom row.

    `crop` to the old size undoes it.
    """
    return joined(Padded(Held(pixels), multiple))


def crop(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Return the top left ``width_px`` x ``height_px`` of (h, w, 3) pixels. Raises ImageError if there are fewer."""
    if not (1 <= width_px <= pixels.shape[1] and 1 <= height_px <= pixels.shape[0]):
        raise ImageError(f"cannot cut {width_px} x {height_px} out of {pixels.shape[1]} x {pixels.shape[0]}")
    return pixels[:height_px, :width_px]


def save(pixels: Pixels, path: str | os.PathLike[str], *, notes: Mapping[str, str] | None = None) -> None:
    """Write (h, w, 3) uint8 sRGB as PNG, JPEG or lossless WebP, by the suffix of ``path``, whole or not at all.

    ``notes``: what to say in the file's metadata. Raises ImageError for another suffix, OSError from the disk.
    """
    write_atomic(path, to_file(pixels, Path(path).suffix, notes=notes))


def png_pieces(strips: Strips, notes: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a PNG file of a picture that is made by strips, in order."""
    return png.pieces(strips, [(name, data) for name, data, *_ in _text_chunks(notes).chunks])


def to_file(pixels: Pixels, suffix: str = ".png", *, notes: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes that `save` writes under a name with this suffix. Raises ImageError for another suffix."""
    check_pixels(pixels)
    kind = SUFFIXES.get(suffix.lower())
    if kind is None:
        raise ImageError(f"pictures are written as {', '.join(SUFFIXES)}, not {suffix or 'without a suffix'}")
    image, stream = Image.fromarray(pixels), io.BytesIO()
    try:
        if kind == "PNG":
            image.save(stream, kind, pnginfo=_text_chunks(notes or {}))
        elif kind == "JPEG":
            image.save(stream, kind, quality=95, subsampling=0, exif=_description(notes or {}))
        else:
            image.save(stream, kind, lossless=True, exif=_description(notes or {}))
    except FAULTS as error:
        raise ImageError(f"cannot be written as {kind}: {one_line(error)}") from error
    return stream.getvalue()


def _text_chunks(notes: Mapping[str, str]) -> PngInfo:
    chunks = PngInfo()
    for key, value in notes.items():
        chunks.add_text(key, value)
    return chunks


def _description(notes: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    if notes:
        exif[_DESCRIPTION] = "; ".join(f"{key}: {value}" for key, value in notes.items())
    return exif
