"""The specified noise that a diffusion starts from: the same bits on every machine.

    seed, draw, number of the value                       integers
        |  Philox4x32-10: key (seed, "limn"), counter (number / 4, 0, draw, 0)
        v
    a word of 32 bits                                     sign, and 31 bits of how far out
        |  a table of the normal distribution, linear between its entries
        v
    normal number                                         a multiple of 2**-20, at most 6.34 away from 0; exact in float32

All of it is integers; spec, *Noise*, has every step. A value depends on its number alone and not on how many are drawn.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", for Philox. The way to normal numbers is ours.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.errors import EncodeError, MissingError

FRACTION_BITS = 20
ENTRIES = 64  # of the table, an octave
OCTAVES = 32
KEY = 0x6C696D6E  # "limn"
TABLE_FILE = Path(__file__).parent.parent / "data" / "normal.bin"
TABLE_SHA256 = "583b9d5789d9942e086bb92dc4949c84a9882cd1603bed02d2bf9cf7b9277c14"

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
WORD = np.uint64(0xFFFFFFFF)

Words = NDArray[np.uint64]  # numbers of 32 bits


def gaussian(seed: int, draw: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Normal numbers of ``shape``, filled in row by row, the last axis first.

    seed, draw: 0 to 2**32 - 1. Draw 0 is what a diffusion starts from, those after it are what it draws on its way. Raises
    EncodeError for another seed or draw, MissingError if the table is not what was released.
    """
    if not (0 <= seed < 1 << 32 and 0 <= draw < 1 << 32):
        raise EncodeError(f"a seed and a draw are 0 to 2**32 - 1, not {seed} and {draw}")
    count = math.prod(shape)
    values = quantiles(words(seed, draw, count))
    return (values.astype(np.float32) * np.float32(2.0**-FRACTION_BITS)).reshape(shape)


def words(seed: int, draw: int, count: int) -> Words:
    """The first ``count`` words of a seed and a draw."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    same = np.zeros_like(blocks)
    block = philox((blocks, same, same + np.uint64(draw), same), (seed, KEY))
    return np.stack(block, axis=1).reshape(-1)[:count]


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Philox4x32-10 of many counters, each (n,), under one key."""
    (a, b, c, d), (left, right) = counter, key
    for _ in range(ROUNDS):
        first, second = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a, c = (second >> np.uint64(32)) ^ b ^ np.uint64(left), (first >> np.uint64(32)) ^ d ^ np.uint64(right)
        b, d = second & WORD, first & WORD
        left, right = (left + WEYL[0]) & 0xFFFFFFFF, (right + WEYL[1]) & 0xFFFFFFFF
    return a, b, c, d


def quantiles(drawn: Words) -> NDArray[np.int64]:
    """Words (n,) -> normal numbers in units of 2**-20."""
    odd = 2 * (drawn & np.uint64(0x7FFFFFFF)) + np.uint64(1)
    # A float64 holds it exactly, and its bits are the octave, then the entry, then the place between entries.
    bits = odd.astype(np.float64).view(np.int64)
    number, place = (bits >> 46) - (1023 << 6), (bits >> 21) & 0x1FFFFFF
    above = table()[number]
    size = above - (((above - table()[number + 1]) * place + (1 << 24)) >> 25)
    found: NDArray[np.int64] = np.where(drawn >> np.uint64(31), -size, size)
    return found


@cache
def table() -> NDArray[np.int64]:
    """How far from 0 a normal number is, in units of 2**-20, that is exceeded with probability (64 + i mod 64) 2**(i // 64) /
    2**38: (2049,) for i in 0..2048, falling to 0. Raises MissingError if the file is not the one that was released."""
    data = TABLE_FILE.read_bytes() if TABLE_FILE.is_file() else b""
    if hashlib.sha256(data).hexdigest() != TABLE_SHA256:
        raise MissingError(f"{TABLE_FILE} is not the file that was released: install limner anew")
    return np.frombuffer(data, ">u4").astype(np.int64)
