"""Picture -> latents: miniature's analysis transforms, on the sending side alone."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner import transform
from limner.pixels.strips import Pixels, Strips, Window, joined
from limner.tiles import Tile, tiles
from limner.weights import WeightSet

if TYPE_CHECKING:
    import onnxruntime

LATENT_PX = 16
CORE = 96  # latent positions a tile covers
NEAR = 3  # qualities that share a latent in a search
MARGIN = 8  # reach of the analysis transform, in latent positions; more than that of the hyper analysis
HYPER_STRIDE = 4  # divides both


@dataclass(eq=False)
class View:
    """A picture at the size that is coded: strips (n, w, 3), sRGB 0..255, sides multiples of 16.

    ``features``: what the first part of the analysis makes of it whatever the quality; kept if the picture is a single tile.
    ``latent``: its latent before the gain, and the quality that was for.
    """

    strips: Strips
    features: NDArray[np.float32] | None = field(default=None, repr=False)
    latent: tuple[int, NDArray[np.float32]] | None = field(default=None, repr=False)

    @property
    def pixels(self) -> Pixels:
        """The whole of it (h, w, 3)."""
        return joined(self.strips)

    @property
    def latent_size(self) -> tuple[int, int]:
        """Rows and columns of the latent."""
        return self.strips.height_px // LATENT_PX, self.strips.width_px // LATENT_PX


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
            view.latent = None
            view.latent = quality, self._latent(view, quality)
        scaled: NDArray[np.float32] = view.latent[1] * self.gains[quality][:, None, None]
        return scaled

    def _latent(self, view: View, quality: int) -> NDArray[np.float32]:
        rows, columns = view.latent_size
        found = np.empty((self.gains.shape[1], rows, columns), np.float32)
        window = Window(view.strips)
        for down in tiles(rows, CORE, MARGIN):
            pixels = window.rows(LATENT_PX * down.low, LATENT_PX * down.high)
            for across in tiles(columns, CORE, MARGIN):
                whole = (down.high - down.low, across.high - across.low) == (rows, columns)
                y = self._tile(view, pixels[:, LATENT_PX * across.low : LATENT_PX * across.high], quality, whole)
                found[:, down.first : down.last, across.first : across.last] = y[:, inner(down), inner(across)]
        return found

    def _tile(self, view: View, pixels: Pixels, quality: int, whole: bool) -> NDArray[np.float32]:
        features = view.features if whole and view.features is not None else self._features(pixels, whole)
        if whole:
            view.features = features
        return transform.run(self.picture, features, quality, tile=not whole)

    def _features(self, pixels: Pixels, whole: bool) -> NDArray[np.float32]:
        x = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / np.float32(255)
        return transform.run(self.stem, x, tile=not whole)

    def hyper_latent(self, latent: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
        """Scaled latent (64, h, w) -> hyper latent (32, ceil(h/4), ceil(w/4))."""
        downs = tiles(latent.shape[1], CORE, MARGIN)
        return np.concatenate([self._hyper_row(latent, down, quality) for down in downs], 1)

    def _hyper_row(self, latent: NDArray[np.float32], down: Tile, quality: int) -> NDArray[np.float32]:
        pieces = []
        for across in tiles(latent.shape[2], CORE, MARGIN):
            piece = np.ascontiguousarray(latent[:, down.low : down.high, across.low : across.high])
            z = transform.run(self.hyper, piece, quality, tile=piece.shape != latent.shape)
            pieces.append(z[:, inner(down, HYPER_STRIDE), inner(across, HYPER_STRIDE)])
        return np.concatenate(pieces, 2)


def inner(tile: Tile, stride: int = 1) -> slice:
    """A tile's core within what a network of that stride made of it."""
    return slice((tile.first - tile.low) // stride, -(-(tile.last - tile.low) // stride))


def load(weights: WeightSet) -> Analysis:
    """Open the encoder's networks."""
    gains, rates = (np.load(io.BytesIO(weights.read(name)), allow_pickle=False) for name in ("gains.npy", "rates.npy"))
    names = ("stem.onnx", "analysis.onnx", "hyper_analysis.onnx")
    stem, picture, hyper = (transform.session(weights.read(name)) for name in names)
    return Analysis(stem, picture, hyper, gains, rates)
