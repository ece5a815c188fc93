"""Rows of a part -> its table, and its payloads into that, into a shard beside it, or into files.

    parquet   part-<hash>.parquet with the payloads in it
    shards    part-<hash>.tar: <key>.limn and <key>.json for each picture; then _rows/part-<hash>.parquet
    files     pictures/<path>.png; then _rows/part-<hash>.parquet

The table comes last, whole or not at all: a part is done when it is there. Its footer holds the ids of the items.
"""

from __future__ import annotations

import errno
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from limner.errors import LimnerError
from limner.extras import need
from limner.scale.parts import Part
from limner.scale.place import EXTRA, Place
from limner.scale.rows import Columns, Row, Where
from limner.scale.source import ROWS
from limner.scale.there import NOTE
from limner.scale.verbs import failed

if TYPE_CHECKING:
    import pyarrow.parquet

FORMS = ("parquet", "shards", "files")
FLUSH_BYTES = 16 * 2**20
FLUSH_ROWS = 1024
FOLDER = "pictures"
UNUSABLE = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ)
"""That a file cannot have this name: one picture's fault, where others are the disk's."""
UNSAID = ("payload", "where", "taken")


@dataclass(frozen=True)
class Form:
    """How rows are kept. form: one of FORMS. payload: the name of its column. suffix: of its files. figures: of the rows."""

    form: str
    payload: str
    suffix: str
    figures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise LimnerError(f"rows are written as {', '.join(FORMS)}, not {self.form!r}")

    @property
    def columns(self) -> Columns:
        return Columns(self.payload if self.form == "parquet" else None, self.figures)

    @property
    def rows(self) -> str:
        """The folder of the tables."""
        return "" if self.form == "parquet" else ROWS

    def table(self, part: Part) -> str:
        return f"{self.rows}/{part.table}".lstrip("/")


@dataclass(frozen=True)
class Written:
    """Rows of a part that are done and failed, and the bytes of all that was written."""

    done: int
    failed: int
    bytes: int


def write(output: Place, part: Part, form: Form, rows: Iterable[Row]) -> Written:
    """Write a part's rows as they come. Raises OSError."""
    with ExitStack() as stack:
        path = stack.enter_context(output.writing(form.table(part)))
        columns = form.columns
        writer = stack.enter_context(_parquet().ParquetWriter(path, columns.schema(), compression="zstd"))
        table = _Table(writer, columns)
        with _holder(output, part, form) as hold:
            for row in rows:
                table.add(hold.put(row))
        table.flush()
        note = {"items": part.ids, "done": table.done, "failed": table.failed}
        writer.add_key_value_metadata({NOTE: json.dumps(note).encode()})
        writer.close()
        return Written(table.done, table.failed, path.stat().st_size + hold.written_bytes)


@dataclass
class _Table:
    """Rows on their way into a table, some at a time."""

    writer: pyarrow.parquet.ParquetWriter
    columns: Columns
    rows: list[Row] = field(default_factory=list)
    held_bytes: int = 0
    done: int = 0
    failed: int = 0

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.done += row.status == "done"
        self.failed += row.status == "failed"
        self.held_bytes += len(row.payload or b"")
        if self.held_bytes >= FLUSH_BYTES or len(self.rows) >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.rows:
            self.writer.write_table(self.columns.table(self.rows))
        self.rows, self.held_bytes = [], 0


class Holder(Protocol):
    """Puts payloads somewhere. written_bytes: so far, beside the table."""

    @property
    def written_bytes(self) -> int: ...

    def put(self, row: Row) -> Row: ...


@contextmanager
def _holder(output: Place, part: Part, form: Form) -> Iterator[Holder]:
    if form.form == "parquet":
        yield InTable()
    elif form.form == "files":
        yield InFiles(output, form.suffix)
    else:
        with output.writing(part.shard) as path, tarfile.open(path, "w") as tar:
            yield InShard(tar, part.shard, form.suffix)


@dataclass
class InTable:
    written_bytes: int = 0

    def put(self, row: Row) -> Row:
        return row if row.payload is None else replace(row, length=len(row.payload))


@dataclass
class InFiles:
    """Each payload in a file of its own, named by the picture's path with a suffix behind it."""

    output: Place
    suffix: str
    written_bytes: int = 0

    def put(self, row: Row) -> Row:
        if row.payload is None:
            return row
        name = f"{FOLDER}/{inside(row.path).removesuffix('.limn')}{self.suffix}"
        try:
            self.output.write(name, row.payload)
        except OSError as error:
            if error.errno not in UNUSABLE:
                raise
            return failed(row.path, error)
        self.written_bytes += len(row.payload)
        return replace(row, payload=None, where=Where(name), length=len(row.payload))


@dataclass
class InShard:
    """Each payload in a shard, with what is said of it in JSON beside it."""

    tar: tarfile.TarFile
    name: str
    suffix: str
    keys: set[str] = field(default_factory=set)

    @property
    def written_bytes(self) -> int:
        return self.tar.offset

    def put(self, row: Row) -> Row:
        if row.payload is None:
            return row
        key = sample_key(row.path, self.keys)
        self.keys.add(key)
        said = {name: value for name, value in asdict(replace(row, payload=None)).items() if name not in UNSAID}
        offset = self._add(f"{key}{self.suffix}", row.payload)
        self._add(f"{key}.json", json.dumps(said).encode())
        return replace(row, payload=None, where=Where(self.name, offset), length=len(row.payload))

    def _add(self, name: str, data: bytes) -> int:
        """Return from which byte of the shard on the data lie."""
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self.tar.addfile(member, io.BytesIO(data))
        return self.tar.offset - -(-len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def inside(path: str) -> str:
    """A path with nothing in it that leads out of a folder, or that a file's name cannot have."""
    names = [name for name in path.replace("\0", "_").split("/") if name not in ("", ".", "..")]
    return "/".join(names) or "_"


def sample_key(path: str, taken: Iterable[str] = ()) -> str:
    """The key of a picture's sample: its path without the suffix, or with it where the key is taken. No dot may be in the name
    of a key: a sample's key ends at the first. Signs that are not plain are spelled as in a URL."""
    whole = PurePosixPath(inside(path))
    above = "".join(f"{quote(name)}/" for name in whole.parts[:-1])
    short, full = (above + quote(name).replace(".", "%2E") for name in (whole.stem, whole.name))
    key, more = short if short not in taken else full, 1
    while key in taken:
        more += 1
        key = f"{full}-{more}"
    return key


def payload_of(output: Place, row: Row) -> bytes | None:
    """A row's payload, wherever it lies. Raises OSError."""
    if row.where is None or row.length is None:
        return row.payload
    return output.read(row.where.file, row.where.offset, row.where.offset + row.length)


def _parquet() -> pyarrow.parquet:
    return need("pyarrow.parquet", extra=EXTRA)
