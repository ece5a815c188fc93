"""The public verbs: short compositions of a system, the container, and image files."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner import image, painted, staged
from limner.container.blob import MAX_PIXELS, Blob, Layer, pack, unpack
from limner.container.explain import Report, describe_text, explain
from limner.describe.scene import Scene
from limner.errors import DecodeError, EncodeError, ImageError, MissingError, SceneError
from limner.files import OfMiniature, OfSedic, OfWords, read, read_beside
from limner.layers import text
from limner.layers.prefix import Part
from limner.layers.text import MOST_MODELLED_BYTES
from limner.painted import HERE, Watch, Wish
from limner.pixels import source
from limner.pixels.resample import resampled
from limner.pixels.source import PictureFile
from limner.pixels.strips import Strips, joined, pixel_count
from limner.render.machine import Machine
from limner.render.stages import Keep
from limner.staged import Extent
from limner.systems import budget, levels, miniature, sedic, taco, textsketch
from limner.systems.miniature import FAITHFUL, Fitted, Miniature, Painting, Setting
from limner.systems.presets import Settings
from limner.systems.taco import Taco
from limner.weights import WeightSet, at, sets

DEFAULT_QUALITY = 32
TEXT_KIND = 2
ENCODERS = ("miniature", "pic", "pics", taco.NAME, sedic.NAME)
WHITE = (255, 255, 255)
MOST_BYTES = 2**40  # a budget over this is one without bounds

Pixels = NDArray[np.uint8]
Picture = str | Path | Pixels | Image.Image | PictureFile
Told = Callable[[Part], None]


def encode(
    picture: Picture,
    *,
    target_bytes: int | None = None,
    bpp: float | None = None,
    quality: int | None = None,
    system: str = "miniature",
    caption: str = "",
    weights: str | Path | None = None,
    scene: Scene | str | Path | None = None,
    extent: Extent | None = None,
    wish: Wish | None = None,
    bare: bool = False,
    max_pixels: int = MAX_PIXELS,
    background: tuple[int, int, int] = WHITE,
) -> bytes:
    """Turn a picture into a blob.

    picture: a file's path, pixels (h, w, 3) uint8 sRGB, or a Pillow image. At most one of ``target_bytes`` (never exceeded),
    ``bpp`` (bits per pixel, never exceeded) and ``quality`` (0..63, of miniature, the sketch of pics and the reference) is
    given. ``caption``: the words that pic and pics send, and what the encoder of taco reads, which is not sent. ``weights``: a
    folder of taco's, of the sketch's or of sedic's reference, else the first set that is here. ``scene``, ``extent``: of sedic,
    what is said of the picture (or the path of a sidecar), and how much of it is sent. ``wish``: what else is asked of pic,
    pics and sedic. ``bare`` leaves out the two magic bytes. Transparent parts are laid on ``background``. Raises ImageError,
    BudgetError (with the least that would do), EncodeError, and MissingError if weights are not here.
    """
    if system not in ENCODERS:
        raise EncodeError(f"system {system!r} cannot be encoded by this version: use {' or '.join(ENCODERS)}")
    if sum(asked is not None for asked in (target_bytes, bpp, quality)) > 1:
        raise EncodeError("give one of target_bytes, bpp and quality, not several")
    if not all(asked is None or isinstance(asked, Integral) for asked in (target_bytes, quality)):
        raise EncodeError("target_bytes and quality are whole numbers")
    if bpp is not None and not 0 < bpp < math.inf:
        raise EncodeError(f"a rate is over 0 bits per pixel, not {bpp}")
    shown = source.read(picture, max_pixels=max_pixels, background=background, stream=system == "miniature")
    if bpp is not None:
        target_bytes = int(min(bpp * pixel_count(shown) / 8, MOST_BYTES))
    if wish is not None and system not in (*textsketch.NUMBERS, sedic.NAME):
        raise EncodeError("a wish is of pic, pics and sedic: leave it out")
    if system == sedic.NAME:
        if caption:
            raise EncodeError("sedic sends what a scene says: give that in place of a caption")
        asked = painted.Size(target_bytes, quality, bare)
        return staged.encode(joined(shown), scene, wish or Wish(), asked, extent or Extent(), weights)
    if scene is not None or extent is not None:
        raise EncodeError("scene and extent are of sedic: leave them out")
    if system == taco.NAME:
        if quality is not None:
            raise EncodeError("taco's weights have one quality: give target_bytes, or nothing")
        return encode_taco(joined(shown), caption, weights, target_bytes, bare)
    if system in textsketch.NUMBERS:
        asked = painted.Size(target_bytes, quality, bare)
        return painted.encode(joined(shown), system, caption, wish or Wish(), asked, weights)
    if caption or weights is not None:
        raise EncodeError("miniature reads no words and has the weights of the package: caption and weights are taco's")
    codec = miniature.embedded()
    fitted = fit(codec, shown, target_bytes, quality, bare)
    return pack(blob_of(codec, fitted.body, shown.width_px, shown.height_px), bare=bare)


def encode_taco(pixels: Pixels, caption: str, weights: str | Path | None, target_bytes: int | None, bare: bool) -> bytes:
    kept = chosen(weights)
    codec = taco.opened(kept.folder, kept.identity)
    height_px, width_px = pixels.shape[:2]
    return pack(blob_of(codec, fit_taco(codec, pixels, caption, target_bytes, bare).body, width_px, height_px), bare=bare)


def fit_taco(codec: Taco, pixels: Pixels, caption: str, target_bytes: int | None, bare: bool) -> taco.Fitted:
    scene = codec.describe(pixels, caption)
    if target_bytes is None:
        return codec.fit(scene)
    overhead_bytes = len(pack(blob_of(codec, b"", *scene.size_px), bare=bare))
    return codec.fit_within(scene, target_bytes, overhead_bytes)


def chosen(weights: str | Path | None) -> WeightSet:
    """The set of weights in a folder, or the first of taco's that is here. MissingError if there is none."""
    if weights is not None:
        return at(Path(weights))
    for found in sets(taco.NAME):
        return found
    raise MissingError("there are no weights of taco here: make them by limner weights convert, or name their folder")


def fit(
    codec: Miniature, picture: Pixels | Strips, target_bytes: int | None, quality: int | None, bare: bool
) -> Fitted:
    scene = codec.describe(picture)
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
    settings: str | Path | Settings | levels.Settings | None = None,
    stages: int | None = None,
    keep: Keep | None = None,
    salvage: bool = False,
    cut: bool = False,
    told: Told | None = None,
    machine: Machine = HERE,
    watch: Watch | None = None,
    preview: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Pixels:
    """Paint the picture of a blob: (height, width, 3) uint8 sRGB, at ``size`` (width, height) if given.

    ``painter``: "faithful" blurs what the file does not say; "vivid" paints likely detail, which may be wrong, and ``strength``
    (0..1) is how much of it. ``weights``: a folder with those of a file of taco or of the sketch of pics, where they are not in
    the package or in a folder that the environment variable LIMNER_WEIGHTS names. Of pic and pics, ``settings``: those that a
    file was made with, where they are no preset's; ``machine``: on what it is painted; ``watch``: is told steps; ``preview``: a
    card of what was sent in place of the picture, which needs no painter. Of sedic, the same without a preview; ``stages``: 0
    is the reference by its own decoder, which needs no painter, k ends after k objects, None with the whole; ``keep``: is given
    the number and the picture of each stage. ``salvage``: of a list of layers that is cut or damaged, paint what is whole.
    ``cut``: the bytes may be the start of a file whose end is missing, and are right as far as they go: of latents in which
    they end, paint what is certain, a coarser picture; ``told``: is given how much that is, if it is not all. No check guards
    it: bytes that were changed, and not just lost behind the end, give a wrong picture without an error. Raises DecodeError
    for bytes that are not a whole, undamaged file for the weights at hand; MissingError for weights that are not here;
    ImageError for a bad size, painter or strength.
    """
    painting, found = Painting(painter, strength), read(blob, max_pixels, weights, salvage, cut)
    if told is not None and found.part is not None:
        told(found.part)
    if not isinstance(found, OfSedic) and (stages is not None or keep is not None):
        raise ImageError("stages are of files of sedic: this one has none")
    if isinstance(found, OfSedic):
        if preview or painting.vivid:
            raise ImageError("a file of sedic has one painter and no preview: leave it at faithful; stages=0 needs no painter")
        pixels = staged.paint(found, stages, sedic_settings(settings), machine, watch, keep)
    elif not isinstance(found, OfWords):
        if preview:
            raise ImageError("a preview is of words and sketches: this file is painted as it is")
        pixels = found.painted(painting)
    elif painting.vivid:
        raise ImageError("a file of words has one painter: leave it at faithful")
    else:
        mine = words_settings(settings)
        pixels = painted.preview(found, weights) if preview else painted.paint(found, mine, machine, watch, weights)
    return pixels if size is None else image.resize(pixels, *within(size, max_pixels))


def decode_strips(
    blob: bytes,
    *,
    size: tuple[int, int] | None = None,
    painting: Painting = FAITHFUL,
    salvage: bool = False,
    cut: bool = False,
    told: Told | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Strips:
    """As ``decode``, of a file of miniature: the same picture, painted strip by strip as its rows are asked for.

    Raises as ``decode``, all of it here; ImageError for a file of another system.
    """
    found = read(blob, max_pixels, None, salvage, cut)
    if not isinstance(found, OfMiniature):
        raise ImageError("files of miniature are painted by strips, others as a whole")
    if told is not None and found.part is not None:
        told(found.part)
    strips = found.strips(painting)
    return strips if size is None else resampled(strips, *within(size, max_pixels))


def within(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """A size that is asked for. ImageError for one that is none or too large."""
    width_px, height_px = size
    if width_px < 1 or height_px < 1 or width_px * height_px > max_pixels:
        message = "cannot paint {} x {} px: sides are at least 1, and the limit is {} pixels"
        raise ImageError(message.format(width_px, height_px, max_pixels))
    return size


def sedic_settings(settings: str | Path | Settings | levels.Settings | None) -> str | Path | levels.Settings | None:
    if isinstance(settings, Settings):
        raise SceneError("these are of pic and pics, and the file is of sedic", field="settings")
    return settings


def words_settings(settings: str | Path | Settings | levels.Settings | None) -> str | Path | Settings | None:
    if isinstance(settings, levels.Settings):
        raise SceneError("these are of sedic, and the file is not", field="settings")
    return settings


def inspect(blob: bytes, *, max_pixels: int = MAX_PIXELS) -> Report:
    """Name the owner of every byte. Needs no weights. Raises DecodeError."""
    return report(blob, modelled_words(unpack(blob, max_pixels=max_pixels)), max_pixels)


def report(blob: bytes, words: dict[bytes, str], max_pixels: int) -> Report:
    """Name the owner of every byte; ``words``: by the body that holds them."""
    header = unpack(blob, max_pixels=max_pixels)
    of_miniature = header.system == miniature.NUMBER or (
        header.system == sedic.NUMBER and header.model == miniature.embedded().model_id
    )
    latent = miniature.explain if of_miniature else taco.explain
    describe = {
        miniature.LATENT_KIND: latent,
        TEXT_KIND: lambda body: describe_text(body, words.get(body)),
        textsketch.SKETCH_KIND: textsketch.explain_sketch,
        textsketch.CHOICE_KIND: textsketch.explain_choice,
        sedic.MASKS_KIND: sedic.explain_masks,
        sedic.PAINTER_KIND: sedic.explain_painter,
    }
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
    found = read(blob, max_pixels, weights)
    header = found.header
    if isinstance(found, OfWords) and found.layers.sketch is not None:
        textsketch.sketch_map(found.layers.sketch, weights)
    beside = zip(header.layers, read_beside(blob, header), strict=True)
    words = {layer.body: made.words for layer, made in beside if isinstance(made, text.Text)}
    return report(blob, words, max_pixels)
