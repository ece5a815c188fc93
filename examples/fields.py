"""The little of Protocol Buffers that an adapter needs. Source: Protocol Buffers, Encoding.

    {number: value} --field, fixed--> bytes of a message --Fields--> number(3), bytes(2), inner(4)
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
LENGTHS = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
LONGEST_VARINT_BYTES = 10


def varint(number: int) -> bytes:
    """Write a number, seven bits a byte, lowest first."""
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    """Write a field: bytes (a message within is bytes too), or a number as a varint."""
    if isinstance(value, bytes):
        return varint(number << 3 | BYTES) + varint(len(value)) + value
    return varint(number << 3 | VARINT) + varint(value)


def fixed(number: int, value: int) -> bytes:
    """Write a field of type fixed32."""
    return varint(number << 3 | FOUR_BYTES) + value.to_bytes(4, "little")


class Fields:
    """A message, read. What is not there is 0 or empty; from where it makes no sense, nothing is there."""

    def __init__(self, message: bytes) -> None:
        self._found: dict[int, int | bytes] = dict(_read(message))

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def number(self, number: int) -> int:
        value = self._found.get(number, 0)
        return value if isinstance(value, int) else 0

    def bytes(self, number: int) -> bytes:
        value = self._found.get(number, b"")
        return value if isinstance(value, bytes) else b""

    def inner(self, number: int) -> Fields:
        return Fields(self.bytes(number))


def _read(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield fields in their order, up to the first that is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        value, at = (LENGTHS[kind], at) if kind in LENGTHS else _varint(message, at)
        if kind == VARINT:
            if at <= len(message):
                yield key >> 3, value
            continue
        data, at = message[at : at + value], at + value
        if kind not in (BYTES, *LENGTHS) or at > len(message):
            return
        yield key >> 3, data if kind == BYTES else int.from_bytes(data, "little")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number, and where it ends: behind the message if it does not."""
    value = 0
    for shift, byte in enumerate(message[at : at + LONGEST_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    return 0, len(message) + 1
