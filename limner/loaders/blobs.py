"""Blobs in any order, by number: files, the samples of shards, the rows of tables.

    url --list--> tables, if there are some: blobs in a column, or in the shards and files beside, which are then not listed
              \\-> else files .limn, then shards
"""

from __future__ import annotations

import tarfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol

from limner.errors import LimnerError, one_line
from limner.loaders.table import Table
from limner.scale.place import Place
from limner.scale.source import Item, Source

SUFFIX = ".limn"

Urls = str | Path | Sequence[str | Path]


class Blobs(Protocol):
    """What can be read by number, 0 to its length. Can be pickled."""

    def __len__(self) -> int: ...

    def read(self, number: int) -> tuple[str, bytes]:
        """A name and a blob. Raises LimnerError if it cannot be read."""
        ...


@dataclass(frozen=True)
class Files:
    """Each blob is a file of a folder."""

    place: Place
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, number: int) -> tuple[str, bytes]:
        return self.keys[number], bytes_of(self.place, self.keys[number])


@dataclass(frozen=True)
class Member:
    """A file in a tar file: where its bytes begin, and how many they are."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Shard:
    """A tar file without compression; it is gone through once, and then read by place."""

    place: Place
    key: str
    members: tuple[Member, ...]

    def __len__(self) -> int:
        return len(self.members)

    def read(self, number: int) -> tuple[str, bytes]:
        member = self.members[number]
        return member.name, bytes_of(self.place, self.key, member.offset, member.offset + member.size)


@dataclass(frozen=True)
class Joined:
    """Several, one behind the other."""

    parts: tuple[Blobs, ...]

    @cached_property
    def ends(self) -> list[int]:
        return list(accumulate(len(part) for part in self.parts))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def read(self, number: int) -> tuple[str, bytes]:
        at = bisect_right(self.ends, number)
        return self.parts[at].read(number - (self.ends[at - 1] if at else 0))


def opened(urls: Urls, column: str = "blob") -> Blobs:
    """List what lies at one or several places. ``urls``: folders, files .limn, .tar and .parquet, here or anywhere that fsspec
    reaches, with ``*`` or ``{000..007}`` in their names if wanted. ``column``: of tables. Raises LimnerError if nothing is
    there, or what is there cannot be listed."""
    several = [urls] if isinstance(urls, str | Path) else urls
    found = Joined(tuple(part for url in several for part in parts_of(str(url), column)))
    if not len(found):
        raise LimnerError(f"{', '.join(str(url) for url in several)}: no blobs in there")
    return found


def parts_of(url: str, column: str) -> Iterator[Blobs]:
    source = Source(url, frozenset({SUFFIX}))
    items: dict[str, list[Item]] = {"parquet": [], "file": [], "tar": []}
    for item in source.items():
        items[item.kind].append(item)
    if items["parquet"]:
        yield from (Table(source.place, item.key, column) for item in items["parquet"])
        return
    if items["file"]:
        yield Files(source.place, tuple(item.key for item in items["file"]))
    yield from (shard(source.place, item.key) for item in items["tar"])


def shard(place: Place, key: str) -> Shard:
    """Go through a tar file. Raises LimnerError if it is none, breaks off or is compressed."""
    try:
        with place.open(key) as stream:
            return Shard(place, key, tuple(members(stream)))
    except (OSError, ValueError, EOFError, tarfile.TarError) as error:
        message = f"{key}: cannot be read as a tar file without compression, whose samples can be read in any order"
        raise LimnerError(f"{message}: {one_line(error)}") from error


def members(stream: BinaryIO) -> Iterator[Member]:
    end = stream.seek(0, 2)
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        for entry in tar:
            if entry.isreg() and entry.name.lower().endswith(SUFFIX):
                if entry.offset_data + entry.size > end:
                    raise tarfile.ReadError(f"it breaks off in {entry.name}")
                yield Member(entry.name, entry.offset_data, entry.size)


def bytes_of(place: Place, key: str, start: int | None = None, end: int | None = None) -> bytes:
    try:
        return place.read(key, start, end)
    except OSError as error:
        raise LimnerError(f"{key}: cannot be read: {one_line(error)}") from error
