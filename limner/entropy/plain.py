"""The range coder in Python alone, for machines for which constriction has no wheel: the same bytes, slower.

It has the face of constriction's queue coder, so far as ``limner.entropy.coder`` needs it: ``model``, ``RangeEncoder``,
``RangeDecoder``. What it computes is the text of the spec, *Range coder*; a test holds one against the other.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

PRECISION = 24
TOTAL = 1 << PRECISION
STATE = (1 << 64) - 1
WORD = (1 << 32) - 1

State = tuple[int, tuple[int, int]]


class Model:
    """Frequencies of the places 0 .. n-1, and the sums before each."""

    def __init__(self, frequencies: NDArray[np.uint32]) -> None:
        self.frequencies: list[int] = frequencies.tolist()
        self.before = [0, *accumulate(self.frequencies)][:-1]


class RangeEncoder:
    """``lower``: what is not sealed yet, ``width`` of the interval; ``words``: what is, which a carry may still change."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.lower, self.width = 0, STATE

    def encode(self, places: int | NDArray[np.int32], model: Model) -> None:
        """One place, or a vector of them."""
        for place in [places] if isinstance(places, int) else places.tolist():
            scale = self.width >> PRECISION
            self.lower += scale * model.before[place]
            self.width = scale * model.frequencies[place]
            if self.lower > STATE:
                self.lower &= STATE
                carry(self.words)
            if self.width <= WORD:
                self.words.append(self.lower >> 32)
                self.lower, self.width = self.lower << 32 & STATE, self.width << 32

    def pos(self) -> State:
        """How many words are out, and the state."""
        return len(self.words), (self.lower, self.width)

    def get_compressed(self) -> NDArray[np.uint32]:
        """The words, with the carry of the point lower + 2**32 - 1, by which constriction seals."""
        sealed = list(self.words)
        if self.lower + WORD > STATE and sealed:
            carry(sealed)
        return np.array(sealed, np.uint32)


class RangeDecoder:
    """Reads words, behind which zeros follow. ``point``: of the stream, from the lower end of the interval on."""

    def __init__(self, words: NDArray[np.uint32]) -> None:
        self.words: list[int] = words.tolist()
        self.seek(0, (0, STATE))

    def seek(self, words: int, state: tuple[int, int]) -> None:
        """Go on as an encoder did that was at this place."""
        lower, self.width = state
        self.at = words + 2
        self.point = ((self.word(words) << 32 | self.word(words + 1)) - lower) & STATE

    def word(self, at: int) -> int:
        return self.words[at] if at < len(self.words) else 0

    def decode(self, model: Model, count: int | None = None) -> int | NDArray[np.int32]:
        """A place, or a vector of so many. ValueError where no encoder wrote these words."""
        if count is None:
            return self.place(model)
        return np.array([self.place(model) for _ in range(count)], np.int32)

    def place(self, model: Model) -> int:
        scale = self.width >> PRECISION
        quantile = self.point // scale
        if quantile >= TOTAL:
            raise ValueError("no encoder wrote these words")
        place = bisect_right(model.before, quantile) - 1
        self.point -= scale * model.before[place]
        self.width = scale * model.frequencies[place]
        if self.width <= WORD:
            self.point, self.width = self.point << 32 | self.word(self.at), self.width << 32
            self.at += 1
        return place


def carry(words: list[int]) -> None:
    """Add one to the number that the words make."""
    at = len(words) - 1
    while at >= 0 and words[at] == WORD:
        words[at] = 0
        at -= 1
    if at >= 0:
        words[at] += 1


def model(frequencies: NDArray[np.uint32]) -> Model:
    """Of a table's frequencies, each at least 1, together 2**24."""
    return Model(frequencies)
