"""How much happens in a picture or in its latent: numbers that foretell its rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELL_PX = 4


def activity(strips: Iterable[NDArray[np.uint8]]) -> float:
    """Mean absolute difference of neighbouring 4 x 4 averages, down plus across, grey levels of 255.

    strips: (n, w, 3) each, from the top. A picture of less than two cells on a side is taken to have none along it. The sums
    are whole numbers, so that it does not matter how rows fall into strips.
    """
    down, across = Differences(), Differences()
    above: NDArray[np.int64] | None = None
    for cells in rows_of_cells(strips):
        across.add(cells, 1)
        down.add(cells if above is None else np.concatenate([above, cells]), 0)
        above = cells[-1:]
    return down.mean() + across.mean()


@dataclass
class Differences:
    """Of neighbouring cells: how many, and the sum of their sizes, in units of a cell's sum."""

    count: int = 0
    total: int = 0

    def add(self, cells: NDArray[np.int64], axis: int) -> None:
        found = np.abs(np.diff(cells, axis=axis))
        self.count, self.total = self.count + found.size, self.total + int(found.sum())

    def mean(self) -> float:
        """In grey levels, 0 of none."""
        return self.total / (self.count * 3 * CELL_PX**2) if self.count else 0.0


def rows_of_cells(strips: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.int64]]:
    """Sums over cells (rows, columns), all three colours; what is left at the right and at the bottom is no cell."""
    left: NDArray[np.uint8] | None = None
    for strip in strips:
        rows = strip if left is None or not len(left) else np.concatenate([left, strip])
        whole, columns = len(rows) // CELL_PX, rows.shape[1] // CELL_PX
        left = rows[whole * CELL_PX :]
        if whole:
            cells = rows[: whole * CELL_PX, : columns * CELL_PX].reshape(whole, CELL_PX, columns, CELL_PX * 3)
            yield cells.sum(3, dtype=np.int32).sum(1, dtype=np.int64)


def unrest(latent: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of log2(1 + d**2) over the differences d of neighbouring scaled latents (c, h, w), down and across: (c,).

    A latent of one position, which has no neighbours, is taken for its own difference.
    """
    return np.array([unrest_of(channel) for channel in latent])


def unrest_of(channel: NDArray[np.float32]) -> float:
    """The same of one channel (h, w)."""
    differences = [np.diff(channel, axis=axis) for axis in (0, 1) if channel.shape[axis] > 1] or [channel]
    total = sum(float(np.log2(1 + np.square(d)).sum(dtype=np.float64)) for d in differences)
    return total / sum(d.size for d in differences)
