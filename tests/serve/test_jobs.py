"""Long work: begun, watched, ended, forgotten. The workers do as they are told."""

from __future__ import annotations

import asyncio
import time

import pytest

pytest.importorskip("fastapi")

from services import say, stubs

from limner.serve.jobs import Job, Jobs
from limner.serve.pool import Full, Pool
from limner.serve.problems import Refused

LONG_S = 60.0


def jobs_of(
    pool: Pool, kept: int = 8, kept_s: float = 3600.0, time_s: float = LONG_S, kept_bytes: int = 10**6
) -> Jobs:
    return Jobs(pool, kept, kept_s, time_s, kept_bytes)


async def ended(job: Job) -> list[tuple[str, int, int]]:
    """All that a watcher sees of a job."""
    async with asyncio.timeout(LONG_S):
        return [(job.state, job.step, job.steps) async for changed in job.changes(LONG_S) if changed]


async def until(job: Job, state: str) -> None:
    async with asyncio.timeout(LONG_S):
        while job.state != state:
            await asyncio.sleep(0.01)


def test_a_job_tells_its_steps_and_has_a_result() -> None:
    async def do() -> None:
        async with stubs(idle_s=60.0) as pool:
            job = jobs_of(pool).submit(say("steps 5"), b"abc")
            seen = await ended(job)
            assert seen[0][0] in ("waiting", "running") and seen[-1] == ("done", 5, 5)
            assert [one[1] for one in seen] == sorted(one[1] for one in seen) and len(seen) > 3
            assert job.answer is not None and job.answer.body == b"cba" and job.item is None

    asyncio.run(do())


def test_ids_cannot_be_guessed() -> None:
    async def do() -> None:
        async with stubs(size=1, waiting=50) as pool:
            jobs = jobs_of(pool)
            ids = {jobs.submit(say("x"), b"").id for _ in range(40)}
            assert len(ids) == 40 and all(len(id) >= 22 for id in ids)
            with pytest.raises(Refused) as refused:
                jobs.find("nothing")
            assert refused.value.status_code == 404

    asyncio.run(do())


@pytest.mark.parametrize(
    ("words", "kind"), [("refuse KeyError", "bug"), ("refuse BudgetError", "budget"), ("die", "worker-died")]
)
def test_a_job_that_fails_says_why(words: str, kind: str) -> None:
    async def do() -> None:
        async with stubs() as pool:
            job = jobs_of(pool).submit(say(words), b"")
            await ended(job)
            assert job.state == "failed" and job.refused is not None
            assert job.refused.problem.type == f"urn:limner:{kind}"

    asyncio.run(do())


def test_a_job_over_its_time_fails() -> None:
    async def do() -> None:
        async with stubs() as pool:
            job = jobs_of(pool, time_s=0.2).submit(say("sleep 600"), b"")
            await ended(job)
            assert job.refused is not None and job.refused.status_code == 504

    asyncio.run(do())


def test_a_job_that_runs_is_ended() -> None:
    async def do() -> None:
        async with stubs() as pool:
            jobs = jobs_of(pool)
            job = jobs.submit(say("steps 100000"), b"")
            watching = asyncio.create_task(ended(job))
            await until(job, "running")
            (worker,) = pool.workers
            jobs.drop(job.id)
            assert (await watching)[-1][0] == "cancelled"
            with pytest.raises(Refused):
                jobs.find(job.id)
            # The painter is the same, with its models, and free.
            after = jobs.submit(say("after"), b"")
            await ended(after)
            assert after.state == "done" and pool.workers == {worker}

    asyncio.run(do())


def test_a_job_that_waits_is_ended() -> None:
    async def do() -> None:
        async with stubs() as pool:
            jobs = jobs_of(pool)
            first, second = jobs.submit(say("steps 20"), b""), jobs.submit(say("die"), b"")
            jobs.drop(second.id)
            await ended(first)
            assert (first.state, second.state) == ("done", "cancelled")
            assert not pool.meter.ends

    asyncio.run(do())


def test_too_many_jobs_are_refused() -> None:
    async def do() -> None:
        async with stubs(size=1, waiting=1) as pool:
            jobs = jobs_of(pool)
            for _ in range(2):
                jobs.submit(say("steps 100000"), b"")
            with pytest.raises(Full):
                jobs.submit(say("x"), b"")
            assert sum(jobs.counts().values()) == 2

    asyncio.run(do())


def test_jobs_are_forgotten() -> None:
    async def do() -> None:
        async with stubs(size=1, waiting=9) as pool:
            jobs = jobs_of(pool, kept=2)
            made = [jobs.submit(say("x"), b"") for _ in range(4)]
            for job in made:
                await ended(job)
            jobs.sweep()
            assert jobs.counts()["done"] == 2 and jobs.find(made[-1].id) is made[-1]
            large = jobs_of(pool, kept_bytes=250)
            made = [large.submit(say("x"), bytes(100)) for _ in range(4)]
            for job in made:
                await ended(job)
            large.sweep()
            assert large.counts()["done"] == 2
            late = jobs_of(pool, kept_s=0.1)
            job = late.submit(say("x"), b"")
            await ended(job)
            assert job.ended_s is not None
            job.ended_s = time.monotonic() - 1
            with pytest.raises(Refused):
                late.find(job.id)

    asyncio.run(do())


def test_all_that_is_under_way_ends() -> None:
    async def do() -> None:
        async with stubs() as pool:
            jobs = jobs_of(pool)
            made = [jobs.submit(say("steps 100000"), b"") for _ in range(2)]
            await until(made[0], "running")
            jobs.stop()
            for job in made:
                assert (await ended(job))[-1][0] == "cancelled"

    asyncio.run(do())


def test_what_happens_while_nobody_looks_is_seen() -> None:
    async def do() -> None:
        async with stubs() as pool:
            jobs = jobs_of(pool)
            job, seen = jobs.submit(say("x"), b""), []
            async for changed in job.changes(LONG_S):
                seen.append(job.state if changed else "")
                await until(job, "done")
            assert seen[0] == "waiting" and seen[-1] == "done" and len(seen) == 2

    asyncio.run(do())


def test_a_job_that_is_ended_while_its_painter_begins_stays_so() -> None:
    async def do() -> None:
        async with stubs(idle_s=60.0) as pool:
            jobs = jobs_of(pool)
            job = jobs.submit(say("steps 1000000"), b"")
            await until_running(pool)
            assert job.state == "waiting"
            jobs.end(job)
            after = jobs.submit(say("after"), b"")
            await ended(after)
            assert (job.state, after.state) == ("cancelled", "done")

    asyncio.run(do())


async def until_running(pool: Pool) -> None:
    async with asyncio.timeout(LONG_S):
        while not pool.running:
            await asyncio.sleep(0)


def test_silence_is_told() -> None:
    async def do() -> None:
        async with stubs() as pool:
            jobs = jobs_of(pool)
            job = jobs.submit(say("sleep 600"), b"")
            seen = []
            async for changed in job.changes(0.05):
                seen.append(changed)
                if seen[-2:] == [False, False]:
                    break
            jobs.stop()

    asyncio.run(do())
