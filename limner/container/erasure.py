"""Parity over pieces of equal length: any n of them give all the others. Mirrors ``spec/packets-1.md``, section 7.

    pieces 0..n-1 --interpolate--> pieces n, n+1, ...        (parity)
    any n pieces  --interpolate--> those that were lost      (repair)

It is the systematic Vandermonde code of Rizzo 1997 ("Effective erasure codes for reliable computer communication protocols"),
written as Lagrange interpolation over GF(256). A piece of parity does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache

_MODULUS = 0x11D
_ORDER = 255


def interpolate(known: Mapping[int, bytes], wanted: Collection[int]) -> dict[int, bytes]:
    """Return the pieces of the ``wanted`` indexes (0..255) from ``known`` ones, all of one length, by index.

    ``known`` has exactly as many pieces as there are of data; a wanted one that is known is returned as it is. Takes a time of
    n x n multiplications, and n passes over a piece for each that is wanted.
    """
    found = {index: known[index] for index in wanted if index in known}
    logs = _logs_of_products(tuple(known))
    for index in wanted:
        if index not in found:
            found[index] = _value(known, logs, index)
    return found


def _value(known: Mapping[int, bytes], logs: Mapping[int, int], index: int) -> bytes:
    """Return the sum over the known pieces j of piece j times the product over m of (point - point m) / (point j - point m)."""
    _, log = _powers()
    point, points = _point(index), {j: _point(j) for j in known}
    whole = sum(log[point ^ other] for other in points.values())
    total = 0
    for j, piece in known.items():
        factor = (whole - log[point ^ points[j]] - logs[j]) % _ORDER
        # One pass in C over the piece, and one for the sum: no loop over bytes.
        total ^= int.from_bytes(piece.translate(_times(factor)), "big")
    return total.to_bytes(len(next(iter(known.values()))), "big")


@cache
def _powers() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the powers of 2 and the logarithms of 1..255; entry 0 of the logarithms is not used."""
    power, logs = [1], [0] * 256
    for exponent in range(1, _ORDER):
        double = power[-1] << 1
        power.append(double ^ _MODULUS if double > 255 else double)
        logs[power[-1]] = exponent
    return tuple(power), tuple(logs)


@cache
def _times(log_factor: int) -> bytes:
    """Return the products of 0..255 and 2 to the power of ``log_factor``."""
    power, log = _powers()
    return bytes([0, *(power[(log[byte] + log_factor) % _ORDER] for byte in range(1, 256))])


def _point(index: int) -> int:
    return 0 if index == 0 else _powers()[0][index - 1]


def _logs_of_products(indexes: tuple[int, ...]) -> dict[int, int]:
    """Return, for each index, the logarithm of the product of the differences of its point and the others'."""
    _, log = _powers()
    points = {j: _point(j) for j in indexes}
    return {j: sum(log[one ^ other] for m, other in points.items() if m != j) for j, one in points.items()}
