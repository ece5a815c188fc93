"""How much happens in a picture or in its latent: numbers that foretell its rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL_PX = 4


def activity(pixels: NDArray[np.uint8]) -> float:
    """Mean absolute difference of neighbouring 4 x 4 averages, down plus across, grey levels of 255.

    pixels: (h, w, 3). A picture of less than two cells on a side is taken to have none along it.
    """
    rows, columns = (side // CELL_PX for side in pixels.shape[:2])
    grey = pixels[: rows * CELL_PX, : columns * CELL_PX].mean(2, dtype=np.float32)
    cells = grey.reshape(rows, CELL_PX, columns, CELL_PX).mean((1, 3))
    return float(sum(np.abs(np.diff(cells, axis=axis)).mean() for axis in (0, 1) if cells.shape[axis] > 1 and cells.size))


def unrest(latent: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean of log2(1 + d**2) over the differences d of neighbouring scaled latents (c, h, w), down and across: (c,).

    A latent of one position, which has no neighbours, is taken for its own difference.
    """
    differences = [np.diff(latent, axis=axis) for axis in (1, 2) if latent.shape[axis] > 1] or [latent]
    total = np.sum([np.log2(1 + np.square(d)).sum((1, 2), dtype=np.float64) for d in differences], 0)
    found: NDArray[np.float64] = total / sum(d[0].size for d in differences)
    return found
