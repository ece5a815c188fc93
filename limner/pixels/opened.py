"""Pictures to be read: a path, bytes, an array ... -> an opened Pillow image, of which only the head has been read.

What readers raise becomes ImageError in one line that names the source, and what they warn of becomes notes.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import ImageError, LimnerError

Pixels = NDArray[np.uint8]
Source = str | os.PathLike[str] | bytes | BinaryIO | Pixels | Image.Image

MAX_PIXELS = 100_000_000
# Names of Pillow's readers. Left out: what starts another program (EPS), has no signature (TGA), or is no picture.
# HEIF is there only where the caller has registered a reader for it.
FORMATS = (
    *("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "GIF", "BMP", "DIB"),
    *("JPEG2000", "PPM", "QOI", "PCX", "PSD"),
)
# What Pillow's readers are known to raise on damaged bytes.
FAULTS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError, AssertionError),
    *(RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


def name_of(source: Source) -> str:
    """What a source is called in errors."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, np.ndarray):
        return "array"
    name = getattr(source, "filename" if isinstance(source, Image.Image) else "name", None)
    return name if isinstance(name, str) and name else "picture"


@contextmanager
def as_image_errors(name: str, notes: list[str]) -> Iterator[None]:
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
        raise ImageError(f"{name}: over the pixel limit of the reader: {one_line(error)}") from error
    except MemoryError as error:
        raise ImageError(f"{name}: not enough memory to decode the picture") from error
    except FAULTS as error:
        raise ImageError(f"{name}: not a whole picture: {one_line(error)}") from error
    # Pillow's own pixel limit is a global of the process; ours is an argument and has been checked.
    notes += [one_line(entry.message) for entry in caught if entry.category is not Image.DecompressionBombWarning]


def one_line(error: BaseException | str) -> str:
    """An error's message without breaks."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """Open a picture; a file stays open as long as the context. Raises what ``as_image_errors`` expects."""
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


def check_size(width_px: int, height_px: int, max_pixels: int) -> None:
    """Raise ImageError unless there are pixels, and no more than ``max_pixels``."""
    if width_px < 1 or height_px < 1:
        raise ImageError(f"{width_px} x {height_px}: no pixels")
    if width_px * height_px > max_pixels:
        size = f"{width_px} x {height_px} is {width_px * height_px} pixels"
        raise ImageError(f"{size}, over the limit of {max_pixels}: raise max-pixels to read it")
