"""Files of sedic: from a picture to bytes, and from what was read to a picture, stage by stage.

    picture --words, masks, reference--> layers --spent within a budget--> file
    reference, words, masks --> its own decoder alone, or the painter that the file names --> picture
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.container.blob import pack
from limner.describe import likeness
from limner.describe.answer import Limits
from limner.describe.scene import Scene
from limner.errors import BudgetError, EncodeError, MissingError, SceneError
from limner.files import OfSedic
from limner.painted import HERE, Size, Wish, torch_device
from limner.render import stages
from limner.render.machine import Machine
from limner.render.stagepainter import StagePainter
from limner.render.stages import Keep, Stages, Watch
from limner.systems import levels, objects, references, sedic, spending
from limner.systems.levels import Level, Settings
from limner.systems.references import Coding
from limner.systems.sedic import Amount, Layers

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Extent:
    """How much is sent where no bytes are asked for, and at most where they are. level: by name. proved: objects and words for
    the whole are sent only if what the painter then paints is more like the picture."""

    level: str | Level = levels.HIGH
    proved: bool = False

    @property
    def asked(self) -> Level:
        """SceneError for a level that there is not."""
        return self.level if isinstance(self.level, Level) else levels.level_of(self.level)


def encode(
    pixels: Pixels,
    scene: Scene | str | Path | None,
    wish: Wish,
    size: Size,
    extent: Extent,
    weights: str | Path | None = None,
) -> bytes:
    """A picture (h, w, 3) as a file of sedic.

    ``scene``: what is said of it, or the path of a sidecar; None lets the settings describe it. ``weights``: a folder with the
    reference's. Nothing is painted unless it is to be proved, and with a scene that is given no weights but the package's are
    needed. Raises BudgetError with the least that would do, MissingError if weights are not here, SceneError for a bad scene or
    settings.
    """
    settings, level = settings_of(wish), extent.asked
    seen = objects.seen(pixels, scene, settings, level.limits, torch_device(wish.machine))
    coding = references.named(settings.reference, weights).of(pixels)

    def layers_of(amount: Amount) -> Layers:
        return sedic.fit(seen, amount, settings.painter, wish.seed)

    def remade(layers: Layers) -> Layers:
        return with_reference(layers, coding, seen.size_px, size, level)

    if size.limit_bytes is None:
        layers = remade(layers_of(everything(seen, level.limits, settings.cell_px)))
    else:
        layers = spending.spent(seen, layers_of, coding, level.limits, size.limit_bytes, settings.cell_px, size.bare)
    if extent.proved:
        layers = spending.proved(layers, remade, judge(seen, settings.painter, wish))
    return pack(sedic.blob(layers, seen.size_px), bare=size.bare)


def with_reference(layers: Layers, coding: Coding, size_px: tuple[int, int], size: Size, level: Level) -> Layers:
    """The same words and masks with a reference: within the bytes that are asked for, of the quality that is asked for, or as
    the level has it."""
    if size.limit_bytes is not None:
        return sedic.within(layers, coding, size_px, size.limit_bytes, bare=size.bare)
    if size.quality is not None or not coding.has_rates:
        return sedic.with_reference(layers, coding, size.quality or 0)
    try:
        return sedic.within(layers, coding, size_px, int(level.bpp * size_px[0] * size_px[1] / 8), bare=size.bare)
    except BudgetError:
        return sedic.with_reference(layers, coding, 0)  # of a small picture the words take more than that


def settings_of(wish: Wish) -> Settings:
    """SceneError for settings that are not sedic's."""
    if wish.candidates not in (None, 1):
        raise EncodeError("a file of sedic has one candidate: choose a seed instead")
    if isinstance(wish.settings, str | Path):
        return levels.settings_of(wish.settings)
    if not isinstance(wish.settings, Settings):
        raise SceneError("these are not of sedic", field="settings")
    return wish.settings


def everything(seen: sedic.Scene, limits: Limits, cell_px: int) -> Amount:
    """All objects with all words that the limits let through."""
    return Amount(limits.overall_words, tuple((place, limits.detail_words) for place in range(len(seen.objects))), cell_px)


def judge(seen: sedic.Scene, painter: StagePainter, wish: Wish) -> Callable[[Layers], float]:
    """Paints layers as the decoder will, and says how like the picture that is."""
    painting, liking = opened(painter, wish.machine), likeness.at_hand(device=torch_device(wish.machine))

    def likeness_of(layers: Layers) -> float:
        given = sedic.conditions(layers, seen.size_px, painter)
        painted = sedic.render(given, seen.size_px, painting, watch=wish.watch)
        (found,) = liking.of(seen.pixels, [painted])
        return found

    return likeness_of


def paint(
    found: OfSedic,
    count: int | None = None,
    settings: str | Path | Settings | None = None,
    machine: Machine = HERE,
    watch: Watch | None = None,
    keep: Keep | None = None,
) -> Pixels:
    """The picture (h, w, 3) of a file.

    ``count``: 0 is the reference by its own decoder, which needs no painter; k ends after k objects; None: with the whole.
    ``settings``: those that it was made with, where no preset is meant. ``keep``: is given each stage's number, 0 for the
    reference, and its picture. WrongModelError for another painter; MissingError that names what is not here, its size, and the
    command that gets it; SceneError for more objects than there are.
    """
    painted = sedic.reference(found.layers, found.size_px)
    if keep is not None:
        keep(0, painted)
    if count == 0:
        return painted
    painter = levels.painter_of(found.layers.painter, given(settings))
    conditions = sedic.conditions(found.layers, found.size_px, painter)
    if count is not None and not 0 < count <= len(conditions.things):
        raise SceneError(f"is 0 to the number of objects, {len(conditions.things)}, not {count}", field="stages")
    return sedic.render(conditions, found.size_px, hinted(painter, machine), count, watch, keep)


def hinted(painter: StagePainter, machine: Machine) -> Stages:
    """A painter with its models. MissingError that also says what can be seen without them."""
    try:
        return opened(painter, machine)
    except MissingError as error:
        raise MissingError(f"{error}; --stages 0 shows the reference without them") from error


def given(settings: str | Path | Settings | None) -> StagePainter | None:
    if settings is None or isinstance(settings, Settings):
        return settings.painter if settings else None
    return levels.settings_of(settings).painter


@lru_cache(maxsize=1)
def opened(painter: StagePainter, machine: Machine) -> Stages:
    """A painter with its models; kept, since opening takes gigabytes and a batch has many files."""
    return stages.opened(painter, machine)
