"""One task over many items in processes that are begun once: results in the order of the items, within a window of memory.

    items --drawn at most a window ahead--> pool of processes --put in order--> whoever asks
                                                 \\-> one dies: what was at work is done again, one by one: who killed it shows

The pool is that of the standard library. A process gets the task when it begins, so that what the task caches (weights) is
loaded once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, TypeVar

from limner import cores, worker
from limner.errors import LimnerError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.connection import Connection

# What runs processes is imported where it is used: most runs need none.

T = TypeVar("T")
R = TypeVar("R")

WINDOW = 4
"""Items for each process that may be drawn ahead."""


def many(
    task: Callable[[T], R], items: Iterable[T], processes: int, died: Callable[[T], R], window: int | None = None
) -> Generator[R, None, None]:
    """Yield ``task(item)`` of every item, in order. Closing the generator ends the work and the processes.

    ``items`` are drawn as they are needed, at most ``window`` (None: four for each process) ahead of the result that is
    yielded. The result of an item over which a process dies is ``died(item)``; others that were at work meanwhile are done
    again. What a task raises is raised here in the place of its result, and ends the work. Task, items and results travel
    between processes: all can be pickled. The processes share the cores (``limner.cores.shared``). With one process it is this
    one. Raises LimnerError for fewer than one process or item at a time, and if processes cannot be begun.
    """
    window = WINDOW * processes if window is None else window
    if processes < 1 or window < 1:
        raise LimnerError(f"work needs a process and an item at a time: not {processes} and {window}")
    if processes == 1:
        return (task(item) for item in items)
    return _in_order(task, iter(items), min(processes, window), died, window)


def _in_order(
    task: Callable[[T], R], items: Iterator[T], processes: int, died: Callable[[T], R], window: int
) -> Generator[R, None, None]:
    while left := (yield from _pool(task, items, processes, window)):
        # A process has one item at work, and one at most whose result was on its way: who killed it is among the first.
        begun = 2 * processes
        yield from _one_by_one(task, iter(left[:begun]), died)
        items = chain(left[begun:], items)


def _one_by_one(task: Callable[[T], R], items: Iterator[T], died: Callable[[T], R]) -> Generator[R, None, None]:
    while left := (yield from _pool(task, items, 1, 1)):
        yield died(left[0])


def _pool(task: Callable[[T], R], items: Iterator[T], processes: int, window: int) -> Generator[R, None, list[T]]:
    """Yield results in order until all are there or a process has died; return the items that then have none."""
    from concurrent.futures.process import BrokenProcessPool

    first = list(islice(items, processes))
    items = chain(first, items)
    ahead: deque[tuple[T, Future[R]]] = deque()
    with _begun(task, max(1, len(first))) as pool:
        while True:
            for item in islice(items, window - len(ahead)):
                ahead.append((item, pool.submit(item)))
            if not ahead:
                return []
            try:
                result = ahead[0][1].result()
            except BrokenProcessPool:
                pool.check()
                return [item for item, _ in ahead]
            ahead.popleft()
            yield result


@dataclass(frozen=True)
class _Pool(Generic[T, R]):
    """voice: a worker says something there when it has begun, and ends when it is closed."""

    executor: ProcessPoolExecutor
    processes: int
    voice: Connection

    def submit(self, item: T) -> Future[R]:
        from concurrent.futures import Future
        from concurrent.futures.process import BrokenProcessPool

        try:
            with _interrupts_held(), cores.shared(self.processes):
                return self.executor.submit(worker.do, item)
        except BrokenProcessPool as error:
            broken: Future[R] = Future()
            broken.set_exception(error)
            return broken

    def check(self) -> None:
        """Raise LimnerError if no worker has ever begun."""
        if not self.voice.poll():
            raise LimnerError("worker processes end before they begin: try one, which needs no other (-j 1)")


@contextmanager
def _begun(task: Callable[[T], R], processes: int) -> Iterator[_Pool[T, R]]:
    """A pool whose processes end behind this; of one that is left by an error, at once."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Spawned, not forked: a fork of a process with threads (onnxruntime's) may hang.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with theirs, ours, ProcessPoolExecutor(processes, context, worker.begin, (task, theirs)) as executor:
        try:
            yield _Pool(executor, processes, ours)
        except BaseException:
            ours.close()
            executor.shutdown(cancel_futures=True)
            raise


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
