"""Picture -> latents: miniature's analysis transforms, on the sending side alone."""

from __future__ import annotations

import io
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
MARGIN = 8  # reach of the analysis transform, in latent positions


@dataclass(frozen=True, eq=False)
class Analysis:
    """The two networks of the encoder (picture -> latent, scaled latent -> hyper latent) and the gains (64 qualities, 64)."""

    picture: onnxruntime.InferenceSession
    hyper: onnxruntime.InferenceSession
    gains: NDArray[np.float32]

    def latent(self, pixels: NDArray[np.uint8], quality: int) -> NDArray[np.float32]:
        """Pixels (h, w, 3), sRGB 0..255, sides multiples of 16 -> latent times its gain, (64, h/16, w/16)."""
        rows, columns = (side // LATENT_PX for side in pixels.shape[:2])
        strips = []
        for down in tiles(rows, CORE, MARGIN):
            pieces = [self._tile(pixels, down, across, quality) for across in tiles(columns, CORE, MARGIN)]
            strips.append(np.concatenate(pieces, 2))
        scaled: NDArray[np.float32] = np.concatenate(strips, 1) * self.gains[quality][:, None, None]
        return scaled

    def gain_ratio(self, quality: int, reference: int) -> NDArray[np.float32]:
        """By how much a latent scaled for ``reference`` is to be multiplied to be scaled for ``quality``: (64, 1, 1)."""
        ratio: NDArray[np.float32] = self.gains[quality] / self.gains[reference]
        return ratio[:, None, None]

    def _tile(self, pixels: NDArray[np.uint8], down: Tile, across: Tile, quality: int) -> NDArray[np.float32]:
        piece = pixels[LATENT_PX * down.low : LATENT_PX * down.high, LATENT_PX * across.low : LATENT_PX * across.high]
        x = np.ascontiguousarray(piece.transpose(2, 0, 1), np.float32) / np.float32(255)
        y = transform.run(self.picture, x, quality)
        return y[:, down.first - down.low : down.last - down.low, across.first - across.low : across.last - across.low]

    def hyper_latent(self, latent: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
        """Scaled latent (64, h, w) -> hyper latent (32, ceil(h/4), ceil(w/4))."""
        return transform.run(self.hyper, latent, quality)


def load(weights: WeightSet) -> Analysis:
    """Open the encoder's networks."""
    gains = np.load(io.BytesIO(weights.read("gains.npy")), allow_pickle=False)
    picture, hyper = (transform.session(weights.read(name)) for name in ("analysis.onnx", "hyper_analysis.onnx"))
    return Analysis(picture, hyper, gains)
