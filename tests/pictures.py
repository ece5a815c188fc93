"""Small pictures that the tests make."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def scene(width_px: int, height_px: int, seed: int = 0) -> NDArray[np.uint8]:
    """A sky, a hill with an edge, some texture: (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height_px, 0:width_px]
    sky = np.stack([120 + 80 * y / max(1, height_px), 150 + 60 * y / max(1, height_px), 230 - 40 * x / max(1, width_px)], 2)
    hill = y > height_px * (0.6 + 0.2 * np.sin(x / 17))
    ground = np.array([70, 110, 50]) + 12 * rng.standard_normal((height_px, width_px, 1))
    return np.clip(np.where(hill[..., None], ground, sky), 0, 255).astype(np.uint8)
