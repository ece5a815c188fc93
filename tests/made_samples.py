"""Samples of speed that nobody measured, and the files by which Linux would tell of energy."""

from __future__ import annotations

from pathlib import Path

from limner.bench.harness.record import Cost
from limner.bench.speed.rows import COLD, WARM, Case, Head, Sample, State

RANGE_UJ = 10**12


def case(task: str = "encode", setting: str = "quality=32", threads: int = 2, state: State = WARM) -> Case:
    return Case("miniature", task, setting, 768, 512, threads, state)


def sample(of: Case, turn: int = 0, seconds: float = 0.1, others: float | None = 0.0, peak_bytes: int = 100_000_000) -> Sample:
    """A tenth of the seconds is a PNG's."""
    png = "picture" if of.task == "encode" else "png"
    stages = {png: seconds / 10, "rest": seconds * 9 / 10}
    cost = Cost(seconds, 2 * seconds, peak_bytes)
    return Sample(of, turn, cost, stages, stages, 0.5, 400, 0.2, 0.3, others)


def head() -> Head:
    return Head("limner bench speed --out out", {"processor": "one that is made up"}, picture="a picture")


def pair() -> list[Sample]:
    """Three turns, cold and warm."""
    turns = [(state, turn, seconds) for state in (COLD, WARM) for turn, seconds in enumerate((0.1, 0.3, 0.2))]
    return [sample(case(state=state), turn, seconds) for state, turn, seconds in turns]


def powercap(folder: Path, energy_uj: int = 5_000_000) -> Path:
    """A package, its cores, the same package by another interface, and the whole board."""
    named = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:1": "psys",
        "intel-rapl-mmio:0": "package-0",
        "intel-rapl": "",
    }
    for place, name in named.items():
        (folder / place).mkdir(parents=True)
        if name:
            (folder / place / "name").write_text(f"{name}\n")
            (folder / place / "energy_uj").write_text(f"{energy_uj}\n")
            (folder / place / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    return folder
