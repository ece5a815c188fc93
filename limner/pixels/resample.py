"""Scaling: a whole picture, or one that is read and given by strips. Both give the same bytes.

    strips --Pillow: width--> strips --taps of each row--> strips

The horizontal pass comes first and leaves whole bytes, as does the vertical one, which for strips is computed here: with the
taps that Pillow has, in integers that doubles carry exactly, so that it does not matter how rows fall into strips.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import ImageError
from limner.pixels.strips import Held, Pixels, Strips, Window, joined, pixel_count, slices

HELD_PX = 1 << 22  # a picture of fewer pixels is scaled as a whole
BAND_ROWS = 16
WEIGHT_BITS = 22
PRODUCT = 1 << 18  # multiplications at once: for more, OpenBLAS wakes threads that spend more time on waiting than on work

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A filter of Pillow's: its weights at distances, and how far it reaches, both in pixels of the smaller grid."""

    name: Image.Resampling
    weights: Callable[[Floats], Floats]
    reach: float


def box(x: Floats) -> Floats:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def lanczos(x: Floats) -> Floats:
    near = np.where((x >= -3) & (x < 3), x, 0.0)
    return np.where(near == x, sinc(near) * sinc(near / 3), 0.0)


def sinc(x: Floats) -> Floats:
    """By the C library's sine, as Pillow's is; NumPy has another."""
    angles = x.reshape(-1) * math.pi
    sines = np.fromiter(map(math.sin, angles.tolist()), np.float64, len(angles))
    return np.where(angles == 0, 1.0, sines / np.where(angles == 0, 1.0, angles)).reshape(x.shape)


BOX = Kernel(Image.Resampling.BOX, box, 0.5)
LANCZOS = Kernel(Image.Resampling.LANCZOS, lanczos, 3.0)


def resize(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Scale (h, w, 3) pixels: averages where both sides shrink by whole factors, Lanczos otherwise."""
    return joined(resampled(Held(pixels), width_px, height_px))


def resampled(given: Strips, width_px: int, height_px: int) -> Strips:
    """Scale a picture. Of a large one, no more rows than the filter reaches are in memory. Raises ImageError for no pixels."""
    if width_px < 1 or height_px < 1:
        raise ImageError(f"{width_px} x {height_px}: no pixels")
    if (width_px, height_px) == (given.width_px, given.height_px):
        return given
    whole = given.height_px % height_px == 0 and given.width_px % width_px == 0
    kernel = BOX if whole else LANCZOS
    if isinstance(given, Held) and max(pixel_count(given), width_px * height_px) <= HELD_PX:
        narrowed = scaled(given.pixels, width_px, given.height_px, kernel)
        return Held(scaled(narrowed, width_px, height_px, kernel))
    return Resampled(given, width_px, height_px, kernel)


def scaled(pixels: Pixels, width_px: int, height_px: int, kernel: Kernel) -> Pixels:
    """Scale (h, w, 3) along one side, by Pillow: of two, which it takes first depends on its version."""
    return np.array(Image.fromarray(pixels).resize((width_px, height_px), kernel.name))


@dataclass(frozen=True, eq=False)
class Narrowed:
    """A picture whose width is scaled."""

    given: Strips
    width_px: int
    kernel: Kernel

    @property
    def height_px(self) -> int:
        return self.given.height_px

    def __iter__(self) -> Iterator[Pixels]:
        pieces = (piece for strip in self.given for piece in slices(strip, self.width_px))
        return (scaled(piece, self.width_px, len(piece), self.kernel) for piece in pieces)


@dataclass(frozen=True, eq=False)
class Resampled:
    """A scaled picture, made as it is asked for."""

    given: Strips
    width_px: int
    height_px: int
    kernel: Kernel

    def __iter__(self) -> Iterator[Pixels]:
        narrowed = Narrowed(self.given, self.width_px, self.kernel)
        if self.height_px == self.given.height_px:
            yield from narrowed
            return
        window = Window(narrowed)
        for first in range(0, self.height_px, BAND_ROWS):
            low, weights = taps(range(first, min(self.height_px, first + BAND_ROWS)), self.given.height_px, self)
            yield weighed(window.rows(low, low + weights.shape[1]), weights)


def taps(rows: range, given_px: int, wanted: Resampled) -> tuple[int, Floats]:
    """What makes rows out of ``given_px`` rows: the first of those, and weights (len(rows), n), whole numbers of 2**-22.

    As Pillow's ``Resample.c``, operation by operation.
    """
    scale = given_px / wanted.height_px
    spread = max(scale, 1.0)
    centres, reach = (np.arange(rows.start, rows.stop)[:, None] + 0.5) * scale, wanted.kernel.reach * spread
    lows = np.maximum(0, np.trunc(centres - reach + 0.5))
    highs = np.minimum(given_px, np.trunc(centres + reach + 0.5))
    places = np.arange(int(lows[0, 0]), int(highs[-1, 0]))
    weights = wanted.kernel.weights((places - centres + 0.5) * (1.0 / spread))
    weights[(places < lows) | (places >= highs)] = 0
    # The sum must be taken one by one, in order: np.sum adds in another.
    weights /= np.cumsum(weights, 1)[:, -1:]
    whole = np.trunc(np.ldexp(weights, WEIGHT_BITS) + np.copysign(0.5, weights))
    return int(places[0]), np.ldexp(whole, -WEIGHT_BITS)


def weighed(rows: Pixels, weights: Floats) -> Pixels:
    """Rows (n, w, 3) by weights (m, n) -> (m, w, 3). Each sum is a whole number of 2**-22, below 2**31 of them: exact."""
    given = rows.reshape(len(rows), -1).astype(np.float64)
    sums = np.empty((len(weights), given.shape[1]))
    columns = max(1, PRODUCT // weights.size)
    for first in range(0, given.shape[1], columns):
        some = slice(first, first + columns)
        np.matmul(weights, given[:, some], out=sums[:, some])
    levels = np.clip(np.floor(np.add(sums, 0.5, out=sums), out=sums), 0, 255, out=sums)
    return levels.astype(np.uint8).reshape(len(weights), *rows.shape[1:])
