"""The file of a run: whole lines are added while it runs, and at its end it is written anew, in order.

    rows.jsonl --opened--> records that are there --add, add--> more lines --close--> the same lines, sorted

A run may be killed at any time: a last line without its end is dropped by the next one. Two runs cannot share a folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from limner.atomic import write_atomic
from limner.bench.harness.record import Head, Record, order, read, to_line
from limner.errors import LimnerError

ROWS = "rows.jsonl"
Question = tuple[str, str, str, str, str, str, int]


class Store:
    """Records by what was asked, in a file that always holds them. Made by `opened`."""

    def __init__(self, path: Path, head: Head, records: Iterable[Record]) -> None:
        self.path, self.head = path, head
        self._records: dict[Question, Record] = {question(record): record for record in records}
        self._file: BinaryIO | None = None

    @property
    def records(self) -> list[Record]:
        return sorted(self._records.values(), key=order)

    def begin(self, head: Head, keep: Callable[[Record], bool]) -> None:
        """Take a new head, leave out records that do not hold any more, and be ready for others."""
        self.head = head
        self._records = {asked: record for asked, record in self._records.items() if keep(record)}
        self._write()
        self._file = self.path.open("ab")

    def add(self, record: Record) -> None:
        """Add a record as one whole line; it replaces what was said of the same question about another picture of that name."""
        if self._file is None:
            raise LimnerError("records are added after begin")
        self._records[question(record)] = record
        self._file.write(to_line(record).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Write all in order."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._write()

    def _write(self) -> None:
        lines = [to_line(self.head), *map(to_line, self.records)]
        write_atomic(self.path, "".join(f"{line}\n" for line in lines).encode())


def question(record: Record) -> Question:
    """What was asked, by the picture's name alone."""
    place = (record.data, record.preparation, record.picture)
    return (*place, record.system, record.setting, record.words, record.seed)


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """The records in a folder, which is made if it is not there; nobody else may add any meanwhile. Raises LimnerError."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LimnerError(f"another run writes into {folder}") from error
        store = Store(folder / ROWS, *kept(folder / ROWS))
        try:
            yield store
        finally:
            store.close()
    finally:
        os.close(held)


def kept(path: Path) -> tuple[Head, list[Record]]:
    """What a file holds; nothing if there is none, or if it was cut off in its first line."""
    if not path.exists() or b"\n" not in path.read_bytes():
        return Head(), []
    return read(path)
