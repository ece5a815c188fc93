"""Integer probability tables: where floats end.

A table is data that both sides hold. ``quantise`` is the only place where a float becomes a frequency, and nothing
that is read from a file depends on it: the Gaussian tables were made once by ``python -m limner.entropy.tables`` and
are loaded from ``limner/data/gaussians.bin``, whose SHA-256 stands below. See spec, *Tables*.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.entropy import ranges
from limner.errors import EncodeError, MissingError

PRECISION = 24
TOTAL = 1 << PRECISION

GAUSSIANS = 64
GAUSSIAN_LIMIT = 255
LEAST_SIGMA = 0.04
STEPS_PER_OCTAVE = 6
GAUSSIANS_FILE = Path(__file__).parent.parent / "data" / "gaussians.bin"
GAUSSIANS_SHA256 = "80089ecfe07864ac7359215539e7b9a5f05ffe8eb7ceb1ebc17edc95a9f6b601"


@dataclass(frozen=True, eq=False)
class Table:
    """Hold integer frequencies of the symbols ``low .. low + n - 1``: each at least 1, the sum 2**24.

    Raises EncodeError where they are not.
    """

    low: int
    frequencies: NDArray[np.uint32]

    def __post_init__(self) -> None:
        held = np.array(self.frequencies)
        if held.ndim != 1 or held.size == 0 or held.dtype.kind not in "iu":
            raise EncodeError("frequencies must be a vector of integers, at least one")
        if int(held.min()) < 1 or int(held.sum(dtype=np.int64)) != TOTAL:
            raise EncodeError(f"frequencies must be at least 1 and sum to 2**{PRECISION}")
        if not -(2**31) <= self.low <= 2**31 - held.size:
            raise EncodeError("symbols must fit 32 bits with sign")
        held = held.astype(np.uint32)
        held.flags.writeable = False
        object.__setattr__(self, "frequencies", held)

    @property
    def high(self) -> int:
        """Give the largest symbol."""
        return self.low + self.frequencies.size - 1

    def bits(self, symbols: NDArray[np.integer]) -> float:
        """Measure the information content of ``symbols`` (any shape) in bits; EncodeError for one outside the table."""
        return float(self._cost_bits[self.places(symbols)].sum())

    def places(self, symbols: NDArray[np.integer]) -> NDArray[np.int32]:
        """Give each symbol's place 0 .. n-1 in the table; EncodeError for one outside it."""
        if symbols.size and not (self.low <= int(symbols.min()) and int(symbols.max()) <= self.high):
            raise EncodeError(f"a symbol lies outside {self.low} .. {self.high}")
        # Through 64 bits: symbol - low need not fit the symbols' own type.
        return (symbols.astype(np.int64) - self.low).astype(np.int32)

    @cached_property
    def mean_bits(self) -> float:
        """Give the information that a symbol has on average: the entropy of the table."""
        return float(self.frequencies.astype(np.float64) @ self._cost_bits) / TOTAL

    @cached_property
    def _cost_bits(self) -> NDArray[np.float64]:
        return PRECISION - np.log2(self.frequencies.astype(np.float64))

    @cached_property
    def model(self) -> Any:
        """Give the coder's model of the places."""
        return ranges.model(self.frequencies)


def quantise(probabilities: NDArray[np.floating]) -> NDArray[np.uint32]:
    """Turn a vector of probabilities (any positive scale) into frequencies: each at least 1, the sum 2**24.

    Every symbol gets 1, the rest is shared in proportion and rounded down; what remains goes to the most probable
    symbol (the first of equals). Raises EncodeError for values that are no probabilities.
    """
    wanted = np.asarray(probabilities, dtype=np.float64)
    if wanted.ndim != 1 or not 0 < wanted.size <= TOTAL:
        raise EncodeError("probabilities must be a vector of 1 to 2**24 values")
    if not np.isfinite(wanted).all() or wanted.min() < 0 or not 0 < wanted.sum() < math.inf:
        raise EncodeError("probabilities must be finite, not negative, and not all zero")
    spare = TOTAL - wanted.size
    shares = np.floor(wanted / wanted.sum() * spare).astype(np.int64)
    shares[np.argmax(wanted)] += spare - shares.sum()
    frequencies: NDArray[np.uint32] = (shares + 1).astype(np.uint32)
    return frequencies


@lru_cache(maxsize=32)  # a file can ask for many tables of a megabyte
def uniform(count: int) -> Table:
    """Make the table of ``count`` symbols 0 .. count-1 (1 .. 2**24) whose frequencies differ by one at most.

    The first ``2**24 mod count`` symbols get the larger one.
    """
    if not 1 <= count <= TOTAL:
        raise EncodeError(f"a uniform table has 1 to 2**{PRECISION} symbols")
    share, more = divmod(TOTAL, count)
    return Table(0, np.full(count, share, np.uint32) + (np.arange(count) < more).astype(np.uint32))


def gaussian_sigma(index: int) -> float:
    """Give the standard deviation of Gaussian table ``index`` (0 .. 63): 0.04 * 2**(index/6), to 57.97."""
    return float(LEAST_SIGMA * 2.0 ** (index / STEPS_PER_OCTAVE))


@cache
def gaussians() -> tuple[Table, ...]:
    """Load the 64 zero-mean Gaussian tables, symbols -255 .. 255.

    Raises MissingError when the data file is not there or not the one that the format names.
    """
    if not GAUSSIANS_FILE.is_file():
        raise MissingError("limner/data/gaussians.bin is missing: install limner anew")
    data = GAUSSIANS_FILE.read_bytes()
    if hashlib.sha256(data).hexdigest() != GAUSSIANS_SHA256:
        raise MissingError("limner/data/gaussians.bin is not the file that the format names: install limner anew")
    halves = np.frombuffer(data, dtype=">u4").reshape(GAUSSIANS, GAUSSIAN_LIMIT + 1)
    return tuple(Table(-GAUSSIAN_LIMIT, np.concatenate([half, half[-2::-1]]).astype(np.uint32)) for half in halves)


def make_gaussian(sigma: float) -> NDArray[np.uint32]:
    """Make the 511 frequencies of a Gaussian integrated over unit intervals; symmetric by construction."""
    edges = [math.erfc((k - 0.5) / (sigma * math.sqrt(2.0))) for k in range(GAUSSIAN_LIMIT + 2)]
    # The upper tail mass of each k >= 1; erfc keeps its precision where a difference of erf would not.
    tail = [(edges[k] - edges[k + 1]) / 2 for k in range(1, GAUSSIAN_LIMIT + 1)]
    return quantise(np.array([*tail[::-1], 1.0 - edges[1], *tail]))


def main() -> None:
    """Make the data file anew. For the record: the format names the file's hash, not this arithmetic."""
    rows = np.stack([make_gaussian(gaussian_sigma(index)) for index in range(GAUSSIANS)])
    GAUSSIANS_FILE.write_bytes(rows[:, : GAUSSIAN_LIMIT + 1].astype(">u4").tobytes())


if __name__ == "__main__":
    main()
