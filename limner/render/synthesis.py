"""Latents -> pixels: miniature's synthesis transform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner import transform
from limner.layers.latent import expand
from limner.pixels.strips import Pixels, joined
from limner.tiles import Tile, tiles
from limner.weights import WeightSet

if TYPE_CHECKING:
    import onnxruntime

LATENT_PX = 16
CELL = 4  # the network leaves the last sub-pixel shuffle, by so much, to be done on bytes
CORE = 96  # latent positions a tile covers
MARGIN = 10  # reach of the synthesis transform, in latent positions


@dataclass(frozen=True, eq=False)
class Synthesis:
    """The decoder's network. Pixels are equal between machines within a small peak, not bit for bit."""

    network: onnxruntime.InferenceSession

    def paint(self, latent: NDArray[np.float32], quality: int) -> Pixels:
        """Latent times its gain (64, h, w) -> pixels (16 h, 16 w, 3), sRGB 0..255."""
        return joined(Painted(self, latent, quality))

    def tile(self, latent: NDArray[np.float32], quality: int, whole: bool) -> Pixels:
        """The same of a tile; ``whole``: it is all of the picture."""
        return shuffled(transform.run(self.network, latent, quality, tile=not whole))


@dataclass(frozen=True, eq=False)
class Painted:
    """A picture that is painted as its rows are asked for. latent: (64, h, w) times its gain, as floats or with 7 fraction
    bits in integers."""

    by: Synthesis
    latent: NDArray[np.float32] | NDArray[np.int16]
    quality: int

    @property
    def width_px(self) -> int:
        return LATENT_PX * int(self.latent.shape[2])

    @property
    def height_px(self) -> int:
        return LATENT_PX * int(self.latent.shape[1])

    def __iter__(self) -> Iterator[Pixels]:
        _, rows, columns = self.latent.shape
        for down in tiles(rows, CORE, MARGIN):
            strip = np.empty((LATENT_PX * (down.last - down.first), self.width_px, 3), np.uint8)
            for across in tiles(columns, CORE, MARGIN):
                piece = in_floats(self.latent[:, down.low : down.high, across.low : across.high])
                pixels = self.by.tile(piece, self.quality, whole=piece.shape == self.latent.shape)
                strip[:, outer(across)] = pixels[inner(down), inner(across)]
            yield strip


def in_floats(latent: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
    """A stretch of a latent, one behind the other in memory."""
    return expand(latent.astype(np.int16)) if latent.dtype == np.int16 else np.ascontiguousarray(latent, np.float32)


def shuffled(levels: NDArray[np.float32]) -> Pixels:
    """Levels (48, 4 h, 4 w) by the network, written over -> pixels (16 h, 16 w, 3): rounded, then sorted as bytes."""
    _, rows, columns = levels.shape
    whole = np.rint(np.clip(levels, 0, 255, out=levels), out=levels).astype(np.uint8)
    cells = whole.reshape(3, CELL, CELL, rows, columns).transpose(3, 1, 4, 2, 0)
    return np.ascontiguousarray(cells).reshape(CELL * rows, CELL * columns, 3)


def inner(tile: Tile) -> slice:
    """Pixels of a tile's core within the painted tile."""
    return slice(LATENT_PX * (tile.first - tile.low), LATENT_PX * (tile.last - tile.low))


def outer(tile: Tile) -> slice:
    """Pixels of a tile's core within the picture."""
    return slice(LATENT_PX * tile.first, LATENT_PX * tile.last)


def load(weights: WeightSet, name: str) -> Synthesis:
    return Synthesis(transform.session(weights.read(name)))
