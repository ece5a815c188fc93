"""Cut a side into tiles with margins, for networks whose output depends on a neighbourhood of fixed reach.

A network run on low..high is right on first..last, whatever lies beyond, if the margin is its reach: no seam shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """Where a tile lies along one side: first..last, and low..high with the margins."""

    first: int
    last: int
    low: int
    high: int


def tiles(length: int, core: int, margin: int) -> Iterator[Tile]:
    """Cover 0..length by tiles of ``core`` with ``margin`` more on each side, where there is any."""
    for first in range(0, length, core):
        last = min(length, first + core)
        yield Tile(first, last, max(0, first - margin), min(length, last + margin))
