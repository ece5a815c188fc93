"""Content that is done already: by the hash of a picture, in which table and row it stands.

    tables in the output --driver--> _known.parquet, sorted --each worker, once--> three arrays, 16 bytes a picture

It is written when a run begins and holds what was there then. A row is believed only if the whole hash in it agrees.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerError
from limner.extras import need
from limner.scale.place import EXTRA, Place, arrow
from limner.scale.rows import Columns, Row
from limner.scale.sink import payload_of
from limner.scale.source import KNOWN

if TYPE_CHECKING:
    import pyarrow.parquet

TABLES = b"tables"


@dataclass(frozen=True)
class Known:
    """keys: the first 8 bytes of hashes, sorted (n) uint64. table, row: (n) uint32 of where each stands."""

    output: Place
    columns: Columns
    tables: tuple[str, ...] = ()
    keys: NDArray[np.uint64] | None = None
    table: NDArray[np.uint32] | None = None
    row: NDArray[np.uint32] | None = None

    def find(self, path: str, sha256: str) -> Row | None:
        """The row of this content under another path, with its payload; None if there is none, or not any more."""
        if self.keys is None or self.table is None or self.row is None:
            return None
        key = np.uint64(_key(sha256))
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key:
            return None
        try:
            found = self._read(self.tables[int(self.table[at])], int(self.row[at]))
            if found is None or found.sha256 != sha256 or found.status != "done":
                return None
            payload = payload_of(self.output, found)
        except (OSError, ValueError, LimnerError):
            return None
        return replace(found, path=path, payload=payload, where=None, seconds=0.0)

    def _read(self, table: str, row: int) -> Row | None:
        with self.output.open(table) as stream:
            file = need("pyarrow.parquet", extra=EXTRA).ParquetFile(stream)
            for group in range(file.metadata.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                if row < count:
                    return self.columns.row(file.read_row_group(group).slice(row, 1).to_pylist()[0])
                row -= count
        return None


def _key(sha256: str) -> int:
    return int(sha256[:16], 16)


def write_known(output: Place, tables: tuple[str, ...]) -> None:
    """Gather the hashes of all rows that are done and put them into a file for the workers. Raises OSError."""
    pa, parquet = arrow(), need("pyarrow.parquet", extra=EXTRA)
    found = [_hashes(output, name) for name in tables]
    keys = np.concatenate([np.empty(0, np.uint64), *(keys for keys, _ in found)])
    rows = np.concatenate([np.empty(0, np.uint32), *(rows for _, rows in found)])
    numbers = np.repeat(np.arange(len(tables), dtype=np.uint32), [len(keys) for keys, _ in found])
    order = np.argsort(keys, kind="stable")
    columns = {"key": keys[order], "table": numbers[order], "row": rows[order]}
    table = pa.table(columns).replace_schema_metadata({TABLES: json.dumps(tables).encode()})
    with output.writing(KNOWN) as path:
        parquet.write_table(table, path, compression="zstd")


def _hashes(output: Place, table: str) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    with output.open(table) as stream:
        read = need("pyarrow.parquet", extra=EXTRA).read_table(stream, columns=["sha256", "status"])
    pairs = zip(read["sha256"].to_pylist(), read["status"].to_pylist(), strict=True)
    good = [(_key(sha256), row) for row, (sha256, status) in enumerate(pairs) if status == "done"]
    return np.array([key for key, _ in good], np.uint64), np.array([row for _, row in good], np.uint32)


def read_known(output: Place, columns: Columns) -> Known:
    """What the driver has written; nothing is known if it has not."""
    if not output.has(KNOWN):
        return Known(output, columns)
    with output.open(KNOWN) as stream:
        table: pyarrow.Table = need("pyarrow.parquet", extra=EXTRA).read_table(stream)
    arrays = (table[name].to_numpy() for name in ("key", "table", "row"))
    return Known(output, columns, tuple(json.loads(table.schema.metadata[TABLES])), *arrays)
