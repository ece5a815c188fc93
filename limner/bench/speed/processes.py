"""One process of a case, in an empty folder, by the harness that measures all processes: its cost, and what was around it.

    Case, files --harness.seal--> Ended, Around --> Samples
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from limner.bench.harness import seal as sealing
from limner.bench.harness.record import Cost
from limner.bench.harness.seal import FOLDERS, Command, Ended, Seal, python_command
from limner.bench.harness.system import output_of
from limner.bench.speed.clock import PYTHON
from limner.bench.speed.energy import Energy
from limner.bench.speed.processor import Others, load
from limner.bench.speed.request import REPORT, REQUEST, Report, Request, Turn
from limner.bench.speed.rows import DROPPED, Case, Sample
from limner.bench.speed.turns import PROGRAM
from limner.errors import LimnerError

LIMIT_S = 1800.0
OPEN = Seal(FOLDERS, limit_s=LIMIT_S)
"""Nothing is hidden from what is only timed."""
# Compiled modules are left beside the sources, as they are for a user.
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
DROP = Path("/proc/sys/vm/drop_caches")
ALL_CACHES = "3"

T = TypeVar("T")


class Around(NamedTuple):
    """What the machine did while a process ran."""

    energy_j: float | None
    load_before: float | None
    load_after: float | None
    others_cores: float | None


@dataclass(frozen=True)
class Bench:
    """Where processes run. ``cores``: those that they are bound to. ``variables``: of their environment. ``drop``: the file
    by which the system is told to drop its caches."""

    cores: Sequence[int]
    meter: Energy
    variables: Mapping[str, str] | None = None
    drop: Path = DROP

    def around(self, action: Callable[[], T]) -> tuple[T, Around]:
        """What an action gives, and what the machine did meanwhile."""
        loaded, others, before, start = load(), Others(self.cores), self.meter.read_uj(), time.perf_counter()
        found = action()
        seconds = time.perf_counter() - start
        joules = self.meter.joules(before, self.meter.read_uj(), seconds)
        return found, Around(joules, loaded, load(), others.used(seconds))

    def run(self, arguments: Sequence[str], files: Mapping[str, bytes], wanted: str) -> Ended:
        """A fresh Python. Raises LimnerError."""
        return sealing.run(self.command(arguments), files, wanted, OPEN)

    def command(self, arguments: Sequence[str]) -> Command:
        return python_command(arguments, (), {**COMPILED, **(self.variables or {})})


def fresh(bench: Bench, case: Case, turn: int, request: Request, files: Mapping[str, bytes]) -> Sample:
    """A process that does a task once. What it does not count itself is the start and the end of Python. Raises LimnerError."""
    if case.state == DROPPED:
        drop_caches(bench.drop)
    (report, cost), around = bench.around(lambda: worked(bench, request, files))
    (one,) = report.turns
    stages_s = with_rest(one.stages_s, cost.wall_s)
    stages_cpu_s = with_rest(one.stages_cpu_s, cost.cpu_s)
    return Sample(case, turn, cost, stages_s, stages_cpu_s, around.energy_j, report.bytes, *around[1:])


def with_rest(stages: Mapping[str, float], whole_s: float) -> dict[str, float]:
    """Stages with that which only Python's parent sees."""
    return {PYTHON: round(max(0.0, whole_s - sum(stages.values())), 6), **stages}


def warm(bench: Bench, case: Case, request: Request, files: Mapping[str, bytes]) -> list[Sample]:
    """All turns of one process. Raises LimnerError."""
    (report, cost), around = bench.around(lambda: worked(bench, request, files))
    return [
        Sample(case, number, cost_of(turn, cost), turn.stages_s, turn.stages_cpu_s, turn.energy_j, report.bytes, *around[1:])
        for number, turn in enumerate(report.turns)
    ]


def cost_of(turn: Turn, process: Cost) -> Cost:
    """Of a turn; its memory is its process's."""
    wall_s, cpu_s = sum(turn.stages_s.values()), sum(turn.stages_cpu_s.values())
    return Cost(round(wall_s, 6), round(cpu_s, 6), process.peak_bytes)


def worked(bench: Bench, request: Request, files: Mapping[str, bytes]) -> tuple[Report, Cost]:
    ended = bench.run(["-c", PROGRAM], {REQUEST: request.to_json().encode(), **files}, REPORT)
    report = Report.from_json(output_of(ended, "the process", LIMIT_S).decode())
    if ended.cost is None:
        raise LimnerError("the process was not measured")
    return report, ended.cost


def check_drop(path: Path = DROP) -> None:
    """Raise LimnerError where caches cannot be dropped."""
    if not (path.exists() and os.access(path, os.W_OK)):
        raise LimnerError("the system's caches can be dropped on Linux and by root alone: leave --drop-caches out")


def drop_caches(path: Path = DROP) -> None:
    """Drop what the system keeps of files that were read: the next process reads them from the disk. Slows down all others on
    the machine for a while. Source: Linux, Documentation/admin-guide/sysctl/vm.rst."""
    check_drop(path)
    os.sync()
    path.write_text(ALL_CACHES)
