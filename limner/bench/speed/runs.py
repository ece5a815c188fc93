"""Everything that is asked for, case by case.

    Plan --jobs--> Job --measured, bound to so many cores--> Samples, failures included
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from limner import api
from limner.bench.harness.ours import variables
from limner.bench.harness.system import Setting, StageError, Subject, System, one_line
from limner.bench.speed import commands, energy, others
from limner.bench.speed.commands import Line
from limner.bench.speed.inputs import Inputs
from limner.bench.speed.plan import Plan, Size
from limner.bench.speed.processes import Bench, fresh, warm
from limner.bench.speed.processor import bound
from limner.bench.speed.request import Request
from limner.bench.speed.rows import COLD, DECODE, ENCODE, MINIATURE, WARM, Case, Sample
from limner.bench.speed.tasks import TACO, Task, tasks
from limner.describe.scene import Scene
from limner.errors import LimnerError

COMMAND_PX = 768, 512
"""Of the picture that command lines are given, where this is among the sizes; else the first."""
UNASKED = Task(ENCODE, quality=api.DEFAULT_QUALITY)
WARM_UPS = 1


@dataclass(frozen=True)
class Job:
    """Cases that are measured together."""

    cases: tuple[Case, ...]
    measure: Callable[[Bench], Iterator[Sample]]


def measured(plan: Plan) -> Iterator[list[Sample]]:
    """The samples of each job, a job at a time."""
    inputs = Inputs(plan)
    meter = energy.opened(plan.powercap)
    for place, threads in enumerate(plan.threads):
        with bound(threads) as cores:
            bench = Bench(cores, meter, variables(), plan.drop)
            if place == 0:
                read_once(plan, inputs, bench, threads)
            for job in jobs(plan, inputs, threads):
                yield samples(job, bench)


def count(plan: Plan) -> int:
    """How many jobs there are."""
    return sum(1 for threads in plan.threads for _ in jobs(plan, Inputs(plan), threads))


def jobs(plan: Plan, inputs: Inputs, threads: int) -> Iterator[Job]:
    """All that is measured with so many threads."""
    command_px = COMMAND_PX if COMMAND_PX in plan.sizes else plan.sizes[0]
    for line in commands.LINES if plan.systems and COLD in plan.states else ():
        case = commands.case_of(line, command_px, threads)
        yield Job((case,), partial(of_line, plan, inputs, line, case, command_px))
    for size_px in plan.sizes:
        for system in plan.systems:
            for task in tasks(system, plan.quality, plan.target_bytes):
                for state in plan.states:
                    case = Case(system, task.verb, task.setting, *size_px, threads, state)
                    yield Job((case,), partial(of_task, plan, inputs, task, case, size_px))
        for other in plan.others if COLD in plan.states else ():
            for setting in other.settings():
                encoding, decoding = (case_of(other, verb, setting, size_px, threads) for verb in (ENCODE, DECODE))
                ends = encoding, decoding
                yield Job(ends, partial(of_other, plan, other, setting, ends, size_px))


def samples(job: Job, bench: Bench) -> list[Sample]:
    """Those of a job; where it fails, what there was until then, and for each case that lacks any more, why."""
    found: list[Sample] = []
    try:
        for sample in job.measure(bench):
            found.append(sample)
    except LimnerError as error:
        named = error.error if isinstance(error, StageError) else type(error).__name__
        why = f"{named}: {one_line(str(error))}"
        turns = [sum(sample.case == case for sample in found) for case in job.cases]
        failed = [(case, turn) for case, turn in zip(job.cases, turns, strict=True) if turn == min(turns)]
        found += [Sample(case, turn, None, failure=why) for case, turn in failed]
    return found


def turns(plan: Plan) -> Iterator[int]:
    """Numbers of turns, as long as there is patience."""
    start = time.perf_counter()
    for turn in range(plan.repeats):
        if turn and time.perf_counter() - start >= plan.patience_s:
            return
        yield turn


def read_once(plan: Plan, inputs: Inputs, bench: Bench, threads: int) -> None:
    """Run a process of each kind that is not counted: what lies on the disk, and is compiled, is there for those that are."""
    for job in jobs(plan, inputs, threads):
        case = job.cases[0]
        if case.state == COLD and (case.width_px, case.height_px) in ((None, None), plan.sizes[0]):
            with suppress(LimnerError):
                next(job.measure(bench), None)


def of_line(plan: Plan, inputs: Inputs, line: Line, case: Case, size_px: Size, bench: Bench) -> Iterator[Sample]:
    wanted = (UNASKED, replace(UNASKED, verb=DECODE)) if line.coding else ()
    files = {name: data for task in wanted for name, data in inputs.of(MINIATURE, task, size_px).items()}
    return commands.samples(bench, line, case, files, turns(plan))


def of_task(plan: Plan, inputs: Inputs, task: Task, case: Case, size_px: Size, bench: Bench) -> Iterator[Sample]:
    files = inputs.of(case.system, task, size_px)
    weights = "" if plan.weights is None or case.system != TACO else str(plan.weights.resolve())
    request = Request(case.system, task, weights, plan.caption, 0, 1, plan.patience_s, str(plan.powercap))
    if case.state == WARM:
        yield from warm(bench, case, replace(request, warm_ups=WARM_UPS, turns=plan.repeats), files)
        return
    for turn in turns(plan):
        yield fresh(bench, case, turn, request, files)


def case_of(other: System, verb: str, setting: Setting, size_px: Size, threads: int) -> Case:
    return Case(other.name, verb, setting.text, *size_px, threads, COLD)


def of_other(
    plan: Plan, other: System, setting: Setting, cases: tuple[Case, Case], size_px: Size, bench: Bench
) -> Iterator[Sample]:
    subject = Subject(plan.source.at(*size_px), Scene(plan.caption), 0)
    return others.samples(bench, other, setting, subject, cases, turns(plan))
