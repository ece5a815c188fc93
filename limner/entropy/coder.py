"""The range coder: one small face over constriction's queue coder (or the same in Python), with a tight ending.

``Writer`` and ``Reader`` have the same method ``code``, so that a traversal is written once and runs either way:
a Writer encodes the symbols it is given, a Reader ignores their values and returns those it read. The exact
integer algorithm is in the spec, *Range coder*; 64-bit state, 32-bit words, 24-bit frequencies.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from limner.entropy import ranges
from limner.entropy.tables import PRECISION, Table
from limner.errors import DamagedError, EncodeError

BIT_PRECISION = 12
_STATE_BITS = 64
_WORD_BITS = 32


class Coder(Protocol):
    """What a walk over symbols is written against: a Writer or a Reader."""

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        """Code the vector ``symbols``, all under ``table``; give the symbols that the other side has."""
        ...

    def code_bit(self, bit: int, probability: int) -> int:
        """Code one bit whose probability of being 1 is ``probability``/4096 (1 .. 4095)."""
        ...


class Writer:
    """Encode symbols into bytes."""

    def __init__(self) -> None:
        self._encoder = ranges.encoder()

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        """Encode the vector ``symbols`` under ``table`` and return it; EncodeError for a symbol outside the table."""
        if symbols.ndim != 1 or symbols.dtype.kind not in "iu":
            raise EncodeError("symbols must be a vector of integers")
        places = table.places(symbols)
        if places.size and table.frequencies.size > 1:
            self._encoder.encode(np.ascontiguousarray(places), table.model)
        return symbols

    def code_bit(self, bit: int, probability: int) -> int:
        """Encode ``bit`` under the probability ``probability``/4096 of a 1, and return it."""
        if bit not in (0, 1):
            raise EncodeError(f"a bit is 0 or 1, not {bit}")
        self._encoder.encode(bit, bit_table(probability).model)
        return bit

    def finish(self) -> bytes:
        """Give the fewest bytes that say what was encoded; the Writer may go on after it.

        What follows the end counts as zeros, so zero bytes at the end are dropped: a lucky file is shorter than its
        information. Two different walks under the same tables never give the same bytes.
        """
        words, (lower, width) = self._encoder.pos()
        return _shortest(self._words_before(words, lower), words, lower, width)

    def place(self) -> tuple[int, tuple[int, int]]:
        """Give where in the stream it stands, for the ``seek`` of a ``decoder`` of that stream."""
        words, (lower, width) = self._encoder.pos()
        return int(words), (int(lower), int(width))

    def _words_before(self, words: int, lower: int) -> int:
        """Give the number that the ``words`` whole words make, before any carry out of the state."""
        sealed = self._encoder.get_compressed()[:words]
        number = int.from_bytes(sealed.astype(">u4").tobytes(), "big")
        # constriction seals with the point lower + 2**32 - 1; where that leaves the state it has carried.
        carried = lower + (1 << _WORD_BITS) - 1 >= 1 << _STATE_BITS
        return number - 1 if carried and words else number


def _shortest(before: int, words: int, lower: int, width: int) -> bytes:
    """Give the fewest bytes whose number, zeros behind, lies in [lower, lower + width); of those the least."""
    low = (before << _STATE_BITS) + lower
    length = 4 * words + _STATE_BITS // 8
    dropped_bits = 0
    chosen = low
    for bits in range(8, _STATE_BITS + 1, 8):
        rounded = -(-low >> bits) << bits
        if rounded < low + width:
            dropped_bits, chosen = bits, rounded
    return (chosen >> dropped_bits).to_bytes(length - dropped_bits // 8, "big").rstrip(b"\0")


class Reader:
    """Decode symbols from bytes, which are taken as followed by zeros without end."""

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._decoder = decoder(self._data)
        self._mirror = Writer()

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        """Read as many symbols as ``symbols`` has, under ``table``; DamagedError where no Writer wrote the bytes."""
        if symbols.size == 0 or table.frequencies.size == 1:
            return np.full(symbols.size, table.low, np.int32)
        try:
            places = self._decoder.decode(table.model, symbols.size)
        except (AssertionError, ValueError) as error:
            raise self._damaged() from error
        read: NDArray[np.int32] = places + np.int32(table.low)
        return self._mirror.code(read, table)

    def code_bit(self, bit: int, probability: int) -> int:
        """Read one bit whose probability of a 1 is ``probability``/4096; the value of ``bit`` is ignored."""
        try:
            read = int(self._decoder.decode(bit_table(probability).model))
        except (AssertionError, ValueError) as error:
            raise self._damaged() from error
        return self._mirror.code_bit(read, probability)

    def finish(self) -> None:
        """Check that the bytes are exactly what a Writer makes of the symbols read; DamagedError if not."""
        if self._mirror.finish() != self._data:
            raise self._damaged()

    def _damaged(self) -> DamagedError:
        return DamagedError("the coded symbols are not what a writer writes", offset=0, field="coded symbols")


def decoder(data: bytes) -> Any:
    """Make a decoder of bytes that are followed by zeros."""
    padded = data + bytes(-len(data) % 4)
    return ranges.decoder(np.frombuffer(padded, dtype=">u4").astype(np.uint32))


@cache
def bit_table(probability: int) -> Table:
    """Make the table of a bit whose probability of a 1 is ``probability``/4096 (1 .. 4095); EncodeError otherwise."""
    if not 1 <= probability < 1 << BIT_PRECISION:
        raise EncodeError(f"the probability of a bit must be 1 to 4095 of 4096, not {probability}")
    ones = probability << (PRECISION - BIT_PRECISION)
    return Table(0, np.array([(1 << PRECISION) - ones, ones], dtype=np.uint32))
