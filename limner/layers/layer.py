"""What a layer is.

A layer is what is sent: integers and text, nothing lossy left to do. Each kind is one short file with a frozen dataclass
that checks itself, and up to four functions of the same names:

    fit(...)          -> layer    from what was understood of the picture; the only lossy one
    write(layer)      -> body     bytes
    read(body, ...)   -> layer    DecodeError for any body that ``write`` does not produce; offsets count from the body's start
    expand(layer,...) -> what a painter is given

Law: ``read(write(layer), ...) == layer``, and ``write(read(body, ...)) == body``. What a body does not hold (the size of the
picture) is handed to ``read``. Kind numbers belong to the container; coding numbers inside a body to the layer.
"""

from __future__ import annotations

from typing import Protocol

from limner.errors import DamagedError, TruncatedError

MOST_CELLS = 1 << 17
"""Limit of the format: cells of all masks and the sketch of a file together (about a third of a second to read)."""


class Layer(Protocol):
    """What every layer has: equality by value."""

    def __eq__(self, other: object, /) -> bool: ...


def put_varint(number: int) -> bytes:
    """Write a number >= 0 in groups of seven bits, the lowest first; the top bit of a byte says that another follows."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def take_varint(body: bytes, start: int, bits: int, field: str) -> tuple[int, int]:
    """Read a number of at most ``bits`` bits at ``start``; give it and the place behind it.

    Raises TruncatedError at the end of the body, DamagedError for a longer form than needed or a larger number.
    """
    number, at = 0, start
    while True:
        if at >= len(body):
            raise TruncatedError("the number goes on behind the end", offset=at, field=field)
        byte = body[at]
        number |= (byte & 0x7F) << 7 * (at - start)
        at += 1
        if number >> bits or (byte == 0 and at - start > 1) or (byte & 0x80 and 7 * (at - start) >= bits):
            raise DamagedError("the number is too large, or longer than it need be", offset=start, field=field)
        if byte < 0x80:
            return number, at
