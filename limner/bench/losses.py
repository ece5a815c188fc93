"""Links that lose messages, by chance alone or in bursts, and what becomes of a picture whose packets go over them.

    packets -> which are lost (a Link and a seed) -> Joiner -> whole | partial | nothing
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from limner.container.joiner import Joiner
from limner.errors import LimnerError


class Fate(StrEnum):
    """What a receiver has of a picture."""

    WHOLE = "whole"
    PARTIAL = "partial"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Link:
    """Lose each message with probability ``loss``: alone, or in runs of ``burst`` messages on average.

    Runs follow the model of Gilbert (1960), the case of Elliott's (1963) in which the good state loses nothing and the bad one
    everything: from bad to good with 1 / burst, from good to bad with loss / (burst (1 - loss)); the first message finds the
    link in the state that it is in after a long time. ``burst`` None: independent losses. Raises LimnerError for a loss
    outside 0..1 and for runs that such a loss cannot have.
    """

    loss: float
    burst: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 1:
            raise LimnerError(f"a loss is 0 or more and less than 1, not {self.loss}")
        if self.burst is not None and (self.burst < 1 or self.loss > self.burst * (1 - self.loss)):
            raise LimnerError(f"runs of {self.burst} messages on average cannot make a loss of {self.loss}: give longer ones")

    def arrives(self, rng: random.Random) -> Iterator[bool]:
        """Yield, without end, whether a message arrives."""
        if self.burst is None:
            while True:
                yield rng.random() >= self.loss
        to_good, to_bad = 1 / self.burst, self.loss / (self.burst * (1 - self.loss))
        bad = rng.random() < self.loss
        while True:
            yield not bad
            bad = rng.random() >= to_good if bad else rng.random() < to_bad


@dataclass(frozen=True)
class Counts:
    """How many of ``trials`` pictures came to what."""

    trials: int
    whole: int
    partial: int

    @property
    def nothing(self) -> int:
        return self.trials - self.whole - self.partial


Receiver = Callable[[tuple[bool, ...]], Fate]
"""Tells the fate of a picture by which of its messages arrive."""


def trials(link: Link, messages: int, count: int, seed: str) -> Iterator[tuple[bool, ...]]:
    """Yield, for ``count`` pictures, which of their messages arrive; the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        # Pictures are sent far apart: each finds the link anew.
        state = link.arrives(rng)
        yield tuple(next(state) for _ in range(messages))


def sent(link: Link, messages: int, receiver: Receiver, count: int, seed: str) -> Counts:
    """Send ``count`` pictures over a link and count what becomes of them."""
    known = cache(receiver)
    fates = [known(arrived) for arrived in trials(link, messages, count, seed)]
    return Counts(count, fates.count(Fate.WHOLE), fates.count(Fate.PARTIAL))


def heard(packets: Sequence[bytes], arrived: Sequence[bool]) -> bytes | None:
    """Return what a `Joiner` makes of those packets that arrive: the file, its whole layers, or None."""
    joiner = Joiner()
    states = [joiner.add(data) for data, there in zip(packets, arrived, strict=True) if there]
    return joiner.partial(states[-1].picture) if states else None


def by_joiner(packets: Sequence[bytes], file: bytes) -> Receiver:
    """Return a receiver of packets of ours. It raises LimnerError if ever a joiner gives what was not sent."""

    def receive(arrived: tuple[bool, ...]) -> Fate:
        found = heard(packets, arrived)
        if found is None:
            return Fate.NOTHING
        if not file.startswith(found):
            raise LimnerError("what was joined is not what was sent")
        return Fate.WHOLE if found == file else Fate.PARTIAL

    return receive


def all_or_nothing(arrived: tuple[bool, ...]) -> Fate:
    """Receive a file in chunks that is of use only as a whole."""
    return Fate.WHOLE if all(arrived) else Fate.NOTHING


def each_for_itself(arrived: tuple[bool, ...]) -> Fate:
    """Receive a picture each of whose packets shows its own part, as SSDV's do."""
    return Fate.WHOLE if all(arrived) else Fate.PARTIAL if any(arrived) else Fate.NOTHING


def resent(arrived: tuple[bool, ...], times: int) -> Fate:
    """Receive a file in chunks that is sent ``times`` times as a whole: a chunk may come from any of them."""
    chunks = len(arrived) // times
    return Fate.WHOLE if all(any(arrived[chunk::chunks]) for chunk in range(chunks)) else Fate.NOTHING
