"""A feature for the `datasets` library: columns of pictures that are kept as files of limner and painted when looked at.

    picture, path, bytes --encode_example, cast_storage--> a file of limner --decode_example--> Pillow image

Whoever opens a data set with such a column imports this file first: a feature that is not registered is not known.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import datasets
import fsspec
import numpy as np
import pyarrow
from PIL import Image

from limner import api
from limner.container.blob import MAGIC
from limner.errors import ImageError, LimnerError
from limner.image import load
from limner.loaders.decoding import Decoding, Pixels
from limner.loaders.workers import settle

NAME = "Limn"
STORED = ("string", "binary", "large_string", "large_binary", "struct", "list", "null")

@dataclass
class Limn:
    """Pictures as files of limner. At most one of ``target_bytes``, ``bpp`` and ``quality``, as for `limner.encode`; painter
    and strength as for `limner.decode`. ``decode``: False gives what is stored in place of pictures.

    What is a file of limner already (with its magic) is kept as it is, whatever is asked here.
    """

    target_bytes: int | None = None
    bpp: float | None = None
    quality: int | None = None
    painter: str = "faithful"
    strength: float = 1.0
    decode: bool = True
    id: str | None = field(default=None, repr=False)
    dtype: ClassVar[str] = "PIL.Image.Image"
    # Not that of plain bytes: a column of pictures' files is cast to this, and would be left alone if it were the same.
    pa_type: ClassVar[pyarrow.DataType] = pyarrow.large_binary()
    _type: str = field(default=NAME, init=False, repr=False)

    def __call__(self) -> pyarrow.DataType:
        return self.pa_type

    def encode_example(self, value: object) -> bytes:
        """The file of limner of a picture: a path or URL, the bytes of a file, (h, w, 3) uint8, a Pillow image, or the
        dictionary that ``datasets.Image`` stores. Raises LimnerError."""
        if isinstance(value, dict):
            value = value.get("path") if value.get("bytes") is None else value["bytes"]
        data = contents(value)
        if isinstance(data, bytes) and data.startswith(MAGIC):
            return data
        settle()
        pixels = load(data, name=str(value) if isinstance(value, str | Path) else None).pixels
        return api.encode(pixels, target_bytes=self.target_bytes, bpp=self.bpp, quality=self.quality)

    def decode_example(self, value: object, token_per_repo_id: object = None) -> Image.Image:
        """What was stored, painted. Raises LimnerError."""
        if not self.decode:
            raise LimnerError("this column gives files and no pictures: cast it to Limn(decode=True)")
        if isinstance(value, Image.Image):
            return value
        if not isinstance(value, bytes):
            raise ImageError(f"what is stored is a file of limner, and no {type(value).__name__}")
        return Image.fromarray(Decoding(painter=self.painter, strength=self.strength).pixels(value))

    def cast_storage(self, storage: pyarrow.Array) -> pyarrow.Array:
        """Paths, bytes, or what ``datasets.Image`` stores -> what is stored here; pictures are encoded. Raises LimnerError."""
        if not any(getattr(pyarrow.types, f"is_{kind}")(storage.type) for kind in STORED):
            raise LimnerError(f"a column of pictures holds paths, bytes or both, not {storage.type}")
        made = [None if value is None else self.encode_example(value) for value in storage.to_pylist()]
        return pyarrow.array(made, self.pa_type)

    def flatten(self) -> object:
        return self if self.decode else datasets.Value("large_binary")


def contents(value: object) -> bytes | Pixels | Image.Image:
    """What a value stands for: the bytes at a path or URL, else itself. Raises ImageError."""
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, list):
        return array(value)
    if isinstance(value, np.ndarray | Image.Image):
        return value
    if not isinstance(value, str | Path):
        raise ImageError(f"a picture is a path, bytes, (h, w, 3) uint8 or a Pillow image, not {type(value).__name__}")
    try:
        with fsspec.open(str(value), "rb") as stream:
            return bytes(stream.read())
    except (OSError, ValueError, ImportError) as error:
        raise ImageError(f"{value}: cannot be read: {error}") from error


def array(levels: list[object]) -> Pixels:
    """What Arrow has of an array: lists of lists of numbers."""
    try:
        made = np.array(levels)
    except ValueError as error:
        raise ImageError(f"lists of different lengths are no picture: {error}") from error
    if made.dtype.kind not in "iu" or (made.size and not 0 <= made.min() <= made.max() <= 255):
        raise ImageError("a picture in lists has whole numbers in 0..255")
    return made.astype(np.uint8)


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "'register_feature' is experimental")
    datasets.features.features.register_feature(Limn, NAME)
