"""A run from its beginning to its end: what is there, what is new, who does it, and what it came to."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

from limner.errors import LimnerError, one_line
from limner.scale.engine import Engine
from limner.scale.known import write_known
from limner.scale.manifest import Manifest
from limner.scale.parts import PICTURES, Planner
from limner.scale.place import Place
from limner.scale.sink import FORMS
from limner.scale.source import KNOWN, Source
from limner.scale.there import There, there
from limner.scale.verbs import Verb
from limner.scale.work import TRIES, Done, Job


@dataclass(frozen=True)
class Run:
    """A verb over an input into an output. form: parquet, shards or files. part: pictures that are done together.
    retry: pictures that failed before are tried again. Raises LimnerError for a form that is none, or parts of nothing."""

    verb: Verb
    source: str
    output: str
    form: str = "parquet"
    part: int = PICTURES
    retry: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS or self.part < 1:
            raise LimnerError(f"rows are {', '.join(FORMS)}, some pictures at a time: not {self.form!r}, {self.part}")


@dataclass(frozen=True)
class Totals:
    """What is in the output now, and what of it is new. seconds: of all cores together; read, written: bytes, by this run."""

    done: int = 0
    failed: int = 0
    parts: int = 0
    before: int = 0
    taken: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    seconds: float = 0.0

    def plus(self, done: Done) -> Totals:
        return replace(
            self,
            done=self.done + done.done,
            failed=self.failed + done.failed,
            parts=self.parts + 1,
            taken=self.taken + done.taken,
            read_bytes=self.read_bytes + done.read_bytes,
            written_bytes=self.written_bytes + done.written_bytes,
            seconds=self.seconds + done.seconds,
        )


Told = Callable[[Done, Totals], None]


def carried_out(run: Run, engine: Engine, told: Told) -> Totals:
    """Do what is not done yet; ``told`` of each part. Raises LimnerError: other settings, an input that is not there or cannot
    be listed, weights that are missing, a disk that is full. What is whole stays."""
    try:
        with closing(_steps(run, engine)) as steps:
            totals = next(steps)[1]
            for done, totals in steps:
                if done is not None:
                    told(done, totals)
    except OSError as error:
        raise LimnerError(f"{run.output}: {error.strerror or one_line(error)}") from error
    return totals


def _steps(run: Run, engine: Engine) -> Generator[tuple[Done | None, Totals], None, None]:
    source, output = Source(run.source, run.verb.suffixes), Place(run.output, secrets.token_hex(4))
    if source.covers(output):
        raise LimnerError(f"{run.output} lies in {run.source}, which would be read with it: name another folder")
    manifest = Manifest(run.verb.name, run.form, run.verb.settings, run.verb.models())
    job = Job(run.verb, source.place, output, run.form)
    manifest.hold(output)
    here = there(output, job.kept.rows, retry=run.retry)
    totals = Totals(here.done, here.failed, before=here.done + here.failed)
    yield None, totals
    _gather(output, here)
    planner = Planner(source.place, manifest.identity, here, run.part)
    try:
        with closing(engine.done(job, planner.parts(source.items()))) as parts:
            for done in parts:
                totals = totals.plus(done)
                yield done, totals
    finally:
        _clean(output, job.kept.rows)
    output.remove(KNOWN)


def _clean(output: Place, rows: str) -> None:
    """What is half is removed, and with it the marks of its beginning: nobody died of it."""
    for folder in {"", rows}:
        output.sweep(folder)
    for name in output.names():
        if name.startswith(TRIES):
            output.remove(name)


def _gather(output: Place, here: There) -> None:
    """What is known, where anything is."""
    if here.tables:
        write_known(output, here.tables)
    else:
        output.remove(KNOWN)
