"""Bitmaps in raster order, each pixel in the context of its neighbours, after JBIG2's generic regions (T.88, 6.2).

    own pixels, coded before       the bitmap underneath, known whole
        a a a                            e
      b b b b b                        e e e
      c c ?                              e

A context is the number a a a b b b b b c c e e e e e (15 bits, in reading order except the last five: here, right, below,
left, above). Right of the bitmap a row goes on with its last pixel, left of it with the first pixel of the row above;
above it is empty. The bitmap underneath goes on as at its rim. See spec, *Bitmaps*.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.entropy.adaptive import Contexts
from limner.entropy.coder import Coder
from limner.errors import MissingError

CONTEXTS = 1 << 15
PRIORS = {
    "masks": "160662bd37131a867771acfd3cbeebcc634358cf0ee4e63fa432bf256dc05a8d",
    "sketch": "03845a112df4850507e710d33ec19a8500c43bbbf561506e1c7bb4642c540873",
}
"""Name of a prior -> SHA-256 of ``limner/data/<name>.prior``.

16-bit numbers, big-endian: the probability in the upper 12 bits, half the confidence in the lower 4. With fewer numbers than
contexts, each stands for as many contexts in a row (a sketch has nothing underneath: 1,024 numbers, each for 32)."""

Bitmap = NDArray[np.bool_]


def prior_file(name: str) -> Path:
    """Say where the prior ``name`` lies."""
    return Path(__file__).parent.parent / "data" / f"{name}.prior"


@cache
def _prior(name: str) -> tuple[list[int], list[int]]:
    path = prior_file(name)
    if not path.is_file() or hashlib.sha256(data := path.read_bytes()).hexdigest() != PRIORS[name]:
        raise MissingError(f"limner/data/{path.name} is not the file that the format names: install limner anew")
    numbers = np.frombuffer(data, ">u2").astype(np.int64)
    numbers = numbers.repeat(CONTEXTS // numbers.size)
    return (numbers >> 4).tolist(), (2 * (numbers & 15)).tolist()


def contexts(name: str) -> Contexts:
    """Make the contexts of a bitmap as the prior ``name`` starts them; MissingError when its file is not the named one."""
    return Contexts(*_prior(name))


def code_bitmap(coder: Coder, states: Contexts, bitmap: Bitmap, under: Bitmap) -> Bitmap:
    """Code ``bitmap`` (rows, columns) over ``under`` of the same shape; give the bitmap that the other side has."""
    width = bitmap.shape[1]
    ground = beneath(under).tolist()
    above = higher = [0] * (width + 4)
    coded = []
    for bits, around in zip(bitmap.astype(int).tolist(), ground, strict=True):
        above, higher = _code_row(coder, states, bits, around, above, higher), above
        coded.append(above[2:-2])
    return np.array(coded, dtype=np.bool_).reshape(bitmap.shape)


def _code_row(
    coder: Coder, states: Contexts, bits: list[int], around: list[int], above: list[int], higher: list[int]
) -> list[int]:
    """Code one row under the two above it, each with two pixels more at either side; give it in the same form."""
    left = above[2]
    row = [left, left]
    a = higher[1] << 1 | higher[2]
    b = above[0] << 3 | above[1] << 2 | above[2] << 1 | above[3]
    c = 3 * left
    for x, bit in enumerate(bits):
        a = (a << 1 | higher[x + 3]) & 7
        b = (b << 1 | above[x + 4]) & 31
        bit = states.code(coder, a << 12 | b << 7 | c << 5 | around[x], bit)
        c = (c << 1 | bit) & 3
        row.append(bit)
    return [*row, row[-1], row[-1]]


def beneath(under: Bitmap) -> NDArray[np.int64]:
    """Give the five bits e of every pixel."""
    held = np.pad(under, 1, mode="edge").astype(np.int64)
    here, right, below = held[1:-1, 1:-1], held[1:-1, 2:], held[2:, 1:-1]
    left, above = held[1:-1, :-2], held[:-2, 1:-1]
    return here << 4 | right << 3 | below << 2 | left << 1 | above
