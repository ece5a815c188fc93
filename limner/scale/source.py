"""What is to be done: pictures in a folder, shards of a WebDataset, tables with a column of pictures; listed, not yet read.

    url -> Place, the one file or all below the folder -> items: a folder's files first, then its folders, by name

A file is taken by its suffix, wherever it lies: pictures (or files of limner), ``.tar`` and ``.parquet`` may lie in one folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from limner.errors import LimnerError
from limner.extras import need
from limner.scale.place import EXTRA, Place

ROWS = "_rows"
"""A folder of an output of our own, whose tables only say what is in its shards or files."""
KNOWN = "_known.parquet"
SHARDS = (".tar", ".tar.gz", ".tgz")
TABLES = (".parquet",)
ID_LETTERS = 32
GLOB, BRACE = "*?[", "{"
# The first of these that a file system tells says whether a file is still the same.
STAMPS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "created")

Kind = Literal["file", "tar", "parquet"]


@dataclass(frozen=True)
class Item:
    """A file as it was listed. key: its name below the input. stamp: changes when the file does."""

    key: str
    size: int
    stamp: str

    @property
    def kind(self) -> Kind:
        low = self.key.lower()
        return "tar" if low.endswith(SHARDS) else "parquet" if low.endswith(TABLES) else "file"

    def identity(self, group: int = -1) -> str:
        """32 hex digits of all this; ``group``: of a table, which of its groups of rows."""
        named = b"\0".join(os.fsencode(part) for part in (self.key, str(self.size), self.stamp, str(group)))
        return hashlib.sha256(named).hexdigest()[:ID_LETTERS]


@dataclass(frozen=True)
class Source:
    """An input. url: a folder, a file, or names with ``*`` or ``{000..007}`` in them; here or anywhere that fsspec reaches.
    suffixes: of the files that are taken beside shards and tables."""

    url: str
    suffixes: frozenset[str]

    @property
    def place(self) -> Place:
        """The folder that keys are below. Raises LimnerError if there is no such input."""
        return self._resolved[0]

    def covers(self, other: Place) -> bool:
        """Whether another folder would be read with this one. Raises LimnerError if there is no such input."""
        place, name, _ = self._resolved
        return not name and place.holds(other)

    def items(self) -> Iterator[Item]:
        """List it, folder by folder. Raises LimnerError if it is not there, holds nothing, or cannot be listed."""
        count = 0
        try:
            for item in self._found():
                count += 1
                yield item
        except OSError as error:
            raise LimnerError(f"{self.url}: cannot be listed: {error.strerror or error}") from error
        if not count:
            raise LimnerError(f"{self.url}: no pictures, shards or tables: {' '.join(sorted(self.suffixes))} .tar .parquet")

    @cached_property
    def _resolved(self) -> tuple[Place, str, bool]:
        """The folder, the name or names in it that are asked for ("": all of it), and whether they are a pattern."""
        whole = Place(self.url)
        if whole.has(""):
            return (whole, "", False) if whole.files.isdir(whole.top) else (*_above(whole.url, wild=False), False)
        if not any(letter in whole.url for letter in GLOB + BRACE):
            raise LimnerError(f"{self.url}: no such file or folder")
        return (*_above(whole.url, wild=True), True)

    def _found(self) -> Iterator[Item]:
        place, name, pattern = self._resolved
        for path in _matching(place, name) if pattern else [place.path(name)]:
            entry = place.files.info(path)
            if entry["type"] == "directory":
                yield from self._below(place, path)
            else:
                yield _item(place, entry)

    def _below(self, place: Place, folder: str) -> Iterator[Item]:
        entries = sorted(place.files.ls(folder, detail=True), key=lambda entry: str(entry["name"]))
        for entry in entries:
            # What is neither may be a pipe, which would wait for ever; a link is opened as what it leads to.
            if (entry["type"] == "file" or entry.get("islink")) and self._taken(str(entry["name"])):
                yield _item(place, entry)
        for entry in entries:
            inner = str(entry["name"]).rstrip("/")
            if entry["type"] == "directory" and inner != folder.rstrip("/") and not inner.endswith(f"/{ROWS}"):
                yield from self._below(place, inner)

    def _taken(self, name: str) -> bool:
        return wanted(name, self.suffixes) or (name.lower().endswith((*SHARDS, *TABLES)) and not name.endswith(f"/{KNOWN}"))


def wanted(name: str, suffixes: Collection[str]) -> bool:
    return PurePosixPath(name).suffix.lower() in suffixes


def _above(url: str, *, wild: bool) -> tuple[Place, str]:
    """The folder above a name, or above the first name with a sign of patterns in it; and what is left."""
    scheme, mark, rest = url.rpartition("://")
    names = rest.split("/")
    cut = len(names) - 1
    if wild:
        cut = next(at for at, name in enumerate(names) if any(letter in name for letter in GLOB + BRACE))
    return Place(scheme + mark + "/".join(names[:cut]) or "/"), "/".join(names[cut:])


def _matching(place: Place, pattern: str) -> Iterator[str]:
    for name in need("braceexpand", extra=EXTRA).braceexpand(pattern) if BRACE in pattern else [pattern]:
        globbed = any(letter in name for letter in GLOB)
        yield from sorted(place.files.glob(place.path(name))) if globbed else [place.path(name)]


def _item(place: Place, entry: Mapping[str, object]) -> Item:
    key = str(entry["name"]).removeprefix(place.top.rstrip("/") + "/")
    stamp = next((str(entry[name]) for name in STAMPS if entry.get(name)), "")
    return Item(key, int(str(entry.get("size") or 0)), stamp)
