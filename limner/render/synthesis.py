"""Latents -> pixels: miniature's synthesis transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner import transform
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
        for down in transform.tiles(rows, CORE, MARGIN):
            for across in transform.tiles(columns, CORE, MARGIN):
                x = transform.run(self.network, np.ascontiguousarray(latent[:, down.low : down.high, across.low : across.high]), quality)
                top, left = LATENT_PX * (down.first - down.low), LATENT_PX * (across.first - across.low)
                high, wide = LATENT_PX * (down.last - down.first), LATENT_PX * (across.last - across.first)
                core = x[:, top : top + high, left : left + wide]
                target = pixels[LATENT_PX * down.first : LATENT_PX * down.last, LATENT_PX * across.first : LATENT_PX * across.last]
                target[:] = np.rint(np.clip(core, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
        return pixels


def load(weights: WeightSet) -> Synthesis:
    return Synthesis(transform.session(weights.read("synthesis.onnx")))
