"""What the routes share: workers, painters, jobs, counts. Begun with the app and ended with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends
from starlette.requests import ClientDisconnect, Request

from limner.errors import LimnerError
from limner.serve import wire
from limner.serve.answers import ServiceLimits, Systems
from limner.serve.asks import Ask, Begin, Survey
from limner.serve.jobs import Jobs
from limner.serve.limits import RETRY_S, Held
from limner.serve.metrics import Gauge, Meter
from limner.serve.pool import Pool
from limner.serve.problems import busy, of_answer, of_error
from limner.serve.process import Died, Spec
from limner.serve.settings import Settings
from limner.serve.wire import Message

LONGER = 5.0
"""How much more time than others a request has whose work needs the models of others, but is no job."""
GONE_S = 0.5
"""How often is looked whether a client is still there."""

Done = TypeVar("Done")


class StartError(LimnerError):
    """The service cannot be begun."""


@dataclass(eq=False)
class Desk:
    """Where requests meet those who work."""

    settings: Settings
    meter: Meter = field(default_factory=Meter)
    held: Held = field(default_factory=Held)
    stopping: bool = False

    def __post_init__(self) -> None:
        kept, bounds, long = self.settings, self.settings.bounds, self.settings.long
        begin = Begin(bounds.pixels, bounds.memory_bytes)
        spec = Spec(begin, kept.threads_each(kept.workers))
        self.pool = Pool("workers", spec, kept.workers, kept.queue, self.meter)
        begin = Begin(bounds.pixels, long.memory_bytes, kept.describer, kept.describer_model, warm=False)
        spec = Spec(begin, kept.threads_each(long.painters))
        self.painters = Pool("painters", spec, long.painters, long.waiting, self.meter, idle_s=long.idle_s)
        self.jobs = Jobs(self.painters, long.kept, long.kept_s, long.time_s, bounds.held_bytes)
        self._sweeper: asyncio.Task[None] | None = None
        self._systems: Systems | None = None

    async def start(self) -> None:
        """Raises StartError."""
        try:
            await self.pool.start()
        except Died as error:
            await self.pool.stop()
            raise StartError("no worker can be begun: see what it said above") from error
        await self.painters.start()
        self._sweeper = asyncio.create_task(self.jobs.sweeping())

    async def wind_down(self) -> None:
        """Take nothing new, end jobs, and wait until requests that were taken are answered, or for the grace."""
        self.stopping = True
        self.jobs.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.grace_s):
                await self.pool.drained()

    async def stop(self) -> None:
        self.stopping = True
        self.jobs.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await asyncio.gather(self.pool.stop(), self.painters.stop())

    # --- work

    async def work(self, request: Request, ask: Ask, body: bytes, *, long: bool = False) -> Message:
        """The answer of a worker, or of a painter. Raises Refused; where the client has gone, nobody works on, if nobody has
        begun."""
        pool, time_s = self.pool, self.settings.bounds.time_s
        if long:
            pool, time_s = self.painters, LONGER * time_s
        try:
            answer = await while_there(request, pool.run(ask, body, time_s))
        except Exception as error:
            refused = of_error(error)
            if refused is None:
                raise
            raise refused from error
        if answer.kind != wire.DONE:
            raise of_answer(answer)
        if self.held.bytes + len(answer.body) > self.settings.bounds.held_bytes:
            raise busy(RETRY_S)
        return answer

    def admit(self, *, long: bool = False) -> None:
        """Refuse before a body is read, where there is no room anyway."""
        pool = self.painters if long else self.pool
        if pool.is_full:
            raise busy(pool.retry_s)

    async def systems(self, request: Request) -> Systems:
        """What is here. Looked up once: what is fetched later is found after a new start."""
        if self._systems is None:
            answer = await self.work(request, Survey(), b"")
            bounds, long = self.settings.bounds, self.settings.long
            limits = ServiceLimits(
                upload_bytes=bounds.upload_bytes,
                pixels=bounds.pixels,
                time_s=bounds.time_s,
                job_time_s=long.time_s,
                queue=self.settings.queue,
                workers=self.settings.workers,
            )
            described = bool(self.settings.describer)
            facts = answer.fields["facts"]
            found = facts if isinstance(facts, dict) else {}
            self._systems = Systems.model_validate({**found, "describes": described, "limits": limits})
        return self._systems

    # --- values of this moment

    def gauges(self) -> Iterable[Gauge]:
        pools = (self.pool, self.painters)
        for name, help, value in (
            ("limner_workers", "Workers that are ready", lambda pool: len(pool.workers)),
            ("limner_workers_busy", "Workers that work", lambda pool: pool.running),
            ("limner_queue", "Requests that wait for a worker", lambda pool: pool.queued),
            ("limner_worker_resident_bytes", "Memory of all workers after their last answer", resident),
        ):
            yield Gauge(name, help, tuple(((("pool", pool.name),), value(pool)) for pool in pools))
        states = tuple(((("state", state),), number) for state, number in self.jobs.counts().items())
        yield Gauge("limner_jobs", "Jobs that are known", states)
        yield Gauge("limner_held_bytes", "Bytes of bodies that are held", (((), self.held.bytes),))


def resident(pool: Pool) -> int:
    return sum(worker.resident_bytes for worker in pool.workers)


async def while_there(request: Request, work: Coroutine[None, None, Done]) -> Done:
    """The outcome of work; cancels it where the client has gone."""
    task = asyncio.create_task(work)
    try:
        while True:
            await asyncio.wait([task], timeout=GONE_S)
            if task.done():
                return task.result()
            if await request.is_disconnected():
                raise ClientDisconnect
    finally:
        task.cancel()


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]
