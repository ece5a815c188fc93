"""Who codes a reference, the extremely small picture that sedic goes on from: miniature, or a codec with a hyperprior.

    picture --of--> coding --fit, fit_within--> made: layer, body, and how it is painted
    file --read--> made

SEDIC's is cheng2020-attn, trained at a tenth of the lowest published rate (``limner train reference``); miniature is better at
these rates, and has them all. A codec with a hyperprior has one quality: a smaller file is had by coding the picture smaller.

Source: Song et al. 2025 (SEDIC), section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner.container.blob import Blob
from limner.errors import MissingError, WrongModelError
from limner.layers.hyperlatent import Hyperlatent
from limner.layers.latent import Latent
from limner.layers.prefix import Part
from limner.systems import budget, miniature, taco
from limner.systems.miniature import Miniature, Setting
from limner.systems.taco import Taco
from limner.weights import WeightSet, at, sets

MINIATURE = "miniature"
NAMES = (MINIATURE, "reference")

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Made:
    """A reference. layer: its integers. body: as it is sent. model: id of its weights. paint: width and height in px -> the
    picture (height, width, 3) by its own decoder. part: how much is there of one that was cut."""

    layer: Latent | Hyperlatent
    body: bytes
    model: bytes
    paint: Callable[[int, int], Pixels]
    part: Part | None = None


class Coding(Protocol):
    """A codec that has seen a picture."""

    @property
    def has_rates(self) -> bool:
        """Whether there are several at one size."""

    def fit(self, quality: int) -> Made:
        """At a quality, 0..63, if the codec has rates."""

    def fit_within(self, limit_bytes: int, overhead_bytes: int) -> Made:
        """The best of which the body has at most ``limit_bytes`` less ``overhead_bytes``. BudgetError with the least that would
        do, overhead included."""


class Reference(Protocol):
    """A codec."""

    @property
    def weights(self) -> WeightSet: ...

    def of(self, pixels: Pixels) -> Coding:
        """pixels (h, w, 3) uint8 sRGB."""

    def read(self, header: Blob) -> Made:
        """The reference of a file. DamagedError unless its body is exactly what was written."""

    def read_start(self, header: Blob) -> Made:
        """The same of a file whose end is missing, as far as it goes. Raises DecodeError."""


@dataclass(frozen=True, eq=False)
class ByMiniature:
    codec: Miniature

    @property
    def weights(self) -> WeightSet:
        return self.codec.weights

    def of(self, pixels: Pixels) -> MiniatureOf:
        return MiniatureOf(self, self.codec.describe(pixels))

    def read(self, header: Blob) -> Made:
        return self.made(self.codec.read(header))

    def read_start(self, header: Blob) -> Made:
        return self.made(self.codec.read_start(header))

    def made(self, fitted: miniature.Fitted) -> Made:
        return Made(fitted.layer, fitted.body, self.codec.model_id, partial(self.codec.render, fitted), fitted.part)


@dataclass(frozen=True, eq=False)
class MiniatureOf:
    by: ByMiniature
    scene: miniature.Scene
    has_rates: bool = True

    def fit(self, quality: int) -> Made:
        return self.by.made(self.by.codec.fit(self.scene, Setting(quality)))

    def fit_within(self, limit_bytes: int, overhead_bytes: int) -> Made:
        return self.by.made(budget.to_target(self.by.codec, self.scene, limit_bytes, overhead_bytes))


@dataclass(frozen=True, eq=False)
class ByHyperprior:
    codec: Taco

    @property
    def weights(self) -> WeightSet:
        return self.codec.weights

    def of(self, pixels: Pixels) -> HyperpriorOf:
        return HyperpriorOf(self, self.codec.describe(pixels))

    def read(self, header: Blob) -> Made:
        return self.made(self.codec.read(header))

    def read_start(self, header: Blob) -> Made:
        return self.made(self.codec.read_start(header))

    def made(self, fitted: taco.Fitted) -> Made:
        return Made(fitted.layer, fitted.body, self.codec.model_id, partial(self.codec.render, fitted), fitted.part)


@dataclass(frozen=True, eq=False)
class HyperpriorOf:
    by: ByHyperprior
    scene: taco.Scene
    has_rates: bool = False

    def fit(self, quality: int) -> Made:
        return self.by.made(self.by.codec.fit(self.scene))

    def fit_within(self, limit_bytes: int, overhead_bytes: int) -> Made:
        return self.by.made(self.by.codec.fit_within(self.scene, limit_bytes, overhead_bytes))


def here(weights: str | Path | None = None) -> list[WeightSet]:
    """The sets that may be a reference's: miniature's, then that of a folder, or all of reference and taco that are here."""
    others = [at(Path(weights))] if weights is not None else [*sets("reference"), *sets(taco.NAME)]
    return list({one.identity: one for one in (miniature.embedded().weights, *others)}.values())


def opened(kept: WeightSet) -> Reference:
    """The codec of a set."""
    if kept.identity == miniature.embedded().weights.identity:
        return ByMiniature(miniature.embedded())
    return ByHyperprior(taco.opened(kept.folder, kept.identity))


def named(name: str, weights: str | Path | None = None) -> Reference:
    """The codec that settings name, or that of a folder. MissingError if it is not here."""
    if weights is not None:
        return opened(at(Path(weights)))
    if name == MINIATURE:
        return ByMiniature(miniature.embedded())
    for kept in sets(name):
        return opened(kept)
    raise MissingError(f"there are no weights of a {name} codec here: name their folder, or take miniature for the reference")


def of_model(model: bytes, weights: str | Path | None = None) -> Reference:
    """The codec whose weights a file names. WrongModelError if they are not here."""
    known = here(weights)
    for kept in known:
        if kept.model_id == model:
            return opened(kept)
    raise wrong_model(model, known)


def wrong_model(model: bytes, known: Sequence[WeightSet]) -> WrongModelError:
    names = ", ".join(f"{one.name} ({one.model_id.hex()})" for one in known)
    return WrongModelError(f"made with weights {model.hex()} of its reference; at hand are {names}", offset=0, field="model")
