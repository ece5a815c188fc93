"""The pictures of a part, one after the other, as bytes: from files, from a shard, from rows of a table.

What cannot be read is a picture with a fault in place of its bytes: it becomes a row that says so.
"""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from limner.errors import LimnerError, one_line
from limner.extras import need
from limner.scale.parts import Part
from limner.scale.place import EXTRA, Place
from limner.scale.source import Kind, wanted

MOST_BYTES = 2**30
"""Of one picture's file."""
BATCH_ROWS = 16
DRAINED_BYTES = 2**20
BREAKS = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError)
NAMES = ("path", "__key__", "key", "name")
"""Columns that say what a picture is called, the first that is there."""


@dataclass(frozen=True)
class Read:
    """A picture's name and bytes, or why there are none."""

    path: str
    data: bytes = b""
    fault: Exception | None = None


@dataclass(frozen=True)
class Reader:
    """column: of tables, that with the pictures: bytes, or the struct {bytes, path} of ``datasets``. suffixes: of the files."""

    place: Place
    suffixes: frozenset[str]
    column: str

    def read(self, part: Part) -> Iterator[Read]:
        readers: dict[Kind, Callable[[Part], Iterator[Read]]] = {"file": self._files, "tar": self._tar, "parquet": self._table}
        yield from readers[part.kind](part)

    def _files(self, part: Part) -> Iterator[Read]:
        for item in part.items:
            name = printable(item.key)
            try:
                with self.place.open(item.key) as stream:
                    yield Read(name, _at_most(stream))
            except (OSError, LimnerError) as error:
                yield Read(name, fault=error)

    def _tar(self, part: Part) -> Iterator[Read]:
        shard, size = part.items[0].key, part.items[0].size
        try:
            with self.place.open(shard) as raw, _unpacked(raw, shard) as stream:
                with tarfile.open(fileobj=stream, mode="r|*") as tar:
                    yield from _members(tar, self.suffixes)
                while stream.read(DRAINED_BYTES):  # the check of a compressed one is at its end
                    pass
            # One that is cut between two files reads like a whole one, but for the zeros at its end.
            if shard.lower().endswith(".tar") and any(self.place.read(shard, max(0, size - tarfile.BLOCKSIZE), size)):
                raise EOFError("it has no mark at its end")
        except BREAKS as error:
            yield Read(printable(shard), fault=LimnerError(f"the shard breaks off: {one_line(error)}"))

    def _table(self, part: Part) -> Iterator[Read]:
        item = part.items[0]
        name = f"{printable(item.key)}#{part.group}"
        try:
            with self.place.open(item.key) as stream:
                yield from self._rows(need("pyarrow.parquet", extra=EXTRA).ParquetFile(stream), name, part.group)
        except (OSError, ValueError) as error:  # LimnerError and all of pyarrow's are one of these
            yield Read(name, fault=error if isinstance(error, LimnerError) else LimnerError(one_line(error)))

    def _rows(self, file: Any, name: str, group: int) -> Iterator[Read]:
        columns = file.schema_arrow.names
        if self.column not in columns:
            raise LimnerError(f"there is no column {self.column!r} but {', '.join(columns)}: say which by --column")
        called = next((column for column in NAMES if column in columns), None)
        asked = [self.column, *([called] if called else [])]
        number = 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], columns=asked):
            for cells in batch.to_pylist():
                yield _cell(cells[self.column], cells[called] if called else None, f"{name}/{number}")
                number += 1


def _unpacked(stream: BinaryIO, name: str) -> BinaryIO:
    """tarfile would unpack it too, but look at no check."""
    return stream if name.lower().endswith(".tar") else cast(BinaryIO, gzip.GzipFile(fileobj=stream))


def _members(tar: tarfile.TarFile, suffixes: Collection[str]) -> Iterator[Read]:
    for member in tar:
        vars(tar)["members"].clear()  # it would keep them all
        if not member.isfile() or not wanted(member.name, suffixes):
            continue
        if member.size > MOST_BYTES:
            yield Read(printable(member.name), fault=_too_large())
            continue
        stream = tar.extractfile(member)
        assert stream is not None
        data = stream.read()
        if len(data) < member.size:
            raise EOFError(f"in {member.name}")
        yield Read(printable(member.name), data)


def _cell(value: object, called: object, place: str) -> Read:
    if isinstance(value, dict) and "bytes" in value:
        called, value = value.get("path") or called, value["bytes"]
    name = printable(called) if isinstance(called, str) and called else place
    if value is None:
        return Read(name, fault=LimnerError("there is nothing in the row"))
    if not isinstance(value, bytes):
        return Read(name, fault=LimnerError(f"the column holds no bytes but {type(value).__name__}"))
    return Read(name, value) if len(value) <= MOST_BYTES else Read(name, fault=_too_large())


def _at_most(stream: BinaryIO) -> bytes:
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _too_large()
    return data


def _too_large() -> LimnerError:
    return LimnerError(f"more than {MOST_BYTES} bytes")


def printable(name: str) -> str:
    """A name that is text, and in one line: bytes that are no UTF-8 and signs that steer a terminal are spelled."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)
