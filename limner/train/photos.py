"""Training photographs: pictures in a folder or in tar shards, decoded once into memory; random crops of them.

Shards too large for that are read as they pass: see ``limner.train.stream``.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import LimnerError
from limner.train.draws import Draw

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
HELD_OUT_PREFIXES = ("bsd_", "urban_")
MOST_SHRUNK = 3  # a crop is scaled down by at most this


Pixels = NDArray[np.uint8]


class Source(Protocol):
    """Where photographs (h, w, 3) come from: one at random, and those that are never trained on."""

    @property
    def held_out(self) -> list[Pixels]: ...

    def draw(self, draw: Draw) -> Pixels: ...


@dataclass(frozen=True)
class Photos:
    """Photographs in memory, for training and for validation."""

    train: list[Pixels]
    held_out: list[Pixels]

    def draw(self, draw: Draw) -> Pixels:
        return self.train[draw.rng.integers(len(self.train))]


def load(folder: Path) -> Photos:
    """Read every picture of the tar shards in ``folder``, or of the folder itself when it holds none.

    Held out: the ``bsd_`` and ``urban_`` pictures of the last shard; of other shards, and of a folder, every fiftieth.
    """
    shards = sorted(folder.glob("photos-*.tar")) or sorted(folder.glob("*.tar"))
    if not shards:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        return split([as_array(p.read_bytes()) for p in paths], folder)
    train: list[Pixels] = []
    held_out: list[Pixels] = []
    for shard in shards:
        for name, data in members(shard):
            held = shard == shards[-1] and name.startswith(HELD_OUT_PREFIXES)
            (held_out if held else train).append(as_array(data))
    return Photos(train, held_out) if train and held_out else split(train + held_out, folder)


def split(pictures: list[Pixels], folder: Path) -> Photos:
    """Hold out every fiftieth. LimnerError if none would be left."""
    if len(pictures) < 2:
        raise LimnerError(
            f"{folder}: {len(pictures)} photographs are too few to train on; wanted are {sorted(SUFFIXES)} or *.tar"
        )
    return Photos([p for i, p in enumerate(pictures) if i % 50], pictures[::50])


def members(shard: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(shard) as tar:
        for member in tar:
            stream = tar.extractfile(member) if Path(member.name).suffix.lower() in SUFFIXES else None
            if stream is not None:
                yield Path(member.name).name, stream.read()


def as_array(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def crops(photos: Source, size: int, shrunk_part: float, draws: Sequence[Draw]) -> Pixels:
    """A random flipped crop for each draw (b, size, size, 3); ``shrunk_part`` of them are taken larger and scaled down.

    A picture that is coded smaller is sharper than a photograph: the codec must know such pictures too.
    """
    return np.stack([crop(photos.draw(one), size, shrunk_part, one.rng) for one in draws])


def crop(photo: Pixels, size: int, shrunk_part: float, rng: np.random.Generator) -> Pixels:
    """One crop (size, size, 3); a picture smaller than the crop is mirrored out to it."""
    h, w, _ = photo.shape
    if h < size or w < size:
        photo = np.pad(photo, ((0, max(0, size - h)), (0, max(0, size - w)), (0, 0)), mode="symmetric")
        h, w, _ = photo.shape
    taken = size
    if rng.random() < shrunk_part:
        taken = int(rng.integers(size, min(h, w, MOST_SHRUNK * size) + 1))
    top, left = rng.integers(h - taken + 1), rng.integers(w - taken + 1)
    piece = photo[top : top + taken, left : left + taken]
    if taken > size:
        piece = np.asarray(Image.fromarray(piece).resize((size, size), Image.Resampling.LANCZOS))
    return piece[:, ::-1] if rng.random() < 0.5 else piece
