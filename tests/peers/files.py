"""Files to send: whole, with any bytes in them, and not to be painted here."""

from __future__ import annotations

import random
from pathlib import Path

from limner.container.blob import Blob, Layer, pack

TEXT, LATENT = 2, 1


def file_of(length: int, seed: int = 0) -> bytes:
    """A bare file of that many bytes, rich in the bytes that framings escape."""
    rng = random.Random(seed)
    special = b"\xc0\xdb\xdc\xdd<>\x94\xc3\r\n\x00\x7e"
    header_bytes = len(pack(Blob(1, b"\0\0", 8, 8, (Layer(1, b""),)), bare=True))
    body = bytes(rng.choice(special) if rng.random() < 0.5 else rng.randrange(256) for _ in range(length - header_bytes))
    return pack(Blob(1, b"\0\0", 8, 8, (Layer(1, body),)), bare=True)


def layered(first_bytes: int, second_bytes: int) -> bytes:
    """A bare file of two layers."""
    layers = (Layer(TEXT, b"t" * first_bytes), Layer(LATENT, random.Random(1).randbytes(second_bytes)))
    return pack(Blob(1, b"\0\0", 8, 8, layers), bare=True)


def written(folder: Path) -> list[bytes]:
    """The files in a folder, without their magic."""
    return [path.read_bytes()[2:] for path in sorted(folder.glob("*.limn"))]
