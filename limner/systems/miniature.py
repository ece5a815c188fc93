"""miniature: the embedded default. Latents of a small codec whose weights are in the package; no words, no torch.

    describe   the picture, and smaller copies of it, in whole pixels
    fit        analysis transform at a scale and quality -> integer latents
    write      range coder, steered by the integer entropy path -> one latent layer
    read       the same walk backwards
    render     synthesis transform, then the picture's own size

Ours; its parts and their sources stand in ``limner.nets.miniature`` and ``limner.layers.latent``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from limner.container.blob import Blob
from limner.describe import analysis
from limner.describe.activity import activity, unrest
from limner.entropy.coder import Writer
from limner.errors import DecodeError, ImageError, InvalidFieldError
from limner.layers import latent, path, prefix
from limner.layers.latent import SIXTEENTHS, Geometry, Latent
from limner.layers.prefix import Part
from limner.layers.quadtree import QUALITIES
from limner.pixels.resample import resampled
from limner.pixels.strips import Cropped, Held, Padded, Pixels, Strips, joined, pixel_count
from limner.render import synthesis
from limner.render.synthesis import Painted, Synthesis
from limner.weights import WeightSet, packaged

NUMBER = 1
LATENT_KIND = 1
PAINTERS = ("faithful", "vivid")
HELD_PX = 1 << 23  # a coded picture of fewer pixels is kept in memory


@dataclass(frozen=True)
class Setting:
    """quality: 0..63, higher is better. scale: 0..7, how much smaller the picture is coded (``latent.SIXTEENTHS``).

    generosity: how much more than usual an error is worth to the encoder; it serves to meet a size, not to serve the picture.
    """

    quality: int
    scale: int = 0
    generosity: float = 1.0


@dataclass(frozen=True)
class Painting:
    """How a file is painted. ``painter``: "faithful" blurs what it does not know; "vivid" paints likely detail in its place.
    ``strength``: how much of vivid there is in a vivid picture, 0 (as faithful) to 1.

    Raises ImageError for another painter or strength.
    """

    painter: str = "faithful"
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.painter not in PAINTERS:
            raise ImageError(f"there is no painter {self.painter!r}: use one of {', '.join(PAINTERS)}")
        if not 0 <= self.strength <= 1:
            raise ImageError(f"the strength of a painter is 0 to 1, not {self.strength}")

    @property
    def vivid(self) -> float:
        """The part of the vivid picture."""
        return self.strength if self.painter == "vivid" else 0.0


FAITHFUL = Painting()


@dataclass(eq=False)
class Scene:
    """The picture as the encoder has it, by rows; of scaled copies the last is kept, since a search asks for it again."""

    strips: Strips
    last: tuple[int, analysis.View] | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        return self.strips.width_px, self.strips.height_px

    @property
    def pixels(self) -> Pixels:
        """The whole of it (h, w, 3)."""
        return joined(self.strips)

    def geometry(self, scale: int) -> Geometry:
        return Geometry(*self.size_px, scale)

    def view(self, scale: int) -> analysis.View:
        """The picture at a scale, padded to whole latent positions; a large one is made anew whenever it is looked at."""
        if self.last is None or self.last[0] != scale:
            self.last = None
            coded = Padded(resampled(self.strips, *self.geometry(scale).coded_px), latent.LATENT_PX)
            self.last = scale, analysis.View(Held(joined(coded)) if pixel_count(coded) <= HELD_PX else coded)
        return self.last[1]

    def activity(self, scale: int) -> float:
        """How much happens in the picture at a scale."""
        return activity(self.view(scale).strips)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A walked layer, and the body that it was coded to or read from; of one that was cut, its start, and how much it is."""

    walked: latent.Walked
    body: bytes
    part: Part | None = None

    @property
    def layer(self) -> Latent:
        return self.walked.layer

    @property
    def values(self) -> NDArray[np.int16]:
        return self.walked.values

    @property
    def size_bytes(self) -> int:
        return len(self.body)


@dataclass(frozen=True, eq=False)
class Miniature:
    """The codec over one set of weights; the networks are opened when first needed."""

    weights: WeightSet

    @property
    def model_id(self) -> bytes:
        return self.weights.model_id

    @cached_property
    def path(self) -> path.Path:
        return path.load(self.weights.read("entropy.npz"))

    @cached_property
    def analysis(self) -> analysis.Analysis:
        return analysis.load(self.weights)

    @cached_property
    def synthesis(self) -> Synthesis:
        return synthesis.load(self.weights, "synthesis.onnx")

    @cached_property
    def vivid(self) -> Synthesis:
        """The other painter. MissingError if this set of weights has none."""
        return synthesis.load(self.weights, "vivid.onnx")

    def describe(self, picture: Pixels | Strips) -> Scene:
        return Scene(Held(picture) if isinstance(picture, np.ndarray) else picture)

    def fit(self, scene: Scene, setting: Setting) -> Fitted:
        """Quantise, and code on the way: the walk that finds the symbols has all that coding them needs."""
        y = self.latent(scene, setting)
        z = self.analysis.hyper_latent(y, setting.quality)
        writer = Writer()
        worth = latent.BITS_PER_ERROR * setting.generosity
        walked = latent.fit(y, z, setting.quality, scene.geometry(setting.scale), self.path, writer, worth)
        return Fitted(walked, writer.finish())

    def latent(self, scene: Scene, setting: Setting) -> NDArray[np.float32]:
        """The scaled latent (64, h, w) before it is quantised."""
        return self.analysis.latent(scene.view(setting.scale), setting.quality)

    def unrest(self, scene: Scene, setting: Setting) -> float:
        """How much happens in the latent: foretells the size of a fit for a third of its time."""
        return float(unrest(self.latent(scene, setting)) @ self.analysis.rates)

    def write(self, layer: Latent, width_px: int, height_px: int) -> bytes:
        """Code a layer as a body; ``fit`` has done it already for the layers that it gives."""
        return latent.write(layer, Geometry(width_px, height_px, layer.scale), self.path)

    def read(self, blob: Blob) -> Fitted:
        """Raises DamagedError unless the body is exactly what ``write`` makes of what was read."""
        body = latent_body(blob)
        walked = latent.read(body, blob.width_px, blob.height_px, self.path)
        return Fitted(walked, body)

    def read_start(self, blob: Blob) -> Fitted:
        """Read a body whose end is missing, as far as it goes. Raises DecodeError for what says nothing, or starts no body."""
        start = latent_body(blob)
        walked, part = prefix.read_latent(start, blob.width_px, blob.height_px, self.path)
        return Fitted(walked, start, part)

    def render(self, fitted: Fitted, width_px: int, height_px: int, painting: Painting = FAITHFUL) -> Pixels:
        """Paint (height, width, 3), sRGB 0..255."""
        return joined(self.strips(fitted, width_px, height_px, painting))

    def strips(self, fitted: Fitted, width_px: int, height_px: int, painting: Painting = FAITHFUL) -> Strips:
        """The same picture, painted as its rows are asked for."""
        coded = Cropped(self.painted(fitted, painting), *Geometry(width_px, height_px, fitted.layer.scale).coded_px)
        return resampled(coded, width_px, height_px)

    def painted(self, fitted: Fitted, painting: Painting) -> Strips:
        """The picture as it is coded, with what pads it."""
        values, quality, part = fitted.values, fitted.layer.quality, painting.vivid
        if part == 0:
            return Painted(self.synthesis, values, quality)
        if part == 1:
            return Painted(self.vivid, values, quality)
        return Mixed(Painted(self.synthesis, values, quality), Painted(self.vivid, values, quality), part)


@dataclass(frozen=True, eq=False)
class Mixed:
    """One picture with so large a part of the other, whose strips are as high."""

    one: Painted
    other: Painted
    part: float

    @property
    def width_px(self) -> int:
        return self.one.width_px

    @property
    def height_px(self) -> int:
        return self.one.height_px

    def __iter__(self) -> Iterator[Pixels]:
        for faithful, vivid in zip(self.one, self.other, strict=True):
            yield mixed(faithful, vivid, self.part)


def mixed(one: Pixels, other: Pixels, part: float) -> Pixels:
    """One picture with so large a part of the other."""
    return np.rint((1 - part) * one.astype(np.float32) + part * other.astype(np.float32)).astype(np.uint8)


def latent_body(blob: Blob) -> bytes:
    """The body that holds the picture; other layers (words, say) do not change it."""
    for layer in blob.layers:
        if layer.kind == LATENT_KIND:
            return layer.body
    raise InvalidFieldError("a miniature file has a latent layer, and this one has none", offset=0, field="layers")


def embedded() -> Miniature:
    """The codec with the weights of the package."""
    return _embedded(os.getpid())


@cache
def _embedded(_process: int) -> Miniature:
    # A fork opens its own: the threads of onnxruntime stay behind.
    return Miniature(packaged("miniature"))


def explain(body: bytes) -> str:
    """What can be said of a latent body without weights."""
    try:
        scale, quality = latent.setting(body)
    except DecodeError as error:
        return error.message
    return f"quality {quality} of {QUALITIES - 1}, coded at {SIXTEENTHS[scale]}/16 of the sides"
