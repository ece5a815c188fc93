"""What a person waits for before anything is coded: Python, the import, the command itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from limner.bench.harness.system import output_of
from limner.bench.speed.clock import IMPORT
from limner.bench.speed.processes import LIMIT_S, Bench, with_rest
from limner.bench.speed.request import FILE, PICTURE, REPORT
from limner.bench.speed.rows import COLD, START, Case, Sample

IMPORTING = f"""
import json, time
wall, cpu = time.perf_counter(), time.process_time()
import limner
json.dump([time.perf_counter() - wall, time.process_time() - cpu], open({REPORT!r}, "w"))
"""


@dataclass(frozen=True)
class Line:
    """A command line. ``inputs``, ``wanted``: files that it reads and writes; ``coding``: whether it codes or decodes a
    picture."""

    task: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    wanted: str = ""
    coding: bool = False


LINES = (
    Line("python -c pass", ("-c", "pass")),
    Line("import limner", ("-c", IMPORTING), wanted=REPORT),
    Line("limner --help", ("-m", "limner", "--help")),
    Line("limner encode", ("-m", "limner", "encode", PICTURE, "-o", FILE), (PICTURE,), FILE, True),
    Line("limner decode", ("-m", "limner", "decode", FILE, "-o", PICTURE), (FILE,), PICTURE, True),
)


def case_of(line: Line, size_px: tuple[int, int], threads: int) -> Case:
    width_px, height_px = size_px if line.coding else (None, None)
    return Case(START, line.task, "", width_px, height_px, threads, COLD)


def samples(bench: Bench, line: Line, case: Case, files: Mapping[str, bytes], turns: Iterable[int]) -> Iterator[Sample]:
    """Each turn a process. Raises LimnerError."""
    given = {name: files[name] for name in line.inputs}
    for turn in turns:
        ended, around = bench.around(lambda: bench.run(line.arguments, given, line.wanted or "nothing"))
        if line.wanted or ended.code != 0:
            output_of(ended, line.task, LIMIT_S)
        stages_s, stages_cpu_s = dict[str, float](), dict[str, float]()
        if line.wanted == REPORT and ended.cost is not None:
            wall_s, cpu_s = json.loads(ended.output or b"")
            stages_s = with_rest({IMPORT: round(wall_s, 6)}, ended.cost.wall_s)
            stages_cpu_s = with_rest({IMPORT: round(cpu_s, 6)}, ended.cost.cpu_s)
        size = len(files[FILE]) if line.coding else None
        yield Sample(case, turn, ended.cost, stages_s, stages_cpu_s, around.energy_j, size, *around[1:])
