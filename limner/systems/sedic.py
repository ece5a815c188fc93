"""sedic: an extremely small reference picture, words for the whole, and for each object words and a mask; painted in stages.

    describe   the picture, words for the whole, objects with words and masks
    fit        reference codec at a quality or within bytes; words and masks -> layers
    write      reference, painter, seed, words for the whole, objects, in this order
    read       the same backwards; a file that was cut behind a layer is one with fewer
    conditions the reference by its own decoder; masks at the painter's size
    render     Algorithm 1 (``limner.render.stages``): object by object, then the whole -> the picture's own size

Names of objects are not sent. The header names the weights of the reference, whose integers depend on them; whose settings the
painting is by, the painter layer says, and without one it is the preset "paper".

Source: Song et al. 2025 (SEDIC), section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.container.blob import Blob, Layer, pack
from limner.describe import answer
from limner.errors import BudgetError, InvalidFieldError, SceneError
from limner.layers import choice, masks, painter, text
from limner.layers.choice import Choice
from limner.layers.layer import MOST_CELLS
from limner.layers.masks import Masks
from limner.layers.painter import PainterId
from limner.layers.text import Text
from limner.render.regions import Mask
from limner.render.stagepainter import STAGE_PAINTERS, StagePainter, model_id
from limner.render.stages import MOST_THINGS, Keep, Thing, Watch
from limner.systems.references import Coding, Made

NUMBER = 5
NAME = "sedic"
LATENT_KIND, TEXT_KIND, MASKS_KIND, CHOICE_KIND, PAINTER_KIND = 1, 2, 3, 5, 6
NO_MODEL = bytes(2)
GREY = 128  # of a reference that is not sent
MOST_CELL_PX = 128
FIRST = 0  # the seed that is meant where none is sent

Pixels = NDArray[np.uint8]
Size = tuple[int, int]


class Painting(Protocol):
    """Whoever paints (``limner.render.stages.Stages``)."""

    def paint(
        self,
        reference: Pixels,
        things: Sequence[Thing],
        words: str,
        seed: int,
        size_px: Size,
        stages: int | None = None,
        watch: Watch | None = None,
        keep: Keep | None = None,
    ) -> Pixels: ...


@dataclass(frozen=True, eq=False)
class Seen:
    """An object of a picture. words: its details. mask: (h, w), true where it is."""

    words: str
    mask: Mask


@dataclass(frozen=True, eq=False)
class Scene:
    """The picture (h, w, 3), words for the whole, objects in the order of their painting."""

    pixels: Pixels
    words: str
    objects: tuple[Seen, ...]

    @property
    def size_px(self) -> Size:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Amount:
    """How much is sent. overall_words: of the whole. objects: which of the scene's, and how many words of each. cell_px: of
    the masks' grid. Raises SceneError for more objects than a file has."""

    overall_words: int
    objects: tuple[tuple[int, int], ...] = ()
    cell_px: int = 8

    def __post_init__(self) -> None:
        if len(self.objects) > MOST_THINGS:
            raise SceneError(f"a file has at most {MOST_THINGS} objects, not {len(self.objects)}", field="objects")


@dataclass(frozen=True)
class Object:
    """What is sent of an object. words: None only where a file was cut before them."""

    masks: Masks
    words: Text | None


@dataclass(frozen=True, eq=False)
class Layers:
    """What is sent. reference: None for a picture of grey. whole: None for no words. painter: model id of its settings."""

    reference: Made | None
    whole: Text | None
    objects: tuple[Object, ...]
    seed: int
    painter: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layers) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    @property
    def parts(self) -> tuple[object, ...]:
        made = self.reference
        sent = None if made is None else (made.model, made.layer)
        return sent, self.whole, self.objects, self.seed, self.painter

    @property
    def model(self) -> bytes:
        """What the header names."""
        return self.reference.model if self.reference else NO_MODEL


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a painter is given: the reference (h, w, 3) at the picture's size, objects, words, a seed, and at what size."""

    reference: Pixels
    things: tuple[Thing, ...]
    words: str
    seed: int
    size_px: Size


def fit(scene: Scene, amount: Amount, drawn_by: StagePainter, seed: int = FIRST) -> Layers:
    """Layers without a reference. Of an object or a whole that has no words, or whose mask is on no cell, nothing is sent."""
    whole = fitted(scene.words, amount.overall_words)
    found = (of_object(scene.objects[place], words, amount.cell_px) for place, words in amount.objects)
    return Layers(None, whole, tuple(one for one in found if one is not None), seed, model_id(drawn_by))


def of_object(seen: Seen, most_words: int, cell_px: int) -> Object | None:
    words, made = fitted(seen.words, most_words), carried(seen.mask, cell_px)
    return None if words is None or not made.masks[0].any() else Object(made, words)


def fitted(words: str, most: int) -> Text | None:
    """At most so many words."""
    made = text.fit(cut(words, most)) if most else None
    return made if made and made.words else None


def cut(words: str, most: int) -> str:
    """The first so many words, or those before the last comma in them if that is half of them or more: what is cut in the
    middle of a phrase says nothing."""
    kept = answer.cut(words, most)
    whole = kept.rpartition(",")[0]
    return kept if len(words.split()) <= most or 2 * len(whole.split()) < most else whole


def carried(mask: Mask, cell_px: int) -> Masks:
    """A mask on a grid of such cells, or of the next larger that the format carries."""
    while cell_px < MOST_CELL_PX and not fits([-(-side_px // cell_px) for side_px in mask.shape]):
        cell_px *= 2
    return masks.fit([mask], cell_px)


def fits(grid: Sequence[int]) -> bool:
    """Whether as many masks of so many rows and columns as there may be are carried by a file."""
    return max(grid) <= masks.MOST_SIDE and grid[0] * grid[1] <= MOST_CELLS // MOST_THINGS


def with_reference(layers: Layers, coding: Coding, quality: int) -> Layers:
    return replace(layers, reference=coding.fit(quality))


def within(layers: Layers, coding: Coding, size_px: Size, limit_bytes: int, *, bare: bool = False) -> Layers:
    """With the best reference for which the file has at most ``limit_bytes``. BudgetError with the least that would do."""
    return replace(layers, reference=coding.fit_within(limit_bytes, overhead_bytes(layers, size_px, limit_bytes, bare)))


def overhead_bytes(layers: Layers, size_px: Size, limit_bytes: int, bare: bool = False) -> int:
    """All of a file but the body of its reference, with the length of that as long as the limit lets it be."""
    blank = Layer(LATENT_KIND, b"")
    rest = write(replace(layers, reference=None))
    length_bytes = 0 if not rest else max(0, (min(limit_bytes, 2**28 - 1).bit_length() + 6) // 7 - 1)
    return len(pack(Blob(NUMBER, NO_MODEL, *size_px, (blank, *rest)), bare=bare)) + length_bytes


def without_reference(layers: Layers, size_px: Size, limit_bytes: int, *, bare: bool = False) -> Layers:
    """The same, if its file is small enough; else BudgetError."""
    least_bytes = len(pack(blob(layers, size_px), bare=bare))
    if least_bytes > limit_bytes:
        raise BudgetError(f"{limit_bytes} bytes are too few: words and masks take {least_bytes}", least_bytes)
    return layers


def write(layers: Layers) -> tuple[Layer, ...]:
    """Reference first: a file that is cut behind it is still a picture."""
    made = [] if layers.reference is None else [Layer(LATENT_KIND, layers.reference.body)]
    if layers.painter != DEFAULT:
        made.append(Layer(PAINTER_KIND, painter.write(PainterId(layers.painter))))
    if layers.seed != FIRST:
        made.append(Layer(CHOICE_KIND, choice.write(Choice(layers.seed))))
    if layers.whole is not None:
        made.append(Layer(TEXT_KIND, text.write(layers.whole)))
    for one in layers.objects:
        made.append(Layer(MASKS_KIND, masks.write(one.masks)))
        made += [] if one.words is None else [Layer(TEXT_KIND, text.write(one.words))]
    return tuple(made)


def blob(layers: Layers, size_px: Size) -> Blob:
    return Blob(NUMBER, layers.model, *size_px, write(layers))


def read(found: Sequence[object], reference: Made | None) -> Layers:
    """What the read layers of a file say together, in their order; layers of other kinds change nothing. ``reference``: from
    the latent layer, if there is one. InvalidFieldError for what ``write`` would not have written."""
    whole: list[Text] = []
    objects: list[Object] = []
    for layer in found:
        if isinstance(layer, Masks):
            objects.append(Object(layer, None))
        elif isinstance(layer, Text) and not objects:
            whole.append(layer)
        elif isinstance(layer, Text):
            check(objects[-1].words is None, "an object has its words in one text layer")
            objects[-1] = replace(objects[-1], words=layer)
    said = [*whole, *(one.words for one in objects if one.words)]
    check(len(whole) <= 1, "the words for the whole are one text layer")
    check(all(one.words for one in said), "no words are empty")
    check(len(objects) <= MOST_THINGS, f"there are at most {MOST_THINGS} objects")
    check(all(len(one.masks.masks) == 1 and one.masks.masks[0].any() for one in objects), "an object has one mask, not empty")
    check(all(one.words for one in objects[:-1]), "every object has words")
    check(reference is not None or bool(whole or objects), "there is nothing to be painted")
    drawn = [layer.model for layer in found if isinstance(layer, PainterId)]
    seeds = [layer for layer in found if isinstance(layer, Choice)]
    check(DEFAULT not in drawn, "the painter that is meant where none is sent is not sent")
    check(all(one.candidates == 1 and one.seed != FIRST for one in seeds), "a choice is of one candidate, and not of seed 0")
    return Layers(
        reference,
        next(iter(whole), None),
        tuple(objects),
        next((one.seed for one in seeds), FIRST),
        next(iter(drawn), DEFAULT),
    )


def check(right: bool, what: str) -> None:
    if not right:
        raise InvalidFieldError(f"in a file of {NAME} {what}", offset=0, field="layers")


def conditions(layers: Layers, size_px: Size, drawn_by: StagePainter) -> Conditions:
    """For a picture of this size."""
    wanted_px = drawn_by.size_px(*size_px)
    things = tuple(
        Thing(text.expand(one.words), sampled(one.masks, size_px, wanted_px)) for one in layers.objects if one.words
    )
    words = text.expand(layers.whole) if layers.whole else ""
    return Conditions(reference(layers, size_px), things, words, layers.seed, wanted_px)


def reference(layers: Layers, size_px: Size) -> Pixels:
    """The reference (h, w, 3) as its own decoder paints it; grey if there is none."""
    if layers.reference is None:
        return np.full((size_px[1], size_px[0], 3), GREY, np.uint8)
    return layers.reference.paint(*size_px)


def sampled(layer: Masks, size_px: Size, wanted_px: Size) -> Mask:
    """The mask of a picture of one size (width, height) at another: in where the cell is that a pixel's centre lies in."""
    (mask,) = layer.masks
    columns, rows = (
        (2 * np.arange(wanted) + 1) * side // (2 * wanted) // layer.cell_px
        for side, wanted in zip(size_px, wanted_px, strict=True)
    )
    found: Mask = mask[rows[:, None], columns]
    return found


def render(
    given: Conditions,
    size_px: Size,
    stages: Painting,
    count: int | None = None,
    watch: Watch | None = None,
    keep: Callable[[int, Pixels], None] | None = None,
) -> Pixels:
    """Paint (height, width, 3) uint8 sRGB at the picture's own size. ``count``: ends after so many objects, 1 to their number;
    None: with the whole. ``keep``: is given each stage's number and picture, at the painter's size."""
    painted = stages.paint(given.reference, given.things, given.words, given.seed, given.size_px, count, watch, keep)
    return image.resize(painted, *size_px)


DEFAULT = model_id(STAGE_PAINTERS["paper"])
"""The painter that is meant where none is sent."""


def explain_masks(body: bytes) -> str:
    """What can be said of a masks body without the picture's size."""
    if not body:
        return "no head"
    count, cell_px = body[0] & 31, 1 << (body[0] >> 5)
    return f"{count} mask{'' if count == 1 else 's'} on cells of {cell_px} px"


def explain_painter(body: bytes) -> str:
    """Whose settings."""
    known = {model_id(one): name for name, one in STAGE_PAINTERS.items()}
    return known.get(body, body.hex(" "))
