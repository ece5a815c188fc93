"""What the command says: progress and results on a terminal, in a pipe nothing but warnings and errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Protocol

import typer

from limner.cli.batch import Outcome, Task, one_line, run
from limner.cli.plan import STREAM, Job


class Say(Protocol):
    """Print a line on stderr, and count one job as over where there is a bar."""

    def __call__(self, line: str, *, over: bool = False) -> None: ...


def carry_out(task: Task, jobs: Sequence[Job], *, processes: int = 1, json_lines: bool = False) -> None:
    """Run the jobs, tell of each as it comes, and end with an exit code: 0, or 1 if a job failed."""
    _check_stdout(jobs, json_lines)
    failures = 0
    with voice(len(jobs)) as say, closing(run(task, jobs, processes)) as outcomes:
        for outcome in outcomes:
            failures += outcome.status == "failed"
            _tell(outcome, say, json_lines)
    raise typer.Exit(int(failures > 0))


def _check_stdout(jobs: Sequence[Job], json_lines: bool) -> None:
    if not any(job.target == STREAM for job in jobs):
        return
    if json_lines:
        raise typer.BadParameter("--json and the output cannot share stdout")
    if sys.stdout is None:
        raise typer.BadParameter("stdout is closed: name a file with -o")
    if sys.stdout.isatty():
        raise typer.BadParameter("bytes do not belong on a terminal: name a file with -o")


def _tell(outcome: Outcome, say: Say, json_lines: bool) -> None:
    for warning in outcome.warnings:
        say(f"warning: {one_line(warning)}")
    if outcome.status == "failed":
        say(f"error: {outcome.line}")
    elif sys.stderr.isatty() and outcome.line:
        say(outcome.line)
    if json_lines:
        print(json.dumps(_record(outcome)), flush=True)
    elif outcome.page is not None:
        print(outcome.page, flush=True)
    say("", over=True)


def _record(outcome: Outcome) -> dict[str, object]:
    ends = {"source": outcome.source, "target": outcome.target, "status": outcome.status}
    return {**ends, **outcome.facts, "warnings": list(outcome.warnings)}


@contextmanager
def voice(total: int) -> Iterator[Say]:
    """Say lines on stderr, on a terminal above a bar with the time that is left."""
    if total < 2 or not sys.stderr.isatty():
        yield _plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)

        def say(line: str, *, over: bool = False) -> None:
            if line:
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            if over:
                progress.advance(bar)

        yield say


def _plain(line: str, *, over: bool = False) -> None:
    if line:
        print(line, file=sys.stderr, flush=True)
