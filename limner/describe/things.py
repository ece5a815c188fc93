"""Where a thing is: masks of boxes.

    GrabCut    colours inside and outside of a box, no weights (Rother, Kolmogorov and Blake 2004), by OpenCV

A segmenter has one method: pixels and a box in, a mask out. What has no weights is rougher. A detector goes from names to boxes
(``limner.describe.grounding``), a segmenter of phrases from a name to a mask at once (``limner.describe.phrase``).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.describe.scene import Box
from limner.errors import SceneError
from limner.extras import need

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIDE_PX = 384  # the longer side at which a picture is cut
ROUNDS = 5
SMOOTHED_PX = 9  # frays of an outline cost bytes and say nothing
LEAST_SHARE = 0.02  # of its box that a thing covers; less is taken for a failure
SEED = 1


class Segmenter(Protocol):
    """Whoever finds the outline of a thing."""

    def mask(self, pixels: Pixels, box: Box) -> Mask:
        """pixels (h, w, 3) uint8 sRGB, a box within -> (h, w), true where the thing is; within the box, never empty."""


class Detector(Protocol):
    """Whoever finds things by their names."""

    def boxes(self, pixels: Pixels, names: Sequence[str]) -> list[Box | None]:
        """pixels (h, w, 3) uint8 sRGB -> for each name the box within of what fits best, None if nothing does."""


class PhraseSegmenter(Protocol):
    """Whoever finds the outlines of what a name means."""

    def named(self, pixels: Pixels, name: str) -> Mask | None:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), true wherever something of that name is, never empty; None if nothing is."""


@dataclass(frozen=True)
class GrabCut:
    """Two mixtures of colours, inside and outside, and a cut between them; of the result the largest piece, holes filled.

    A box without surroundings, or one of a single colour with them, is taken whole.
    """

    def mask(self, pixels: Pixels, box: Box) -> Mask:
        cv2 = need("cv2", extra="describe")
        height_px, width_px = pixels.shape[:2]
        held = box_within(box, width_px, height_px)
        part = min(1.0, SIDE_PX / max(width_px, height_px))
        columns, rows = max(1, round(width_px * part)), max(1, round(height_px * part))
        small = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA)
        left, top = (min(int(side * part), most - 1) for side, most in zip(held[:2], (columns, rows), strict=True))
        right, bottom = (math.ceil(side * part) for side in held[2:])
        found = self.cut(small, boxed(box_within((left, top, right, bottom), columns, rows), (rows, columns)))
        whole = cv2.resize(found.astype(np.uint8), (width_px, height_px), interpolation=cv2.INTER_LINEAR)
        mask: Mask = (whole > 0) & boxed(held, (height_px, width_px))
        return mask

    def cut(self, pixels: Pixels, inside: Mask) -> Mask:
        """The thing in a small picture; all of ``inside`` where it cannot be told from its surroundings."""
        cv2 = need("cv2", extra="describe")
        if inside.all():
            return inside
        labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
        models = np.zeros((2, 1, 65))
        cv2.setRNGSeed(SEED)
        try:
            cv2.grabCut(pixels[..., ::-1].copy(), labels, None, models[0], models[1], ROUNDS, cv2.GC_INIT_WITH_MASK)
        except cv2.error:
            return inside
        found = largest(smooth(inside & (labels == cv2.GC_PR_FGD)))
        return found if found.sum() >= LEAST_SHARE * inside.sum() else inside


def smooth(mask: Mask) -> Mask:
    """A mask without frays: each pixel as most of those around it."""
    cv2 = need("cv2", extra="describe")
    smoothed: Mask = cv2.medianBlur(mask.astype(np.uint8), SMOOTHED_PX) > 0
    return smoothed


def mask_file(mask: Mask) -> bytes:
    """A mask as a PNG of one bit a pixel, white where the thing is."""
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def largest(mask: Mask) -> Mask:
    """The largest connected piece, holes filled."""
    cv2 = need("cv2", extra="describe")
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    if outlines:
        cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return filled > 0


def boxed(box: Box, shape: tuple[int, int]) -> Mask:
    """True inside a box: shape (rows, columns)."""
    found = np.zeros(shape, np.bool_)
    found[box[1] : box[3], box[0] : box[2]] = True
    return found


def box_within(box: tuple[int, ...], width_px: int, height_px: int) -> Box:
    """A box held to a picture, at least a pixel a side. Raises SceneError for one that lies outside."""
    left, top, right, bottom = box
    if left >= width_px or top >= height_px or right <= 0 or bottom <= 0:
        raise SceneError(f"the box {box} lies outside of the picture, {width_px} x {height_px} px", field="box")
    left, top = max(0, left), max(0, top)
    return left, top, max(left + 1, min(right, width_px)), max(top + 1, min(bottom, height_px))
