"""The public verbs: short compositions of a system, the container, and image files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner import budget, image
from limner.container.blob import KINDS, MAX_PIXELS, SYSTEMS, Blob, Layer, is_bare, pack, parts, unpack
from limner.container.explain import Report, describe_text, explain
from limner.errors import DecodeError, EncodeError, ImageError, MissingError, UnsupportedSystemError, WrongModelError
from limner.layers import choice, masks, sketch, text
from limner.layers.layer import MOST_CELLS
from limner.layers.text import MOST_MODELLED_BYTES
from limner.systems import miniature, taco
from limner.systems.miniature import Fitted, Miniature, Painting, Setting
from limner.systems.taco import Taco
from limner.weights import WeightSet, at, sets

DEFAULT_QUALITY = 32
TEXT_KIND = 2
ENCODERS = ("miniature", taco.NAME)
WHITE = (255, 255, 255)
MOST_BYTES = 2**40  # a budget over this is one without bounds

Pixels = NDArray[np.uint8]
Picture = str | Path | Pixels | Image.Image
Beside = text.Text | masks.Masks | sketch.Sketch | choice.Choice
"""Layers that are read without weights."""


def encode(
    picture: Picture,
    *,
    target_bytes: int | None = None,
    bpp: float | None = None,
    quality: int | None = None,
    system: str = "miniature",
    caption: str = "",
    weights: str | Path | None = None,
    bare: bool = False,
    max_pixels: int = MAX_PIXELS,
    background: tuple[int, int, int] = WHITE,
) -> bytes:
    """Turn a picture into a blob.

    picture: a file's path, pixels (h, w, 3) uint8 sRGB, or a Pillow image. At most one of ``target_bytes`` (never exceeded),
    ``bpp`` (bits per pixel, never exceeded) and ``quality`` (0..63, miniature's) is given. ``caption``: what the encoder of
    taco reads; it is not sent. ``weights``: a folder of taco's, else the first set that is here. ``bare`` leaves out the two
    magic bytes. Transparent parts are laid on ``background``. Raises ImageError, BudgetError (with the least that would do),
    EncodeError, and MissingError if weights are not here.
    """
    if system not in ENCODERS:
        raise EncodeError(f"system {system!r} cannot be encoded by this version: use {' or '.join(ENCODERS)}")
    if sum(asked is not None for asked in (target_bytes, bpp, quality)) > 1:
        raise EncodeError("give one of target_bytes, bpp and quality, not several")
    if not all(asked is None or isinstance(asked, Integral) for asked in (target_bytes, quality)):
        raise EncodeError("target_bytes and quality are whole numbers")
    if bpp is not None and not 0 < bpp < math.inf:
        raise EncodeError(f"a rate is over 0 bits per pixel, not {bpp}")
    pixels = image.load(picture, max_pixels=max_pixels, background=background).pixels
    height_px, width_px = pixels.shape[:2]
    if bpp is not None:
        target_bytes = int(min(bpp * width_px * height_px / 8, MOST_BYTES))
    if system == taco.NAME:
        if quality is not None:
            raise EncodeError("taco's weights have one quality: give target_bytes, or nothing")
        return encode_taco(pixels, caption, weights, target_bytes, bare)
    if caption or weights is not None:
        raise EncodeError("miniature reads no words and has the weights of the package: caption and weights are taco's")
    codec = miniature.embedded()
    fitted = fit(codec, pixels, target_bytes, quality, bare)
    return pack(blob_of(codec, fitted.body, width_px, height_px), bare=bare)


def encode_taco(pixels: Pixels, caption: str, weights: str | Path | None, target_bytes: int | None, bare: bool) -> bytes:
    kept = chosen(weights)
    codec = taco.opened(kept.folder, kept.identity)
    scene = codec.describe(pixels, caption)
    if target_bytes is None:
        fitted = codec.fit(scene)
    else:
        overhead_bytes = len(pack(blob_of(codec, b"", *scene.size_px), bare=bare))
        fitted = codec.fit_within(scene, target_bytes, overhead_bytes)
    return pack(blob_of(codec, fitted.body, *scene.size_px), bare=bare)


def chosen(weights: str | Path | None) -> WeightSet:
    """The set of weights in a folder, or the first of taco's that is here. MissingError if there is none."""
    if weights is not None:
        return at(Path(weights))
    for found in sets(taco.NAME):
        return found
    raise MissingError("there are no weights of taco here: make them by limner weights convert, or name their folder")


def fit(codec: Miniature, pixels: Pixels, target_bytes: int | None, quality: int | None, bare: bool) -> Fitted:
    scene = codec.describe(pixels)
    if target_bytes is None:
        wanted = DEFAULT_QUALITY if quality is None else quality
        if not 0 <= wanted <= budget.BEST:
            raise EncodeError(f"quality is 0 to {budget.BEST}, not {wanted}")
        return codec.fit(scene, Setting(wanted))
    overhead_bytes = len(pack(blob_of(codec, b"", *scene.size_px), bare=bare))
    return budget.to_target(codec, scene, min(target_bytes, MOST_BYTES), overhead_bytes)


def blob_of(codec: Miniature | Taco, body: bytes, width_px: int, height_px: int) -> Blob:
    number = miniature.NUMBER if isinstance(codec, Miniature) else taco.NUMBER
    return Blob(number, codec.model_id, width_px, height_px, (Layer(miniature.LATENT_KIND, body),))


def decode(
    blob: bytes,
    *,
    size: tuple[int, int] | None = None,
    painter: str = "faithful",
    strength: float = 1.0,
    weights: str | Path | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Pixels:
    """Paint the picture of a blob: (height, width, 3) uint8 sRGB, at ``size`` (width, height) if given.

    ``painter``: "faithful" blurs what the file does not say; "vivid" paints likely detail, which may be wrong, and ``strength``
    (0..1) is how much of it. ``weights``: a folder with those of a file of taco, where they are not in the package or in a
    folder that the environment variable LIMNER_WEIGHTS names. Raises DecodeError for bytes that are not a whole, undamaged
    file for the weights at hand; ImageError for a bad size, painter or strength.
    """
    painting = Painting(painter, strength)
    painted = read(blob, max_pixels, weights).painted(painting)
    if size is None:
        return painted
    width_px, height_px = size
    if width_px < 1 or height_px < 1 or width_px * height_px > max_pixels:
        message = "cannot paint {} x {} px: sides are at least 1, and the limit is {} pixels"
        raise ImageError(message.format(width_px, height_px, max_pixels))
    return image.resize(painted, *size)


@dataclass(frozen=True, eq=False)
class OfMiniature:
    """A file of miniature, read to its last integer."""

    codec: Miniature
    fitted: Fitted
    header: Blob

    def painted(self, painting: Painting) -> Pixels:
        return self.codec.render(self.fitted, self.header.width_px, self.header.height_px, painting)


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


def read(blob: bytes, max_pixels: int = MAX_PIXELS, weights: str | Path | None = None) -> OfMiniature | OfTaco:
    """Read every layer to integers. Raises DecodeError."""
    header = unpack(blob, max_pixels=max_pixels)
    start = 0 if is_bare(blob) else 2
    if header.system not in (miniature.NUMBER, taco.NUMBER):
        name = SYSTEMS.get(header.system, str(header.system))
        message = f"files of system {name} cannot be painted by this version"
        raise UnsupportedSystemError(message, offset=start, field="system")
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
            return OfMiniature(codec, codec.read(header), header)
        other = taco.opened(kept.folder, kept.identity)
        return OfTaco(other, other.read(header), header)
    except DecodeError as error:
        raise located(error, blob, header, place) from error


def taco_sets(weights: str | Path | None) -> list[WeightSet]:
    return sets(taco.NAME) if weights is None else [at(Path(weights))]


def located(error: DecodeError, blob: bytes, header: Blob, place: int | None) -> DecodeError:
    """Say where in the file the fault lies that was found in the body of a layer; of none, at the start."""
    at = 0
    for part in parts(header, bare=is_bare(blob)):
        if place is None or (part.field == "body" and part.layer == place):
            break
        at += len(part.data)
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
        case _:
            return None


def inspect(blob: bytes, *, max_pixels: int = MAX_PIXELS) -> Report:
    """Name the owner of every byte. Needs no weights. Raises DecodeError."""
    return report(blob, modelled_words(unpack(blob, max_pixels=max_pixels)), max_pixels)


def report(blob: bytes, words: dict[bytes, str], max_pixels: int) -> Report:
    """Name the owner of every byte; ``words``: by the body that holds them."""
    latent = taco.explain if unpack(blob, max_pixels=max_pixels).system == taco.NUMBER else miniature.explain
    describe = {miniature.LATENT_KIND: latent, TEXT_KIND: lambda body: describe_text(body, words.get(body))}
    return explain(blob, max_pixels=max_pixels, describe_body=describe)


def modelled_words(header: Blob) -> dict[bytes, str]:
    """The words of text bodies that only the model can read; those that it cannot, or that are too many, are left out."""
    found: dict[bytes, str] = {}
    left = MOST_MODELLED_BYTES
    for layer in header.layers:
        if layer.kind == TEXT_KIND and layer.body[:1] >= bytes([text.MODELLED]) and left > 0:
            try:
                made = text.read(layer.body, left)
            except DecodeError:
                return found
            found[layer.body], left = made.words, left - made.modelled_bytes
    return found


def verify(blob: bytes, *, weights: str | Path | None = None, max_pixels: int = MAX_PIXELS) -> Report:
    """Read every layer to its last integer or letter and report. Raises DecodeError if anything is wrong.

    Stricter than ``decode``, which reads what it paints from. Layers of unknown kinds that may be skipped are not judged.
    ``weights``: as for ``decode``.
    """
    header = read(blob, max_pixels, weights).header
    beside = zip(header.layers, read_beside(blob, header), strict=True)
    words = {layer.body: made.words for layer, made in beside if isinstance(made, text.Text)}
    return report(blob, words, max_pixels)
