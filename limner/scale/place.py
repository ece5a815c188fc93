"""Folders, here or in an object store: one face over fsspec."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from limner.errors import LimnerError, one_line
from limner.extras import need

if TYPE_CHECKING:
    from types import ModuleType

EXTRA = "ray"


class Files(Protocol):
    """What is used of a file system of fsspec."""

    def ls(self, path: str, detail: bool) -> list[dict[str, Any]]: ...
    def info(self, path: str) -> dict[str, Any]: ...
    def exists(self, path: str) -> bool: ...
    def isdir(self, path: str) -> bool: ...
    def glob(self, path: str) -> list[str]: ...
    def open(self, path: str, mode: str) -> BinaryIO: ...
    def makedirs(self, path: str, exist_ok: bool) -> None: ...
    def put_file(self, lpath: str, rpath: str) -> None: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def cat_file(self, path: str, start: int | None, end: int | None) -> bytes: ...
    def rm_file(self, path: str) -> None: ...
    def invalidate_cache(self) -> None: ...


@dataclass(frozen=True)
class Place:
    """A folder by its path or URL (``s3://bucket/pictures``). Names in it are relative and have slashes. mark: in the names of
    files that are not whole yet, so that they can be told from those of other runs.

    Raises LimnerError for a URL whose kind is not known, or whose package is not installed.
    """

    url: str
    mark: str = ""

    def __post_init__(self) -> None:
        if not self.url:
            raise LimnerError("a folder without a name")
        if "://" not in self.url:
            object.__setattr__(self, "url", os.path.abspath(self.url))

    @cached_property
    def _opened(self) -> tuple[Files, str]:
        core = need("fsspec.core", extra=EXTRA)
        try:
            files, top = core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise LimnerError(f"{self.url}: {one_line(error)}") from error
        return cast(Files, files), str(top).rstrip("/") if str(top) != "/" else "/"

    @property
    def files(self) -> Files:
        return self._opened[0]

    @property
    def top(self) -> str:
        """The folder as its file system calls it."""
        return self._opened[1]

    @property
    def local(self) -> bool:
        return "://" not in self.url or self.url.startswith(("file://", "local://"))

    def holds(self, other: Place) -> bool:
        """Whether another folder is this one or in it."""
        return (other.url + "/").startswith(self.url.rstrip("/") + "/")

    def path(self, name: str) -> str:
        return f"{self.top.rstrip('/')}/{name}" if name else self.top

    def has(self, name: str) -> bool:
        return self.files.exists(self.path(name))

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        """The bytes of a file, or those from ``start`` to ``end``. Raises OSError."""
        return self.files.cat_file(self.path(name), start, end)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file to be read. Raises OSError."""
        with self.files.open(self.path(name), "rb") as stream:
            yield stream

    def names(self, folder: str = "") -> list[str]:
        """The files at the top of a folder, sorted; nothing if there is no such folder."""
        self.files.invalidate_cache()
        if not self.has(folder):
            return []
        found = (entry for entry in self.files.ls(self.path(folder), detail=True) if entry["type"] != "directory")
        return sorted(str(entry["name"]).rpartition("/")[2] for entry in found)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file whole or not at all, with the folders above it. Raises OSError."""
        path = self.path(name)
        if self.local:
            from limner.atomic import write_atomic

            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, data)
        else:
            # Stores put an object in place whole; in others no reader looks for what is not in a table yet.
            self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self.files.pipe_file(path, data)

    def remove(self, name: str) -> None:
        """Remove a file; it need not be there."""
        with suppress(FileNotFoundError):
            self.files.rm_file(self.path(name))

    def sweep(self, folder: str = "") -> None:
        """Remove what workers of this run who were killed have left in a folder. On this machine only: a store has no such."""
        for path in Path(self.path(folder)).glob(f".*.{self.mark}-*") if self.local and self.mark else ():
            path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path on this machine to write to; at the end of the block the file is put in place, whole, and not if it raises.

        What others who were killed left of the same name is removed. Raises OSError.
        """
        if self.local:
            with _beside(Path(self.path(name)), self.mark) as path:
                yield path
            return
        with TemporaryDirectory(prefix="limner-") as folder:
            path = Path(folder) / "part"
            yield path
            target = self.path(name)
            self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(path), target)


@contextmanager
def _beside(target: Path, mark: str) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}.{mark}-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        yield path
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(path, target)
        for left in target.parent.glob(f".{target.name}.*"):
            left.unlink(missing_ok=True)
    finally:
        path.unlink(missing_ok=True)


def arrow() -> ModuleType:
    """pyarrow with its Parquet part."""
    need("pyarrow.parquet", extra=EXTRA)
    return need("pyarrow", extra=EXTRA)
