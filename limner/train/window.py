"""Where the readers of a stream are, and which photographs their draws choose among: see ``limner.train.stream``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from limner.errors import LimnerError
from limner.train.draws import Draw
from limner.train.photos import Pixels

DRAWS_PER_NEW = 8  # crops that are taken of a photograph, on average


class Place(NamedTuple):
    """Photograph ``number`` of a reader: ``offset`` in the shard of its ``visit``."""

    number: int
    visit: int
    offset: int


@dataclass(frozen=True)
class Reader:
    """Number ``number`` of ``count``; its order of shards follows from ``seed``."""

    seed: int = 0
    number: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.count:
            raise LimnerError(f"reader {self.number} of {self.count}: there is none")

    def own(self, shards: Sequence[str]) -> Sequence[str]:
        return shards[self.number :: self.count] if len(shards) >= self.count else shards

    def visited(self, shards: Sequence[str], visit: int) -> str:
        """The shard of a visit: every pass over its own takes them in another order."""
        own = self.own(shards)
        turn, place = divmod(visit, len(own))
        return own[int(np.random.default_rng((self.seed, self.number, turn)).permutation(len(own))[place])]


class Window:
    """So many photographs in the order in which they pass."""

    def __init__(self, passing: Iterator[tuple[Place, Pixels]], size: int) -> None:
        self.passing, self.size = passing, size
        self.held: deque[tuple[Place, Pixels]] = deque()

    def drawn(self, draw: Draw) -> Pixels:
        """A photograph for a draw whose turn is not before that of the last."""
        self.move_to(draw.turn // DRAWS_PER_NEW)
        return self.held[int(draw.rng.integers(self.size))][1]

    def move_to(self, first: int) -> None:
        """Begin with photograph ``first``."""
        while self.held and self.held[0][0].number < first:
            self.held.popleft()
        while len(self.held) < self.size:
            place, pixels = next(self.passing)
            if place.number >= first:
                self.held.append((place, pixels))

    @property
    def place(self) -> Place | None:
        return self.held[0][0] if self.held else None
