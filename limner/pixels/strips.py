"""Pictures by rows, so that a large one need not be in memory: strips of (n, w, 3) uint8 sRGB, from the top.

    Held (an array)       --+
    a file (source) -+-- resampled, padded, cropped --> strips --> windows, joined, a file
    a painter             --+

Each iteration over a picture begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner.errors import ImageError

Pixels = NDArray[np.uint8]
STRIP_PX = 1 << 20  # about how many pixels a strip has that is read from a file


class Strips(Protocol):
    """A picture of ``width_px`` x ``height_px`` by rows."""

    @property
    def width_px(self) -> int: ...

    @property
    def height_px(self) -> int: ...

    def __iter__(self) -> Iterator[Pixels]:
        """Strips (n, width_px, 3) from the top, of any heights that add up to height_px. Raises ImageError."""


@dataclass(frozen=True, eq=False)
class Held:
    """A picture in memory: pixels (h, w, 3) uint8 sRGB 0..255. Raises ImageError for another form."""

    pixels: Pixels

    def __post_init__(self) -> None:
        check_pixels(self.pixels)

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    def __iter__(self) -> Iterator[Pixels]:
        return slices(self.pixels)


@dataclass(frozen=True, eq=False)
class Padded:
    """A picture grown to sides that are multiples of ``multiple`` by repeating the right column and the bottom row."""

    given: Strips
    multiple: int

    @property
    def width_px(self) -> int:
        return self.given.width_px + -self.given.width_px % self.multiple

    @property
    def height_px(self) -> int:
        return self.given.height_px + -self.given.height_px % self.multiple

    def __iter__(self) -> Iterator[Pixels]:
        right, below = self.width_px - self.given.width_px, self.height_px - self.given.height_px
        for strip in self.given:
            last = np.pad(strip, ((0, 0), (0, right), (0, 0)), mode="edge") if right else strip
            yield last
        if below:
            yield np.repeat(last[-1:], below, axis=0)


@dataclass(frozen=True, eq=False)
class Cropped:
    """The top left of a picture. Raises ImageError if it has fewer pixels."""

    given: Strips
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if not (1 <= self.width_px <= self.given.width_px and 1 <= self.height_px <= self.given.height_px):
            given = f"{self.given.width_px} x {self.given.height_px}"
            raise ImageError(f"cannot cut {self.width_px} x {self.height_px} out of {given}")

    def __iter__(self) -> Iterator[Pixels]:
        left = self.height_px
        for strip in self.given:
            yield strip[:left, : self.width_px]
            left -= len(strip)
            if left <= 0:
                return


class Window:
    """Rows on request of strips that come one by one; what lies above the rows that were asked for last is forgotten."""

    def __init__(self, strips: Strips) -> None:
        self._coming = iter(strips)
        self._kept: list[Pixels] = []
        self._first = self._end = 0

    def rows(self, low: int, high: int) -> Pixels:
        """Rows low..high (high - low, w, 3); ``low`` never falls from one call to the next."""
        while self._end < high:
            self._kept.append(next(self._coming))
            self._end += len(self._kept[-1])
        while self._first + len(self._kept[0]) <= low:
            self._first += len(self._kept.pop(0))
        found, at = [], self._first
        for strip in self._kept:
            found.append(strip[max(0, low - at) : max(0, high - at)])
            at += len(strip)
        return found[0] if len(found) == 1 else np.concatenate(found)


def check_pixels(pixels: Pixels) -> None:
    """Raise ImageError unless ``pixels`` is (h, w, 3) uint8 with at least one pixel."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ImageError(f"a picture is a (h, w, 3) uint8 array with pixels in it, not {pixels.shape} {pixels.dtype}")


def joined(strips: Strips) -> Pixels:
    """The whole picture (h, w, 3)."""
    if isinstance(strips, Held):
        return strips.pixels
    pixels, first = np.empty((strips.height_px, strips.width_px, 3), np.uint8), 0
    for strip in strips:
        pixels[first : first + len(strip)] = strip
        first += len(strip)
    return pixels


def pixel_count(strips: Strips) -> int:
    return strips.width_px * strips.height_px


def strip_rows(width_px: int) -> int:
    """How many rows of a picture a strip has."""
    return max(1, STRIP_PX // width_px)


def slices(pixels: Pixels, width_px: int = 0) -> Iterator[Pixels]:
    """Cut rows (h, w, 3) into strips, without a copy. ``width_px``: of what will become of them, if that is wider."""
    rows = strip_rows(max(width_px, pixels.shape[1]))
    for first in range(0, len(pixels), rows):
        yield pixels[first : first + rows]
