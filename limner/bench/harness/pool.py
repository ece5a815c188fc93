"""Tasks in worker processes, which may die without taking the run along.

    tasks --few at a time--> workers --> (task, its result) as they come; None in its place: the worker died over it
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 2
"""Tasks in flight for each worker: few, since all of them are under suspicion when one dies."""


def completed(work: Callable[[T], R], tasks: Sequence[T], processes: int) -> Iterator[tuple[T, R | None]]:
    """Yield each task with its result, in the order in which they end; closing the iterator stops the work.

    What ``work`` raises is raised here. With one process, it is this one.
    """
    if processes == 1 or len(tasks) <= 1:
        yield from ((task, work(task)) for task in tasks)
        return
    rest = deque(tasks)
    while rest:
        suspects = yield from _pooled(work, rest, processes)
        for task in suspects:
            # Alone, it can only take itself along.
            if (yield from _pooled(work, deque([task]), 1)):
                yield task, None


def _pooled(work: Callable[[T], R], tasks: deque[T], processes: int) -> Generator[tuple[T, R], None, list[T]]:
    """Take tasks until there are none; if a worker dies, return those that were in flight, and leave the others."""
    # Spawned, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)
    flying: dict[Future[R], T] = {}
    try:
        while tasks or flying:
            while tasks and len(flying) < AHEAD * processes:
                flying[executor.submit(work, tasks[0])] = tasks[0]
                tasks.popleft()
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                result = future.result()
                yield flying.pop(future), result
    except BrokenProcessPool:
        executor.shutdown()
        return list(flying.values())
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    executor.shutdown()
    return []


def _begin() -> None:
    """In a worker: interrupts are for the parent, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
