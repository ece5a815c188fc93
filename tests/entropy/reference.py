"""An independent range coder in plain integers, after spec *Range coder*: slow, short, and without constriction."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

Step = tuple[list[int], int]  # frequencies, place of the symbol


def encode(steps: Iterable[Step]) -> bytes:
    low, width, words = 0, 2**64 - 1, 0
    for frequencies, place in steps:
        scale = width >> 24
        low += scale * sum(frequencies[:place])
        width = scale * frequencies[place]
        if width < 2**32:
            low, width, words = low << 32, width << 32, words + 1
    length = 4 * words + 8
    for kept in range(length + 1):
        unit = 256 ** (length - kept)
        number = -(-low // unit)
        if number * unit < low + width:
            return number.to_bytes(kept, "big")
    raise AssertionError("an interval is never empty")


def decode(data: bytes, tables: Iterable[list[int]]) -> list[int]:
    at, width, places = 8, 2**64 - 1, []
    offset = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
    for frequencies in tables:
        scale = width >> 24
        if offset // scale >= 2**24:
            raise ValueError("not written by a writer")
        ends = list(accumulate(frequencies))
        place = next(k for k, end in enumerate(ends) if offset // scale < end)
        offset -= scale * (ends[place] - frequencies[place])
        width = scale * frequencies[place]
        places.append(place)
        if width < 2**32:
            offset = offset << 32 | int.from_bytes(data[at : at + 4].ljust(4, b"\0"), "big")
            width, at = width << 32, at + 4
    return places
