"""What is asked for, and what there is to be told of the machine before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from limner import api
from limner.bench.harness.system import System
from limner.bench.speed import energy, machine
from limner.bench.speed.processes import DROP, check_drop
from limner.bench.speed.processor import usable
from limner.bench.speed.rows import COLD, DROPPED, MINIATURE, WARM, Head, State
from limner.bench.speed.sizes import Source
from limner.bench.speed.tasks import STAGED, TACO, tasks
from limner.errors import LimnerError
from limner.weights import WeightSet, packaged

Size = tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """What is asked for. Raises LimnerError for what cannot be had here.

    ``sizes``: width, height in px. ``states``: of STAGED ``systems``; the ``others`` are measured as fresh processes.
    ``repeats``: turns of a case, of which no new one begins when they have taken ``patience_s``. ``weights``: a folder with
    taco's, None for those at hand. ``caption``: for systems that take words. ``powercap``, ``drop``: files of the system.
    """

    source: Source
    sizes: tuple[Size, ...]
    threads: tuple[int, ...]
    systems: tuple[str, ...] = (MINIATURE,)
    others: tuple[System, ...] = ()
    states: tuple[State, ...] = (COLD, WARM)
    quality: int = api.DEFAULT_QUALITY
    target_bytes: int = 1500
    repeats: int = 5
    patience_s: float = 20.0
    weights: Path | None = None
    caption: str = ""
    command: str = ""
    powercap: Path = energy.POWERCAP
    drop: Path = DROP

    def __post_init__(self) -> None:
        if not (self.sizes and self.threads and self.states) or not (self.systems or self.others):
            raise LimnerError("sizes, threads, states and systems: give some of each")
        for count in self.threads:
            if not 1 <= count <= len(usable()):
                raise LimnerError(f"{count} threads: 1 to {len(usable())} can be had here")
        for system in self.systems:
            if system not in STAGED:
                raise LimnerError(f"stages are shown by {' and '.join(STAGED)}, not by {system!r}")
            tasks(system, self.quality, self.target_bytes)
        if self.repeats < 1 or not self.patience_s > 0:
            raise LimnerError("at least one turn of each case is measured, and patience is over 0 s")
        if DROPPED in self.states:
            check_drop(self.drop)

    def head(self) -> Head:
        meter = energy.opened(self.powercap)
        told = machine.described()
        absent = {"energy": meter.absent} if meter.absent else {}
        if "governor" not in told:
            absent["governor"] = "this system does not tell what chooses the frequency"
        settings = {"repeats": str(self.repeats), "patience": f"{self.patience_s:g} s"}
        weights = {system: f"{kept.name} {kept.identity.hex()[:16]}" for system in self.systems if (kept := self.kept(system))}
        versions = machine.versions()
        for other in self.others:
            versions |= other.versions()
        return Head(self.command, told, versions, self.source.words, settings, weights, absent)

    def kept(self, system: str) -> WeightSet | None:
        try:
            return packaged(system) if system != TACO else api.chosen(self.weights)
        except LimnerError:
            return None
