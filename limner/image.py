"""Picture files <-> sRGB uint8 (h, w, 3): orientation, colour profile, transparency, grey, 16 bit; pad and crop.

    file -> open -> size check -> decode -> upright -> 8 bits -> (colour, alpha) -> sRGB -> flat -> Picture

Nothing is decoded before the size in the file's header has been compared with the limit.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from limner.atomic import write_atomic
from limner.errors import ImageError, LimnerError

Pixels = NDArray[np.uint8]
Source = str | os.PathLike[str] | bytes | BinaryIO | Pixels | Image.Image

MAX_PIXELS = 100_000_000
WHITE = (255, 255, 255)
# Names of Pillow's readers. Left out: what starts another program (EPS), has no signature (TGA), or is no picture.
# HEIF is there only where the caller has registered a reader for it.
FORMATS = (
    *("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF", "BMP", "DIB"),
    *("JPEG2000", "PPM", "QOI", "PCX", "PSD"),
)
# Frames of these belong together and are not a film: the first one is the picture.
_ONE_PICTURE = ("MPO", "PSD")
_GREY = ("1", "L", "LA", "La")
_WITH_PROFILE = ("L", "RGB", "CMYK", "LAB")
# What pictures are written as.
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
# EXIF tags.
_DESCRIPTION, _ORIENTATION = 0x010E, 0x0112
# What Pillow's readers are known to raise on damaged bytes.
_FAULTS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


@dataclass(frozen=True, eq=False)
class Picture:
    """Hold a picture: ``pixels`` (h, w, 3) uint8 sRGB 0..255, and what a user should know about how it was read.

    Raises ImageError unless the array has that form and at least one pixel.
    """

    pixels: Pixels
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_pixels(self.pixels)


def check_pixels(pixels: Pixels) -> None:
    """Raise ImageError unless ``pixels`` is (h, w, 3) uint8 with at least one pixel."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ImageError(f"a picture is a (h, w, 3) uint8 array with pixels in it, not {pixels.shape} {pixels.dtype}")


def load(
    source: Source, *, max_pixels: int = MAX_PIXELS, background: tuple[int, int, int] = WHITE, name: str | None = None
) -> Picture:
    """Read a picture as a person expects to see it.

    ``source``: a path, the bytes of a file, an open binary file, a Pillow image, or a uint8 array (h, w), (h, w, 3) or
    (h, w, 4). ``max_pixels``: the most pixels to decode. ``background``: sRGB 0..255 behind what is transparent.
    ``name``: what to call the source in errors.

    Raises ImageError in one line that names the source: no such file, not a picture, cut off, or over the limit.
    """
    called = name or _name_of(source)
    notes: list[str] = []
    with _as_image_errors(called, notes), _opened(source) as image:
        if len(background) != 3 or not all(0 <= value <= 255 for value in background):
            raise ImageError(f"a background is three values in 0..255, not {background}")
        _check_size(image, max_pixels)
        pixels = _read(image, background, notes)
    return Picture(pixels, tuple(f"{called}: {note}" for note in dict.fromkeys(notes)))


def _name_of(source: Source) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, np.ndarray):
        return "array"
    name = getattr(source, "filename" if isinstance(source, Image.Image) else "name", None)
    return name if isinstance(name, str) and name else "picture"


@contextmanager
def _as_image_errors(name: str, notes: list[str]) -> Iterator[None]:
    """Turn what Pillow raises into ImageError, and what it warns of into notes."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except LimnerError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: over the pixel limit of the reader: {_one_line(error)}") from error
    except MemoryError as error:
        raise ImageError(f"{name}: not enough memory to decode the picture") from error
    except _FAULTS as error:
        raise ImageError(f"{name}: not a whole picture: {_one_line(error)}") from error
    # Pillow's own pixel limit is a global of the process; ours is an argument and has been checked.
    notes += [_one_line(entry.message) for entry in caught if entry.category is not Image.DecompressionBombWarning]


def _one_line(error: BaseException | str) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        yield source
    elif isinstance(source, np.ndarray):
        yield _from_array(source)
    elif isinstance(source, str | os.PathLike):
        with _open_path(Path(source)) as stream, _open_stream(_seekable(stream)) as image:
            yield image
    else:
        data = source if isinstance(source, bytes) else source.read()
        with _open_stream(io.BytesIO(data)) as image:
            yield image


def _open_path(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ImageError(error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise ImageError("not a path") from error


def _seekable(stream: BinaryIO) -> BinaryIO:
    return stream if stream.seekable() else io.BytesIO(stream.read())


def _from_array(pixels: Pixels) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,), (4,)) or not pixels.size:
        raise ImageError(f"an array of pixels is uint8 (h, w), (h, w, 3) or (h, w, 4), not {pixels.dtype} {pixels.shape}")
    return Image.fromarray(pixels)


def _open_stream(stream: BinaryIO) -> Image.Image:
    """Open as Image.open does, but with a list of formats and without its pixel limit, which is a global."""
    prefix = stream.read(16)
    for load_readers in (Image.preinit, Image.init):
        load_readers()
        for reader in FORMATS:
            # By these Pillow's readers say that a file is not theirs.
            with suppress(SyntaxError, LookupError, TypeError, struct.error):
                factory, accept = Image.OPEN[reader]
                # A reader that knows the format but lacks the means answers with a text.
                if accept is None or accept(prefix) is True:
                    stream.seek(0)
                    return factory(stream, "")
    raise ImageError("not a picture that can be read")


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width_px, height_px = image.size
    if width_px < 1 or height_px < 1:
        raise ImageError(f"{width_px} x {height_px}: no pixels")
    if width_px * height_px > max_pixels:
        size = f"{width_px} x {height_px} is {width_px * height_px} pixels"
        raise ImageError(f"{size}, over the limit of {max_pixels}: raise max-pixels to read it")


def _read(image: Image.Image, background: tuple[int, int, int], notes: list[str]) -> Pixels:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in _ONE_PICTURE:
        notes.append(f"{frames} frames: only the first is read")
    image.load()
    profile = image.info.get("icc_profile")
    colours, alpha = _split_alpha(_eight_bits(_upright(image, notes)))
    flat = _to_srgb(colours, profile, notes)
    if alpha is not None:
        canvas = Image.new("RGB", flat.size, background)
        canvas.paste(flat, mask=alpha)
        flat = canvas
    return np.array(flat)


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        turned = image.getexif().get(_ORIENTATION, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except _FAULTS:
        notes.append("the orientation in the metadata cannot be read")
        return image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ImageError("floating-point pixels have no agreed range: convert the picture to 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image).astype(np.int32)
    if levels.min() < 0 or levels.max() > 65535:
        raise ImageError("pixels outside 0..65535: convert the picture to 8 or 16 bits")
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours, in a mode that a colour profile can be for, and the opacity, if there is any."""
    plain = "L" if image.mode in _GREY else "RGB"
    if image.has_transparency_data:
        both = image.convert("LA" if plain == "L" else "RGBA")
        return both.convert(plain), both.getchannel("A")
    return (image if image.mode in _WITH_PROFILE else image.convert(plain)), None


def _to_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    if profile:
        try:
            return _through_profile(image, profile)
        except (ImageCms.PyCMSError, *_FAULTS):
            notes.append("the colour profile cannot be used: colours are taken as sRGB")
    return image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(given):
        return image
    converted = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("no picture came back")
    return converted


def pad(pixels: Pixels, multiple: int) -> Pixels:
    """Grow (h, w, 3) to sides that are multiples of ``multiple`` by repeating the right column and the bottom row.

    `crop` to the old size undoes it.
    """
    height_px, width_px = pixels.shape[:2]
    return np.pad(pixels, ((0, -height_px % multiple), (0, -width_px % multiple), (0, 0)), mode="edge")


def crop(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Return the top left ``width_px`` x ``height_px`` of (h, w, 3) pixels. Raises ImageError if there are fewer."""
    if not (1 <= width_px <= pixels.shape[1] and 1 <= height_px <= pixels.shape[0]):
        raise ImageError(f"cannot cut {width_px} x {height_px} out of {pixels.shape[1]} x {pixels.shape[0]}")
    return pixels[:height_px, :width_px]


def resize(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Scale (h, w, 3) pixels: averages where both sides shrink by whole factors, Lanczos otherwise."""
    if width_px < 1 or height_px < 1:
        raise ImageError(f"{width_px} x {height_px}: no pixels")
    if (height_px, width_px) == pixels.shape[:2]:
        return pixels
    whole = pixels.shape[0] % height_px == 0 and pixels.shape[1] % width_px == 0
    kernel = Image.Resampling.BOX if whole else Image.Resampling.LANCZOS
    return np.array(Image.fromarray(pixels).resize((width_px, height_px), kernel))


def save(pixels: Pixels, path: str | os.PathLike[str], *, notes: Mapping[str, str] | None = None) -> None:
    """Write (h, w, 3) uint8 sRGB as PNG, JPEG or lossless WebP, by the suffix of ``path``, whole or not at all.

    ``notes``: what to say in the file's metadata. Raises ImageError for another suffix, OSError from the disk.
    """
    write_atomic(path, to_file(pixels, Path(path).suffix, notes=notes))


def to_file(pixels: Pixels, suffix: str = ".png", *, notes: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes that `save` writes under a name with this suffix. Raises ImageError for another suffix."""
    check_pixels(pixels)
    kind = SUFFIXES.get(suffix.lower())
    if kind is None:
        raise ImageError(f"pictures are written as {', '.join(SUFFIXES)}, not {suffix or 'without a suffix'}")
    image, stream = Image.fromarray(pixels), io.BytesIO()
    try:
        if kind == "PNG":
            image.save(stream, kind, pnginfo=_text_chunks(notes or {}))
        elif kind == "JPEG":
            image.save(stream, kind, quality=95, subsampling=0, exif=_description(notes or {}))
        else:
            image.save(stream, kind, lossless=True, exif=_description(notes or {}))
    except _FAULTS as error:
        raise ImageError(f"cannot be written as {kind}: {_one_line(error)}") from error
    return stream.getvalue()


def _text_chunks(notes: Mapping[str, str]) -> PngInfo:
    chunks = PngInfo()
    for key, value in notes.items():
        chunks.add_text(key, value)
    return chunks


def _description(notes: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    if notes:
        exif[_DESCRIPTION] = "; ".join(f"{key}: {value}" for key, value in notes.items())
    return exif
