"""Adaptive binary models in exact integers: each context estimates the probability of its next bit from those it had.

    P  probability of a 1 in 1/65536, 0 .. 65536        n  how many bits it stands for, 0 .. 255
    coded with  min(max(P >> 4, 1), 4095) / 4096        then  P += floor(2 (65536 bit - P) / (2 n + 3)),  n += 1

The step is large at first and falls to 1/256.5, so a context learns fast and then forgets slowly. A prior is a P and an n
to start from: data made from many pictures. See spec, *Adaptive bits*.
"""

from __future__ import annotations

from collections.abc import Sequence

from limner.entropy.coder import BIT_PRECISION, Coder
from limner.errors import EncodeError

LONGEST_MEMORY = 255
_ONE = 1 << 16
_LEAST, _MOST = 1, (1 << BIT_PRECISION) - 1
_SHIFT = 16 - BIT_PRECISION


class Contexts:
    """Hold the state of numbered contexts; the same object, made the same way, on both sides.

    ``probabilities``: of a 1 in 1/4096, 0 .. 4096, one a context; ``confidences``: how many bits each stands for, 0 .. 255.
    Raises EncodeError for values outside.
    """

    def __init__(self, probabilities: Sequence[int], confidences: Sequence[int]) -> None:
        if len(probabilities) != len(confidences):
            raise EncodeError("every context has a probability and a confidence")
        if probabilities and not (min(probabilities) >= 0 and max(probabilities) <= 1 << BIT_PRECISION):
            raise EncodeError("probabilities are 0 to 4096 of 4096")
        if confidences and not (min(confidences) >= 0 and max(confidences) <= LONGEST_MEMORY):
            raise EncodeError(f"confidences are 0 to {LONGEST_MEMORY}")
        self._probabilities = [probability << _SHIFT for probability in probabilities]
        self._counts = list(confidences)

    @classmethod
    def fresh(cls, count: int) -> Contexts:
        """Make ``count`` contexts that know nothing: a half, confidence 0."""
        return cls([1 << (BIT_PRECISION - 1)] * count, [0] * count)

    def probability(self, context: int) -> int:
        """Give the probability of a 1 that the next bit of ``context`` is coded with, 1 .. 4095 of 4096."""
        return min(max(self._probabilities[context] >> _SHIFT, _LEAST), _MOST)

    def code(self, coder: Coder, context: int, bit: int) -> int:
        """Code one bit in ``context`` and learn from it; give the bit (the one read, where the coder is a Reader)."""
        probability, count = self._probabilities[context], self._counts[context]
        bit = coder.code_bit(bit, min(max(probability >> _SHIFT, _LEAST), _MOST))
        target = _ONE if bit else 0
        # Python's // rounds down, for falling probabilities too: the spec says floor.
        self._probabilities[context] = probability + 2 * (target - probability) // (2 * count + 3)
        if count < LONGEST_MEMORY:
            self._counts[context] = count + 1
        return bit
