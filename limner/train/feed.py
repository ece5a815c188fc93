"""What a process trains on: its part of every batch, cut beside the loop if there are workers.

    index of a pass = step * passes + pass      crop = (pass * processes + process) * crops + place in the pass
    worker          = index mod workers         draws that a worker made before = (index div workers) * crops
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from limner.train.draws import draw
from limner.train.state import Places
from limner.train.stops import deaf
from limner.train.task import Batch, Task
from limner.train.window import Place, Reader

if TYPE_CHECKING:
    from limner.train.stream import Stream


@dataclass(frozen=True)
class Part:
    """Which part of a batch is a process's own. workers: readers of a stream, at least 1."""

    process: int = 0
    processes: int = 1
    passes: int = 1
    workers: int = 1


class Fed(NamedTuple):
    """A batch, and where its reader's stream is then: (3,), or nothing (0,)."""

    batch: Batch
    place: Tensor


class Batches(Dataset[Fed]):
    """The batches of one process, by the index of a pass. ``places`` (workers 3): where its streams go on."""

    def __init__(
        self, task: Task[Any], part: Part, stream: Stream | None = None, places: Tensor | None = None
    ) -> None:
        self.task, self.part, self.stream, self.places = task, part, stream, places
        self.reads = False

    def __getitem__(self, index: int) -> Fed:
        part, crops, seed = self.part, self.task.crops, self.task.schedule.seed
        step, number = divmod(index, part.passes)
        first, count = (number * part.processes + part.process) * crops, part.processes * part.passes * crops
        turn = index // part.workers * crops
        if self.stream is not None and not self.reads:
            self.begin(self.stream, index % part.workers, turn)
        batch = self.task.batch([draw(seed, step, first + place, count, turn + place) for place in range(crops)])
        return Fed(batch, torch.tensor([] if self.stream is None else self.stream.place, dtype=torch.int64))

    def begin(self, stream: Stream, worker: int, turn: int) -> None:
        part = self.part
        reader = Reader(self.task.schedule.seed, part.process * part.workers + worker, part.processes * part.workers)
        kept = None if self.places is None else Place(*self.places[worker].tolist())
        stream.begin(reader, turn, kept if kept is not None and kept.number >= 0 else None)
        self.reads = True


def split(task: Task[Any], part: Part) -> tuple[int, int, int]:
    """What ``Places.split`` holds."""
    return part.processes, part.workers, task.crops * part.passes


def batches(
    task: Task[Any], part: Part, first: int, workers: int, stream: Stream | None, places: Places | None
) -> Iterator[Fed]:
    """Batches from step ``first`` on, cut ahead by ``workers`` processes."""
    at = places.at.reshape(part.processes, part.workers, 3)[part.process] if places is not None else None
    indices = range(first * part.passes, task.schedule.steps * part.passes)
    source = Batches(task, part, stream, at)
    yield from DataLoader(source, batch_size=None, sampler=indices, num_workers=workers, worker_init_fn=deaf)
