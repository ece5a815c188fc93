"""The choice layer: a seed, and which of N candidates painted from it and the seeds after it is meant.

seed            varint    0 .. 2**32 - 1
candidates - 1  varint    0 .. 65,535
index           the rest  range coded, uniform over the candidates: log2 N bits in whole bytes, none for one candidate
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from limner.entropy.coder import Coder, Reader, Writer
from limner.entropy.tables import uniform
from limner.errors import DamagedError, EncodeError
from limner.layers.layer import put_varint, take_varint

MOST_CANDIDATES = 65_536


@dataclass(frozen=True)
class Choice:
    """Hold ``seed`` (0 .. 2**32 - 1), the number of ``candidates`` (1 .. 65,536) and the ``index`` of the chosen one."""

    name: ClassVar[str] = "choice"
    seed: int
    candidates: int = 1
    index: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise EncodeError("a seed is 0 to 2**32 - 1")
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise EncodeError(f"there are 1 to {MOST_CANDIDATES} candidates")
        if not 0 <= self.index < self.candidates:
            raise EncodeError("the index names no candidate")


def write(choice: Choice) -> bytes:
    """Write the body."""
    writer = Writer()
    _code_index(writer, choice.index, choice.candidates)
    return put_varint(choice.seed) + put_varint(choice.candidates - 1) + writer.finish()


def read(body: bytes) -> Choice:
    """Read a body; DecodeError for what ``write`` does not produce."""
    seed, at = take_varint(body, 0, 32, "seed")
    others, at = take_varint(body, at, 16, "candidates")
    reader = Reader(body[at:])
    try:
        index = _code_index(reader, 0, others + 1)
        reader.finish()
    except DamagedError as error:
        raise DamagedError("the index is not what a writer writes", offset=at, field="index") from error
    return Choice(seed, others + 1, index)


def expand(choice: Choice) -> int:
    """Give the seed to paint with: the first seed and the index, modulo 2**32."""
    return (choice.seed + choice.index) % 2**32


def _code_index(coder: Coder, index: int, candidates: int) -> int:
    return int(coder.code(np.array([index], np.int32), uniform(candidates))[0])
