"""Folders of small pictures made of photographs, and of the files that these become."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limner import api, image
from limner.atomic import write_atomic
from limner.bench.load import TARGET_BYTES, as_jpeg
from limner.errors import LimnerError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def photographs(folder: Path) -> list[Path]:
    """Those in a folder, by name. Raises LimnerError if there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise LimnerError(f"no photographs in {folder}: they end in {', '.join(SUFFIXES)}")
    return found


def cut(photos: Sequence[Path], number: int, side_px: int, seed: int = 0) -> list[image.Pixels]:
    """So many squares from the photographs in turn, each at a place of its own. Raises LimnerError for smaller photographs."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(number):
        pixels = image.load(photos[index % len(photos)]).pixels
        spare = [length - side_px for length in pixels.shape[:2]]
        if min(spare) < 0:
            raise LimnerError(f"a photograph of {pixels.shape[1]} x {pixels.shape[0]} px has no square of {side_px} px")
        top, left = (int(rng.integers(most + 1)) for most in spare)
        found.append(pixels[top : top + side_px, left : left + side_px])
    return found


def of_pictures(folder: Path, squares: Sequence[image.Pixels]) -> Path:
    """The squares as JPEG files."""
    folder.mkdir(parents=True)
    for index, pixels in enumerate(squares):
        write_atomic(folder / f"{index:05}.jpg", as_jpeg(pixels))
    return folder


def of_files(folder: Path, squares: Sequence[image.Pixels]) -> Path:
    """What the squares become."""
    folder.mkdir(parents=True)
    for index, pixels in enumerate(squares):
        write_atomic(folder / f"{index:05}.limn", api.encode(pixels, target_bytes=TARGET_BYTES))
    return folder
