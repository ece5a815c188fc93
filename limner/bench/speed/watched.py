"""miniature and taco as they are, with a clock on their stages: what is coded and painted stays the same.

A stage that is open when another begins is not charged for it, so `fit` is entropy coding but for the scaling, the analysis and
the opening of weights that happen inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner.bench.speed.clock import (
    ANALYSIS,
    ENTROPY_DECODING,
    ENTROPY_ENCODING,
    RESIZE,
    SCALING,
    SYNTHESIS,
    WEIGHTS,
    WORDS,
    Clock,
)
from limner.container.blob import Blob
from limner.describe.analysis import Analysis, View
from limner.describe.reading import Reader
from limner.layers import hyperpath, path
from limner.pixels.strips import Strips
from limner.render.synthesis import Synthesis
from limner.systems import miniature, taco
from limner.systems.miniature import FAITHFUL, Miniature, Painting, Setting
from limner.systems.taco import Taco

if TYPE_CHECKING:
    import onnxruntime

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(eq=False)
class WatchedScene(miniature.Scene):
    clock: Clock = field(default_factory=Clock)

    def view(self, scale: int) -> View:
        with self.clock.stage(SCALING):
            return super().view(scale)


@dataclass(frozen=True, eq=False)
class WatchedAnalysis(Analysis):
    clock: Clock

    def latent(self, view: View, quality: int) -> Floats:
        with self.clock.stage(ANALYSIS):
            return super().latent(view, quality)

    def hyper_latent(self, latent: Floats, quality: int) -> Floats:
        with self.clock.stage(ANALYSIS):
            return super().hyper_latent(latent, quality)


@dataclass(frozen=True, eq=False)
class WatchedSynthesis(Synthesis):
    clock: Clock

    def tile(self, latent: Floats, quality: int, whole: bool) -> Pixels:
        with self.clock.stage(SYNTHESIS):
            return super().tile(latent, quality, whole)


@dataclass(frozen=True, eq=False)
class WatchedMiniature(Miniature):
    clock: Clock

    @cached_property
    def path(self) -> path.Path:
        with self.clock.stage(WEIGHTS):
            return super().path

    @cached_property
    def analysis(self) -> Analysis:
        with self.clock.stage(WEIGHTS):
            kept = super().analysis
        return WatchedAnalysis(kept.stem, kept.picture, kept.hyper, kept.gains, kept.rates, self.clock)

    @cached_property
    def synthesis(self) -> Synthesis:
        with self.clock.stage(WEIGHTS):
            return WatchedSynthesis(super().synthesis.network, self.clock)

    @cached_property
    def vivid(self) -> Synthesis:
        with self.clock.stage(WEIGHTS):
            return WatchedSynthesis(super().vivid.network, self.clock)

    def describe(self, picture: Pixels | Strips) -> miniature.Scene:
        return WatchedScene(super().describe(picture).strips, clock=self.clock)

    def fit(self, scene: miniature.Scene, setting: Setting) -> miniature.Fitted:
        with self.clock.stage(ENTROPY_ENCODING):
            return super().fit(scene, setting)

    def read(self, blob: Blob) -> miniature.Fitted:
        with self.clock.stage(ENTROPY_DECODING):
            return super().read(blob)

    def render(self, fitted: miniature.Fitted, width_px: int, height_px: int, painting: Painting = FAITHFUL) -> Pixels:
        with self.clock.stage(RESIZE):
            return super().render(fitted, width_px, height_px, painting)


@dataclass(frozen=True, eq=False)
class WatchedTaco(Taco):
    """Scaling and resizing are part of their neighbours here: entropy coding and synthesis."""

    clock: Clock

    @cached_property
    def path(self) -> hyperpath.HyperPath:
        with self.clock.stage(WEIGHTS):
            return super().path

    @cached_property
    def analysis(self) -> onnxruntime.InferenceSession:
        with self.clock.stage(WEIGHTS):
            return WatchedSession(super().analysis, ANALYSIS, self.clock)

    @cached_property
    def hyper_analysis(self) -> onnxruntime.InferenceSession:
        with self.clock.stage(WEIGHTS):
            return WatchedSession(super().hyper_analysis, ANALYSIS, self.clock)

    @cached_property
    def synthesis(self) -> onnxruntime.InferenceSession:
        with self.clock.stage(WEIGHTS):
            return WatchedSession(super().synthesis, SYNTHESIS, self.clock)

    @cached_property
    def reader(self) -> Reader | None:
        with self.clock.stage(WEIGHTS):
            return super().reader

    def describe(self, pixels: Pixels, caption: str = "") -> taco.Scene:
        with self.clock.stage(WORDS):
            return super().describe(pixels, caption)

    def fit(self, scene: taco.Scene, scale: int = 0) -> taco.Fitted:
        with self.clock.stage(ENTROPY_ENCODING):
            return super().fit(scene, scale)

    def read(self, blob: Blob) -> taco.Fitted:
        with self.clock.stage(ENTROPY_DECODING):
            return super().read(blob)

    def render(self, fitted: taco.Fitted, width_px: int, height_px: int) -> Pixels:
        with self.clock.stage(SYNTHESIS):
            return super().render(fitted, width_px, height_px)


@dataclass(frozen=True, eq=False)
class WatchedSession:
    """What of a session of onnxruntime `transform.run` uses."""

    session: onnxruntime.InferenceSession
    stage: str
    clock: Clock

    def get_inputs(self) -> list[onnxruntime.NodeArg]:
        return list(self.session.get_inputs())

    def run(self, *arguments: object) -> list[Floats]:
        with self.clock.stage(self.stage):
            return list(self.session.run(*arguments))
