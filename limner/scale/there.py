"""What the tables in an output say is done: read from their footers, not from their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from limner.errors import LimnerError
from limner.extras import need
from limner.scale.place import EXTRA, Place

NOTE = b"limner.scale"
READERS = 16


@dataclass(frozen=True)
class There:
    """What tables in the output say. ids: of items that are done. mended: of items in parts that are to be made anew: their
    ids -> the part's name. done, failed: rows."""

    ids: frozenset[str] = frozenset()
    mended: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    done: int = 0
    failed: int = 0


def there(output: Place, folder: str = "", *, retry: bool = False) -> There:
    """What the tables in a folder of an output say. ``retry``: parts with failures are to be made anew. Raises LimnerError for
    a table that is none of ours."""
    names = [name for name in output.names(folder) if name.startswith("part-") and name.endswith(".parquet")]
    tables = [f"{folder}/{name}".lstrip("/") for name in names]
    ids: set[str] = set()
    mended: dict[str, str] = {}
    done = failed = 0
    with ThreadPoolExecutor(READERS) as pool:  # Footers are small and, in an object store, far.
        for name, note in zip(tables, pool.map(lambda name: noted(output, name), tables), strict=True):
            if retry and note.failed:
                mended |= dict.fromkeys(note.items, name.rpartition("part-")[2].removesuffix(".parquet"))
                continue
            ids.update(note.items)
            done, failed = done + note.done, failed + note.failed
    return There(frozenset(ids), mended, tuple(tables), done, failed)


@dataclass(frozen=True)
class Note:
    """What a table's footer says of it: the ids of its items, and how many rows are done and failed."""

    items: tuple[str, ...]
    done: int
    failed: int


def noted(output: Place, table: str) -> Note:
    try:
        with output.open(table) as stream:
            said = json.loads(need("pyarrow.parquet", extra=EXTRA).ParquetFile(stream).metadata.metadata[NOTE])
        return Note(tuple(said["items"]), int(said["done"]), int(said["failed"]))
    except (KeyError, TypeError, ValueError) as error:
        raise LimnerError(f"{output.url}/{table} is no table of limner scale: move it away") from error
