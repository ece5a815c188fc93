"""A Parquet table whose rows hold blobs, or say where they lie: what `limner scale encode` writes, and the like of others.

    path, status, blob                    blobs in the table
    path, status, file, offset, length    blobs in shards or files beside it

``status`` need not be there; where it is, rows that are not "done" have no blob.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerError, one_line
from limner.extras import need
from limner.scale.place import Place
from limner.scale.readers import NAMES
from limner.scale.sink import inside
from limner.scale.source import ROWS

if TYPE_CHECKING:
    import pyarrow

EXTRA = "loaders"
BATCH_ROWS = 256
GROUPS = 8
"""So many groups of rows are kept in memory by what reads in any order."""
ELSEWHERE = ("file", "offset", "length")
SAID = ("status", "message")

Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """One table. column: that of the blobs."""

    place: Place
    key: str
    column: str = "blob"

    def __len__(self) -> int:
        return len(self.good)

    def read(self, number: int) -> tuple[str, bytes]:
        """The name and blob of the row of this number among those that have one. Raises LimnerError."""
        row = int(self.good[number])
        group = bisect_right(self.starts, row) - 1
        cells = {name: values[row - self.starts[group]].as_py() for name, values in group_of(self, group).items()}
        name = self.name(cells, row)
        return name, self.blob(cells, name)

    def rows(self, columns: Sequence[str] = ()) -> Iterator[tuple[str, Cells]]:
        """All rows in order with their names, and with the columns that are asked for beside those of the blob; some at a time
        are in memory."""
        asked = list(dict.fromkeys([*self.columns, *columns]))
        if strange := [name for name in asked if name not in self.names]:
            raise LimnerError(f"{self.key}: there is no column {', '.join(strange)} but {', '.join(self.names)}")
        number = 0
        with self.opened() as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=asked):
                for cells in batch.to_pylist():
                    yield self.name(cells, number), cells
                    number += 1

    def blob(self, cells: Cells, name: str) -> bytes:
        """The blob of a row that is called so. Raises LimnerError, with what the row says, if it has none."""
        if not self.is_good(cells):
            raise LimnerError(f"{name}: {cells.get('message') or 'there is no blob in this row'}")
        if self.column not in cells:
            return self._beside(cells, name)
        held = cells[self.column]
        held = held.get("bytes") if isinstance(held, dict) else held  # as ``datasets`` has pictures
        if not isinstance(held, bytes):
            raise LimnerError(f"{name}: there are no bytes in the column {self.column!r}")
        return held

    def _beside(self, cells: Cells, name: str) -> bytes:
        file, start, length = (cells[column] for column in ELSEWHERE)
        start = 0 if start is None else start
        whole = isinstance(file, str) and inside(file) == file and isinstance(start, int) and isinstance(length, int)
        if not whole or min(start, length) < 0:
            raise LimnerError(f"{name}: this says of no place beside the table where the blob lies")
        try:
            return self.base.read(file, start, start + length)
        except OSError as error:
            raise LimnerError(f"{name}: {file} cannot be read: {one_line(error)}") from error

    @cached_property
    def base(self) -> Place:
        """What files beside the table are below: its folder, or the one above if that is one for tables alone."""
        return Place(f"{self.place.url.rstrip('/')}/{self.key}".rpartition("/")[0].removesuffix(f"/{ROWS}"))

    def is_good(self, cells: Cells) -> bool:
        held = cells[self.column if self.column in cells else "file"]
        return held is not None and cells.get("status", "done") == "done"

    def name(self, cells: Cells, row: int) -> str:
        """What a row is called: by the first column that says so, else by its number."""
        said = next((cells[name] for name in NAMES if name in cells), None)
        return str(said) if said is not None else f"{self.key}#{row}"

    @cached_property
    def columns(self) -> list[str]:
        """Those that a blob is read by. LimnerError if there are none."""
        held = [self.column] if self.column in self.names else list(ELSEWHERE)
        if not set(held) <= set(self.names):
            raise LimnerError(f"{self.key}: there is no column {self.column!r} but {', '.join(self.names)}: say which")
        called = [name for name in NAMES if name in self.names][:1]
        return [*called, *(name for name in SAID if name in self.names), *held]

    @cached_property
    def names(self) -> list[str]:
        """The names of all columns."""
        with self.opened() as file:
            return list(file.schema_arrow.names)

    @cached_property
    def starts(self) -> list[int]:
        """The row that each group of rows begins with."""
        with self.opened() as file:
            footer = file.metadata
            return [0, *accumulate(footer.row_group(group).num_rows for group in range(footer.num_row_groups))]

    @cached_property
    def good(self) -> NDArray[np.int64]:
        """The rows that have a blob."""
        by = next(name for name in ("status", self.column, "file") if name in self.columns)
        with self.opened() as file:
            found = [self._has(batch.column(0)) for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=[by])]
        return np.flatnonzero(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def _has(self, values: pyarrow.Array) -> NDArray[np.bool_]:
        if "status" in self.columns:
            return np.array([value == "done" for value in values.to_pylist()], np.bool_)
        return np.asarray(values.is_valid())

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """pyarrow's face of it. What goes wrong while it is read is a LimnerError."""
        parquet = need("pyarrow.parquet", extra=EXTRA)
        try:
            with self.place.open(self.key) as stream:
                yield parquet.ParquetFile(stream)
        except LimnerError:
            raise
        except (OSError, ValueError) as error:  # all of pyarrow's are one of these
            raise LimnerError(f"{self.key}: cannot be read as a table: {one_line(error)}") from error


@lru_cache(maxsize=GROUPS)
def group_of(table: Table, group: int) -> dict[str, pyarrow.ChunkedArray]:
    with table.opened() as file:
        read = file.read_row_group(group, columns=table.columns)
    return {name: read.column(name) for name in table.columns}
