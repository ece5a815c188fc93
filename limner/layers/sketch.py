"""The sketch layer: lines on a grid over the picture, or a soft map of them, in a coding that the layer names.

rows - 1     varint    0 .. 4095
columns - 1  varint    0 .. 4095
coding       1 byte    0: lines or no lines, as a bitmap, range coded
                       1: a map, as the latents of miniature's family; 2: a map, as those of a codec with a hyperprior
payload      the rest; of a map the model id of the weights (2 bytes), then a latent body

A map is a grey picture of columns x rows pixels. Its payload says nothing without its weights, so it is carried here as it is;
``limner.systems.sketches`` makes and reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from limner.entropy.bitmap import Bitmap, code_bitmap, contexts
from limner.entropy.coder import Reader, Writer
from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, TruncatedError
from limner.layers.latent import LATENT_PX
from limner.layers.layer import MOST_CELLS, put_varint, take_varint

LINES, LATENT, HYPERLATENT = 0, 1, 2
CODINGS = (LINES, LATENT, HYPERLATENT)
MODEL_BYTES = 2
MOST_SIDE = 4096


@dataclass(frozen=True)
class Sketch:
    """Hold a sketch of ``rows`` by ``columns`` cells, or pixels of a map, as the ``payload`` of a ``coding``.

    Make one of lines by ``fit`` or ``draw``, one of a map by a codec of ``limner.systems.sketches``.
    """

    name: ClassVar[str] = "sketch"
    rows: int
    columns: int
    coding: int
    payload: bytes

    def __post_init__(self) -> None:
        if self.coding not in CODINGS:
            raise EncodeError(f"coding {self.coding} of sketches is not assigned")
        if not _carried(self.rows, self.columns, self.coding, MOST_CELLS):
            raise EncodeError(f"a sketch has 1 to {MOST_SIDE} rows and columns and at most {MOST_CELLS} cells")
        if self.coding != LINES and len(self.payload) < MODEL_BYTES:
            raise EncodeError("the payload of a map begins with the model id of its weights")

    @property
    def cells(self) -> int:
        """How much of the limit it takes: cells of lines, latent positions of a map."""
        return _cells(self.rows, self.columns, self.coding)

    @property
    def model(self) -> bytes:
        """The model id of the weights that a map was made with; nothing for lines."""
        return b"" if self.coding == LINES else self.payload[:MODEL_BYTES]

    @property
    def payload_at(self) -> int:
        """Where in the body the payload begins."""
        return len(write(self)) - len(self.payload)


def fit(lines: NDArray[np.bool_], rows: int, columns: int) -> Sketch:
    """Put lines of the picture's size (height, width) on a grid: a cell is drawn when any of its pixels is."""
    if lines.ndim != 2 or not (0 < rows <= lines.shape[0] and 0 < columns <= lines.shape[1]):
        raise EncodeError("the grid of a sketch has at least one pixel of the picture in each cell")
    down, across = (np.arange(n) * side // n for n, side in zip((rows, columns), lines.shape, strict=True))
    drawn = np.logical_or.reduceat(np.logical_or.reduceat(lines.astype(np.bool_), down, axis=0), across, axis=1)
    return draw(drawn)


def draw(lines: Bitmap) -> Sketch:
    """Make the sketch of a bool array (rows, columns); EncodeError over the limits."""
    if lines.ndim != 2 or not _carried(lines.shape[0], lines.shape[1], LINES, MOST_CELLS):
        raise EncodeError(f"a sketch has 1 to {MOST_SIDE} rows and columns and at most {MOST_CELLS} cells")
    writer = Writer()
    code_bitmap(writer, contexts("sketch"), lines, np.zeros_like(lines))
    rows, columns = lines.shape
    return Sketch(rows, columns, LINES, writer.finish())


def lines(sketch: Sketch) -> Bitmap:
    """Give the lines (rows, columns) of a sketch; DamagedError where the payload is not what ``draw`` makes, EncodeError for a
    map."""
    if sketch.coding != LINES:
        raise EncodeError("this sketch is a map: the codec with its weights reads it")
    reader, blank = Reader(sketch.payload), np.zeros((sketch.rows, sketch.columns), np.bool_)
    drawn = code_bitmap(reader, contexts("sketch"), blank, blank)
    reader.finish()
    return drawn


def write(sketch: Sketch) -> bytes:
    """Write the body."""
    return put_varint(sketch.rows - 1) + put_varint(sketch.columns - 1) + bytes([sketch.coding]) + sketch.payload


def read(body: bytes, most_cells: int = MOST_CELLS) -> Sketch:
    """Read a body; DecodeError for what ``write`` does not produce. Of a map no more is judged than that its model id is there.

    ``most_cells``: what the layers before it leave of the limit.
    """
    rows, at = take_varint(body, 0, 12, "rows")
    columns, at = take_varint(body, at, 12, "columns")
    if at >= len(body):
        raise TruncatedError("a sketch has a coding byte", offset=at, field="coding")
    coding, payload = body[at], bytes(body[at + 1 :])
    if coding not in CODINGS:
        raise InvalidFieldError(f"coding {coding} of sketches is not assigned", offset=at, field="coding")
    if not _carried(rows + 1, columns + 1, coding, most_cells):
        raise LimitError(f"a sketch of {rows + 1} x {columns + 1} cells goes over the limit", offset=0, field="rows")
    if coding != LINES and len(payload) < MODEL_BYTES:
        raise TruncatedError("the map of a sketch names its weights in two bytes", offset=len(body), field="sketch model")
    sketch = Sketch(rows + 1, columns + 1, coding, payload)
    if coding == LINES:
        _check_lines(sketch, at + 1)
    return sketch


def _check_lines(sketch: Sketch, at: int) -> None:
    try:
        lines(sketch)
    except DamagedError as error:
        raise DamagedError("the sketch is not what a writer writes", offset=at, field="payload") from error


def expand(sketch: Sketch, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Give lines at the picture's size: uint8 (height, width), 255 where a line is, each pixel from its cell."""
    down = np.arange(height_px) * sketch.rows // height_px
    across = np.arange(width_px) * sketch.columns // width_px
    return np.where(lines(sketch)[np.ix_(down, across)], np.uint8(255), np.uint8(0))


def _cells(rows: int, columns: int, coding: int) -> int:
    return rows * columns if coding == LINES else -(-rows // LATENT_PX) * -(-columns // LATENT_PX)


def _carried(rows: int, columns: int, coding: int, most_cells: int) -> bool:
    return 1 <= rows <= MOST_SIDE and 1 <= columns <= MOST_SIDE and _cells(rows, columns, coding) <= most_cells
