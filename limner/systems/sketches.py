"""Learned codecs of sketches: a soft edge map as a small grey picture, for pictures painted over an outline.

    edges (h, w) 0..1 --> three equal channels --> analysis --> integer latents --> sketch layer: model id, latent body
                                                                                        |
    edges (h, w) 0..1 <-- mean of the channels <-- synthesis <--------------------------+

    LatentCodec         coding 1: the family of miniature; one set of weights for all rates, in the package
    HyperlatentCodec    coding 2: a published codec (cheng2020 of one channel, say); one rate, the map can be coded smaller

Both have one face, ``SketchCodec``. What is lost is lost in ``fit``; a sketch is read only if it is, byte for byte, what a
writer makes of its symbols.

Source: Lei et al. 2023, Text + Sketch, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.container.blob import Blob
from limner.container.blob import Layer as Part
from limner.describe.edges import resized
from limner.errors import BudgetError, DamagedError, DecodeError, EncodeError, WrongModelError
from limner.layers import sketch
from limner.layers.latent import SIXTEENTHS
from limner.layers.quadtree import QUALITIES
from limner.layers.sketch import HYPERLATENT, LATENT, Sketch
from limner.systems import miniature, taco
from limner.systems.miniature import Miniature, Setting
from limner.systems.taco import Taco
from limner.weights import WeightSet, at, sets

NAME = "sketch"
MANY_RATES = "gains.npy"  # the file that only weights of miniature's family have
SYSTEM = 3  # of the header that a body is read with: it decides nothing there

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Fitted = TypeVar("Fitted", miniature.Fitted, taco.Fitted)


class SketchCodec(Protocol):
    """A codec over one set of weights."""

    @property
    def weights(self) -> WeightSet: ...

    def fit(self, edges: Floats, quality: int = ..., scale: int = ...) -> Sketch:
        """Code a map (h, w) of 0 to 1, h and w at most 4096, into a sketch of h rows and w columns.

        quality: 0..63 (a codec of one rate has no use for it). scale: 0..7, how much smaller than h x w the map is coded.
        EncodeError for what is no such map.
        """

    def fit_within(self, edges: Floats, limit_bytes: int) -> Sketch:
        """The best sketch whose body has at most so many bytes; BudgetError with the least that would do."""

    def read(self, made: Sketch) -> Floats:
        """The map (rows, columns), 0 to 1. WrongModelError for other weights, DamagedError for what no writer writes."""


@dataclass(frozen=True, eq=False)
class LatentCodec:
    """Coding 1. The networks are opened when first needed."""

    weights: WeightSet

    @cached_property
    def codec(self) -> Miniature:
        return Miniature(self.weights)

    def fit(self, edges: Floats, quality: int = 20, scale: int = 0) -> Sketch:
        return self._fit(self.codec.describe(grey(checked(edges))), quality, scale)

    def _fit(self, scene: miniature.Scene, quality: int, scale: int) -> Sketch:
        return layer(scene, LATENT, self.weights, self.codec.fit(scene, Setting(quality, scale)).body)

    def fit_within(self, edges: Floats, limit_bytes: int) -> Sketch:
        """At the largest scale that has a quality within the limit; there at the highest."""
        scene = self.codec.describe(grey(checked(edges)))
        return largest_within(lambda scale: highest_within(lambda q: self._fit(scene, q, scale), limit_bytes), limit_bytes)

    def read(self, made: Sketch) -> Floats:
        fitted = strictly(self.codec.read, made, LATENT, self.weights)
        return edges_of(self.codec.render(fitted, made.columns, made.rows))


@dataclass(frozen=True, eq=False)
class HyperlatentCodec:
    """Coding 2. Its weights have one rate."""

    weights: WeightSet

    @cached_property
    def codec(self) -> Taco:
        return Taco(self.weights)

    def fit(self, edges: Floats, quality: int = 0, scale: int = 0) -> Sketch:
        scene = taco.Scene(grey(checked(edges)), None)
        return layer(scene, HYPERLATENT, self.weights, self.codec.fit(scene, scale).body)

    def fit_within(self, edges: Floats, limit_bytes: int) -> Sketch:
        """At the largest scale within the limit."""
        return largest_within(lambda scale: self.fit(edges, scale=scale), limit_bytes)

    def read(self, made: Sketch) -> Floats:
        fitted = strictly(self.codec.read, made, HYPERLATENT, self.weights)
        return edges_of(self.codec.render(fitted, made.columns, made.rows))


def codec_of(weights: WeightSet) -> SketchCodec:
    """The codec that a set of weights is for."""
    return LatentCodec(weights) if MANY_RATES in weights.files else HyperlatentCodec(weights)


@lru_cache(maxsize=2)
def opened(folder: Path, identity: bytes) -> SketchCodec:
    """The codec with the weights in a folder; ``identity``: what they are, so that others in their place are opened anew."""
    return codec_of(at(folder))


def codec_for(made: Sketch, weights: str | Path | None = None) -> SketchCodec:
    """The codec that a map was made with: of the weights in a folder, or of those in the package and in LIMNER_WEIGHTS.

    WrongModelError if they are not here.
    """
    here = sets(NAME) if weights is None else [at(Path(weights))]
    for kept in here:
        if kept.model_id == made.model:
            return opened(kept.folder, kept.identity)
    raise wrong_model(made, here)


def expand(made: Sketch, codec: SketchCodec, width_px: int, height_px: int) -> Floats:
    """The map of a sketch at the picture's size (height, width), 0 to 1."""
    return resized(codec.read(made), width_px, height_px)


def grey(edges: Floats) -> Pixels:
    """A map (h, w) of 0..1 as a grey picture (h, w, 3)."""
    levels = np.rint(255 * np.clip(edges, 0, 1)).astype(np.uint8)
    return np.repeat(levels[..., None], 3, 2)


def edges_of(pixels: Pixels) -> Floats:
    """A picture (h, w, 3) as a map of 0..1."""
    found: Floats = pixels.mean(2, dtype=np.float32) / np.float32(255)
    return found


def checked(edges: Floats) -> Floats:
    """EncodeError for what is no map, or one over the limits."""
    if edges.ndim != 2 or not all(1 <= side <= sketch.MOST_SIDE for side in edges.shape) or not np.isfinite(edges).all():
        raise EncodeError(f"a map of edges is (rows, columns) of numbers from 0 to 1, at most {sketch.MOST_SIDE} of either")
    return edges


def layer(scene: miniature.Scene | taco.Scene, coding: int, weights: WeightSet, body: bytes) -> Sketch:
    columns, rows = scene.size_px
    return Sketch(rows, columns, coding, weights.model_id + body)


def strictly(read: Callable[[Blob], Fitted], made: Sketch, coding: int, weights: WeightSet) -> Fitted:
    """Read the latent body of a sketch. WrongModelError if it is of other weights; DamagedError with its place in the layer."""
    if made.coding != coding or made.model != weights.model_id:
        raise wrong_model(made, [weights])
    part = Part(miniature.LATENT_KIND, made.payload[sketch.MODEL_BYTES :])
    try:
        return read(Blob(SYSTEM, weights.model_id, made.columns, made.rows, (part,)))
    except DecodeError as error:
        raise DamagedError("the sketch is not what a writer writes", offset=made.payload_at, field="payload") from error


def wrong_model(made: Sketch, here: Sequence[WeightSet]) -> WrongModelError:
    known = ", ".join(f"{one.name} ({one.model_id.hex()})" for one in here) or "none for sketches"
    message = f"a sketch of coding {made.coding} made with weights {made.model.hex() or 'of none'}; at hand are {known}"
    return WrongModelError(message, offset=made.payload_at, field="sketch model")


def largest_within(at_scale: Callable[[int], Sketch], limit_bytes: int) -> Sketch:
    """The first of the scales, largest first, whose sketch is within the limit."""
    least_bytes = []
    for scale in range(len(SIXTEENTHS)):
        made = at_scale(scale)
        least_bytes.append(len(sketch.write(made)))
        if least_bytes[-1] <= limit_bytes:
            return made
    message = f"{limit_bytes} bytes are too few for this sketch: the least that would do is {min(least_bytes)}"
    raise BudgetError(message, min(least_bytes))


def highest_within(at_quality: Callable[[int], Sketch], limit_bytes: int) -> Sketch:
    """The sketch of the highest quality within the limit, found by halving; that of quality 0 if none is."""
    best, low, over = at_quality(0), 0, QUALITIES
    if len(sketch.write(best)) > limit_bytes:
        return best
    while over - low > 1:
        quality = (low + over) // 2
        made = at_quality(quality)
        if len(sketch.write(made)) <= limit_bytes:
            best, low = made, quality
        else:
            over = quality
    return best
