"""Photographs with captions: files that are decoded when they are drawn, and what people said of them.

    captions.jsonl, photos-*.tar           one line a photograph: file, caption            bytes are held in memory
    annotations/captions_train2014.json,   MS-COCO: five captions of each photograph       files stay where they are
    train2014/*.jpg                        (or of 2017)

A draw gives one photograph and one of its captions at random. Crops are not mirrored, since some captions say left.
Photographs with a side of at most 256 pixels are left out, as TACO does. Held out is what ``limner.train.photos`` holds out.

Sources: Lin et al. 2014 (MS-COCO), Chen et al. 2015 (its captions); Lee et al. 2024 (TACO, section 4.1).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from limner.errors import ImageError, LimnerError
from limner.train import photos
from limner.train.photos import Pixels
from limner.train.words import Captioned

OVER_PX = 256
HELD_OUT_EVERY = 50
COCO = re.compile(r"^captions_(train\d{4})\.json$")


@dataclass(frozen=True)
class Kept:
    """A photograph as bytes or where it lies, and its captions, at least one."""

    file: bytes | Path
    captions: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.captions:
            raise LimnerError(f"{self.name} has no caption")

    @property
    def name(self) -> str:
        return str(self.file) if isinstance(self.file, Path) else f"a photograph of {len(self.file)} bytes"

    @property
    def pixels(self) -> Pixels:
        """(h, w, 3). ImageError if it cannot be read."""
        try:
            return photos.as_array(self.file if isinstance(self.file, bytes) else self.file.read_bytes())
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ImageError(f"{self.name} cannot be read: {error}") from error

    def drawn(self, rng: np.random.Generator) -> Captioned:
        return Captioned(self.pixels, self.captions[int(rng.integers(len(self.captions)))])


class Source(Protocol):
    """Where captioned photographs come from: one at random, and those that are never trained on."""

    @property
    def held_out(self) -> Sequence[Kept]: ...

    def draw(self, rng: np.random.Generator) -> Captioned: ...


@dataclass(frozen=True)
class Photos:
    """Captioned photographs, for training and for validation."""

    train: Sequence[Kept]
    held_out: Sequence[Kept]

    def draw(self, rng: np.random.Generator) -> Captioned:
        return self.train[int(rng.integers(len(self.train)))].drawn(rng)


def load(folder: Path, over_px: int = OVER_PX) -> Photos:
    """The captioned photographs of a folder, both sides over ``over_px``. LimnerError if there are none, or too few."""
    if (folder / "captions.jsonl").is_file():
        return shards(folder, over_px)
    found = [path for path in [*folder.glob("*.json"), *folder.glob("annotations/*.json")] if COCO.match(path.name)]
    if not found:
        raise LimnerError(f"{folder}: wanted are captions.jsonl and photos-*.tar, or annotations/captions_train2014.json")
    captions = sorted(found)[0]
    part = folder / COCO.sub(r"\1", captions.name)
    return coco(captions, part if part.is_dir() else folder, over_px)


def shards(folder: Path, over_px: int = OVER_PX) -> Photos:
    """Photographs of tar shards with captions.jsonl beside them, a line ``{"file": .., "caption": ..}`` or more for each."""
    told = spoken(parsed_lines(folder / "captions.jsonl"), "file")
    paths = sorted(folder.glob("photos-*.tar"))
    train: list[Kept] = []
    held_out: list[Kept] = []
    for path in paths:
        for name, data in photos.members(path):
            if name in told and over(data, over_px):
                held = path == paths[-1] and name.startswith(photos.HELD_OUT_PREFIXES)
                (held_out if held else train).append(Kept(data, told[name]))
    return Photos(train, held_out) if train and held_out else split(train + held_out, folder)


def coco(captions: Path, pictures: Path, over_px: int = OVER_PX) -> Photos:
    """Photographs of a folder, by MS-COCO's list of them and of their captions; those that are not there are passed over."""
    try:
        kept = json.loads(captions.read_text("utf-8"))
        told = spoken(kept["annotations"], "image_id")
        large = [one for one in kept["images"] if min(int(one["width"]), int(one["height"])) > over_px and one["id"] in told]
        named = {Path(one["file_name"]).name: told[one["id"]] for one in large}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LimnerError(f"{captions} holds no captions of MS-COCO: {type(error).__name__} {error}") from error
    there = {path.name for path in pictures.iterdir()}
    return split([Kept(pictures / name, told) for name, told in sorted(named.items()) if name in there], pictures)


def split(found: Sequence[Kept], folder: Path) -> Photos:
    """Hold out every fiftieth. LimnerError if none would be left."""
    if len(found) < 2:
        raise LimnerError(f"{folder}: {len(found)} large photographs with captions are too few to train on")
    train = [one for place, one in enumerate(found) if place % HELD_OUT_EVERY]
    return Photos(train, found[::HELD_OUT_EVERY])


def parsed_lines(path: Path) -> list[Mapping[str, Any]]:
    """The objects of a file of JSON lines. LimnerError with the line that is none."""
    found: list[Mapping[str, Any]] = []
    try:
        for line in path.read_text("utf-8").splitlines():
            found.append(dict(json.loads(line or "{}")))
    except (OSError, ValueError, TypeError) as error:
        raise LimnerError(f"{path}, line {len(found) + 1}: {error}") from error
    return found


def spoken(records: Iterable[Mapping[str, Any]], key: str) -> dict[Any, tuple[str, ...]]:
    """All that was said of each, by a field of the records; an empty caption says nothing."""
    found: dict[Any, list[str]] = {}
    for record in records:
        caption = tidy(str(record.get("caption", "")))
        if key in record and caption:
            found.setdefault(record[key], []).append(caption)
    return {name: tuple(said) for name, said in found.items()}


def tidy(caption: str) -> str:
    """One line, without the sign that ends a text in a batch."""
    return " ".join(caption.replace("\0", " ").split())


def over(data: bytes, least_px: int) -> bool:
    """Whether both sides of a picture are over ``least_px``; nothing but its head is read."""
    with Image.open(io.BytesIO(data)) as image:
        return min(image.size) > least_px


def crop(photo: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A random crop (size, size, 3), not mirrored; a smaller picture is mirrored out to it."""
    h, w, _ = photo.shape
    if h < size or w < size:
        photo = np.pad(photo, ((0, max(0, size - h)), (0, max(0, size - w)), (0, 0)), mode="symmetric")
        h, w, _ = photo.shape
    top, left = int(rng.integers(h - size + 1)), int(rng.integers(w - size + 1))
    return photo[top : top + size, left : left + size]


def as_bytes(texts: Sequence[str]) -> Tensor:
    """Texts as a batch holds them: UTF-8 (b n) uint8, filled up with zeros."""
    rows = [text.encode("utf-8", "replace") for text in texts]
    longest = max((len(row) for row in rows), default=0)
    return torch.tensor([list(row.ljust(longest, b"\0")) for row in rows], dtype=torch.uint8).reshape(len(rows), longest)


def as_texts(packed: Tensor) -> list[str]:
    """What ``as_bytes`` was given."""
    return [bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in packed.tolist()]
