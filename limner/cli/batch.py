"""Runs jobs one by one or in processes, in the order given, and goes on past a bad one."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from limner.cli.plan import Job
from limner.errors import BudgetError, DecodeError, LimnerError

# What runs processes is imported where it is used: most runs, and all helps, need none.


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
    if processes == 1 or len(jobs) == 1:
        yield from (attempt(task, job) for job in jobs)
    else:
        yield from _parallel(task, jobs, min(processes, len(jobs)))


def _parallel(task: Task, jobs: Sequence[Job], processes: int) -> Generator[Outcome, None, None]:
    # The workers share the cores; each would otherwise start as many threads as there are.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    rest = list(jobs)
    while rest:
        done = yield from _pool(task, rest, processes)
        # If a worker died, it was over one of these; alone, each can only take itself along.
        suspects, rest = rest[done : done + processes], rest[done + processes :]
        for job in suspects:
            if not (yield from _pool(task, [job], 1)):
                yield _failed(job, "a worker process died (out of memory?): try fewer with -j", {"error": "WorkerDied"})


def _pool(task: Task, jobs: Sequence[Job], processes: int) -> Generator[Outcome, None, int]:
    """Yield outcomes in order until all are there or a worker has died; return how many there were."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    # Spawned, not forked: a fork of a process with threads (onnxruntime's) may hang.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_leave_interrupts_to_parent)
    try:
        with _interrupts_held():
            futures = [executor.submit(attempt, task, job) for job in jobs]
        for done, future in enumerate(futures):
            try:
                outcome = future.result()
            except BrokenProcessPool:
                return done
            yield outcome
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    executor.shutdown()
    return len(jobs)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes begun meanwhile never see an interrupt, not even while they start; this process sees it afterwards."""
    import signal
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # Begun first: the beginning of it lets interrupts through again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_interrupts_to_parent() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
