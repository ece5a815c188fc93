"""A decoded sketch -> the picture that a control net follows.

    sketch (h, w) 0..1 --sharpened--> (h, w) 0..1 --to 256 levels--> (h, w, 3) uint8, three equal channels

Sharpening moves each value away from the mean of its 3 x 3 neighbourhood (the middle counts 5 of 13), the rim stays. Sums are
in a fixed order and in float32, so the levels are the same on every machine.

Source: the authors' program of Text + Sketch (Lei et al. 2023): factor 2, and values cut down to levels, not rounded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limner.errors import SceneError

Sketch = NDArray[np.float32]


def hint(sketch: Sketch, size_px: tuple[int, int], sharpness: float) -> NDArray[np.uint8]:
    """sketch (h, w) 0..1 of size_px (width, height) -> (h, w, 3) uint8. Raises SceneError for another shape or other values."""
    values = np.asarray(sketch, np.float32)
    if values.shape != size_px[::-1]:
        raise SceneError(f"is {size_px[1]} x {size_px[0]} (height, width), not {values.shape}", field="sketch")
    if not (values.min() >= 0 and values.max() <= 1):
        raise SceneError("its values are 0 to 1", field="sketch")
    levels = (sharpened(values, sharpness) * np.float32(255)).astype(np.uint8)
    return np.repeat(levels[:, :, None], 3, axis=2)


def sharpened(values: Sketch, factor: float) -> Sketch:
    """(h, w) 0..1 -> (h, w) 0..1: factor times the values less (factor - 1) times the blurred ones. 0 blurs, 1 leaves as is."""
    found: Sketch = np.clip(np.float32(factor) * values + np.float32(1 - factor) * blurred(values), 0, 1)
    return found


def blurred(values: Sketch) -> Sketch:
    """Inside, the mean of 3 x 3 values, the middle counted five times; the rim as it is."""
    height, width = values.shape
    found = values.copy()
    if height > 2 and width > 2:
        total = np.float32(4) * values[1:-1, 1:-1]
        for down in range(3):
            for right in range(3):
                total = total + values[down : height - 2 + down, right : width - 2 + right]
        found[1:-1, 1:-1] = total / np.float32(13)
    return found
