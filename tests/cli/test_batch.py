"""Jobs in processes: in order, past a fault, past the death of a worker, and to an end when interrupted."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
from interrupts import heeding_interrupts

from limner.cli.batch import Outcome, attempt, run
from limner.cli.plan import Job
from limner.errors import BudgetError, DamagedError

SCRIPT = """
import os, sys, time
from pathlib import Path
from limner.cli.batch import Outcome
from limner.cli.plan import Job
from limner.cli.talk import carry_out
from limner.errors import DamagedError
import typer

def task(job):
    if job.source == "bad":
        raise DamagedError("a check fails", offset=7, field="check")
    if job.source == "dies":
        os._exit(9)
    if job.source == "slow":
        Path("started").touch()
        time.sleep(60)
    if job.source == "told":
        until = time.monotonic() + 60
        while not Path("told").exists():
            if time.monotonic() > until:
                raise DamagedError("nobody has read the line before", offset=0, field="test")
            time.sleep(0.02)
    time.sleep(0.2 * (job.source == "first"))
    return Outcome(job.source, None, "done", "", page=f"{job.source} {os.getpid()}")

def command():
    processes = int(os.environ.get("PROCESSES", "2"))
    carry_out(task, [Job(name) for name in sys.argv[1:]], processes=processes, json_lines="JSON" in os.environ)

if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    app([])
"""


def fine(job: Job) -> Outcome:
    return Outcome(job.source, None, "done", "")


def start(folder: Path, *names: str, **variables: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, "script.py", *names],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heeding_interrupts,
    )


def test_outcomes_come_in_order_from_other_processes(tmp_path: Path) -> None:
    process = start(tmp_path, "first", "bad", "second", "third")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert [line.split()[0] for line in out.splitlines()] == ["first", "second", "third"]
    assert str(process.pid) not in out
    assert err == "error: bad: a check fails (byte 7, check)\n"


def test_the_death_of_a_worker_is_a_failure_not_a_hang(tmp_path: Path) -> None:
    process = start(tmp_path, "dies", "second")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "dies: a worker process died" in err


def test_a_death_costs_the_others_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "first", "dies", *"abcdef")
    out, err = process.communicate(timeout=90)
    assert process.returncode == 1
    assert [line.split()[0] for line in out.splitlines()] == ["first", *"abcdef"]
    assert err.count("died") == 1 and "dies: " in err


@pytest.mark.parametrize("processes", ["1", "2"])
def test_lines_come_as_the_work_is_done(tmp_path: Path, processes: str) -> None:
    process = start(tmp_path, "a", "told", "c", PROCESSES=processes, JSON="1")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    (tmp_path / "told").touch()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert [first["source"], *(json.loads(line)["source"] for line in out.splitlines())] == ["a", "told", "c"]


@pytest.mark.parametrize("processes", [1, 2])
def test_outcomes_are_not_kept(processes: int) -> None:
    outcomes = run(fine, [Job(str(number)) for number in range(20)], processes)
    seen = [weakref.ref(outcome) for outcome in outcomes]
    gc.collect()
    assert [ref() for ref in seen] == [None] * 20


def test_a_name_can_neither_break_a_line_nor_steer_a_terminal() -> None:
    def task(_job: Job) -> Outcome:
        raise DamagedError("bad", offset=3, field="body")

    assert attempt(task, Job("a  b\n\x1b[31m")).line == "a  b\\n\\x1b[31m: bad (byte 3, body)"


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupt_ends_with_130_and_no_worker_stays(tmp_path: Path) -> None:
    process = start(tmp_path, "slow", "second", "third")
    until = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < until:
        time.sleep(0.05)
    # As a terminal does it: to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err and "third" not in out
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.05)


def test_one_job_or_one_process_needs_no_other_process() -> None:
    assert [outcome.source for outcome in run(fine, [Job("a")], 4)] == ["a"]
    assert [outcome.source for outcome in run(fine, [Job("a"), Job("b")], 1)] == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "line", "facts"),
    [
        (DamagedError("bad", offset=3, field="body"), "a: bad (byte 3, body)", {"offset": 3, "field": "body"}),
        (BudgetError("too\nsmall", 60), "a: too small", {"least_bytes": 60}),
        (FileNotFoundError(2, "No such file", "b"), "a: b: No such file", {}),
        (FileNotFoundError(2, "No such file", "a"), "a: No such file", {}),
        (MemoryError(), "a: not enough memory", {}),
    ],
)
def test_what_may_go_wrong_with_a_file_becomes_one_line(error: Exception, line: str, facts: dict[str, object]) -> None:
    def task(_job: Job) -> Outcome:
        raise error

    outcome = attempt(task, Job("a"))
    assert (outcome.status, outcome.line) == ("failed", line)
    assert outcome.facts == {"error": type(error).__name__, "message": line, **facts}


@pytest.mark.parametrize("error", [KeyError("a bug"), KeyboardInterrupt(), BrokenPipeError()])
def test_what_may_not_is_raised(error: BaseException) -> None:
    def task(_job: Job) -> Outcome:
        raise error

    with pytest.raises(type(error)):
        attempt(task, Job("a"))
