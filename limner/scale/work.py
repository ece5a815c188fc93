"""One part, from its bytes to its table: the same on one core and on a thousand machines.

    part -> is its table there? -> pictures -> known content, or the verb -> rows -> sink -> Done

A part that was begun twice and not finished has likely a picture that ends processes: its pictures are then done in processes
of their own, and that picture becomes a row that says so.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from limner.many import many
from limner.scale.known import Known, read_known
from limner.scale.parts import Part
from limner.scale.place import Place
from limner.scale.readers import Read, Reader
from limner.scale.rows import Row
from limner.scale.sink import Form, write
from limner.scale.there import noted
from limner.scale.verbs import Verb, attempted, died, failed

TRIES = "_try-"
MOST_TRIES = 2
SHOWN = 3


@dataclass(frozen=True)
class Done:
    """What came of a part. written: by this call, not before. taken: rows whose content was known. read_bytes: of pictures.
    written_bytes: of the table and what goes beside it. seconds: of one core. faults: the first failures, as lines."""

    name: str
    done: int = 0
    failed: int = 0
    taken: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    seconds: float = 0.0
    written: bool = False
    faults: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Done:
        """The inverse of ``to_json``."""
        said = json.loads(text)
        return cls(**said | {"faults": tuple(said["faults"])})


@dataclass(frozen=True)
class Job:
    """What is done with every part. source: the folder that keys are below. It travels to the workers and is used there by
    one part at a time."""

    verb: Verb
    source: Place
    output: Place
    form: str

    @property
    def kept(self) -> Form:
        return Form(self.form, self.verb.payload, self.verb.suffix, self.verb.figures)

    @cached_property
    def known(self) -> Known:
        """Read once a process."""
        return read_known(self.output, self.kept.columns)

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.verb.suffixes, self.verb.column)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "known"}

    def __call__(self, part: Part) -> Done | Part:
        """Do a part, or give it back: it needs care. Raises OSError from the output, MissingError."""
        if done := self.finished(part):
            return done
        if self._tried(part) >= MOST_TRIES:
            return part
        return self._write(part, (self._row(read) for read in self.reader.read(part)))

    def with_care(self, part: Part) -> Done:
        """Do a part so that no picture can end this process."""
        if done := self.finished(part):
            return done
        rows = many(Alone(self), self.reader.read(part), 2, lambda read: died(read.path), window=2)
        with closing(rows):
            return self._write(part, rows)

    def finished(self, part: Part) -> Done | None:
        """What its table says, if it is there."""
        table = self.kept.table(part)
        if part.retry or not self.output.has(table):
            return None
        note = noted(self.output, table)
        return Done(part.name, note.done, note.failed)

    def _tried(self, part: Part) -> int:
        """How often it was begun before, and count this time."""
        name = f"{TRIES}{part.name}"
        before = len(self.output.read(name)) if self.output.has(name) else 0
        with self.output.writing(name) as path:
            path.write_bytes(b"." * (before + 1))
        return before

    def _row(self, read: Read) -> Row:
        if read.fault is not None:
            return failed(read.path, read.fault)
        begun_s = time.perf_counter()
        found = self.known.find(read.path, hashlib.sha256(read.data).hexdigest())
        return attempted(self.verb, read.path, read.data) if found is None else _taken(found, begun_s)

    def _write(self, part: Part, rows: Iterator[Row]) -> Done:
        begun_s, count = time.perf_counter(), Count()
        written = write(self.output, part, self.kept, count.over(rows))
        self.output.remove(f"{TRIES}{part.name}")
        taken_s = time.perf_counter() - begun_s
        return Done(
            *(part.name, written.done, written.failed, count.taken, count.read_bytes, written.bytes, taken_s, True),
            tuple(count.faults),
        )


@dataclass(frozen=True)
class Alone:
    """A picture of a part that is done with care, in a process of its own kind."""

    job: Job

    def __call__(self, read: Read) -> Row:
        return self.job._row(read)


def _taken(row: Row, begun_s: float) -> Row:
    return replace(row, taken=True, seconds=time.perf_counter() - begun_s)


@dataclass
class Count:
    """Counts rows that go by."""

    taken: int = 0
    read_bytes: int = 0
    faults: list[str] = field(default_factory=list)

    def over(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.taken += row.taken
            self.read_bytes += row.source_bytes or 0
            if row.status == "failed" and len(self.faults) < SHOWN:
                self.faults.append(f"{row.path}: {row.message}")
            yield row
