"""What became of a picture, and the columns of the tables that say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from limner.container.blob import unpack
from limner.container.explain import explain
from limner.errors import LimnerError
from limner.scale.place import arrow

if TYPE_CHECKING:
    import pyarrow

HEADER = "header"
Payload = bytes


@dataclass(frozen=True)
class Share:
    """What a layer takes of a file. kind: its number in the format, 0 for the header and all that is in no body. bytes: with
    the length and kind that stand before it."""

    kind: int
    name: str
    bytes: int


@dataclass(frozen=True)
class Where:
    """Where a payload lies that is not in the table: a file in the output, and from which byte on."""

    file: str
    offset: int = 0


@dataclass(frozen=True)
class Row:
    """A picture that is done, or why it is not.

    path: its name in the input. sha256: of the bytes that were read, in hex. payload: the file of limner (encode, bench) or the
    painted picture's file (decode). bytes, bpp, system, layers: of the file of limner. seconds: from bytes to payload. figures:
    what else was measured, by name. where, length: of the payload, once it is written. taken: over from a row of the same
    content; no table says so. Raises LimnerError if it is neither done nor failed, or if the shares do not add up.
    """

    path: str
    status: Literal["done", "failed"]
    sha256: str | None = None
    source_bytes: int | None = None
    width_px: int | None = None
    height_px: int | None = None
    bytes: int | None = None
    bpp: float | None = None
    system: str | None = None
    layers: tuple[Share, ...] = ()
    seconds: float = 0.0
    figures: Mapping[str, float | None] = field(default_factory=dict)
    error: str | None = None
    message: str | None = None
    payload: Payload | None = None
    where: Where | None = None
    length: int | None = None
    taken: bool = False

    def __post_init__(self) -> None:
        good = self.sha256 is not None and self.bytes is not None
        if (self.status == "done") != (good and self.error is None):
            raise LimnerError(f"{self.path}: a row is of a picture that is done, or says why it is not")
        if self.layers and sum(share.bytes for share in self.layers) != self.bytes:
            raise LimnerError(f"{self.path}: the shares of the layers do not add up to the file")


def shares(blob: bytes, max_pixels: int) -> tuple[Share, ...]:
    """Who owns the bytes of a file: the header first, then the layers in their order. Raises DecodeError."""
    kinds = [layer.kind for layer in unpack(blob, max_pixels=max_pixels).layers]
    found: dict[str, int] = {}
    for row in explain(blob, max_pixels=max_pixels).rows:
        found[row.owner] = found.get(row.owner, 0) + row.length
    return tuple(_share(owner, length, kinds) for owner, length in found.items())


def _share(owner: str, length: int, kinds: Sequence[int]) -> Share:
    if owner == HEADER:
        return Share(0, HEADER, length)
    _, number, name = owner.split(" ", 2)
    return Share(kinds[int(number) - 1], name, length)


@dataclass(frozen=True)
class Columns:
    """The columns of a table. payload: the name of its column, None where payloads lie in files. figures: numbers by name."""

    payload: str | None
    figures: tuple[str, ...] = ()

    def schema(self) -> pyarrow.Schema:
        pa = arrow()
        share = pa.struct([("kind", pa.int32()), ("name", pa.string()), ("bytes", pa.int64())])
        fields = [
            ("path", pa.string()),
            ("sha256", pa.string()),
            ("source_bytes", pa.int64()),
            ("width_px", pa.int32()),
            ("height_px", pa.int32()),
            ("bytes", pa.int64()),
            ("bpp", pa.float64()),
            ("system", pa.string()),
            ("layers", pa.list_(share)),
            ("seconds", pa.float64()),
            *((name, pa.float64()) for name in self.figures),
            ("status", pa.string()),
            ("error", pa.string()),
            ("message", pa.string()),
        ]
        held = [(self.payload, pa.binary())] if self.payload else [("file", pa.string()), ("offset", pa.int64())]
        return pa.schema([*fields, *held, ("length", pa.int64())])

    def table(self, rows: Iterable[Row]) -> pyarrow.Table:
        return arrow().Table.from_pylist([self._cells(row) for row in rows], schema=self.schema())

    def _cells(self, row: Row) -> dict[str, object]:
        layers = [{"kind": share.kind, "name": share.name, "bytes": share.bytes} for share in row.layers]
        cells: dict[str, object] = {
            "path": row.path,
            "sha256": row.sha256,
            "source_bytes": row.source_bytes,
            "width_px": row.width_px,
            "height_px": row.height_px,
            "bytes": row.bytes,
            "bpp": row.bpp,
            "system": row.system,
            "layers": layers if row.status == "done" else None,
            "seconds": row.seconds,
            "status": row.status,
            "error": row.error,
            "message": row.message,
            "length": row.length,
        }
        cells |= {name: row.figures.get(name) for name in self.figures}
        if self.payload:
            return cells | {self.payload: row.payload}
        return cells | {"file": row.where and row.where.file, "offset": row.where and row.where.offset}

    def row(self, cells: Mapping[str, Any]) -> Row:
        """A row as it stands in a table: the inverse of ``table``."""
        where = None if self.payload or cells["file"] is None else Where(cells["file"], cells["offset"])
        return Row(
            path=cells["path"],
            status=cells["status"],
            sha256=cells["sha256"],
            source_bytes=cells["source_bytes"],
            width_px=cells["width_px"],
            height_px=cells["height_px"],
            bytes=cells["bytes"],
            bpp=cells["bpp"],
            system=cells["system"],
            layers=tuple(Share(share["kind"], share["name"], share["bytes"]) for share in cells["layers"] or ()),
            seconds=cells["seconds"],
            figures={name: cells[name] for name in self.figures},
            error=cells["error"],
            message=cells["message"],
            payload=cells[self.payload] if self.payload else None,
            where=where,
            length=cells["length"],
        )
