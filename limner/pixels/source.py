"""Picture files as strips of sRGB uint8: decoded as they are read by libvips, or once into memory by Pillow.

    source -> opened -> size check -+-> Pillow: decode --------+--> piece -> upright -> flat (colours) -> strip
                                    +-> libvips, if it is here,+
                                        large files alone

Nothing is decoded before the size in the file's head has been compared with the limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from limner.pixels import opened
from limner.pixels.colours import WHITE, Colours
from limner.pixels.opened import MAX_PIXELS, as_image_errors, check_size, name_of
from limner.pixels.strips import Held, Pixels, Strips, strip_rows
from limner.pixels.vips import LARGE_PX, may_stream, streamed

# Frames of these belong together and are not a film: the first one is the picture.
_ONE_PICTURE = ("MPO", "PSD")
ORIENTATION = 0x0112  # a tag of EXIF

Box = tuple[int, int, int, int]


class Grid(Protocol):
    """The pixels of a picture as they are stored."""

    def piece(self, box: Box) -> Image.Image:
        """Those in left, top, right, bottom. Boxes are asked for in the order of the upright picture's rows."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What Pillow has decoded."""

    image: Image.Image

    def piece(self, box: Box) -> Image.Image:
        return self.image.crop(box)


@dataclass(frozen=True)
class Turn:
    """How a stored picture is turned upright. across: its columns become rows. back: the first rows are its last."""

    method: Image.Transpose
    across: bool
    back: bool

    @property
    def in_order(self) -> bool:
        """Whether the upright picture needs the stored rows from the top."""
        return not (self.across or self.back)


TURNS = {
    2: Turn(Image.Transpose.FLIP_LEFT_RIGHT, across=False, back=False),
    3: Turn(Image.Transpose.ROTATE_180, across=False, back=True),
    4: Turn(Image.Transpose.FLIP_TOP_BOTTOM, across=False, back=True),
    5: Turn(Image.Transpose.TRANSPOSE, across=True, back=False),
    6: Turn(Image.Transpose.ROTATE_270, across=True, back=False),
    7: Turn(Image.Transpose.TRANSVERSE, across=True, back=True),
    8: Turn(Image.Transpose.ROTATE_90, across=True, back=True),
}
"""By EXIF orientation."""


@dataclass(frozen=True, eq=False)
class PictureFile:
    """A picture that is read by strips. stored_px: width and height before it is turned. grid: begins to read it anew."""

    name: str
    stored_px: tuple[int, int]
    turn: Turn | None
    colours: Colours
    grid: Callable[[], Grid]
    notes: list[str] = field(default_factory=list)

    @property
    def width_px(self) -> int:
        return self.stored_px[1 if self.turn and self.turn.across else 0]

    @property
    def height_px(self) -> int:
        return self.stored_px[0 if self.turn and self.turn.across else 1]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know about how it was read: all of it once it has been read."""
        return tuple(f"{self.name}: {note}" for note in dict.fromkeys(self.notes))

    def __iter__(self) -> Iterator[Pixels]:
        grid = self.grid()
        rows = strip_rows(self.width_px)
        for first in range(0, self.height_px, rows):
            with as_image_errors(self.name, self.notes):
                piece = grid.piece(self.box(first, min(self.height_px, first + rows)))
                strip = self.colours.flat(piece.transpose(self.turn.method) if self.turn else piece, self.notes)
            yield strip

    def box(self, first: int, last: int) -> Box:
        """Where rows first..last of the upright picture are stored."""
        width, height = self.stored_px
        low, high = (self.height_px - last, self.height_px - first) if self.turn and self.turn.back else (first, last)
        return (low, 0, high, height) if self.turn and self.turn.across else (0, low, width, high)


def read(
    source: opened.Source | PictureFile,
    *,
    max_pixels: int = MAX_PIXELS,
    background: tuple[int, int, int] = WHITE,
    name: str | None = None,
    stream: bool = True,
) -> Strips:
    """Open a picture, as ``limner.image.load`` does, to be read by strips.

    ``stream``: use libvips, if it is here, for a large file that it can read as it goes; without, Pillow holds the whole of it
    in memory, at up to four bytes a pixel. An array (h, w, 3), and what was opened before, are taken as they are. Raises
    ImageError.
    """
    if isinstance(source, PictureFile):
        return source
    if isinstance(source, np.ndarray) and source.dtype == np.uint8 and source.shape[2:] == (3,) and source.size:
        with as_image_errors(name or "array", []):
            check_size(source.shape[1], source.shape[0], max_pixels)
            Colours(None, background)
        return Held(source)
    return read_file(source, max_pixels, background, name or name_of(source), stream)


def read_file(
    source: opened.Source, max_pixels: int, background: tuple[int, int, int], name: str, stream: bool
) -> PictureFile:
    """The same of what Pillow opens."""
    notes: list[str] = []
    with as_image_errors(name, notes), opened.opened(source) as image:
        Colours(None, background)
        check_size(*image.size, max_pixels)
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format not in _ONE_PICTURE:
            notes.append(f"{frames} frames: only the first is read")
        turn, grid = None, None
        large = image.width * image.height >= LARGE_PX
        if stream and isinstance(source, str | os.PathLike) and large and may_stream(Path(source), image):
            turn = turn_of(image, notes)
            grid = streamed(Path(source), image, in_order=turn is None or turn.in_order)
        if grid is None:
            image.load()
            # Some readers know it only then, others have turned the picture by themselves.
            turn = turn_of(image, notes)
        colours = Colours(image.info.get("icc_profile"), background)
        return PictureFile(name, image.size, turn, colours, grid or (lambda: Decoded(image)), notes)


def turn_of(image: Image.Image, notes: list[str]) -> Turn | None:
    """How a picture is turned upright, None if it is."""
    try:
        # That of PNG would decode the whole picture first, for what may stand behind it.
        return TURNS.get(Image.Image.getexif(image).get(ORIENTATION, 1))
    except opened.FAULTS:
        notes.append("the orientation in the metadata cannot be read")
        return None
