"""A coder for the first bytes of a stream whose end is missing: it gives the symbols that these bytes make certain.

    bytes + 00 00 ... --> Reader's symbols --+
                                             +--> alike: certain; the first that differ, and all behind: unknown
    bytes + FF FF ... --> Reader's symbols --+

A stream is a number, its first bytes are an interval of numbers, and symbols rise with the number. So what the least and the
greatest number of the interval have in common does not depend on the bytes that are missing. See spec, *A file whose end is
missing*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limner.entropy.coder import Writer, bit_table, decoder
from limner.entropy.tables import Table
from limner.errors import DamagedError

# Both readings have parted before either needs more of what follows.
_FOLLOWING_BYTES = 16


class PrefixReader:
    """Decode as far as the bytes say. As a ``Coder`` it gives symbols that are unknown as it was given them.

    ``known``, ``asked``: how many symbols were certain, and how many it was asked for. ``said_bits``: the information of those;
    ``left_bits``: what the tables expect of the others.
    """

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._ends = [decoder(self._data + bytes([byte]) * _FOLLOWING_BYTES) for byte in (0x00, 0xFF)]
        self._mirror = Writer()
        self.known = self.asked = 0
        self.said_bits = self.left_bits = 0.0
        self.ended = False

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        """Give the certain ones of as many symbols as ``symbols`` has, and those of ``symbols`` for the others."""
        certain = self._certain(symbols.size, table)
        left = symbols.size - certain.size
        self.ended |= bool(left)
        self.asked += symbols.size
        self.known += certain.size
        self.said_bits += table.bits(certain)
        self.left_bits += left * table.mean_bits
        return np.concatenate([certain, symbols[certain.size :]])

    def code_bit(self, bit: int, probability: int) -> int:
        """Give a bit if it is certain, else ``bit``."""
        return int(self.code(np.array([bit], np.int32), bit_table(probability))[0])

    @property
    def share(self) -> float:
        """How much of the whole stream is here, 0 to 1, so far as the tables foresee the rest."""
        all_bits = self.said_bits + self.left_bits
        return self.said_bits / all_bits if self.ended and all_bits else 1.0

    def finish(self) -> None:
        """DamagedError if all symbols were certain, and the bytes are not those that a Writer makes of them."""
        if not self.ended and self._mirror.finish() != self._data:
            raise DamagedError("the coded symbols are not what a writer writes", offset=0, field="coded symbols")

    def _certain(self, count: int, table: Table) -> NDArray[np.int32]:
        """Read up to ``count`` symbols: fewer where the next is unknown."""
        if self.ended or count == 0:
            return np.empty(0, np.int32)
        if table.frequencies.size == 1:
            return np.full(count, table.low, np.int32)
        place = self._mirror.place()
        try:
            least, greatest = (end.decode(table.model, count) for end in self._ends)
        except (AssertionError, ValueError):
            return self._halved(count, table, place)
        alike = np.append(least == greatest, False)
        return self._mirror.code(least[: int(np.argmin(alike))] + np.int32(table.low), table)

    def _halved(self, count: int, table: Table, place: tuple[int, tuple[int, int]]) -> NDArray[np.int32]:
        """Read again from ``place``, in two parts: somewhere in ``count`` symbols is one that cannot be read."""
        for end in self._ends:
            end.seek(*place)
        if count == 1:
            return np.empty(0, np.int32)
        first = self._certain(count // 2, table)
        if first.size < count // 2:
            return first
        return np.concatenate([first, self._certain(count - count // 2, table)])
