"""Files of pic and pics: from a picture to bytes, and from what was read to a picture by diffusion.

    picture --words, edges--> layers --of N candidates the best--> file
    words, sketch, choice --> the painter that the header names --> picture, or a card in its place
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.container.blob import pack
from limner.describe import likeness
from limner.errors import EncodeError, MissingError, SceneError, WrongModelError
from limner.files import OfWords
from limner.layers.choice import Choice
from limner.render import diffusion
from limner.render.diffusion import Diffusion
from limner.render.machine import Machine, device_of
from limner.render.painter import Painter
from limner.systems import levels, presets, sketches, textsketch
from limner.systems.presets import LIGHT, Settings
from limner.systems.sketches import SketchCodec
from limner.systems.textsketch import TextSketch
from limner.weights import at, sets

Pixels = NDArray[np.uint8]
Watch = Callable[[int, int], None]
HERE = Machine()
MOST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Wish:
    """What is asked of an encoder of pic, pics or sedic beside words and size.

    settings: by name, from a file, or themselves. candidates: how many are painted, None for what the settings say. seed: of
    the first, 0 to 2**32 - 1. machine: on what weights run. watch: is told steps of painting. Raises EncodeError.
    """

    settings: str | Path | Settings | levels.Settings = LIGHT
    candidates: int | None = None
    seed: int = 0
    machine: Machine = HERE
    watch: Watch | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MOST_SEED:
            raise EncodeError(f"a seed is 0 to {MOST_SEED}, not {self.seed}")

    def of(self, system: str) -> Settings:
        """The settings of pic or pics, with the candidates that are asked for. SceneError for what there is not."""
        if isinstance(self.settings, levels.Settings):
            raise SceneError(f"these are of sedic, not of {system}", field="settings")
        found = self.settings if isinstance(self.settings, Settings) else presets.settings_of(system, self.settings)
        return found if self.candidates is None else replace(found, candidates=self.candidates)


@dataclass(frozen=True)
class Size:
    """limit_bytes: of the whole file, None for none. quality: of the sketch, None for what the settings say. bare: without the
    two bytes by which files are known."""

    limit_bytes: int | None = None
    quality: int | None = None
    bare: bool = False


def encode(
    pixels: Pixels, system: str, caption: str, wish: Wish, size: Size = Size(), weights: str | Path | None = None
) -> bytes:
    """A picture (h, w, 3) as a file of pic or pics.

    ``caption``: its words; "" lets the settings find them. ``weights``: a folder with the sketch's, else the first set here.
    With words that are given and one candidate nothing is painted, and no weights but the package's are needed. Raises
    BudgetError with the least that would do, MissingError if weights are not here, SceneError for bad settings.
    """
    settings = wish.of(system)
    codec = TextSketch(system, settings.painter)
    words = " ".join(caption.split()) or presets.words_of(settings, pixels, torch_device(wish.machine))
    drawn = sketch_codec(weights) if system == "pics" else None
    scene = codec.describe(pixels, words, presets.detector_of(settings.edges) if drawn else None)
    several = settings.candidates > 1
    meant = textsketch.longest(wish.seed, settings.candidates) if several else Choice(wish.seed)
    if size.limit_bytes is None:
        layers = codec.fit(scene, drawn, settings.quality if size.quality is None else size.quality, meant)
    else:
        layers = codec.fit_within(scene, size.limit_bytes, drawn, meant, bare=size.bare)
    if several:
        painter = opened(settings.painter if layers.sketch else replace(settings.painter, control=""), wish.machine)
        judge = likeness.at_hand(device=torch_device(wish.machine))
        layers = codec.choose(layers, scene, settings.candidates, painter, judge, wish.watch, weights)
    return pack(codec.blob(layers, scene.size_px), bare=size.bare)


def sketch_codec(weights: str | Path | None) -> SketchCodec:
    """The codec with the weights in a folder, or the first that is here. MissingError if there is none."""
    here = sets(sketches.NAME) if weights is None else [at(Path(weights))]
    if not here:
        raise MissingError("there are no weights of a sketch codec here: name their folder, or send words alone by pic")
    return sketches.opened(here[0].folder, here[0].identity)


def paint(
    found: OfWords,
    settings: str | Path | Settings | None = None,
    machine: Machine = HERE,
    watch: Watch | None = None,
    weights: str | Path | None = None,
) -> Pixels:
    """The picture (h, w, 3) of a file.

    ``settings``: those that it was made with, where no preset is meant. ``weights``: a folder with those of its sketch.
    WrongModelError for another painter; MissingError that names what is not here, its size, and the command that gets it.
    """
    painter = presets.painter_of(found.name, found.header.model, given(found.name, settings))
    codec = TextSketch(found.name, painter)
    conditions = codec.conditions(found.layers, found.size_px, weights)
    # Without a sketch there is nothing that a control net could follow, and its weights need not be here.
    asked = painter if conditions.sketch is not None else replace(painter, control="")
    return codec.render(conditions, found.size_px, opened(asked, machine), watch)


def preview(found: OfWords, weights: str | Path | None = None) -> Pixels:
    """A card of what was sent; without the weights of its sketch, of the words."""
    try:
        return textsketch.preview(found.layers, found.size_px, weights)
    except WrongModelError:
        return textsketch.preview(replace(found.layers, sketch=None), found.size_px)


def given(system: str, settings: str | Path | Settings | None) -> Painter | None:
    if settings is None or isinstance(settings, Settings):
        return settings.painter if settings else None
    return presets.settings_of(system, settings).painter


@lru_cache(maxsize=1)
def opened(painter: Painter, machine: Machine) -> Diffusion:
    """A painter with its models; kept, since opening takes gigabytes and a batch has many files."""
    return diffusion.opened(painter, machine)


def torch_device(machine: Machine) -> str:
    """Where describers run; without torch, which they will ask for by themselves, the CPU."""
    try:
        return device_of(machine)
    except MissingError:
        return "cpu"
