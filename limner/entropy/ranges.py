"""Who codes ranges: constriction where it is installed, else the same in Python (``limner.entropy.plain``).

Both give the same bytes and read the same symbols: which of them it was cannot be told from a file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.entropy import plain

try:
    import constriction
except ImportError:  # it has no wheels for some machines, ARM under Linux among them
    constriction = None


def encoder() -> Any:
    return plain.RangeEncoder() if constriction is None else constriction.stream.queue.RangeEncoder()


def decoder(words: NDArray[np.uint32]) -> Any:
    return plain.RangeDecoder(words) if constriction is None else constriction.stream.queue.RangeDecoder(words)


def model(frequencies: NDArray[np.uint32]) -> Any:
    """The model of places 0 .. n-1 with exactly these frequencies, each at least 1, together 2**24.

    constriction's fast quantisation gives symbol k the frequency 1 + weight_k * (2**24 - n) / sum(weights). With frequencies
    less one as weights the quotient is exactly 1, and every partial sum is an integer that a float holds.
    """
    if constriction is None:
        return plain.model(frequencies)
    return constriction.stream.model.Categorical(frequencies.astype(np.float64) - 1.0, perfect=False, lazy=False)
