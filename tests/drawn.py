"""A folder as BSDS500's data lie: photographs in a shard and drawings beside them, made here."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
from pictures import scene
from PIL import Image


def outline(width_px: int, height_px: int) -> np.ndarray:
    """The border of the hill in ``pictures.scene``, (h, w) bool."""
    y, x = np.mgrid[0:height_px, 0:width_px]
    hill = y > height_px * (0.6 + 0.2 * np.sin(x / 17))
    return hill & ~np.roll(hill, 1, 0) & (y > 0)


def folder(at: Path, pictures: int = 3, size: tuple[int, int] = (80, 60)) -> Path:
    """Give ``at`` a shard and drawings of two annotators, who differ by a pixel: train/, val/ and test/."""
    with tarfile.open(at / "photos-00.tar", "w") as photos, tarfile.open(at / "boundaries.tar", "w") as drawings:
        for part in ("train", "val", "test"):
            for number in range(pictures):
                line = outline(*size).astype(int)
                share = 255 * (line + np.roll(line, 1, 1)) // 2
                name = f"bsd_{part}{number}"
                add(photos, f"{name}.jpg", Image.fromarray(scene(*size, number)), "PNG")
                add(drawings, f"{part}/{name}.png", Image.fromarray(share.astype(np.uint8)), "PNG")
        add(photos, "in_other.jpg", Image.fromarray(scene(*size)), "PNG")
    return at


def add(tar: tarfile.TarFile, name: str, picture: Image.Image, form: str) -> None:
    stream = io.BytesIO()
    picture.save(stream, form)
    member = tarfile.TarInfo(name)
    member.size = stream.tell()
    stream.seek(0)
    tar.addfile(member, stream)
