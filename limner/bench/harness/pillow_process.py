"""``python -m limner.bench.harness.pillow_process``: one file of a classical codec made or painted, in a process of its own.

    encode picture.png FILE codec quality chroma speed tune scale filter
    decode FILE picture.png                                      jpeg, webp, avif, jxl, heic: as it is
    decode FILE picture.png WIDTHxHEIGHT filter                  the same, enlarged
    hash FILE picture.png WIDTHxHEIGHT filter blurhash|thumbhash

Started by a run under its seal; nobody types it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from limner import image
from limner.bench.coders import CODECS, FILTERS, enlarged, shrunk


def encode(source: str, target: str, codec: str, quality: str, chroma: str, speed: str, tune: str, *how: str) -> None:
    scale, down = how
    small = shrunk(image.load(source).pixels, int(scale), down)
    Path(target).write_bytes(CODECS[codec].code(small, int(quality), chroma, int(speed), tune or None))


def decode(source: str, target: str, size: str = "", up: str = "") -> None:
    blob = Path(source).read_bytes()
    if size:
        pixels = enlarged(blob, size_px(size), up)
    else:
        with Image.open(source) as picture:
            pixels = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    image.save(pixels, target)


def paint_hash(source: str, target: str, size: str, up: str, kind: str) -> None:
    from limner.bench.hashes import from_blurhash, from_thumbhash, small_size

    code = Path(source).read_bytes()
    paint = {"blurhash": from_blurhash, "thumbhash": from_thumbhash}[kind]
    small = Image.fromarray(paint(code, *small_size(*size_px(size))))
    image.save(np.asarray(small.resize(size_px(size), FILTERS[up]), np.uint8), target)


def size_px(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def main(argv: Sequence[str]) -> int:
    verb, *rest = argv
    if verb == "encode":
        encode(*rest)
    elif verb == "decode":
        decode(*rest)
    else:
        paint_hash(*rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
