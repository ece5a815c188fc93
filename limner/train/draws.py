"""The chance that a crop has: its own, by seed, step and number, whatever machine draws it and whatever it is drawn with.

    batch of a step, over all processes and passes:   crop 0 | crop 1 | crop 2 | crop 3 | ...
    two processes, or two passes of one:              [ -- first -- ]   [ -- second -- ]

So two processes with four crops each see what one with eight sees, and so does one with four that accumulates two passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from limner.errors import LimnerError


@dataclass(frozen=True)
class Draw:
    """Crop ``number`` of ``count`` in the batch of a step. ``rng``: what is random about it. ``key``: of its noise, 63 bits.

    ``turn``: how many crops of the run its reader has drawn before, which says where a stream is.
    """

    rng: np.random.Generator
    number: int
    count: int
    key: int
    turn: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.count:
            raise LimnerError(f"crop {self.number} of {self.count}: there is none")

    def stratified(self) -> float:
        """A number in 0..1 from the crop's own of ``count`` equal strata: together, the crops of a batch cover all."""
        return (self.number + self.rng.random()) / self.count


def draw(seed: int, step: int, number: int, count: int, turn: int = 0) -> Draw:
    """The chance of a crop."""
    rng = np.random.default_rng((seed, step, number))
    return Draw(rng, number, count, int(rng.integers(1 << 63)), turn)


def draws(seed: int, count: int, step: int = 0) -> list[Draw]:
    """All ``count`` of a step."""
    return [draw(seed, step, number, count, step * count + number) for number in range(count)]


def keys(some: Sequence[Draw]) -> Tensor:
    """The keys of crops' noise, (b,) int64: see ``limner.nets.noise``."""
    return torch.tensor([one.key for one in some])


def strata(some: Sequence[Draw]) -> Tensor:
    """``Draw.stratified`` of each, (b,) float32."""
    return torch.tensor([one.stratified() for one in some])
