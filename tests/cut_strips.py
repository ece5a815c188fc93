"""Strips of any heights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Cut:
    """A picture in strips of the heights that come round and round."""

    pixels: Pixels
    heights: tuple[int, ...]

    @property
    def width_px(self) -> int:
        return self.pixels.shape[1]

    @property
    def height_px(self) -> int:
        return self.pixels.shape[0]

    def __iter__(self) -> Iterator[Pixels]:
        first, turn = 0, 0
        while first < len(self.pixels):
            last = first + self.heights[turn % len(self.heights)]
            yield self.pixels[first:last]
            first, turn = last, turn + 1
