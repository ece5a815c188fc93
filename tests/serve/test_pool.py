"""Workers that die, take too long or too much, and those who wait for them."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from services import say, stubs

from limner.serve import wire
from limner.serve.pool import Full, OverTime, Pool, Stopping
from limner.serve.process import Died, Worker
from limner.serve.wire import Message

LONG_S = 60.0


def said(answer: Message) -> object:
    facts = answer.fields["facts"]
    assert isinstance(facts, dict)
    return facts["said"]


async def works(pool: Pool) -> bool:
    return said(await pool.run(say("well"), b"", LONG_S)) == "well"


async def until_running(pool: Pool, count: int = 1) -> None:
    async with asyncio.timeout(LONG_S):
        while pool.running < count:
            await asyncio.sleep(0.01)


async def busy_worker(pool: Pool, task: asyncio.Task[Message]) -> Worker:
    await until_running(pool)
    (worker,) = pool.workers
    assert not task.done()
    return worker


def test_an_answer_comes_back_with_its_bytes() -> None:
    async def do() -> Message:
        async with stubs() as pool:
            return await pool.run(say("hello"), b"abc" * 100_000, LONG_S)

    answer = asyncio.run(do())
    assert answer.kind == wire.DONE and said(answer) == "hello" and answer.body == b"cba" * 100_000


def test_a_worker_that_prints_does_not_disturb() -> None:
    async def do() -> None:
        async with stubs() as pool:
            assert said(await pool.run(say("noise"), b"", LONG_S)) == "noise"
            assert await works(pool)

    asyncio.run(do())


def test_a_worker_that_dies_takes_one_request_along() -> None:
    async def do() -> None:
        async with stubs() as pool:
            with pytest.raises(Died):
                await pool.run(say("die"), b"", LONG_S)
            assert await works(pool)
            assert pool.meter.ends["workers", "died"] == 1

    asyncio.run(do())


def test_a_worker_that_is_killed_takes_one_request_along() -> None:
    async def do() -> None:
        async with stubs() as pool:
            task = asyncio.create_task(pool.run(say("sleep 600"), b"", LONG_S))
            worker = await busy_worker(pool, task)
            os.kill(worker.pid, signal.SIGKILL)
            with pytest.raises(Died):
                await task
            assert await works(pool)

    asyncio.run(do())


def test_a_worker_that_dies_idle_costs_no_request() -> None:
    async def do() -> None:
        async with stubs() as pool:
            assert await works(pool)
            (worker,) = pool.workers
            os.kill(worker.pid, signal.SIGKILL)
            await worker.ended
            assert await works(pool)

    asyncio.run(do())


def test_a_worker_that_has_just_died_costs_no_request() -> None:
    async def do() -> None:
        async with stubs() as pool:
            for _ in range(5):
                assert await works(pool)
                (worker,) = pool.workers
                os.kill(worker.pid, signal.SIGKILL)
                assert await works(pool)

    asyncio.run(do())


def test_what_takes_too_long_is_ended() -> None:
    async def do() -> None:
        async with stubs() as pool:
            with pytest.raises(OverTime):
                await pool.run(say("sleep 600"), b"", 0.2)
            assert await works(pool)
            assert pool.meter.ends["workers", "over time"] == 1

    asyncio.run(do())


def test_a_worn_worker_is_replaced_after_its_answer() -> None:
    async def do() -> None:
        async with stubs() as pool:
            (first,) = pool.workers
            assert said(await pool.run(say("worn"), b"", LONG_S)) == "worn"
            assert await works(pool)
            (second,) = pool.workers
            assert first.pid != second.pid

    asyncio.run(do())


def test_too_many_are_refused_and_told_when_to_come_back() -> None:
    async def do() -> None:
        async with stubs(size=1, waiting=1) as pool:
            first = asyncio.create_task(pool.run(say("sleep 600"), b"", LONG_S))
            await until_running(pool)
            second = asyncio.create_task(pool.run(say("b"), b"", LONG_S))
            await asyncio.sleep(0)
            with pytest.raises(Full) as refused:
                await pool.run(say("c"), b"", LONG_S)
            assert refused.value.retry_s >= 1
            for worker in pool.workers:
                worker.kill()
            with pytest.raises(Died):
                await first
            assert said(await second) == "b"
            assert await works(pool)

    asyncio.run(do())


def test_who_leaves_the_queue_is_not_served() -> None:
    async def do() -> None:
        async with stubs(size=1, waiting=2) as pool:
            first = asyncio.create_task(pool.run(say("sleep 0.3"), b"", LONG_S))
            await until_running(pool)
            second = asyncio.create_task(pool.run(say("die"), b"", LONG_S))
            await asyncio.sleep(0)
            second.cancel()
            assert said(await first) == "sleep 0.3"
            assert await works(pool)
            assert not pool.meter.ends

    asyncio.run(do())


def test_several_work_at_once() -> None:
    async def do() -> None:
        async with stubs(size=3, waiting=0) as pool:
            async with asyncio.timeout(LONG_S):
                while len(pool.workers) < 3:
                    await asyncio.sleep(0.01)
            answers = await asyncio.gather(*(pool.run(say("sleep 0.5"), b"", LONG_S) for _ in range(3)))
            assert len({dict(answer.fields["facts"])["pid"] for answer in answers}) == 3  # type: ignore[arg-type]

    asyncio.run(do())


def test_the_end_fails_what_runs_and_what_waits() -> None:
    async def do() -> None:
        async with stubs(size=1, waiting=1) as pool:
            tasks = [asyncio.create_task(pool.run(say("sleep 600"), b"", LONG_S)) for _ in range(2)]
            await until_running(pool)
            workers = set(pool.workers)
            await pool.stop()
            assert [type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)] == [Stopping, Stopping]
            assert workers and all(worker.ended.done() for worker in workers)
            with pytest.raises(Stopping):
                await pool.run(say("late"), b"", LONG_S)

    asyncio.run(do())


def test_lazy_workers_begin_when_needed_and_end_when_idle() -> None:
    async def do() -> None:
        async with stubs(idle_s=0.3) as pool:
            assert not pool.workers
            assert await works(pool)
            (worker,) = pool.workers
            await asyncio.wait([worker.ended], timeout=LONG_S)
            assert await works(pool)

    asyncio.run(do())


def test_a_pool_that_cannot_begin_says_so() -> None:
    async def do() -> None:
        with pytest.raises(Died):
            async with stubs(1, 1, None, "--broken"):
                pass

    asyncio.run(do())


def test_lazy_workers_that_cannot_begin_fail_the_request() -> None:
    async def do() -> None:
        async with stubs(1, 1, 60.0, "--broken") as pool:
            for _ in range(2):
                with pytest.raises(Died):
                    await pool.run(say("well"), b"", LONG_S)

    asyncio.run(do())


def test_steps_are_told_and_work_is_cancelled() -> None:
    async def do() -> None:
        async with stubs() as pool:
            steps: list[tuple[int, int]] = []
            item = pool.begin(say("steps 3"), b"", LONG_S, lambda step, of: steps.append((step, of)))
            assert said(await item.answer) == "steps 3"
            assert steps == [(1, 3), (2, 3), (3, 3)]
            (worker,) = pool.workers
            item = pool.begin(say("steps 100000"), b"", LONG_S)
            await until_running(pool)
            await pool.cancel(item)
            assert (await item.answer).kind == wire.CANCELLED
            # The same process goes on: its models stay where they are.
            assert await works(pool) and pool.workers == {worker}

    asyncio.run(do())
