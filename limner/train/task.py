"""What a recipe is to the loop: a schedule, a model, batches, losses, a look at held-out data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.train.draws import Draw

Batch = tuple[Tensor, ...]
TaskModel = TypeVar("TaskModel", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. ``minutes`` ends it early if ``steps`` are not reached; both say when the rate of learning falls.

    With ``minutes`` infinite it depends on steps alone, and not on how fast the machine is. ``constant_part`` of the run has
    the whole ``learning_rate``, then it falls as a cosine to ``final_part`` of it.
    """

    steps: int = 1_000_000
    minutes: float = 120.0
    learning_rate: float = 1e-3
    warm_up_steps: int = 200
    constant_part: float = 0.65
    final_part: float = 0.02
    largest_norm: float = 1.0
    ema_decay: float = 0.998
    seed: int = 1

    def rate_of_learning(self, step: int, progress: float) -> float:
        """At ``step``, with ``progress`` (0..1) of the run behind it."""
        warm = min(1.0, (step + 1) / self.warm_up_steps)
        tail = max(0.0, (progress - self.constant_part) / (1 - self.constant_part))
        fall = self.final_part + (1 - self.final_part) * 0.5 * (1 + math.cos(math.pi * min(1.0, tail)))
        return self.learning_rate * warm * fall

    def progress(self, step: int, minutes: float) -> float:
        return max(step / self.steps, minutes / self.minutes)


@dataclass(frozen=True)
class Losses:
    """What a pass gives: the sum to be made small, and figures to be averaged and shown. Both are means over the crops."""

    total: Tensor
    figures: dict[str, Tensor]


@dataclass(frozen=True)
class Check:
    """What a look at held-out data gives: a line, figures, and pictures (h, w, 3) uint8."""

    words: str
    figures: dict[str, float]
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


class Task(Protocol[TaskModel]):
    """One recipe. All that is random about a batch comes from its draws, so that a run can be repeated on other machines."""

    @property
    def schedule(self) -> Schedule: ...

    @property
    def crops(self) -> int:
        """How many a process takes at once."""

    @property
    def compares(self) -> bool:
        """Whether losses compare the crops of a batch with each other: then a batch cannot be taken in several passes."""

    def begin(self) -> TaskModel:
        """A model with fresh weights; the seed is set."""

    def optimiser(self, model: TaskModel) -> torch.optim.Optimizer:
        """What moves its weights; the rate of learning is set at every step."""

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """A crop for each draw."""

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        """Losses of a batch; ``model`` is called, nothing else of it is used."""

    def check(self, model: TaskModel) -> Check:
        """Look at held-out data with the averaged weights."""
