"""Rows of Parquet, one after the other: blobs, or the pictures that they are of. Some rows at a time are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from limner.errors import DecodeError, LimnerError
from limner.loaders.decoding import Decoding, Picture
from limner.loaders.table import Table
from limner.scale.place import Place
from limner.scale.source import ROWS, Source

Failures = Literal["skip", "raise"]


@dataclass(frozen=True)
class Row:
    """A blob and what it is called. more: the columns that were asked for."""

    path: str
    blob: bytes
    more: Mapping[str, object] = field(default_factory=dict)


def rows(
    urls: str | Path | Sequence[str | Path],
    *,
    column: str = "blob",
    columns: Sequence[str] = (),
    failures: Failures = "skip",
) -> Iterator[Row]:
    """Yield the rows of tables in order. ``urls``: files or folders, here or anywhere that fsspec reaches, ``*`` and
    ``{000..007}`` in their names as wanted. ``column``: of the blobs; ``columns``: what else is wanted of each row.
    ``failures``: what becomes of rows without a blob. Raises LimnerError: no tables there, no such column, or one that cannot
    be read.
    """
    for table in tables(urls, column):
        for name, cells in table.rows(columns):
            if failures == "raise" or table.is_good(cells):
                yield Row(name, table.blob(cells, name), {column: cells[column] for column in columns})


def pictures(
    urls: str | Path | Sequence[str | Path],
    decoding: Decoding | None = None,
    *,
    column: str = "blob",
    columns: Sequence[str] = (),
    failures: Failures = "skip",
) -> Iterator[tuple[Row, Picture]]:
    """Yield the rows of tables as `rows` does, each with its picture. ``failures``: also of blobs that are no whole files, or
    of weights that are not here. Raises what `rows` does, and MissingError and ImageError as `limner.decode` does."""
    decoding = decoding or Decoding()
    for row in rows(urls, column=column, columns=columns, failures=failures):
        try:
            picture = decoding(row.blob)
        except DecodeError as error:
            if failures == "raise":
                raise LimnerError(f"{row.path}: {error}") from error
            continue
        yield row, picture


def tables(urls: str | Path | Sequence[str | Path], column: str) -> Iterator[Table]:
    for url in [urls] if isinstance(urls, str | Path) else urls:
        # Of shards and files, tables have a folder of their own.
        apart = Place(str(url)).has(ROWS)
        source, found = Source(f"{url}/{ROWS}" if apart else str(url), frozenset()), 0
        for item in source.items():
            if item.kind == "parquet":
                found += 1
                yield Table(source.place, item.key, column)
        if not found:
            raise LimnerError(f"{url}: there is no table (.parquet) in there")
