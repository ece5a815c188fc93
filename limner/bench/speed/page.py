"""The page of a run, from its rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from limner.bench.rows import table
from limner.bench.speed import summary
from limner.bench.speed.clock import IMPORT, STAGES
from limner.bench.speed.limits import THREADS, judged
from limner.bench.speed.rows import COLD, DROPPED, START, WARM, Case, Head, Sample, State
from limner.bench.speed.summary import NONE, Table, grouped, median, peak, seconds, spread

STATES: Mapping[State, str] = {COLD: "cold, s", DROPPED: "dropped, s", WARM: "warm, s"}


def page(head: Head, samples: Sequence[Sample]) -> str:
    """Markdown."""
    done = grouped(samples)
    systems = [name for name in dict.fromkeys(case.system for case in done) if name != START]
    parts = [
        "# Speed and memory\n",
        "Written by the command below; nothing here is written by hand.\n",
        f"```\n{head.command}\n```\n",
        *machine_parts(head, samples),
        *limit_parts(samples),
        *start_parts(done),
        *(part for system in systems for part in system_parts(of_system(done, system), system)),
        *failure_parts(samples),
        "## How it is measured\n",
        words(samples),
    ]
    return "\n".join(parts)


def machine_parts(head: Head, samples: Sequence[Sample]) -> Iterator[str]:
    told = {**head.machine, "versions": ", ".join(f"{name} {version}" for name, version in head.versions.items())}
    told |= {f"weights of {system}": name for system, name in head.weights.items()}
    told |= {"picture": head.picture, "load of the machine": summary.load_words(samples)}
    told |= {f"no {name}": why for name, why in head.absent.items()}
    yield "\n".join(f"- {name}: {value}" for name, value in told.items()) + "\n"
    if busy := summary.busy_words(samples):
        yield f"{busy}\n"


def limit_parts(samples: Sequence[Sample]) -> Iterator[str]:
    lines = [
        [
            one.limit.what,
            seconds(one.seconds),
            f"{one.limit.most_s:g}",
            f"{one.peak_bytes / 1e6:.0f}",
            NONE if one.limit.most_bytes is None else f"{one.limit.most_bytes / 1e6:.0f}",
            "yes" if one.holds else "no",
        ]
        for one in judged(samples)
    ]
    if lines:
        yield f"## Limits, with {THREADS} threads\n"
        yield table(["what", "s", "limit, s", "MB", "limit, MB", "holds"], lines)


def start_parts(done: Table) -> Iterator[str]:
    lines = []
    for case, turns in of_system(done, START).items():
        imports = [turn.stages_s[IMPORT] for turn in turns if IMPORT in turn.stages_s]
        importing = median(turns, lambda turn: turn.stages_s[IMPORT]) if imports else NONE
        what = f"{case.task} {case.size and f'({case.size})'}".strip()
        cells = [spread(turns), importing, median(turns, summary.cpu_s), peak(turns), summary.joules(turns)]
        lines.append([what, str(case.threads), *cells])
    if lines:
        yield "## Start\n"
        yield "Whole processes of command lines.\n"
        yield table(["what", "threads", "s", "of it the import, s", "CPU s", "peak MB", "energy, J"], lines)


def system_parts(done: Table, system: str) -> Iterator[str]:
    """Whole seconds at each size, then stages."""
    yield f"## {system}\n"
    for size in dict.fromkeys(case.size for case in done):
        yield f"### {size} px\n"
        yield whole_table({case: turns for case, turns in done.items() if case.size == size})
    threads = stage_threads(done)
    staged = {case: turns for case, turns in done.items() if case.threads == threads and turns[0].stages_s}
    for state in STATES:
        here = {case: turns for case, turns in staged.items() if case.state == state}
        if here:
            yield f"### Stages, {state}, {threads} threads\n"
            yield from stage_tables(here)


def whole_table(done: Table) -> str:
    """A line for each task and number of threads; a column for each state."""
    states = [state for state in STATES if any(case.state == state for case in done)]
    last = states[-1]
    head = ["what", "threads", "file, bytes", *(STATES[state] for state in states)]
    head += [f"CPU s, {last}", *(f"peak MB, {state}" for state in states), f"energy, J, {last}"]
    lines = []
    for task, setting, threads in dict.fromkeys((case.task, case.setting, case.threads) for case in done):
        found = {
            case.state: turns
            for case, turns in done.items()
            if (case.task, case.setting, case.threads) == (task, setting, threads)
        }
        by_state = [found.get(state, []) for state in states]
        sizes = sorted({str(turn.bytes) for turns in by_state for turn in turns})
        cells = [f"{task} {setting}", str(threads), " or ".join(sizes), *map(spread, by_state)]
        lines.append([*cells, median(by_state[-1], summary.cpu_s), *map(peak, by_state), summary.joules(by_state[-1])])
    return table(head, lines)


def stage_threads(done: Table) -> int:
    """Of how many threads stages are shown."""
    there = {case.threads for case in done}
    return THREADS if THREADS in there else max(there)


def stage_tables(done: Table) -> Iterator[str]:
    """For each task a line for each stage, a column for each size: medians of wall seconds."""
    sizes = list(dict.fromkeys(case.size for case in done))
    for task, setting in dict.fromkeys((case.task, case.setting) for case in done):
        found = {case.size: turns for case, turns in done.items() if (case.task, case.setting) == (task, setting)}
        names = [name for name in STAGES if any(name in turn.stages_s for turns in found.values() for turn in turns)]
        lines = [[STAGES[name], *(of_stage(found.get(size, []), name) for size in sizes)] for name in names]
        lines.append(["all", *(median(found.get(size, []), lambda turn: turn.wall_s) for size in sizes)])
        yield table([f"{task} {setting}", *sizes], lines)


def of_stage(turns: Sequence[Sample], name: str) -> str:
    return median(turns, lambda turn: turn.stages_s.get(name, 0.0))


def failure_parts(samples: Sequence[Sample]) -> Iterator[str]:
    lines = [f"- {sample.case.words}: {sample.failure}" for sample in samples if sample.failure]
    if lines:
        yield "## Failures\n"
        yield "\n".join(lines) + "\n"


def of_system(done: Table, system: str) -> dict[Case, list[Sample]]:
    return {case: turns for case, turns in done.items() if case.system == system}


def words(samples: Sequence[Sample]) -> str:
    return WORDS.format(counts=summary.counts(samples))


WORDS = """- Seconds are wall seconds: the median of {counts} turns (the least–the most). CPU seconds are those of all threads.
- *Threads*: libraries are told so many, and the process is bound to as many cores where the system can do that.
- *Cold*: a fresh process, from its start to its end. The system's caches of files are kept: its modules and weights were read
  before. *Dropped*: those caches were dropped just before. *Warm*: a turn in a process that had one before, which does not
  count.
- A turn encodes from a PNG to a file, or decodes from a file to a PNG, as the command does; but what is made stays in memory,
  and no command line is read. The lines of *Start* are the command itself, its files and all. Limits leave the PNGs out.
- Stages add up to the turn. What is done while another stage is under way, as the analysis in the search for a size, is counted
  once, in the inner one. taco scales and resizes inside of entropy coding and synthesis.
- Systems without stages: the processes of their encoder and their decoder. A classical codec's search for its quality does not
  count.
- Peak memory is the most that the process held (MB: 10^6 bytes), interpreter and picture included; of warm turns, that of their
  process.
- Energy is the mean over the turns of what all packages of the processor took meanwhile, with their idling and with the work of
  others. Of short turns it is coarse.
- Sizes are one picture: shrunk, or mirrored outwards where it is too small.
"""
