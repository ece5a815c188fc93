"""Inputs on the command line -> jobs: which file becomes which."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

STREAM = "-"


@dataclass(frozen=True)
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
    return [Job(_spelled(path), fault=fault) for path, _, fault in _files(inputs, suffixes, recursive=recursive)]


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
    found = list(_files(inputs, suffixes, recursive=recursive))
    jobs = [
        Job(_spelled(path), fault=fault) if fault else Job(_spelled(path), _target(path, relative, naming, single=single))
        for path, relative, fault in found
    ]
    return [_judged(job, naming) for job in _without_clashes(jobs)]


def _spelled(path: Path) -> str:
    """Return a file's name so that it is not taken for a stream."""
    return os.path.join(os.curdir, STREAM) if str(path) == STREAM else str(path)


def _alone(inputs: Sequence[str]) -> None:
    if len(inputs) > 1:
        raise typer.BadParameter("stdin is an input that stands alone")


def _files(inputs: Sequence[str], suffixes: Collection[str], *, recursive: bool) -> Iterator[tuple[Path, Path, str | None]]:
    """Yield each file, its name in the output tree, and why it cannot be read, if that is known."""
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
            yield path, Path(path.name), None


def _walk(top: Path, suffixes: Collection[str]) -> Iterator[tuple[Path, Path, str | None]]:
    errors: list[OSError] = []
    count = 0
    for folder, folders, names in os.walk(top, onerror=errors.append):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            # A pipe would wait for ever; a link that leads nowhere is told of when it is opened.
            if path.suffix.lower() in suffixes and (path.is_symlink() or path.is_file()):
                count += 1
                yield path, path.relative_to(top), None
    for error in errors:
        yield Path(error.filename), Path(), error.strerror
    if not count and not errors:
        yield top, Path(), f"no file in it ends in {' '.join(sorted(suffixes))}"


def _target(path: Path, relative: Path, naming: Naming, *, single: bool) -> str:
    output = naming.output
    if output is None:
        return str(path.with_suffix(naming.suffix))
    if single and not output.endswith(("/", os.sep)) and not os.path.isdir(output):
        return output
    return str(Path(output) / relative.with_suffix(naming.suffix))


def _without_clashes(jobs: Sequence[Job]) -> Iterator[Job]:
    """Mark every job that would write what an earlier one writes."""
    owners: dict[str, str] = {}
    for job in jobs:
        if job.target is None:
            yield job
            continue
        place = os.path.realpath(job.target)
        taken = f"{job.target} is already the output of {owners[place]}" if place in owners else None
        owners.setdefault(place, job.source)
        yield replace(job, fault=taken)


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
