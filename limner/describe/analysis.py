"""Picture -> latents: miniature's analysis transforms, on the sending side alone."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
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
NEAR = 3  # qualities that share a latent in a search
MARGIN = 8  # reach of the analysis transform, in latent positions


@dataclass(eq=False)
class View:
    """A picture at the size that is coded: pixels (h, w, 3), sRGB 0..255, sides multiples of 16.

    ``features``: what the first part of the analysis makes of it whatever the quality; kept if the picture is a single tile.
    ``latent``: its latent before the gain, and the quality that was for.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float32] | None = field(default=None, repr=False)
    latent: tuple[int, NDArray[np.float32]] | None = field(default=None, repr=False)

    @property
    def latent_size(self) -> tuple[int, int]:
        """Rows and columns of the latent."""
        height, width = self.pixels.shape[:2]
        return height // LATENT_PX, width // LATENT_PX


@dataclass(frozen=True, eq=False)
class Analysis:
    """The networks (picture -> features -> latent, scaled latent -> hyper latent) and the gains (64 qualities, 64).

    rates: (64,) how much a channel's unrest typically costs; foretells a size.
    """

    stem: onnxruntime.InferenceSession
    picture: onnxruntime.InferenceSession
    hyper: onnxruntime.InferenceSession
    gains: NDArray[np.float32]
    rates: NDArray[np.float32]

    def latent(self, view: View, quality: int) -> NDArray[np.float32]:
        """A picture's latent times its gain, (64, h/16, w/16).

        Before its gain it hardly depends on the quality: one that is known for a quality nearby will do.
        """
        if view.latent is None or abs(view.latent[0] - quality) > NEAR:
            view.latent = quality, self._latent(view, quality)
        scaled: NDArray[np.float32] = view.latent[1] * self.gains[quality][:, None, None]
        return scaled

    def _latent(self, view: View, quality: int) -> NDArray[np.float32]:
        rows, columns = view.latent_size
        strips = []
        for down in tiles(rows, CORE, MARGIN):
            pieces = [self._tile(view, down, across, quality) for across in tiles(columns, CORE, MARGIN)]
            strips.append(np.concatenate(pieces, 2))
        return np.concatenate(strips, 1)

    def _tile(self, view: View, down: Tile, across: Tile, quality: int) -> NDArray[np.float32]:
        whole = (down.high - down.low, across.high - across.low) == view.latent_size
        features = view.features if whole and view.features is not None else self._features(view, down, across, whole)
        if whole:
            view.features = features
        y = transform.run(self.picture, features, quality, tile=not whole)
        return y[:, down.first - down.low : down.last - down.low, across.first - across.low : across.last - across.low]

    def _features(self, view: View, down: Tile, across: Tile, whole: bool) -> NDArray[np.float32]:
        piece = view.pixels[LATENT_PX * down.low : LATENT_PX * down.high, LATENT_PX * across.low : LATENT_PX * across.high]
        x = np.ascontiguousarray(piece.transpose(2, 0, 1), np.float32) / np.float32(255)
        return transform.run(self.stem, x, tile=not whole)

    def hyper_latent(self, latent: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
        """Scaled latent (64, h, w) -> hyper latent (32, ceil(h/4), ceil(w/4))."""
        return transform.run(self.hyper, latent, quality)


def load(weights: WeightSet) -> Analysis:
    """Open the encoder's networks."""
    gains, rates = (np.load(io.BytesIO(weights.read(name)), allow_pickle=False) for name in ("gains.npy", "rates.npy"))
    names = ("stem.onnx", "analysis.onnx", "hyper_analysis.onnx")
    stem, picture, hyper = (transform.session(weights.read(name)) for name in names)
    return Analysis(stem, picture, hyper, gains, rates)
