"""Photographs and where people drew the boundaries of things in them: BSDS500 (Arbelaez et al. 2011).

A folder holds ``boundaries.tar``, with train/, val/ and test/ of PNG files, each the mean over a picture's annotators of what
they drew (0..255), and the photographs of the same names in tar shards.
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import LimnerError
from limner.train.photos import Pixels, as_array, members

PARTS = ("train", "val", "test")
MOST_ANNOTATORS = 12


@dataclass(frozen=True)
class Drawn:
    """A photograph (h, w, 3) and the share of its annotators that drew each pixel, (h, w) uint8, 255 for all of them."""

    name: str
    pixels: Pixels
    share: NDArray[np.uint8]

    @property
    def votes(self) -> NDArray[np.int64]:
        """How many annotators drew each pixel, (h, w)."""
        votes: NDArray[np.int64] = np.rint(self.share * (annotators(self.share) / 255)).astype(np.int64)
        return votes


def annotators(share: NDArray[np.uint8]) -> int:
    """The least number of annotators whose mean rounds (or truncates) to these levels."""
    levels = np.unique(share)
    for count in range(1, MOST_ANNOTATORS + 1):
        steps = np.arange(count + 1) * 255 / count
        if (np.abs(levels[:, None] - steps).min(1) < 1).all():
            return count
    raise LimnerError(f"levels {levels.tolist()} are no mean of at most {MOST_ANNOTATORS} drawings")


def load(folder: Path, part: str) -> list[Drawn]:
    """The pictures of a part that have both files, by name. LimnerError if there are none."""
    shares = drawings(folder / "boundaries.tar", part)
    found = [
        Drawn(name, as_array(data), shares[Path(name).stem])
        for shard in sorted(folder.glob("photos-*.tar"))
        for name, data in members(shard)
        if Path(name).stem in shares
    ]
    for one in found:
        if one.pixels.shape[:2] != one.share.shape:
            raise LimnerError(f"{one.name}: photograph {one.pixels.shape[:2]} and drawing {one.share.shape} differ in size")
    if not found:
        raise LimnerError(f"{folder}: no photographs of boundaries.tar's {part}/ in photos-*.tar")
    return sorted(found, key=lambda one: one.name)


def drawings(path: Path, part: str) -> dict[str, NDArray[np.uint8]]:
    """Shares of a part by the stem of the name."""
    found = {}
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                stream = tar.extractfile(member) if Path(member.name).parts[-2:-1] == (part,) else None
                if stream is not None and member.name.endswith(".png"):
                    found[Path(member.name).stem] = np.asarray(Image.open(io.BytesIO(stream.read())).convert("L"))
    except (OSError, tarfile.TarError) as error:
        raise LimnerError(f"{path} cannot be read: {error}") from error
    return found
