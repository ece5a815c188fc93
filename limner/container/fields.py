"""Fields of a limn-1 file as tables of names and widths, and the numbers that have no fixed width.

The tables below are the ones in ``spec/limn-1.md``; a test reads the text and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from limner.errors import EncodeError, InvalidFieldError, TruncatedError

VARINT_BYTES = 4
VARINT_END = 1 << 7 * VARINT_BYTES


@dataclass(frozen=True)
class Field:
    """Name ``bits`` bits of a big-endian group; the first field of a group has its highest bits."""

    name: str
    bits: int


HEAD = (Field("version", 2), Field("system", 3), Field("list", 1), Field("size class", 2))
LEAD = (Field("last", 1), Field("may-skip", 1), Field("reserved", 1), Field("kind", 5))
# Size class 3 is reserved.
SIZES = {
    0: (Field("width", 8), Field("height", 8)),
    1: (Field("width", 12), Field("height", 12)),
    2: (Field("width", 16), Field("height", 16)),
}


def group_bytes(fields: tuple[Field, ...]) -> int:
    """Return the length of a group of fields in bytes."""
    return sum(field.bits for field in fields) // 8


def join_fields(fields: tuple[Field, ...], values: Mapping[str, int]) -> bytes:
    """Write a group of fields, first field in the highest bits. Raises EncodeError for a value that does not fit."""
    number = 0
    for field in fields:
        value = values[field.name]
        if not 0 <= value < 1 << field.bits:
            raise EncodeError(f"{field.name} {value} does not fit in {field.bits} bits")
        number = number << field.bits | value
    return number.to_bytes(group_bytes(fields), "big")


def split_fields(fields: tuple[Field, ...], data: bytes) -> dict[str, int]:
    """Read a group of fields from exactly its own bytes: the inverse of `join_fields`."""
    number = int.from_bytes(data, "big")
    values = {}
    for field in reversed(fields):
        values[field.name] = number & (1 << field.bits) - 1
        number >>= field.bits
    return {field.name: values[field.name] for field in fields}


def take(data: bytes, offset: int, length: int, field: str) -> bytes:
    """Return ``length`` bytes from ``offset``. Raises TruncatedError, at the end of the data, where they are missing."""
    if offset + length > len(data):
        raise TruncatedError(f"the bytes end before the end of the {field}", offset=len(data), field=field)
    return data[offset : offset + length]


def write_varint(number: int) -> bytes:
    """Write 0..2**28-1 in the fewest groups of seven bits, lowest group first (LEB128). Raises EncodeError beyond."""
    if not 0 <= number < VARINT_END:
        raise EncodeError(f"{number} is not in 0..{VARINT_END - 1}")
    groups = bytearray()
    while number > 0x7F:
        groups.append(0x80 | number & 0x7F)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def read_varint(data: bytes, offset: int, field: str) -> tuple[int, int]:
    """Read a varint at ``offset``; return it and the offset behind it.

    Raises TruncatedError where the bytes end inside it, InvalidFieldError where it has more than four bytes or
    is not in its shortest form.
    """
    number = 0
    for index in range(VARINT_BYTES):
        byte = take(data, offset + index, 1, field)[0]
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            # An empty highest group says nothing: the same number has a shorter form.
            if byte == 0 and index > 0:
                raise InvalidFieldError("a number not in its shortest form", offset=offset, field=field)
            return number, offset + index + 1
    raise InvalidFieldError(f"a number of more than {VARINT_BYTES} bytes", offset=offset, field=field)
