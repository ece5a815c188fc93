"""pic and pics: words, or words and a sketch, that a diffusion model paints.

    describe     the picture, its words, its soft edges at the size at which it will be painted (pics)
    fit          words -> text layer; edges -> sketch layer by a learned codec, at a quality or within bytes
    choose       each of N candidates is painted from its seed; the one most like the picture -> choice layer
    write        text, sketch, choice -> layers; one candidate of seed 0 needs no choice
    read         the same backwards
    conditions   words, the decoded sketch at the painter's size, the chosen seed
    render       conditions -> the painter's diffusion -> the picture's own size

Whose painter it is, the header says: a prefix of the hash of all its settings. Nothing but ``render`` and ``choose`` needs it.

Source: Lei et al. 2023, "Text + Sketch: Image compression at ultra low rates" (PIC and PICS).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.container.blob import Blob, Layer, pack
from limner.describe.edges import EdgeDetector, resized
from limner.describe.likeness import Likeness
from limner.errors import BudgetError, DecodeError, EncodeError, InvalidFieldError
from limner.layers import choice, sketch, text
from limner.layers.choice import Choice
from limner.layers.latent import SIXTEENTHS
from limner.layers.sketch import Sketch
from limner.layers.text import Text
from limner.render import card
from limner.render.painter import Painter, model_id
from limner.systems import sketches
from limner.systems.sketches import SketchCodec

NUMBERS = {"pic": 2, "pics": 3}
NAMES = {number: name for name, number in NUMBERS.items()}
TEXT_KIND, SKETCH_KIND, CHOICE_KIND = 2, 4, 5
LAST_SCALE = len(SIXTEENTHS) - 1
FIRST = Choice(0)
"""One candidate, of seed 0: what is meant where nothing is sent."""

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Size = tuple[int, int]
Watch = Callable[[int, int], None]
Weights = str | Path | None


class Diffusion(Protocol):
    """Whoever paints (``limner.render.diffusion``)."""

    def paint(
        self, words: str, size_px: Size, seeds: Sequence[int], sketch: Floats | None = None, watch: Watch | None = None
    ) -> list[Pixels]: ...


@dataclass(frozen=True, eq=False)
class Scene:
    """The picture (h, w, 3), its words, and its soft edges (rows, columns; 0..1), None where no sketch is to be sent."""

    pixels: Pixels
    words: str
    edges: Floats | None = None

    @property
    def size_px(self) -> Size:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Layers:
    """What is sent."""

    text: Text
    sketch: Sketch | None = None
    choice: Choice = FIRST


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a painter is given: words, a sketch (h, w; 0..1) at ``size_px`` (width, height) or None, a seed."""

    words: str
    sketch: Floats | None
    seed: int
    size_px: Size


@dataclass(frozen=True)
class TextSketch:
    """The codec. name: pic or pics. painter: all that decides what is painted; of it no more than the identity is sent."""

    name: str
    painter: Painter

    def __post_init__(self) -> None:
        if self.name not in NUMBERS:
            raise EncodeError(f"the systems of words are {' and '.join(NUMBERS)}, not {self.name!r}")

    @cached_property
    def model_id(self) -> bytes:
        """Of a painter whose models are folders all their bytes are read, once."""
        return model_id(self.painter)

    def describe(self, pixels: Pixels, words: str, detector: EdgeDetector | None = None) -> Scene:
        """pixels (h, w, 3) uint8 sRGB, what is said of them, and who draws their edges; for pic there are none."""
        if detector is None or self.name == "pic":
            return Scene(pixels, words)
        size_px = self.painter.size_px(pixels.shape[1], pixels.shape[0])
        return Scene(pixels, words, np.clip(resized(detector.edges(pixels), *size_px), 0, 1))

    def fit(self, scene: Scene, codec: SketchCodec | None = None, quality: int = 20, meant: Choice = FIRST) -> Layers:
        """``codec``: whose sketch it is, at ``quality`` (0..63). ``meant``: what is known of the choice before there is one."""
        drawn = None if codec is None or scene.edges is None else codec.fit(scene.edges, quality)
        return Layers(text.fit(scene.words), drawn, meant)

    def fit_within(
        self, scene: Scene, limit_bytes: int, codec: SketchCodec | None = None, meant: Choice = FIRST, *, bare: bool = False
    ) -> Layers:
        """Layers whose file has at most ``limit_bytes``: the words are sent whole, and the sketch has what they leave.

        BudgetError with the least that would do.
        """
        plain = Layers(text.fit(scene.words), None, meant)
        if codec is None or scene.edges is None:
            return self.checked(plain, scene.size_px, limit_bytes, bare)
        least = replace(plain, sketch=codec.fit(scene.edges, 0, LAST_SCALE))
        least_bytes = self.size_bytes(least, scene.size_px, bare)
        body_bytes = len(sketch.write(least.sketch)) if least.sketch else 0
        # The length of the sketch is a varint of two bytes from 128 on: it is counted as that.
        left_bytes = limit_bytes - (least_bytes - body_bytes) - 1
        try:
            drawn = codec.fit_within(scene.edges, max(left_bytes, 0))
        except BudgetError:
            return self.checked(least, scene.size_px, limit_bytes, bare)
        return replace(plain, sketch=drawn)

    def checked(self, layers: Layers, size_px: Size, limit_bytes: int, bare: bool) -> Layers:
        """BudgetError if the file of these would be too large."""
        least_bytes = self.size_bytes(layers, size_px, bare)
        if least_bytes > limit_bytes:
            message = f"{limit_bytes} bytes are too few for these words: with them the least is {least_bytes}; shorten them"
            raise BudgetError(message, least_bytes)
        return layers

    def size_bytes(self, layers: Layers, size_px: Size, bare: bool = False) -> int:
        """Of the whole file."""
        return len(pack(self.blob(layers, size_px), bare=bare))

    def choose(
        self,
        layers: Layers,
        scene: Scene,
        count: int,
        diffusion: Diffusion,
        likeness: Likeness,
        watch: Watch | None = None,
        weights: Weights = None,
    ) -> Layers:
        """Paint ``count`` candidates from the seed of ``layers`` on, as the decoder will, and mean the best."""
        seed = layers.choice.seed
        given = self.conditions(layers, scene.size_px, weights)
        seeds = [choice.expand(Choice(seed, count, index)) for index in range(count)]
        painted = diffusion.paint(given.words, given.size_px, seeds, given.sketch, watch)
        found = likeness.of(image.resize(scene.pixels, *given.size_px), painted)
        return replace(layers, choice=Choice(seed, count, int(np.argmax(found))))

    def write(self, layers: Layers) -> tuple[Layer, ...]:
        """Words first: a file that is cut behind them still says what was there."""
        made = [Layer(TEXT_KIND, text.write(layers.text))]
        if layers.sketch is not None:
            made.append(Layer(SKETCH_KIND, sketch.write(layers.sketch)))
        if layers.choice != FIRST:
            made.append(Layer(CHOICE_KIND, choice.write(layers.choice)))
        return tuple(made)

    def blob(self, layers: Layers, size_px: Size) -> Blob:
        return Blob(NUMBERS[self.name], self.model_id, *size_px, self.write(layers))

    def conditions(self, layers: Layers, size_px: Size, weights: Weights = None) -> Conditions:
        """For a picture of this size. ``weights``: a folder with those of the sketch, else all that are here are tried.
        WrongModelError for a sketch by other weights, DamagedError for a bad one."""
        wanted_px, map_ = self.painter.size_px(*size_px), None
        if layers.sketch is not None:
            map_ = np.clip(resized(sketch_map(layers.sketch, weights), *wanted_px), 0, 1)
        return Conditions(text.expand(layers.text), map_, choice.expand(layers.choice), wanted_px)

    def render(self, given: Conditions, size_px: Size, diffusion: Diffusion, watch: Watch | None = None) -> Pixels:
        """Paint (height, width, 3) uint8 sRGB at the picture's own size."""
        (painted,) = diffusion.paint(given.words, given.size_px, [given.seed], given.sketch, watch)
        return image.resize(painted, *size_px)


def read(name: str, found: Sequence[object]) -> Layers:
    """What the read layers of a file of pic or pics say together; layers of other kinds change nothing. InvalidFieldError for
    what ``write`` would not have written."""
    words = [layer for layer in found if isinstance(layer, Text)]
    drawn = [layer for layer in found if isinstance(layer, Sketch)]
    meant = [layer for layer in found if isinstance(layer, Choice)]
    if len(words) != 1:
        raise refused(f"a file of {name} has its words in one text layer, and this one has {len(words)}")
    if drawn and name == "pic":
        raise refused("a file of pic has no sketch: pics has")
    if FIRST in meant:
        raise refused("one candidate of seed 0 is meant where no choice is sent, and here it is")
    return Layers(words[0], next(iter(drawn), None), next(iter(meant), FIRST))


def refused(why: str) -> InvalidFieldError:
    return InvalidFieldError(why, offset=0, field="layers")


def longest(seed: int, count: int) -> Choice:
    """The choice of ``count`` candidates (up to 256) that takes the most bytes: what a budget must allow for."""
    return max((Choice(seed, count, index) for index in range(count)), key=lambda one: len(choice.write(one)))


def sketch_map(made: Sketch, weights: Weights = None) -> Floats:
    """The map (rows, columns; 0..1) of a sketch of any coding. ``weights``: a folder, else all that are here are tried."""
    if made.coding == sketch.LINES:
        return sketch.lines(made).astype(np.float32)
    return sketches.codec_for(made, weights).read(made)


def explain_sketch(body: bytes) -> str:
    """What can be said of the body of a sketch without weights."""
    try:
        made = sketch.read(body)
    except DecodeError as error:
        return error.message
    if made.coding == sketch.LINES:
        return f"lines on {made.columns} x {made.rows} cells"
    return f"a map of {made.columns} x {made.rows} px, by the weights {made.model.hex()}"


def explain_choice(body: bytes) -> str:
    """Which candidate is meant."""
    try:
        meant = choice.read(body)
    except DecodeError as error:
        return error.message
    return f"candidate {meant.index + 1} of {meant.candidates} from seed {meant.seed}"


def preview(layers: Layers, size_px: Size, weights: Weights = None) -> Pixels:
    """A card of what was sent, which needs no painter."""
    drawn = None if layers.sketch is None else sketch_map(layers.sketch, weights)
    return card.card(text.expand(layers.text), drawn, *size_px)
