"""Runs jobs one by one or in processes, in the order given, and goes on past a bad one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from limner.cli.plan import Job
from limner.errors import BudgetError, DecodeError, LimnerError
from limner.many import many


@dataclass(frozen=True)
class Outcome:
    """Say what became of a job.

    ``line`` is for a person, in one line; ``page`` is the data of verbs that print; ``facts`` go into the JSON line.
    """

    source: str
    target: str | None
    status: Literal["done", "skipped", "failed"]
    line: str
    page: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


Task = Callable[[Job], Outcome]


def attempt(task: Task, job: Job) -> Outcome:
    """Do one job; what may go wrong with a file becomes an outcome, what may not (a bug, an interrupt) is raised."""
    if job.fault is not None:
        return _failed(job, job.fault, {"error": "Refused"})
    if job.skip:
        return Outcome(job.source, job.target, "skipped", f"{job.source}: skipped, {job.target} exists")
    try:
        return task(job)
    except BrokenPipeError:
        raise
    except LimnerError as error:
        return _failed(job, str(error), _facts(error))
    except OSError as error:
        return _failed(job, f"{error.filename or job.target or job.source}: {error.strerror or error}", _facts(error))
    except MemoryError as error:
        return _failed(job, "not enough memory", _facts(error))


def _facts(error: Exception) -> Mapping[str, object]:
    facts: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, DecodeError):
        facts |= {"offset": error.offset, "field": error.field}
    if isinstance(error, BudgetError):
        facts["least_bytes"] = error.least_bytes
    return facts


def _failed(job: Job, message: str, facts: Mapping[str, object]) -> Outcome:
    name = "stdin" if job.source == "-" else job.source
    line = one_line(f"{name}: {' '.join(message.removeprefix(f'{name}: ').split())}")
    return Outcome(job.source, job.target, "failed", line, facts={**facts, "message": line})


def one_line(text: str) -> str:
    """Spell what does not print, so that a name can neither break a line nor steer a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def run(task: Task, jobs: Sequence[Job], processes: int) -> Generator[Outcome, None, None]:
    """Yield the outcome of every job in order. Closing the iterator stops the work."""
    return many(partial(attempt, task), jobs, 1 if len(jobs) == 1 else processes, _died)


def _died(job: Job) -> Outcome:
    return _failed(job, "a worker process died (out of memory?): try fewer with -j", {"error": "WorkerDied"})
