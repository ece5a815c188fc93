"""Where a person would draw outlines: soft edge maps.

    EdgeNet    a small net of ours, in the package (``limner.train.edges``)
    Hed        the published nets of holistically nested edges (``limner.describe.hed``)

A detector has one method: pixels in, a map of 0 to 1 out. Nets see a picture at the size of those they learned from.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner import transform
from limner.weights import WeightSet, packaged

if TYPE_CHECKING:
    import onnxruntime

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

SHORT_SIDE_PX = 512
MOST_PIXELS = 1 << 20  # that a net sees: a strip is not made larger than this
MULTIPLE = 16
SMOOTHED_PX = 2.0
SLACK = 1.01  # neighbours as strong as a ridge leave it whole


class EdgeDetector(Protocol):
    """Whoever draws the outlines of a picture."""

    def edges(self, pixels: Pixels) -> Floats:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), 0 to 1: how likely a person would draw a line there."""


@dataclass(frozen=True, eq=False)
class EdgeNet:
    """The net of the package, opened at the first picture. short_side_px: larger pictures are made smaller for it."""

    weights: WeightSet = field(default_factory=lambda: packaged("edges"))
    short_side_px: int = SHORT_SIDE_PX

    @cached_property
    def network(self) -> onnxruntime.InferenceSession:
        """MissingError if the package's file is not what was released."""
        return transform.session(self.weights.read("edges.onnx"))

    def edges(self, pixels: Pixels) -> Floats:
        height_px, width_px = pixels.shape[:2]
        small = shrunk(pixels, self.short_side_px)
        h, w = small.shape[:2]
        (found,) = transform.run(self.network, planes(small) / np.float32(255))
        return resized(np.clip(found[:h, :w], 0, 1), width_px, height_px)


def shrunk(pixels: Pixels, short_side_px: int) -> Pixels:
    """A picture whose shorter side is at most so long, and that is no larger than a net should see."""
    height_px, width_px = pixels.shape[:2]
    part = min(1.0, short_side_px / min(height_px, width_px), math.sqrt(MOST_PIXELS / (height_px * width_px)))
    if part == 1.0:
        return pixels
    size = max(1, round(width_px * part)), max(1, round(height_px * part))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def planes(pixels: Pixels) -> Floats:
    """Pixels (h, w, 3) as planes (3, h, w), the last row and column repeated up to multiples of 16."""
    h, w = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -h % MULTIPLE), (0, -w % MULTIPLE), (0, 0)), mode="edge")
    return np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32)


def resized(edges: Floats, width_px: int, height_px: int) -> Floats:
    """A map at another size."""
    if edges.shape == (height_px, width_px):
        return edges
    return np.asarray(Image.fromarray(edges).resize((width_px, height_px), Image.Resampling.BILINEAR))


def ridges(edges: Floats) -> Floats:
    """A map (h, w) with nothing left but its crests, a pixel or two wide: what a neighbour across the line exceeds becomes 0.

    Across is the direction in which the smoothed map bends most (Steger 1998, section 2).
    """
    rise, run = across(smoothed(edges))
    rows, columns = np.indices(edges.shape, np.float32)
    neighbours = np.maximum(*(sampled(edges, rows + sign * rise, columns + sign * run) for sign in (1, -1)))
    return np.where(edges * np.float32(SLACK) >= neighbours, edges, np.float32(0))


def across(edges: Floats) -> tuple[Floats, Floats]:
    """Rows and columns of a unit step across the line at each pixel: the direction in which the map bends most."""
    down, right = np.gradient(edges)
    (yy, yx), xx = np.gradient(down), np.gradient(right, axis=1)
    # The first term is the direction of the Hessian's greater eigenvalue; where their sum is negative the other is the larger.
    angle = np.arctan2(2 * yx, xx - yy) / 2 + np.where(xx + yy < 0, np.float32(math.pi / 2), np.float32(0))
    return np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)


def smoothed(edges: Floats) -> Floats:
    """A map under a Gaussian, mirrored at its sides."""
    reach = math.ceil(3 * SMOOTHED_PX)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTHED_PX) ** 2).astype(np.float32)
    weights /= weights.sum()
    for _ in range(2):
        padded = np.pad(edges, ((reach, reach), (0, 0)), mode="symmetric")
        rows = edges.shape[0]
        edges = sum((weight * padded[k : k + rows] for k, weight in enumerate(weights)), np.zeros_like(edges)).T
    return edges


def sampled(edges: Floats, rows: Floats, columns: Floats) -> Floats:
    """A map between its pixels, bilinear; outside it is as at its sides."""
    h, w = edges.shape
    rows, columns = np.clip(rows, 0, h - 1), np.clip(columns, 0, w - 1)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    bottom, right = np.minimum(top + 1, h - 1), np.minimum(left + 1, w - 1)
    low, aside = rows - top, columns - left
    above = edges[top, left] * (1 - aside) + edges[top, right] * aside
    below = edges[bottom, left] * (1 - aside) + edges[bottom, right] * aside
    found: Floats = (above * (1 - low) + below * low).astype(np.float32)
    return found


def picture_file(edges: Floats) -> bytes:
    """A map as a grey PNG, white where a line is sure."""
    stream = io.BytesIO()
    Image.fromarray(np.rint(255 * edges).astype(np.uint8)).save(stream, "PNG", optimize=True)
    return stream.getvalue()
