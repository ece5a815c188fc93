"""A PNG file piece by piece, so that neither the picture nor the file need be in memory.

    strips --Pillow: filters--> filtered rows --zlib--> IDAT chunks
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from limner.pixels.strips import Pixels, Strips, slices

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LEVEL = 6
RGB8 = bytes((8, 2, 0, 0, 0))  # bits, colours; the only compression and filtering there are; not interlaced

Chunk = tuple[bytes, bytes]


def pieces(strips: Strips, chunks: Iterable[Chunk] = ()) -> Iterator[bytes]:
    """The bytes of a file, in order. ``chunks``: name and content of those that stand before the pixels."""
    sides = strips.width_px.to_bytes(4, "big") + strips.height_px.to_bytes(4, "big")
    yield SIGNATURE + chunk(b"IHDR", sides + RGB8) + b"".join(chunk(name, data) for name, data in chunks)
    packer = zlib.compressobj(LEVEL)
    for rows in filtered(strips):
        if packed := packer.compress(rows):
            yield chunk(b"IDAT", packed)
    yield chunk(b"IDAT", packer.flush()) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def filtered(strips: Strips) -> Iterator[bytes]:
    """Rows, each behind the number of its filter."""
    above: Pixels | None = None
    for strip in strips:
        for some in slices(strip):
            rows = some if above is None else np.concatenate([above, some])
            yield filtered_rows(rows)[0 if above is None else 1 + 3 * strips.width_px :]
            above = some[-1:]


def filtered_rows(rows: Pixels) -> bytes:
    """Rows (n, w, 3) with the filters that Pillow chooses: those of its own file, in which nothing is packed."""
    stream = io.BytesIO()
    Image.fromarray(rows).save(stream, "PNG", compress_level=0)
    return zlib.decompress(b"".join(data for name, data in chunks_of(stream.getvalue()) if name == b"IDAT"))


def chunks_of(file: bytes) -> Iterator[Chunk]:
    """Name and content of the chunks of a PNG file."""
    at = len(SIGNATURE)
    while at < len(file):
        end = at + 8 + int.from_bytes(file[at : at + 4], "big")
        yield file[at + 4 : at + 8], file[at + 8 : end]
        at = end + 4


def names_behind_pixels(path: Path) -> set[bytes]:
    """The chunks of a file that stand behind its pixels; nothing of them is read, and a file that is cut may be any."""
    names: set[bytes] = set()
    with path.open("rb") as stream:
        stream.seek(len(SIGNATURE))
        while len(head := stream.read(8)) == 8:
            names = set() if head[4:] == b"IDAT" else names | {head[4:]}
            stream.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
    return names
