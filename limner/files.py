"""A file read to its last integer or letter, by its system; and the layers that need no weights.

    bytes --unpack--> header, layers --> OfMiniature | OfTaco: latents, and the codec that paints them
                                    |-> OfWords: words, sketch, choice; who paints them is another matter
                                    \\-> OfSedic: reference, words, masks; the same
    start --unpack_start--> the same, of the latents as many as are certain
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.container.blob import KINDS, MAX_PIXELS, Blob, Layer, is_bare, parts, unpack
from limner.container.start import Start, unpack_start
from limner.errors import DecodeError, ImageError, InvalidFieldError, WrongModelError
from limner.layers import choice, masks, painter, sketch, text
from limner.layers.layer import MOST_CELLS
from limner.layers.prefix import Part
from limner.layers.text import MOST_MODELLED_BYTES
from limner.pixels.strips import Strips
from limner.systems import miniature, references, sedic, taco, textsketch
from limner.systems.miniature import Fitted, Miniature, Painting
from limner.systems.taco import Taco
from limner.systems.textsketch import Layers
from limner.weights import WeightSet, at, sets

Pixels = NDArray[np.uint8]
Beside = text.Text | masks.Masks | sketch.Sketch | choice.Choice | painter.PainterId
"""Layers that are read without weights."""


@dataclass(frozen=True, eq=False)
class OfMiniature:
    """A file of miniature, read to its last integer."""

    codec: Miniature
    fitted: Fitted
    header: Blob

    def painted(self, painting: Painting) -> Pixels:
        return self.codec.render(self.fitted, self.header.width_px, self.header.height_px, painting)

    def strips(self, painting: Painting) -> Strips:
        """The same picture, painted as its rows are asked for."""
        return self.codec.strips(self.fitted, self.header.width_px, self.header.height_px, painting)

    @property
    def part(self) -> Part | None:
        """How much is there of latents that were cut."""
        return self.fitted.part


@dataclass(frozen=True, eq=False)
class OfTaco:
    """A file of taco, read to its last integer."""

    codec: Taco
    fitted: taco.Fitted
    header: Blob

    def painted(self, painting: Painting) -> Pixels:
        if painting.vivid:
            raise ImageError("a file of taco has one painter: leave it at faithful")
        return self.codec.render(self.fitted, self.header.width_px, self.header.height_px)

    @property
    def part(self) -> Part | None:
        """How much is there of latents that were cut."""
        return self.fitted.part


@dataclass(frozen=True, eq=False)
class OfWords:
    """A file of pic or pics, read to its last letter; a sketch that is a map is read when it is looked at."""

    layers: Layers
    header: Blob
    part: None = None

    @property
    def name(self) -> str:
        return textsketch.NAMES[self.header.system]

    @property
    def size_px(self) -> tuple[int, int]:
        return self.header.width_px, self.header.height_px


@dataclass(frozen=True, eq=False)
class OfSedic:
    """A file of sedic, read to its last integer and letter."""

    layers: sedic.Layers
    header: Blob

    @property
    def size_px(self) -> tuple[int, int]:
        return self.header.width_px, self.header.height_px

    @property
    def part(self) -> Part | None:
        """How much is there of a reference that was cut."""
        return self.layers.reference.part if self.layers.reference else None


Read = OfMiniature | OfTaco | OfWords | OfSedic


def read(
    blob: bytes, max_pixels: int = MAX_PIXELS, weights: str | Path | None = None, salvage: bool = False, cut: bool = False
) -> Read:
    """Read every layer to integers or letters. Raises DecodeError, and ImageError if both of these are asked.

    ``salvage``: of a list that is cut or damaged, the layers before the fault. ``cut``: the bytes may be the start of a file,
    but are right as far as they go: read whole layers, and of latents in which they end what is certain (``part``). No check
    guards that: bytes that were changed, and not just lost behind the end, give another picture.
    """
    if cut and salvage:
        raise ImageError("a file is cut or damaged: give one of cut and salvage, not both")
    given = unpack_start(blob, max_pixels=max_pixels) if cut else Start(unpack(blob, max_pixels=max_pixels, salvage=salvage))
    header = given.blob
    start = 0 if is_bare(blob) else 2
    if header.system in textsketch.NAMES:
        return read_words(blob, header)
    if header.system == sedic.NUMBER:
        return read_sedic(blob, given, weights)
    here = [miniature.embedded().weights] if header.system == miniature.NUMBER else taco_sets(weights)
    kept = next((one for one in here if one.model_id == header.model), None)
    if kept is None:
        known = ", ".join(f"{one.name} ({one.model_id.hex()})" for one in here) or "none of this system"
        message = f"made with weights {header.model.hex()}; at hand are {known}"
        raise WrongModelError(message, offset=start + 1, field="model")
    place = next((i for i, layer in enumerate(header.layers) if layer.kind == miniature.LATENT_KIND), None)
    try:
        if header.system == miniature.NUMBER:
            codec = miniature.embedded()
            return OfMiniature(codec, codec.read(header) if given.cut is None else codec.read_start(header), header)
        other = taco.opened(kept.folder, kept.identity)
        return OfTaco(other, other.read(header) if given.cut is None else other.read_start(header), header)
    except DecodeError as error:
        raise located(error, blob, header, place, given.at) from error


def read_words(blob: bytes, header: Blob) -> OfWords:
    found = read_beside(blob, header)
    try:
        return OfWords(textsketch.read(textsketch.NAMES[header.system], found), header)
    except DecodeError as error:
        raise located(error, blob, header, None) from error


def read_sedic(blob: bytes, given: Start, weights: str | Path | None) -> OfSedic:
    header = given.blob
    start = 0 if is_bare(blob) else 2
    place = next((i for i, layer in enumerate(header.layers) if layer.kind == sedic.LATENT_KIND), None)
    if place is None and header.model != sedic.NO_MODEL:
        raise InvalidFieldError("a file without a reference names no weights", offset=start + 1, field="model")
    found = read_beside(blob, header)
    try:
        codec = None if place is None else references.of_model(header.model, weights)
    except WrongModelError as error:
        raise WrongModelError(error.message, offset=start + 1, field="model") from error
    try:
        made = None if codec is None else codec.read(header) if given.cut is None else codec.read_start(header)
    except DecodeError as error:
        raise located(error, blob, header, place, given.at) from error
    try:
        return OfSedic(sedic.read(found, made), header)
    except DecodeError as error:
        raise located(error, blob, header, None) from error


def taco_sets(weights: str | Path | None) -> list[WeightSet]:
    return sets(taco.NAME) if weights is None else [at(Path(weights))]


def located(error: DecodeError, blob: bytes, header: Blob, place: int | None, cut_at: int = 0) -> DecodeError:
    """Say where in the file the fault lies that was found in the body of a layer; of none, at the start. ``cut_at``: where that
    body begins, if it is not whole."""
    at = 0
    for part in parts(header, bare=is_bare(blob)):
        if place is None or (part.field == "body" and part.layer == place):
            break
        at += len(part.data)
    at = cut_at or at
    return type(error)(error.message, offset=at + error.offset, field=error.field)


def read_beside(blob: bytes, header: Blob) -> list[Beside | None]:
    """Read the layers of an unpacked file that need no weights, in their order; None for the others. Raises DecodeError."""
    found: list[Beside | None] = []
    cells, modelled_bytes = MOST_CELLS, MOST_MODELLED_BYTES
    for place, layer in enumerate(header.layers):
        try:
            made = _read_beside(layer, header.width_px, header.height_px, cells, modelled_bytes)
        except DecodeError as error:
            raise located(error, blob, header, place) from error
        cells -= made.cells if isinstance(made, masks.Masks | sketch.Sketch) else 0
        modelled_bytes -= made.modelled_bytes if isinstance(made, text.Text) else 0
        found.append(made)
    return found


def _read_beside(layer: Layer, width_px: int, height_px: int, most_cells: int, most_modelled_bytes: int) -> Beside | None:
    match KINDS.get(layer.kind):
        case "text":
            return text.read(layer.body, most_modelled_bytes)
        case "masks":
            return masks.read(layer.body, width_px, height_px, most_cells)
        case "sketch":
            return sketch.read(layer.body, most_cells)
        case "choice":
            return choice.read(layer.body)
        case "painter":
            return painter.read(layer.body)
        case _:
            return None
