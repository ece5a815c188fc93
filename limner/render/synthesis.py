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
                painted = transform.run(self.network, piece, quality, tile=piece.shape != latent.shape)
                core = painted[:, inner(down), inner(across)]
                pixels[outer(down), outer(across)] = np.rint(np.clip(core, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        return pixels


def inner(tile: Tile) -> slice:
    """Pixels of a tile's core within the painted tile."""
    return slice(LATENT_PX * (tile.first - tile.low), LATENT_PX * (tile.last - tile.low))


def outer(tile: Tile) -> slice:
    """Pixels of a tile's core within the picture."""
    return slice(LATENT_PX * tile.first, LATENT_PX * tile.last)


def load(weights: WeightSet) -> Synthesis:
    return Synthesis(transform.session(weights.read("synthesis.onnx")))
