"""Where a thing is, on the grids that a diffusion has: in exact numbers, the same on every machine.

    mask (h, w) of any size --covered--> share of each place of a grid (rows, columns), 0..1
                            --inside--> places that it covers by half or more (bool)
                            --nearest--> places whose middle is in it (bool)
    places --window--> rows and columns around them, to a multiple

A mask is stretched over the grid, whatever its own size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Grid = tuple[int, int]  # rows and columns


class Window(NamedTuple):
    """Rows and columns of a grid."""

    rows: slice
    columns: slice

    def of(self, values: NDArray[Any], finer: int = 1) -> NDArray[Any]:
        """What is in it of values (rows, columns, ...), or of such a grid that is finer by so much."""
        rows, columns = (slice(side.start * finer, side.stop * finer) for side in self)
        return values[rows, columns]


def covered(mask: Mask, grid: Grid) -> NDArray[np.float64]:
    """The share of each place (rows, columns) that is in the mask, 0..1."""
    down, across = (overlaps(side, places) for side, places in zip(mask.shape, grid, strict=True))
    # Sums of integers below 2**53: exact in any order.
    found: NDArray[np.float64] = down @ mask.astype(np.float64) @ across.T / mask.size
    return found


def overlaps(side: int, places: int) -> NDArray[np.float64]:
    """(places, side): how much of each place each of ``side`` pixels is, in units of 1 / side of a place."""
    place, pixel = np.arange(places)[:, None], np.arange(side)[None]
    ends = np.minimum((place + 1) * side, (pixel + 1) * places)
    found: NDArray[np.float64] = np.maximum(ends - np.maximum(place * side, pixel * places), 0).astype(np.float64)
    return found


def inside(mask: Mask, grid: Grid) -> Mask:
    """Places that the mask covers by half or more; if it nowhere does, those that it covers most. None for an empty mask."""
    share = covered(mask, grid)
    found: Mask = share >= min(0.5, max(share.max(), np.finfo(np.float64).tiny))
    return found


def nearest(mask: Mask, grid: Grid) -> Mask:
    """Places whose middle is in the mask."""
    rows, columns = ((2 * np.arange(places) + 1) * side // (2 * places) for side, places in zip(mask.shape, grid, strict=True))
    return mask[np.ix_(rows, columns)]


def whole(grid: Grid) -> Window:
    """All of a grid."""
    return Window(slice(0, grid[0]), slice(0, grid[1]))


def window(places: Mask, margin: int | None, multiple: int) -> Window:
    """Around all places that are set, ``margin`` wider on each side, as long as a multiple; None: the whole grid."""
    if margin is None:
        rows, columns = places.shape
        return whole((rows, columns))
    lines = [np.flatnonzero(places.any(axis=1 - axis)) for axis in (0, 1)]
    return Window(*(stretch(line, side, margin, multiple) for line, side in zip(lines, places.shape, strict=True)))


def stretch(found: NDArray[np.intp], side: int, margin: int, multiple: int) -> slice:
    """Along one side: what goes over the edge is moved, not cut, and is never longer than the side."""
    first, end = int(found[0]) - margin, int(found[-1]) + 1 + margin
    length = min(-(-(end - first) // multiple) * multiple, side)
    start = min(max(first - (length - (end - first)) // 2, 0), side - length)
    return slice(start, start + length)
