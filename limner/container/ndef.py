"""A file as an NFC tag holds it: one NDEF record with a media type. Source: NFC Forum, NDEF 1.0 and Type 2 Tag 1.0.

    file --record--> message --tag--> bytes from page 4 of an NTAG213, 215, 216 on
"""

from __future__ import annotations

from limner.container.fields import take
from limner.errors import EncodeError, InvalidFieldError, NotLimnError, TrailingDataError

MEDIA_TYPE = b"image/x-limn"

# The only record of a message (begin, end), media type; SHORT where the length has one byte.
_ALONE, _SHORT, _LONG_PARTS = 0xC2, 0x10, 0x28
_MESSAGE, _END = 0x03, 0xFE
_LONG = 0xFF


def message(payload: bytes) -> bytes:
    """Return an NDEF message of one record of the media type image/x-limn. Raises EncodeError over 2**32 - 1 bytes."""
    if len(payload) >= 1 << 32:
        raise EncodeError("a record has less than 2**32 bytes")
    short = len(payload) < 256
    length = len(payload).to_bytes(1 if short else 4, "big")
    return bytes([_ALONE | short * _SHORT, len(MEDIA_TYPE)]) + length + MEDIA_TYPE + payload


def read_message(data: bytes) -> bytes:
    """Return the payload of such a message: the inverse of `message`. Raises DecodeError."""
    flags = take(data, 0, 1, "flags")[0]
    if flags & _LONG_PARTS or flags & ~_SHORT != _ALONE:
        raise InvalidFieldError("not a message of one record with a media type", offset=0, field="flags")
    type_length = take(data, 1, 1, "type length")[0]
    size = 1 if flags & _SHORT else 4
    length = int.from_bytes(take(data, 2, size, "payload length"), "big")
    if not flags & _SHORT and length < 256:
        raise InvalidFieldError("a length not in its shortest form", offset=2, field="payload length")
    kind = take(data, 2 + size, type_length, "type")
    if kind.lower() != MEDIA_TYPE:
        raise NotLimnError(f"a record of type {kind!r}", offset=2 + size, field="type")
    start = 2 + size + type_length
    payload = take(data, start, length, "payload")
    if len(data) > start + length:
        raise TrailingDataError("bytes behind the end", offset=start + length, field="end")
    return payload


def tag(content: bytes) -> bytes:
    """Return a message as a Type 2 tag holds it: its block, and the block that ends. Raises EncodeError over 65,534 bytes."""
    if len(content) >= 0xFFFF:
        raise EncodeError("a tag has less than 65,535 bytes")
    length = bytes([len(content)]) if len(content) < _LONG else bytes([_LONG]) + len(content).to_bytes(2, "big")
    return bytes([_MESSAGE]) + length + content + bytes([_END])


def tag_bytes(file_bytes: int) -> int:
    """Return how many bytes of a tag a file of that length takes."""
    return len(tag(message(bytes(file_bytes))))
