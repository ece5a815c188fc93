"""A run: every picture of a set through every system at every setting, into one file of records.

    Plan --tasks, less what is there--> workers --records--> rows.jsonl, in order at the end

It may be killed and started again: what is there already stays, if it answers the same question with the same versions and
weights. With several workers the records are the same, but for the times.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from limner.bench import datasets, measures
from limner.bench.datasets import DataSet
from limner.bench.harness import trial, words
from limner.bench.harness.pool import completed
from limner.bench.harness.record import Failure, Head, Record, kept_original, kept_picture
from limner.bench.harness.seal import Seal
from limner.bench.harness.store import Question, Store, opened, question
from limner.bench.harness.system import Setting, System, installed
from limner.bench.harness.trial import Task
from limner.errors import LimnerError

Watch = Callable[[Record | None, int, int], None]
"""Is told of each record as it comes, or of none at the start; how many are there; how many there will be."""


@dataclass(frozen=True)
class Plan:
    """What a run is to do. ``words``: kinds of words for systems that take any; ``seal``: of every process; ``keep``: pictures
    too; ``retry``: failures, and metrics that were absent, anew; ``measured_on``: the device for metrics with nets. Raises
    LimnerError for what makes no sense."""

    data: DataSet
    systems: tuple[System, ...]
    metrics: tuple[str, ...]
    seal: Seal
    words: tuple[str, ...] = (words.TRUE,)
    seed: int = 0
    keep: bool = False
    retry: bool = False
    measured_on: str = "cpu"
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.systems or not self.metrics or not self.words:
            raise LimnerError("a run needs systems, metrics and kinds of words")
        unknown = [name for name in self.metrics if name not in measures.MEASURES]
        if unknown:
            raise LimnerError(f"there is no metric {unknown[0]!r}: there are {', '.join(measures.MEASURES)}")
        asked = [(system.name, setting.text) for system in self.systems for setting in system.settings()]
        twice = [both for both in asked if asked.count(both) > 1]
        if twice:
            raise LimnerError("two systems of a run have one name and setting: {}, {}".format(*twice[0]))

    @cached_property
    def uses(self) -> list[Use]:
        """Each system with each kind of words that it takes, and what is known of it before it runs."""
        found = []
        for system in self.systems:
            versions, device, weights = system.versions(), system.device, system.weights_sha256
            for kind in self.words if system.takes_words else (words.NONE,):
                found.append(Use(system, kind, {**versions, "seal": self.seal.grade}, device, weights))
        return found

    def head(self, before: Head, processes: int) -> Head:
        """What all records share; metrics of earlier runs stay."""
        machine = f"{platform.system()} {platform.machine()}"
        known = installed("limner") | {"python": platform.python_version(), "machine": machine}
        told = {"seal": self.seal.grade, "data": f"{self.data.name}: {self.data.checked}", "jobs": str(processes)}
        settings = {**known, "cores": str(os.cpu_count()), **told, **self.settings}
        return Head({**before.metrics, **described(self)}, self.command, settings)


@dataclass(frozen=True)
class Use:
    """A system with a kind of words."""

    system: System
    words: str
    versions: Mapping[str, str]
    device: str
    weights_sha256: str | None


@dataclass(frozen=True)
class Asked:
    """What one record has to say to answer a question."""

    versions: Mapping[str, str]
    device: str
    weights_sha256: str | None


def run(plan: Plan, folder: Path, processes: int = 1, watch: Watch | None = None) -> list[Record]:
    """Do what is not there yet, and return the records of all that was asked. Raises LimnerError if that makes no sense."""
    with opened(folder) as store:
        tasks = tasks_of(plan, folder)
        asked = {one: Asked(task.versions, task.device, task.weights_sha256) for task in tasks for one in questions(task)}
        refuse_other_measures(plan, store, asked)
        store.begin(plan.head(store.head, processes), lambda record: holds(plan, record, asked, folder))
        there = {question(record): record for record in store.records if question(record) in asked}
        tell(watch, None, len(there), len(asked))
        for record in carried_out([without(task, there) for task in tasks], processes):
            store.add(record)
            there[question(record)] = record
            tell(watch, record, len(there), len(asked))
        return [record for record in store.records if question(record) in asked]


def tell(watch: Watch | None, record: Record | None, done: int, total: int) -> None:
    if watch is not None:
        watch(record, done, total)


def tasks_of(plan: Plan, folder: Path) -> list[Task]:
    """Everything, picture by picture."""
    items = plan.data.pictures
    scenes = {kind: words.given([item.scene for item in items], kind, plan.seed) for kind in {use.words for use in plan.uses}}
    hidden = (*plan.seal.hidden, plan.data.folder, folder)
    found = []
    for number, item in enumerate(items):
        path = item.path.resolve()
        seal = replace(plan.seal, hidden=(*hidden, path.parent), secret=(item.path, path))
        for use in plan.uses:
            scene = scenes[use.words][number]
            told = {} if use.words == words.NONE else {"words": words.digest(scene)[:16]}
            for settings in batches(use.system):
                found.append(
                    Task(
                        plan.data.name,
                        plan.data.preparation,
                        item,
                        scene,
                        use.words,
                        use.system,
                        settings,
                        plan.metrics,
                        plan.seed,
                        seal,
                        {**use.versions, **told},
                        use.device,
                        use.weights_sha256,
                        plan.measured_on,
                        pictures=folder if plan.keep else None,
                    )
                )
    return found


def batches(system: System) -> list[tuple[Setting, ...]]:
    """Settings that one worker does together: ours each alone, others all, as they share their search."""
    settings = tuple(system.settings())
    return [(setting,) for setting in settings] if system.ours else [settings]


def questions(task: Task) -> Iterator[Question]:
    place = (task.data, task.preparation, task.item.name, task.system.name)
    yield from ((*place, setting.text, task.words, task.seed) for setting in task.settings)


def without(task: Task, there: Mapping[Question, Record]) -> Task:
    """The task, told what is there."""
    found = [there[one] for one in questions(task) if one in there]
    return replace(task, done=frozenset((record.setting, record.picture_sha256) for record in found))


def holds(plan: Plan, record: Record, asked: Mapping[Question, Asked], folder: Path) -> bool:
    """Whether a record stays: it answers another question, or this one as it is asked now."""
    wanted = asked.get(question(record))
    if wanted is None:
        return True
    if wanted != Asked(record.versions, record.device, record.weights_sha256):
        return False
    if record.failure is not None:
        return not plan.retry
    if plan.retry and any(not trial.table(plan.measured_on)[name].missing() for name in record.absent if name in plan.metrics):
        return False
    if not {*plan.metrics} <= record.figures.keys() | record.absent.keys():
        return False
    return not plan.keep or all((folder / name).exists() for name in (kept_picture(record), kept_original(record)))


def refuse_other_measures(plan: Plan, store: Store, asked: Mapping[Question, Asked]) -> None:
    """Raise LimnerError where figures of one name would not be of one measure."""
    for name, parameters in described(plan).items():
        before = store.head.metrics.get(name, parameters)
        if before != parameters and any(name in record.figures for record in store.records):
            raise LimnerError(f"{store.path} holds figures of another {name} ({before}; now {parameters}): use another folder")


def described(plan: Plan) -> dict[str, str]:
    """The metrics of a plan with all their parameters."""
    return measures.described(plan.metrics, trial.table(plan.measured_on))


def carried_out(tasks: Sequence[Task], processes: int) -> Iterator[Record]:
    """The records of the tasks as they come; those of a worker that died are failures."""
    for task, records in completed(trial.records, tasks, processes):
        yield from lost(task) if records is None else records


def lost(task: Task) -> Iterator[Record]:
    pixels, _ = trial.prepared(task)
    sha256 = datasets.digest(pixels)
    failure = Failure("encode", "WorkerDied", "a worker process died (out of memory?): try fewer at a time")
    for setting in task.settings:
        if (setting.text, sha256) not in task.done:
            yield trial.blank(task, setting, pixels, failure)


def failed_unexpectedly(records: Iterable[Record], systems: Iterable[System]) -> list[Record]:
    """Failures of this package's systems; that a budget is too small for a picture is none."""
    ours = {system.name for system in systems if system.ours}
    found = [record for record in records if record.system in ours and record.failure is not None]
    return [record for record in found if record.failure and record.failure.error != "BudgetError"]
