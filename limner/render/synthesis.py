"""Latents -> pixels: miniature's synthesis transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner import transform
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

    def paint(self, latent: NDArray[np.float32], quality: int) -> NDArray[np.uint8]:
        """Latent times its gain (64, h, w) -> pixels (16 h, 16 w, 3), sRGB 0..255."""
        _, rows, columns = latent.shape
        pixels = np.empty((LATENT_PX * rows, LATENT_PX * columns, 3), np.uint8)
        for down in tiles(rows, CORE, MARGIN):
            for across in tiles(columns, CORE, MARGIN):
                piece = np.ascontiguousarray(latent[:, down.low : down.high, across.low : across.high])
                levels = transform.run(self.network, piece, quality, tile=piece.shape != latent.shape)
                pixels[outer(down), outer(across)] = shuffled(levels)[inner(down), inner(across)]
        return pixels


def shuffled(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
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
