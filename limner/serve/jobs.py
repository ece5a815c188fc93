"""Long work: painting by diffusion, and encoding that paints. Each job has an id that cannot be guessed.

    submit --> waiting --> running: steps --> done | failed | cancelled --> forgotten after a while
                  \\--------\\--> cancel: the painter ends at its next step
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from limner.serve import wire
from limner.serve.asks import Decode, Encode
from limner.serve.pool import Item, Pool
from limner.serve.problems import Refused, of_answer, of_error
from limner.serve.wire import Message

State = Literal["waiting", "running", "done", "failed", "cancelled"]
UNDER_WAY = ("waiting", "running")
SWEEP_S = 5.0


@dataclass(eq=False)
class Job:
    """One job. ``item``: what the pool has of it. ``created_s``: of the clock; ``ended_s``: monotonic."""

    id: str
    ask: Encode | Decode
    item: Item | None = None
    state: State = "waiting"
    step: int = 0
    steps: int = 0
    created_s: float = field(default_factory=time.time)
    ended_s: float | None = None
    answer: Message | None = None
    refused: Refused | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    def set(self, state: State) -> None:
        """Go into a state, of which none follows after the end; whoever watches is told."""
        if not self.is_under_way:
            return
        self.state = state
        if state not in UNDER_WAY:
            self.ended_s = time.monotonic()
        self.touch()

    def touch(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def began(self) -> None:
        self.set("running")

    def told(self, step: int, steps: int) -> None:
        self.step, self.steps = step, steps
        self.touch()

    async def changes(self, silence_s: float) -> AsyncIterator[bool]:
        """Yield True now and after each change until the job has ended; False after so long without any."""
        seen = None
        while seen is not self._changed or self.is_under_way:
            if seen is not self._changed:
                # While whoever watches looks at this, the job goes on.
                seen = self._changed
                yield True
                continue
            try:
                async with asyncio.timeout(silence_s):
                    await seen.wait()
            except TimeoutError:
                yield False


@dataclass(eq=False)
class Jobs:
    """All jobs. ``kept``, ``kept_s``, ``kept_bytes``: how many that have ended are kept, how long, and how large all results
    may be together. ``time_s``: of one."""

    pool: Pool
    kept: int
    kept_s: float
    time_s: float
    kept_bytes: int

    def __post_init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, ask: Encode | Decode, body: bytes) -> Job:
        """Begin a job. Raises Full, Stopping."""
        self.sweep()
        job = Job(secrets.token_urlsafe(16), ask)
        job.item = self.pool.begin(ask, body, self.time_s, job.told, job.began)
        self._jobs[job.id] = job
        self._keep(self._follow(job, job.item))
        return job

    def find(self, id: str) -> Job:
        """Raises Refused if there is no such job, or none any more."""
        self.sweep()
        if id not in self._jobs:
            raise Refused("not-found", "no such job, or it is forgotten")
        return self._jobs[id]

    def drop(self, id: str) -> None:
        """Forget a job, and end it if it is under way. Raises Refused."""
        self.end(self._jobs.pop(self.find(id).id))

    def end(self, job: Job) -> None:
        if job.is_under_way:
            job.set("cancelled")
            if job.item is not None:
                self._keep(self.pool.cancel(job.item))

    def stop(self) -> None:
        """End all that is under way."""
        for job in self._jobs.values():
            self.end(job)

    def counts(self) -> dict[str, int]:
        """How many are in each state."""
        states: tuple[State, ...] = ("waiting", "running", "done", "failed", "cancelled")
        return {state: sum(job.state == state for job in self._jobs.values()) for state in states}

    def sweep(self) -> None:
        """Forget jobs that ended long ago, and the oldest where too many are kept."""
        now_s, held_bytes = time.monotonic(), 0
        ended = [(job.ended_s, job) for job in self._jobs.values() if job.ended_s is not None]
        ended.sort(key=lambda one: one[0], reverse=True)
        for place, (ended_s, job) in enumerate(ended):
            held_bytes += len(job.answer.body) if job.answer else 0
            too_large = place > 0 and held_bytes > self.kept_bytes
            if now_s - ended_s > self.kept_s or place >= self.kept or too_large:
                del self._jobs[job.id]

    async def sweeping(self) -> None:
        """Forget in time, also where nobody asks."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        # The loop itself holds tasks only weakly.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, job: Job, item: Item) -> None:
        """Wait for the answer of a job."""
        with suppress(asyncio.CancelledError):
            try:
                answer = await item.answer
            except Exception as error:
                self._ended(job, None, of_error(error) or Refused("bug"))
            else:
                self._ended(job, answer, None if answer.kind == wire.DONE else of_answer(answer))

    @staticmethod
    def _ended(job: Job, answer: Message | None, refused: Refused | None) -> None:
        if job.is_under_way:
            job.answer, job.refused = answer, refused
        # A picture that was painted is kept; what it was painted from is not.
        job.item = None
        job.set("done" if refused is None else "failed")

