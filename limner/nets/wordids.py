"""Words as numbers, without a vocabulary: the ids that ``limner.nets.words.WordEncoder`` is given. Needs no torch."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+")
NOTHING, BEGIN, FIRST = 0, 1, 2
ENTRIES = 8192
MOST_WORDS = 32


def rows_of(texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text (33): a begin, then each word's hash, then nothing. Words after the 32nd are left out."""
    rows = [[BEGIN, *map(hashed, WORD.findall(text.lower())[:MOST_WORDS])] for text in texts]
    return [row + [NOTHING] * (1 + MOST_WORDS - len(row)) for row in rows]


def hashed(word: str) -> int:
    return FIRST + zlib.crc32(word.encode()) % (ENTRIES - FIRST)
