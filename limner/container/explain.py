"""Name the owner of every byte of a file. Needs no model and no weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from limner.container.blob import KINDS, MAX_PIXELS, SYSTEMS, Blob, Part, is_bare, parts, unpack
from limner.container.fields import HEAD, LEAD, Field, split_fields
from limner.errors import LimnerError

_RAW_UTF8 = 0


@dataclass(frozen=True)
class Row:
    """Describe one stretch of a file: ``offset`` and ``length`` in bytes, owner, field, value, share of the file in percent."""

    offset: int
    length: int
    owner: str
    field: str
    value: str
    share_percent: float


@dataclass(frozen=True)
class Report:
    """Say what a file holds, byte by byte. Raises LimnerError unless the rows lie end to end and add up to the file.

    ``str()`` prints a table; ``to_json()`` gives the same as text for programs.
    """

    system: str
    width_px: int
    height_px: int
    size_bytes: int
    bare: bool
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        offset = 0
        for row in self.rows:
            if row.offset != offset or row.length < 0:
                raise LimnerError(f"the rows of the report do not meet at byte {offset}")
            offset += row.length
        if offset != self.size_bytes:
            raise LimnerError(f"the rows of the report add up to {offset} of {self.size_bytes} bytes")

    @property
    def bpp(self) -> float:
        """Return the rate: 8 * bytes of the file / pixels of the picture."""
        return 8 * self.size_bytes / (self.width_px * self.height_px)

    def to_json(self) -> str:
        """Return the report as a JSON object, rows included."""
        return json.dumps({**asdict(self), "bpp": self.bpp}, ensure_ascii=False, indent=1)

    def __str__(self) -> str:
        form = "bare, " if self.bare else ""
        title = f"{self.system}, {self.width_px} x {self.height_px} px, {form}{self.size_bytes} bytes, {self.bpp:.4f} bpp"
        head = ("offset", "length", "share", "owner", "field", "value")
        return "\n".join([title, *_aligned([head, *(_cells(row) for row in self.rows)])])


def explain(
    data: bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    describe_body: Mapping[int, Callable[[bytes], str]] | None = None,
) -> Report:
    """Read a file, full or bare, and name the owner of every byte.

    ``describe_body``: for a layer kind, what to say of a body in one line; it must not raise, whatever the bytes.
    Words are shown without it. Raises DecodeError as `unpack` does.
    """
    blob = unpack(data, max_pixels=max_pixels)
    bare = is_bare(data)
    found = parts(blob, bare=bare)
    # The rows come from the writer: they describe this file only if it writes the very same bytes.
    if b"".join(part.data for part in found) != data:
        raise LimnerError("the file is not the one its writer would write")
    describers = {2: describe_text, **(describe_body or {})}
    rows, offset = [], 0
    for part in found:
        size = len(part.data)
        row = Row(offset, size, _owner(part, blob), part.field, _value(part, blob, describers), 100 * size / len(data))
        rows.append(row)
        offset += size
    return Report(SYSTEMS[blob.system], blob.width_px, blob.height_px, len(data), bare, tuple(rows))


def describe_text(body: bytes, modelled: str | None = None) -> str:
    """Show the words of a text body, with anything that could disturb a terminal escaped; ``modelled``: what a model read."""
    if not body:
        return "no coding number"
    if body[0] != _RAW_UTF8 and modelled is None:
        return f"words in coding {body[0]}, {len(body) - 1} bytes"
    words = body[1:].decode("utf-8", errors="backslashreplace") if modelled is None else modelled
    # Line ends, escapes and direction marks would let the words draw over the table.
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in words)
    return f'"{shown}"'


def _owner(part: Part, blob: Blob) -> str:
    if part.layer is None:
        return "header"
    return f"layer {part.layer + 1} {_kind_name(blob.layers[part.layer].kind)}"


def _kind_name(kind: int) -> str:
    return KINDS.get(kind, "unknown")


def _value(part: Part, blob: Blob, describers: Mapping[int, Callable[[bytes], str]]) -> str:
    match part.field:
        case "head":
            return f"{_listing(HEAD, part.data)} ({SYSTEMS[blob.system]})"
        case "size":
            return f"{blob.width_px} x {blob.height_px} px"
        case "lead":
            return f"{_listing(LEAD, part.data)} ({_kind_name(part.data[0] & 0x1F)})"
        case "length" if part.layer is not None:
            return f"{len(blob.layers[part.layer].body)} bytes"
        case "body" if part.layer is not None:
            describe = describers.get(blob.layers[part.layer].kind)
            return describe(part.data) if describe else f"{len(part.data)} bytes"
        case _:
            return part.data.hex(" ")


def _listing(fields: tuple[Field, ...], data: bytes) -> str:
    return ", ".join(f"{name} {value}" for name, value in split_fields(fields, data).items())


def _cells(row: Row) -> tuple[str, ...]:
    return (str(row.offset), str(row.length), f"{row.share_percent:.1f} %", row.owner, row.field, row.value)


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    """Pad columns: the first three are numbers and stand right; the last is as wide as it likes."""
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]) - 1)]
    lines = []
    for cells in table:
        numbers = [cell.rjust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
        words = [cell.ljust(width) for cell, width in zip(cells[3:-1], widths[3:], strict=True)]
        lines.append("  ".join([*numbers, *words, cells[-1]]).rstrip())
    return lines
