"""The masks layer: where each object is, on a grid over the picture.

    head    1 byte    bits 7..5: log2 of the cell in px (0 .. 7); bits 4..0: number of masks (0 .. 16; others unassigned)
    masks   the rest  range coded, one after the other (absent when there are none): one adaptive bit, 1 for a rectangle;
                      a rectangle: top, height-1, left, width-1, each uniform over what is left of the grid;
                      else its pixels as a bitmap, over the union of the masks before it

The grid has ceil(height / cell) rows and ceil(width / cell) columns. A filled rectangle is always sent as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from limner.entropy.adaptive import Contexts
from limner.entropy.bitmap import Bitmap, code_bitmap, contexts
from limner.entropy.coder import Coder, Reader, Writer
from limner.entropy.tables import uniform
from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, TruncatedError
from limner.layers.layer import MOST_CELLS

MOST_MASKS = 16
MOST_SIDE = 4096
"""Limits of the format: masks of a layer, cells along a side of the grid."""


@dataclass(frozen=True, eq=False)
class Masks:
    """Hold up to 16 ``masks``, bool arrays (rows, columns) of one shape, on a grid of ``cell_px`` (1, 2, 4 .. 128).

    Equality is by the arrays. Raises EncodeError for what the format cannot carry.
    """

    name: ClassVar[str] = "masks"
    cell_px: int = 8
    masks: tuple[Bitmap, ...] = ()

    def __post_init__(self) -> None:
        if self.cell_px not in (1, 2, 4, 8, 16, 32, 64, 128):
            raise EncodeError("a cell is 1, 2, 4 .. 128 px")
        if len(self.masks) > MOST_MASKS:
            raise EncodeError(f"there are at most {MOST_MASKS} masks")
        held = tuple(np.array(mask) for mask in self.masks)
        for mask in held:
            if mask.dtype != np.bool_ or mask.ndim != 2 or mask.size == 0 or mask.shape != held[0].shape:
                raise EncodeError("masks are bool arrays (rows, columns) of one shape")
            mask.flags.writeable = False
        if held and not _carried(held[0].shape[0], held[0].shape[1], len(held), MOST_CELLS):
            raise EncodeError("the masks have more cells than the format carries: take a larger cell")
        object.__setattr__(self, "masks", held)

    @property
    def cells(self) -> int:
        """How many cells all masks have together."""
        return sum(mask.size for mask in self.masks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Masks):
            return NotImplemented
        same = self.cell_px == other.cell_px and len(self.masks) == len(other.masks)
        return same and all(np.array_equal(a, b) for a, b in zip(self.masks, other.masks, strict=True))

    def __hash__(self) -> int:
        return hash((self.cell_px, *((mask.shape, mask.tobytes()) for mask in self.masks)))


def fit(masks: Sequence[NDArray[np.bool_]], cell_px: int = 8) -> Masks:
    """Put masks of the picture's size (height, width) on the grid: a cell is in when more than half of its pixels are."""
    if cell_px < 1:
        raise EncodeError("a cell is at least 1 px")
    return Masks(cell_px, tuple(majority(np.asarray(mask, dtype=np.bool_), cell_px) for mask in masks))


def write(layer: Masks) -> bytes:
    """Write the body."""
    head = bytes([(layer.cell_px.bit_length() - 1) << 5 | len(layer.masks)])
    if not layer.masks:
        return head
    writer = Writer()
    _code_masks(writer, layer.masks)
    return head + writer.finish()


def read(body: bytes, width_px: int, height_px: int, most_cells: int = MOST_CELLS) -> Masks:
    """Read a body for a picture of that size; DecodeError for what ``write`` does not produce.

    ``most_cells``: what the layers before it leave of the limit.
    """
    if not body:
        raise TruncatedError("a masks layer has a head", offset=0, field="head")
    cell_px, count = 1 << (body[0] >> 5), body[0] & 31
    if count > MOST_MASKS:
        raise InvalidFieldError(f"{count} masks are not assigned", offset=0, field="head")
    rows, columns = -(-height_px // cell_px), -(-width_px // cell_px)
    if count and not _carried(rows, columns, count, most_cells):
        raise LimitError(f"{count} masks of {rows} x {columns} cells go over the limit", offset=0, field="head")
    reader, blank = Reader(body[1:]), np.zeros((rows, columns) if count else (1, 1), np.bool_)
    try:
        coded = _code_masks(reader, [blank] * count)
        reader.finish()
    except DamagedError as error:
        raise DamagedError("the masks are not what a writer writes", offset=1, field="masks") from error
    return Masks(cell_px, tuple(coded))


def expand(layer: Masks, width_px: int, height_px: int) -> NDArray[np.bool_]:
    """Give the masks at the picture's size: bool (masks, height, width)."""
    full = np.zeros((len(layer.masks), height_px, width_px), np.bool_)
    for out, mask in zip(full, layer.masks, strict=True):
        if mask.shape != (-(-height_px // layer.cell_px), -(-width_px // layer.cell_px)):
            raise EncodeError("the masks are not on the grid of a picture of this size")
        wide = mask.repeat(layer.cell_px, axis=0).repeat(layer.cell_px, axis=1)
        out[:] = wide[:height_px, :width_px]
    return full


def _carried(rows: int, columns: int, count: int, most_cells: int) -> bool:
    return max(rows, columns) <= MOST_SIDE and rows * columns * count <= most_cells


def _code_masks(coder: Coder, masks: Sequence[Bitmap]) -> list[Bitmap]:
    kinds, states = Contexts.fresh(1), contexts("masks")
    under = np.zeros_like(masks[0]) if masks else np.zeros((1, 1), np.bool_)
    coded = []
    for mask in masks:
        if kinds.code(coder, 0, int(is_rectangle(mask))):
            mask = _code_rectangle(coder, mask)
        else:
            mask = code_bitmap(coder, states, mask, under)
            if is_rectangle(mask):
                raise DamagedError("a rectangle is sent as one", offset=0, field="masks")
        under = under | mask
        coded.append(mask)
    return coded


def is_rectangle(mask: Bitmap) -> bool:
    """Say whether a mask is one filled rectangle."""
    return bool(mask.any()) and bool(mask[_span(_rows(mask)), _span(_columns(mask))].all())


def _code_rectangle(coder: Coder, mask: Bitmap) -> Bitmap:
    coded = np.zeros_like(mask)
    # The rows are coded first: Python evaluates from left to right.
    coded[_code_span(coder, _rows(mask)), _code_span(coder, _columns(mask))] = True
    return coded


def _code_span(coder: Coder, line: Bitmap) -> slice:
    # A Reader codes nothing true: any numbers do.
    span = _span(line) if line.any() else slice(0, 1)
    start = _code_number(coder, span.start, line.size)
    more = _code_number(coder, span.stop - span.start - 1, line.size - start)
    return slice(start, start + more + 1)


def _code_number(coder: Coder, number: int, count: int) -> int:
    return int(coder.code(np.array([number], np.int32), uniform(count))[0])


def _rows(mask: Bitmap) -> Bitmap:
    used: Bitmap = np.logical_or.reduce(mask, axis=1)
    return used


def _columns(mask: Bitmap) -> Bitmap:
    used: Bitmap = np.logical_or.reduce(mask, axis=0)
    return used


def _span(line: Bitmap) -> slice:
    """Give from the first to the last true element (there must be one)."""
    places = np.flatnonzero(line)
    return slice(int(places[0]), int(places[-1]) + 1)


def majority(mask: Bitmap, cell_px: int) -> Bitmap:
    """Put one mask (height, width) on a grid of any ``cell_px`` >= 1: cells of which more than half is in."""
    if mask.ndim != 2 or mask.size == 0:
        raise EncodeError("a mask is an array (height, width)")
    starts = [np.arange(0, side, cell_px) for side in mask.shape]
    inside = np.add.reduceat(np.add.reduceat(mask.astype(np.int64), starts[0], axis=0), starts[1], axis=1)
    sides = [np.minimum(cell_px, side - start) for side, start in zip(mask.shape, starts, strict=True)]
    more: Bitmap = 2 * inside > np.multiply.outer(sides[0], sides[1])
    return more
