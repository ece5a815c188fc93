"""taco: a codec with a hyperprior whose encoder may read words. The words are not sent, and the decoder never sees them.

    describe   the picture, and vectors of the caption's words
    fit        analysis transform at a scale -> integer latents
    write      range coder, steered by the integer entropy path -> one latent layer
    read       the same walk backwards
    render     synthesis transform, then the picture's own size

Which codec it is, the weights say: TACO, or any other of its family, which reads no words (ELIC, cheng2020, mbt2018 ...). They
have one rate each; a smaller file is had by coding the picture smaller.

Source: Lee et al. 2024 (TACO); its parts stand in ``limner.nets.taco``, ``limner.nets.elic`` and ``limner.layers.hyperlatent``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner import image, transform
from limner.container.blob import Blob
from limner.describe.reading import Reader, reader_of
from limner.entropy.coder import Writer
from limner.errors import BudgetError, DecodeError, InvalidFieldError
from limner.layers import hyperlatent, hyperpath, prefix
from limner.layers.hyperlatent import Hyperlatent
from limner.layers.hyperpath import HyperPath
from limner.layers.latent import LATENT_PX, SIXTEENTHS, Geometry
from limner.layers.prefix import Part
from limner.weights import WeightSet, at

if TYPE_CHECKING:
    import onnxruntime

NUMBER = 4
NAME = "taco"
LATENT_KIND = 1
DECODING = ("entropy.npz", "synthesis.onnx")
ENCODING = ("analysis.onnx", "hyper_analysis.onnx")
WORDS = "words.onnx"

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """The picture (h, w, 3) and vectors of the words (1, n, t), None for an encoder that reads none."""

    pixels: Pixels
    words: Floats | None

    @property
    def size_px(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A walked layer, and the body that it was coded to or read from; of one that was cut, its start, and how much it is."""

    walked: hyperlatent.Walked
    body: bytes
    part: Part | None = None

    @property
    def layer(self) -> Hyperlatent:
        return self.walked.layer

    @property
    def size_bytes(self) -> int:
        return len(self.body)


@dataclass(frozen=True, eq=False)
class Taco:
    """The codec over one set of weights; the networks are opened when first needed."""

    weights: WeightSet

    @property
    def model_id(self) -> bytes:
        return self.weights.model_id

    @cached_property
    def path(self) -> HyperPath:
        return hyperpath.load(self.weights.read("entropy.npz"))

    @cached_property
    def analysis(self) -> onnxruntime.InferenceSession:
        return transform.session(self.weights.read("analysis.onnx"))

    @cached_property
    def hyper_analysis(self) -> onnxruntime.InferenceSession:
        return transform.session(self.weights.read("hyper_analysis.onnx"))

    @cached_property
    def synthesis(self) -> onnxruntime.InferenceSession:
        return transform.session(self.weights.read("synthesis.onnx"))

    @cached_property
    def reader(self) -> Reader | None:
        """Who turns words into vectors; None for an encoder that reads none."""
        return reader_of(self.weights, WORDS)

    def describe(self, pixels: Pixels, caption: str = "") -> Scene:
        """pixels (h, w, 3) uint8 sRGB. MissingError if what reads the words is not here."""
        return Scene(pixels, None if self.reader is None else self.reader(caption))

    def fit(self, scene: Scene, scale: int = 0) -> Fitted:
        """Quantise at a scale (0..7, how much smaller the picture is coded), and code on the way."""
        geometry = Geometry(*scene.size_px, scale)
        coded = image.pad(image.resize(scene.pixels, *geometry.coded_px), LATENT_PX)
        channels = self.analysis.get_inputs()[0].shape[1]  # 3, or 1 for a codec of grey pictures
        x = np.ascontiguousarray(coded.transpose(2, 0, 1)[:channels], np.float32) / np.float32(255)
        y = transform.run(self.analysis, x, text=scene.words)
        z = transform.run(self.hyper_analysis, y)
        writer = Writer()
        walked = hyperlatent.fit(y, z, geometry, self.path, writer)
        return Fitted(walked, writer.finish())

    def fit_within(self, scene: Scene, limit_bytes: int, overhead_bytes: int) -> Fitted:
        """The fit at the largest scale whose file has at most ``limit_bytes``. BudgetError with the least that would do."""
        sizes_bytes = []
        for scale in range(len(SIXTEENTHS)):
            fitted = self.fit(scene, scale)
            sizes_bytes.append(fitted.size_bytes + overhead_bytes)
            if sizes_bytes[-1] <= limit_bytes:
                return fitted
        least_bytes = min(sizes_bytes)
        message = f"{limit_bytes} bytes are too few for this picture here: the least that would do is {least_bytes}"
        raise BudgetError(message, least_bytes)

    def write(self, layer: Hyperlatent, width_px: int, height_px: int) -> bytes:
        """Code a layer as a body; ``fit`` has done it already for the layers that it gives."""
        return hyperlatent.write(layer, Geometry(width_px, height_px, layer.scale), self.path)

    def read(self, blob: Blob) -> Fitted:
        """Raises DamagedError unless the body is exactly what ``write`` makes of what was read."""
        body = latent_body(blob)
        return Fitted(hyperlatent.read(body, blob.width_px, blob.height_px, self.path), body)

    def read_start(self, blob: Blob) -> Fitted:
        """Read a body whose end is missing, as far as it goes. Raises DecodeError for what says nothing, or starts no body."""
        start = latent_body(blob)
        walked, part = prefix.read_hyperlatent(start, blob.width_px, blob.height_px, self.path)
        return Fitted(walked, start, part)

    def render(self, fitted: Fitted, width_px: int, height_px: int) -> Pixels:
        """Paint (height, width, 3), sRGB 0..255."""
        levels = 255 * transform.run(self.synthesis, hyperlatent.expand(fitted.walked))
        painted = np.rint(np.clip(levels, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
        painted = np.broadcast_to(painted, (*painted.shape[:2], 3))
        coded = image.crop(np.ascontiguousarray(painted), *Geometry(width_px, height_px, fitted.layer.scale).coded_px)
        return image.resize(coded, width_px, height_px)


@lru_cache(maxsize=2)
def opened(folder: Path, identity: bytes) -> Taco:
    """The codec with the weights in a folder; ``identity``: what they are, so that others in their place are opened anew."""
    return Taco(at(folder))


def latent_body(blob: Blob) -> bytes:
    """The body that holds the picture."""
    for layer in blob.layers:
        if layer.kind == LATENT_KIND:
            return layer.body
    raise InvalidFieldError("a taco file has a latent layer, and this one has none", offset=0, field="layers")


def explain(body: bytes) -> str:
    """What can be said of a latent body without weights."""
    try:
        scale = hyperlatent.setting(body)
    except DecodeError as error:
        return error.message
    return f"coded at {SIXTEENTHS[scale]}/16 of the sides"
