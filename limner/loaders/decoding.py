"""Blob -> picture, in the form that a pipeline wants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner import api
from limner.errors import ImageError
from limner.image import MAX_PIXELS
from limner.loaders.workers import settle
from limner.systems.miniature import Painting

if TYPE_CHECKING:
    import torch

FORMS = ("rgb8", "rgb", "torchrgb8", "torchrgb", "pil")

Pixels = NDArray[np.uint8]
Picture: TypeAlias = "Pixels | NDArray[np.float32] | torch.Tensor | Image.Image"


@dataclass(frozen=True)
class Decoding:
    """What becomes of a blob. Can be pickled; weights are opened when the first blob is decoded, once in a process.

    form: as webdataset names them: "rgb8" (h, w, 3) uint8 0..255, "rgb" the same as float32 0..1, "torchrgb8" and "torchrgb"
    tensors (3, h, w) of these, "pil" a Pillow image. size: (width, height) of all pictures, so that they make a batch; None:
    each its own. painter, strength, weights, max_pixels: as for `limner.decode`. Raises ImageError for what they cannot be.
    """

    form: str = "rgb8"
    size: tuple[int, int] | None = None
    painter: str = "faithful"
    strength: float = 1.0
    weights: str | Path | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ImageError(f"there is no form {self.form!r} of a picture: use one of {', '.join(FORMS)}")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ImageError(f"a size is a width and a height of at least 1, not {self.size}")
        Painting(self.painter, self.strength)

    def pixels(self, blob: bytes) -> Pixels:
        """(h, w, 3) uint8 sRGB. Raises what `limner.decode` does."""
        settle()
        return api.decode(
            blob,
            size=self.size,
            painter=self.painter,
            strength=self.strength,
            weights=self.weights,
            max_pixels=self.max_pixels,
        )

    def __call__(self, blob: bytes) -> Picture:
        """The picture of a blob in its form. Raises what `limner.decode` does."""
        return shaped(self.pixels(blob), self.form)


def shaped(pixels: Pixels, form: str) -> Picture:
    """(h, w, 3) uint8 as one of FORMS."""
    if form == "pil":
        return Image.fromarray(pixels)
    values = pixels if form.endswith("8") else pixels.astype(np.float32) / np.float32(255)
    return tensor(values) if form.startswith("torch") else values


def tensor(values: Pixels | NDArray[np.float32]) -> torch.Tensor:
    """(h, w, 3) -> a tensor (3, h, w) of its own."""
    import torch

    return torch.from_numpy(np.array(values.transpose(2, 0, 1), order="C"))
