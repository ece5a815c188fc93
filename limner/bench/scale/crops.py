"""Very many small pictures, made of a few photographs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from limner import image
from limner.atomic import write_atomic
from limner.bench.load import as_jpeg
from limner.errors import LimnerError

SIDES_PX = (96, 256)
A_FOLDER = 1000
KEPT = 32


def crops(photos: Sequence[Path], folder: Path, number: int, seed: int = 0) -> Path:
    """So many pieces of the photographs in turn, of sides and places that are drawn, as JPEG, a thousand to a folder. Raises
    LimnerError for photographs that are smaller than a piece."""
    rng = np.random.default_rng(seed)
    for index in range(number):
        pixels = _pixels(photos[index % len(photos)])
        sides = [int(rng.integers(SIDES_PX[0], SIDES_PX[1] + 1)) for _ in range(2)]
        spare = [length - side for length, side in zip(pixels.shape, sides, strict=False)]
        if min(spare) < 0:
            raise LimnerError(f"a photograph of {pixels.shape[1]} x {pixels.shape[0]} px is smaller than {SIDES_PX[1]} px")
        top, left = (int(rng.integers(most + 1)) for most in spare)
        path = folder / f"{index // A_FOLDER:04}" / f"{index:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, as_jpeg(pixels[top : top + sides[0], left : left + sides[1]]))
    return folder


@lru_cache(KEPT)
def _pixels(photo: Path) -> image.Pixels:
    return image.load(photo).pixels


def sample(folder: Path, photos: Sequence[Path], into: Path, number: int) -> Path:
    """Some of the small pictures, evenly, and the photographs themselves."""
    small = sorted(folder.rglob("*.jpg"))
    chosen = [small[at * len(small) // number] for at in range(min(number, len(small)))]
    for kind, paths in (("small", chosen), ("whole", photos)):
        (into / kind).mkdir(parents=True)
        for path in paths:
            shutil.copyfile(path, into / kind / path.name)
    return into
