"""Workers and those who wait for them.

    run --full?--> queue --one lane for each worker--> process --> answer
                                     \\-> died or over its time: the request fails, a new process takes its place

A lane begins its process again whenever it ends. All of this runs in one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from limner.serve.asks import Ask
from limner.serve.metrics import Meter
from limner.serve.process import Died, Spec, Told, Untouched, Worker, spawned
from limner.serve.wire import Message

log = logging.getLogger("limner.serve")

LONGEST_PAUSE_S = 30.0
CANCEL_S = 10.0
"""A worker that does not heed a cancellation for so long is ended."""
MEMORY = 0.8
"""The part that the past has in the mean time of a request."""
MOST_RETRY_S = 120


class Full(Exception):
    """Too many wait. ``retry_s``: when there may be room, in whole seconds."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(retry_s)
        self.retry_s = retry_s


class OverTime(Exception):
    """The work took longer than it may."""


class Stopping(Exception):
    """The service is ending."""


@dataclass(eq=False)
class Item:
    """One ask and its answer to be. ``began``: is called when a worker takes it. ``is_second``: it was given to one before,
    which had ended already."""

    number: int
    ask: Ask
    body: bytes
    time_s: float
    told: Told | None
    began: Callable[[], None] | None
    answer: asyncio.Future[Message]
    worker: Worker | None = None
    is_second: bool = False

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
            # Whoever has gone away does not look at it.
            self.answer.exception()


@dataclass(eq=False)
class Pool:
    """``size`` workers; ``waiting`` requests may wait for one. ``idle_s``: workers are begun when first needed, and ended after
    so long without work; None: at the start, for good.
    """

    name: str
    spec: Spec
    size: int
    waiting: int
    meter: Meter
    idle_s: float | None = None
    workers: set[Worker] = field(default_factory=set)
    running: int = 0
    mean_s: float = 1.0
    stopping: bool = False

    def __post_init__(self) -> None:
        self._queue: asyncio.Queue[Item] = asyncio.Queue()
        self._lanes: list[asyncio.Task[None]] = []
        self._numbers = count(1)
        self._up: asyncio.Future[None] | None = None

    # --- whoever has work

    async def start(self) -> None:
        """Begin, and return when one worker is ready. Raises Died if the first cannot be begun."""
        self._up = asyncio.get_running_loop().create_future()
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(self.size)]
        if self.idle_s is None:
            await self._up

    def begin(
        self, ask: Ask, body: bytes, time_s: float, told: Told | None = None, began: Callable[[], None] | None = None
    ) -> Item:
        """Put an ask into the queue. Raises Full, Stopping."""
        if self.stopping:
            raise Stopping
        if self.is_full:
            raise Full(self.retry_s)
        answer = asyncio.get_running_loop().create_future()
        item = Item(next(self._numbers), ask, body, time_s, told, began, answer)
        self._queue.put_nowait(item)
        return item

    async def run(self, ask: Ask, body: bytes, time_s: float) -> Message:
        """The answer to an ask. Raises Full, Stopping, OverTime, Died. Who is cancelled here does not wait any more."""
        item = self.begin(ask, body, time_s)
        # Nobody waits for ever, even where no worker can be begun.
        async with asyncio.timeout(time_s * (2 + self.waiting / self.size)):
            return await item.answer

    async def cancel(self, item: Item) -> None:
        """End what was begun, or is waiting."""
        if item.answer.done():
            return
        worker = item.worker
        if worker is None:
            item.answer.cancel()
            return
        worker.cancel(item.number)
        await asyncio.wait([item.answer], timeout=CANCEL_S)
        if not item.answer.done():
            worker.kill()

    @property
    def queued(self) -> int:
        return self._queue.qsize()

    @property
    def is_full(self) -> bool:
        return self.running + self.queued >= self.size + self.waiting

    @property
    def retry_s(self) -> int:
        """When there may be room again."""
        return max(1, min(MOST_RETRY_S, math.ceil(self.mean_s * (self.queued + 1) / self.size)))

    async def drained(self) -> None:
        """Wait until nothing runs or waits."""
        while self.running or self.queued:
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End all workers; what they have in hand, and what waits, fails."""
        self.stopping = True
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        while not self._queue.empty():
            self._queue.get_nowait().fail(Stopping())

    # --- lanes

    async def _lane(self) -> None:
        worker: Worker | None = None
        try:
            while True:
                if worker is None and self.idle_s is None:
                    worker = await self._persistently()
                item = await self._next(worker)
                if item is None:
                    await self._gone(worker)
                    worker = None
                elif not item.answer.done():
                    worker = await self._serve(item, worker)
        finally:
            if worker is not None:
                self.workers.discard(worker)
                # What it may still be doing is not wanted any more.
                worker.kill()
                await worker.end()

    async def _next(self, worker: Worker | None) -> Item | None:
        """The next item; None if the worker has ended meanwhile, or had nothing to do for too long."""
        getting = asyncio.create_task(self._queue.get())
        awaited: set[asyncio.Future[Item] | asyncio.Future[int]] = {getting}
        if worker is not None:
            awaited.add(worker.ended)
        try:
            await asyncio.wait(awaited, timeout=self.idle_s, return_when=asyncio.FIRST_COMPLETED)
            if worker is not None and worker.ended.done() and getting.done():
                # It is not this item's fault.
                self._queue.put_nowait(getting.result())
                return None
            return getting.result() if getting.done() else None
        except asyncio.CancelledError:
            if getting.done():
                getting.result().fail(Stopping())
            raise
        finally:
            if not getting.done():
                getting.cancel()
                await asyncio.wait([getting])

    async def _gone(self, worker: Worker | None) -> None:
        if worker is not None:
            self.workers.discard(worker)
            self.meter.ended(self.name, "died" if worker.ended.done() else "idle")
            await worker.end()

    async def _serve(self, item: Item, worker: Worker | None) -> Worker | None:
        """Have an item done; return the worker if it can go on."""
        loop = asyncio.get_running_loop()
        self.running += 1
        start_s = loop.time()
        try:
            worker = worker or await self._spawned()
            if item.answer.done():  # it is not wanted any more
                return worker
            item.worker = worker
            if item.began is not None:
                item.began()
            async with asyncio.timeout(item.time_s):
                answer = await worker.ask(item.number, item.ask, item.body, item.told)
        except TimeoutError:
            await self._failed(item, OverTime(), worker, "over time")
            return None
        except Untouched as error:
            if item.is_second:
                await self._failed(item, error, worker, "died")
            else:
                item.is_second = True
                self._queue.put_nowait(item)
                await self._lost(worker, "died")
            return None
        except (Died, OSError) as error:
            await self._failed(item, error if isinstance(error, Died) else Died(), worker, "died")
            return None
        except asyncio.CancelledError:
            item.fail(Stopping())
            raise
        except Exception as error:
            log.exception("%s: over %s", self.name, item.ask.verb)
            await self._failed(item, error, worker, "died")
            return None
        finally:
            self.running -= 1
        self.mean_s = MEMORY * self.mean_s + (1 - MEMORY) * (loop.time() - start_s)
        if not item.answer.done():
            item.answer.set_result(answer)
        if answer.fields.get("worn"):
            self.workers.discard(worker)
            self.meter.ended(self.name, "worn")
            await worker.end()
            return None
        return worker

    async def _failed(self, item: Item, error: Exception, worker: Worker | None, why: str) -> None:
        item.fail(error)
        log.warning("%s: a worker was lost (%s) over %s", self.name, why, item.ask.verb)
        await self._lost(worker, why)

    async def _lost(self, worker: Worker | None, why: str) -> None:
        self.meter.ended(self.name, why)
        if worker is not None:
            self.workers.discard(worker)
            worker.kill()
            await worker.end()

    async def _spawned(self) -> Worker:
        worker = await spawned(self.spec)
        self.workers.add(worker)
        return worker

    async def _persistently(self) -> Worker:
        """A new worker, however often it fails; the first failure ends the start."""
        pause_s = 0.5
        while True:
            try:
                worker = await self._spawned()
            except (Died, OSError, TimeoutError) as error:
                log.error("%s: a worker cannot be begun: %s", self.name, type(error).__name__)
                if self._up is not None and not self._up.done():
                    self._up.set_exception(Died())
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
            else:
                if self._up is not None and not self._up.done():
                    self._up.set_result(None)
                return worker
