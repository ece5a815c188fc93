"""Inputs on the command line -> jobs: which file becomes which.

    inputs --walk--> files --name--> jobs --clashes, outputs that exist--> the plan

The plan is whole before the first job begins: outputs may lie among the inputs, and wrong usage is to do nothing. So it holds
two names for each file, and nothing else of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import typer

STREAM = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """Name one input and where its output goes (None: there is none).

    ``fault``: why it cannot be done, known beforehand. ``skip``: its output exists and is to stay.
    """

    source: str
    target: str | None = None
    fault: str | None = None
    skip: bool = False


@dataclass(frozen=True)
class Naming:
    """Say where outputs go: ``output`` as given, the suffix of made names, and what to do with outputs that exist."""

    output: str | None
    suffix: str
    overwrite: bool = False
    skip: bool = False


def read_only_jobs(inputs: Sequence[str], suffixes: Collection[str], *, recursive: bool) -> list[Job]:
    """Plan the jobs of a verb that writes nothing."""
    if STREAM in inputs:
        _alone(inputs)
        return [Job(STREAM)]
    return [Job(path, fault=fault) for path, _, fault in _files(inputs, suffixes, recursive=recursive)]


def writing_jobs(inputs: Sequence[str], suffixes: Collection[str], naming: Naming, *, recursive: bool) -> list[Job]:
    """Plan the jobs of a verb that makes a file of each input. In folders, files with one of ``suffixes`` are taken."""
    if naming.output == "":
        raise typer.BadParameter("a name without letters", param_hint="--output")
    if STREAM in inputs:
        _alone(inputs)
        return [_judged(Job(STREAM, naming.output or STREAM), naming)]
    single = len(inputs) == 1 and not os.path.isdir(inputs[0])
    if not single and naming.output is not None and os.path.isfile(naming.output):
        raise typer.BadParameter(f"{naming.output} is a file; several outputs need a folder", param_hint="--output")
    if naming.output == STREAM and not single:
        raise typer.BadParameter("stdout takes the output of one file only", param_hint="--output")
    jobs = (
        Job(path, fault=fault) if fault else Job(path, _target(path, relative, naming, single=single))
        for path, relative, fault in _files(inputs, suffixes, recursive=recursive)
    )
    return [_judged(job, naming) for job in _without_clashes(jobs)]


def _alone(inputs: Sequence[str]) -> None:
    if len(inputs) > 1:
        raise typer.BadParameter("stdin is an input that stands alone")


def _files(inputs: Sequence[str], suffixes: Collection[str], *, recursive: bool) -> Iterator[tuple[str, str, str | None]]:
    """Yield each file, its name in the output tree, and why it cannot be read, if that is known. None is called as a stream."""
    if "" in inputs:
        raise typer.BadParameter("an input without a name")
    folders = [name for name in inputs if os.path.isdir(name)]
    if folders and not recursive:
        raise typer.BadParameter(f"{folders[0]} is a folder: add -r")
    for name in inputs:
        path = Path(name)
        if os.path.isdir(path):
            yield from _walk(path, suffixes)
        else:
            yield os.path.join(os.curdir, STREAM) if str(path) == STREAM else str(path), path.name, None


def _walk(top: Path, suffixes: Collection[str]) -> Iterator[tuple[str, str, str | None]]:
    errors: list[OSError] = []
    count = 0
    for folder, folders, names in os.walk(top, onerror=errors.append):
        folders.sort()
        here, inner = _prefix(Path(folder)), _prefix(Path(folder).relative_to(top))
        for name in sorted(names):
            # A pipe would wait for ever; a link that leads nowhere is told of when it is opened.
            if Path(name).suffix.lower() in suffixes and (os.path.isfile(here + name) or os.path.islink(here + name)):
                count += 1
                yield here + name, inner + name, None
    for error in errors:
        yield str(Path(error.filename)), "", error.strerror
    if not count and not errors:
        yield str(top), "", f"no file in it ends in {' '.join(sorted(suffixes))}"


def _prefix(folder: Path) -> str:
    """What stands before the name of a file in a folder; nothing before one in this folder."""
    return os.path.join(folder, "") if folder.parts else ""


def _target(path: str, relative: str, naming: Naming, *, single: bool) -> str:
    output = naming.output
    if output is None:
        return str(Path(path).with_suffix(naming.suffix))
    if single and not output.endswith(("/", os.sep)) and not os.path.isdir(output):
        return output
    return str(Path(output, relative).with_suffix(naming.suffix))


def _without_clashes(jobs: Iterable[Job]) -> Iterator[Job]:
    """Mark every job that would write what an earlier one writes."""
    owners: dict[str, str] = {}
    real = lru_cache(maxsize=1024)(os.path.realpath)
    for job in jobs:
        if job.target is None:
            yield job
            continue
        place = _place(job.target, real)
        if place in owners:
            yield replace(job, fault=f"{job.target} is already the output of {owners[place]}")
        else:
            owners[place] = job.source
            yield job


def _place(target: str, real: Callable[[str], str]) -> str:
    """Where a file really is. ``real``: tells it of a folder."""
    folder, name = os.path.split(target)
    place = os.path.realpath(target) if os.path.islink(target) else os.path.join(real(folder), name)
    return target if place == target else place


def _judged(job: Job, naming: Naming) -> Job:
    """Decide about an output that exists. Devices and pipes are written to."""
    if job.fault or job.target in (None, STREAM) or not os.path.isfile(job.target):
        return job
    if os.path.exists(job.source) and os.path.samefile(job.source, job.target):
        return replace(job, fault="the output would replace the input: name another with -o")
    if naming.skip:
        return replace(job, skip=True)
    if naming.overwrite:
        return job
    return replace(job, fault=f"{job.target} exists: --overwrite or --skip")
