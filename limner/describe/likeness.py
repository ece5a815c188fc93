"""Which of several candidates is most like a picture.

    Structure   MS-SSIM: needs no weights
    ByClip      cosine of CLIP's directions: what Text + Sketch chooses by

All see pictures of one size. Pictures that are too small for MS-SSIM are seen enlarged.

Source: Lei et al. 2023 (Text + Sketch): the candidate whose CLIP embedding is nearest to the picture's is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.describe.invert import Clip, opened
from limner.describe.similarity import SMALLEST_SIDE_PX, ms_ssim
from limner.errors import MissingError

Pixels = NDArray[np.uint8]

CLIP_WEIGHTS = "clip-h"


class Likeness(Protocol):
    """Whoever tells how alike pictures are; more is more alike."""

    @property
    def name(self) -> str: ...

    def of(self, original: Pixels, candidates: Sequence[Pixels]) -> list[float]:
        """Pictures (h, w, 3) uint8 sRGB of one size -> a number for each candidate."""


@dataclass(frozen=True)
class Structure:
    """By MS-SSIM."""

    name: str = "MS-SSIM"

    def of(self, original: Pixels, candidates: Sequence[Pixels]) -> list[float]:
        seen = enlarged(original)
        return [ms_ssim(seen, enlarged(candidate), peak=255.0) for candidate in candidates]


@dataclass(frozen=True)
class ByClip:
    """By CLIP's directions of whole pictures, resized and cut as CLIP does."""

    weights: str = CLIP_WEIGHTS
    device: str = "cpu"
    precision: str = "float32"
    name: str = "CLIP"

    @cached_property
    def clip(self) -> Clip:
        """MissingError if the weights are not here."""
        return opened(self.weights, self.device, self.precision)

    def of(self, original: Pixels, candidates: Sequence[Pixels]) -> list[float]:
        wanted = self.clip.of_picture(original)
        return [float(self.clip.of_picture(candidate) @ wanted) for candidate in candidates]


@lru_cache(maxsize=1)
def by_clip(weights: str, device: str) -> ByClip:
    """Kept: opening takes gigabytes, and a batch has many pictures."""
    return ByClip(weights, device)


def at_hand(weights: str = CLIP_WEIGHTS, device: str = "cpu") -> Likeness:
    """CLIP where its weights are here, else MS-SSIM."""
    found = by_clip(weights, device)
    try:
        _ = found.clip
    except MissingError:
        return Structure()
    return found


def enlarged(pixels: Pixels) -> Pixels:
    """A picture whose shorter side is long enough for MS-SSIM."""
    height_px, width_px = pixels.shape[:2]
    factor = math.ceil(SMALLEST_SIDE_PX / min(height_px, width_px))
    return pixels if factor <= 1 else image.resize(pixels, factor * width_px, factor * height_px)
