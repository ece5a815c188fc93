"""Packets of a picture: its file in pieces of at most what a link carries, and parity. Mirrors ``spec/packets-1.md``.

    file --cut--> pieces of data --interpolate--> pieces of parity
                        \\------------------------------/
                        head, sender, piece, check: packets

`limner.container.joiner` is the way back. The standard library is enough for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from limner.container.blob import MAGIC, MAX_SIDE_PX, is_bare, unpack
from limner.container.erasure import interpolate
from limner.container.fields import Field, group_bytes, join_fields, split_fields
from limner.errors import (
    DamagedError,
    EncodeError,
    InvalidFieldError,
    LimitError,
    NotLimnError,
    TruncatedError,
)

FORM = 3
HEAD = (Field("form", 2), Field("sender", 1), Field("count", 6), Field("index", 7))
CHECK_BYTES = 2
FRAME_BYTES = group_bytes(HEAD) + CHECK_BYTES
MAX_COUNT = 64
MAX_PARITY = 64
MAX_PACKET_BYTES = 4095
MAX_SENDER_CHARS = 15
NUMBERS = 1 << 12
MOST_PIXELS = MAX_SIDE_PX**2
"""Nothing is painted here: how large a picture may be is for its reader to say."""

_POLYNOMIAL = 0x8005
_CHECK_START = 0xFFFF
# What the check and the CRC differ by, beside the id. Never 0, so that zero bytes behind a packet change the id.
_CHECK_MARK = 0xF000
_LAST_CHAR = 0x80
_PAD_START = b"\x80"


@dataclass(frozen=True)
class PictureId:
    """Tell pictures apart: ``sender`` (ASCII; empty: none), ``number`` (0..4095, of the file's hash), ``count`` (data packets).

    Raises EncodeError for what a packet cannot carry.
    """

    sender: bytes
    number: int
    count: int

    def __post_init__(self) -> None:
        if not _may_send(self.sender):
            raise EncodeError(f"a sender has up to {MAX_SENDER_CHARS} visible characters of ASCII, not {self.sender!r}")
        if not 0 <= self.number < NUMBERS:
            raise EncodeError(f"a picture's number is 0..{NUMBERS - 1}, not {self.number}")
        if not 1 <= self.count <= MAX_COUNT:
            raise EncodeError(f"a picture has 1..{MAX_COUNT} packets of data, not {self.count}")

    def __str__(self) -> str:
        return f"{self.sender.decode('ascii')}:{self.number:03x}" if self.sender else f"{self.number:03x}"


@dataclass(frozen=True)
class Packet:
    """Hold what one packet says: of which picture, which of its packets (``index`` from ``count`` on: parity), the bytes.

    Raises EncodeError for what a packet cannot carry.
    """

    picture: PictureId
    index: int
    piece: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.picture.count + MAX_PARITY:
            raise EncodeError(f"packet {self.index} of {self.picture.count} and {MAX_PARITY} of parity")
        if not self.piece and not self.is_last:
            raise EncodeError("only the last piece of data may be empty")
        if FRAME_BYTES + len(self.picture.sender) + len(self.piece) > MAX_PACKET_BYTES:
            raise EncodeError(f"a packet of more than {MAX_PACKET_BYTES} bytes")

    @property
    def is_last(self) -> bool:
        """Tell whether this is the last packet of data, the one that is shorter."""
        return self.index == self.picture.count - 1


def make(blob: bytes, payload_bytes: int, parity: int = 0, sender: bytes = b"", *, wrap: bool = False) -> list[bytes]:
    """Cut a file into packets of at most ``payload_bytes`` bytes each.

    ``parity``: 0..64 more packets, so that any so many may be lost. ``sender``: up to 15 characters of ASCII in every packet.
    A file that fits into one packet is that packet, and with parity k it is there k more times; ``wrap`` gives it head and
    check all the same, for links that do not find damage. The magic is not sent. Raises DecodeError for what is no file,
    EncodeError for a payload too small.
    """
    file = bare(blob)
    if not 0 <= parity <= MAX_PARITY:
        raise EncodeError(f"parity is 0..{MAX_PARITY} packets, not {parity}")
    if len(file) <= payload_bytes and not sender and not wrap:
        return [file] * (1 + parity)
    count = -(-(len(file) + 1) // room_bytes(payload_bytes, sender))
    if count > MAX_COUNT:
        least = -(-(len(file) + 1) // MAX_COUNT) + FRAME_BYTES + len(sender)
        message = f"{len(file)} bytes make {count} packets, over {MAX_COUNT}: the payload must be at least {least} bytes"
        raise EncodeError(message)
    picture = PictureId(sender, number_of(file), count)
    length = -(-(len(file) + 1) // count)
    pieces = cut(file, count, length)
    known = dict(enumerate([*pieces[:-1], pad(pieces[-1], length)]))
    more = interpolate(known, range(count, count + parity))
    return [write(Packet(picture, index, piece)) for index, piece in enumerate([*pieces, *more.values()])]


def room_bytes(payload_bytes: int, sender: bytes = b"") -> int:
    """Return how long a piece may be. Raises EncodeError if there is no room for one."""
    room = min(payload_bytes, MAX_PACKET_BYTES) - FRAME_BYTES - len(sender)
    if room < 1:
        raise EncodeError(f"a payload of {payload_bytes} bytes has no room: {FRAME_BYTES + len(sender) + 1} are the least")
    return room


def capacity_bytes(payload_bytes: int, count: int, sender: bytes = b"") -> int:
    """Return how long a bare file may be for ``count`` packets of data, parity aside."""
    if count == 1 and not sender:
        return payload_bytes
    return count * room_bytes(payload_bytes, sender) - 1


def bare(blob: bytes) -> bytes:
    """Return a file without its magic. Raises DecodeError for what is no file."""
    unpack(blob, max_pixels=MOST_PIXELS)
    return bytes(blob) if is_bare(blob) else bytes(blob[len(MAGIC) :])


def number_of(file: bytes) -> int:
    """Return the first twelve bits of the SHA-256 of a bare file."""
    return int.from_bytes(sha256(file).digest()[:2], "big") >> 4


def cut(file: bytes, count: int, length: int) -> list[bytes]:
    """Return the pieces of data, of which the last is shorter than ``length``."""
    return [file[at : at + length] for at in range(0, count * length, length)]


def pad(piece: bytes, length: int) -> bytes:
    """Return the last piece as parity takes it."""
    return (piece + _PAD_START).ljust(length, b"\0")


def unpad(piece: bytes) -> bytes | None:
    """Return a last piece that was repaired; None for one that nobody padded."""
    found = piece.rstrip(b"\0")
    return found[:-1] if found[-1:] == _PAD_START else None


# --- bytes of a packet


def write(packet: Packet) -> bytes:
    """Write a packet."""
    picture = packet.picture
    head = {"form": FORM, "sender": int(bool(picture.sender)), "count": picture.count - 1, "index": packet.index}
    sender = picture.sender[:-1] + bytes([picture.sender[-1] | _LAST_CHAR]) if picture.sender else b""
    body = join_fields(HEAD, head) + sender + packet.piece
    return body + (crc(body) ^ _CHECK_MARK ^ picture.number).to_bytes(CHECK_BYTES, "big")


def read(data: bytes) -> Packet:
    """Read one packet: the inverse of `write`. Raises DecodeError, TypeError for what is not bytes."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"a packet is given as its bytes, not as {type(data).__name__}")
    data = bytes(data)
    number = _read_check(data)
    head = split_fields(HEAD, data[: group_bytes(HEAD)])
    count, index = head["count"] + 1, head["index"]
    if index >= count + MAX_PARITY:
        raise InvalidFieldError(f"packet {index} of {count}", offset=0, field="index")
    start = group_bytes(HEAD)
    sender = _read_sender(data[start:-CHECK_BYTES], start) if head["sender"] else b""
    at = start + len(sender)
    piece = data[at:-CHECK_BYTES]
    if not piece and index != count - 1:
        raise InvalidFieldError("an empty piece that is not the last", offset=at, field="piece")
    return Packet(PictureId(sender, number, count), index, piece)


def is_packet(data: bytes) -> bool:
    """Tell whether bytes start like a packet, and not like a file."""
    return bool(data) and data[0] >> 6 == FORM


def _read_check(data: bytes) -> int:
    """Return the number of the picture that the check carries."""
    if not is_packet(data):
        raise NotLimnError("not a packet", offset=0, field="form")
    if len(data) < FRAME_BYTES:
        raise TruncatedError("the bytes end before the end of the check", offset=len(data), field="check")
    if len(data) > MAX_PACKET_BYTES:
        raise LimitError(f"more than {MAX_PACKET_BYTES} bytes", offset=MAX_PACKET_BYTES, field="packet")
    told = int.from_bytes(data[-CHECK_BYTES:], "big")
    number = told ^ crc(data[:-CHECK_BYTES]) ^ _CHECK_MARK
    if number >= NUMBERS:
        raise DamagedError("the check does not fit the bytes before it", offset=len(data) - CHECK_BYTES, field="check")
    return number


def _read_sender(data: bytes, offset: int) -> bytes:
    """Read a sender from the start of what stands between head and check."""
    for place, char in enumerate(data[:MAX_SENDER_CHARS]):
        if char & _LAST_CHAR:
            sender = data[:place] + bytes([char ^ _LAST_CHAR])
            if _may_send(sender):
                return sender
            break
    raise InvalidFieldError("a sender is 1..15 characters, the last one marked", offset=offset, field="sender")


def _may_send(sender: bytes) -> bool:
    return len(sender) <= MAX_SENDER_CHARS and all(0x21 <= char <= 0x7E for char in sender)


def crc(data: bytes) -> int:
    """Return CRC-16/CMS: polynomial 8005, start FFFF, most significant bit first, nothing inverted."""
    table, state = _crc_table(), _CHECK_START
    for byte in data:
        state = (state << 8 & 0xFF00) ^ table[state >> 8 ^ byte]
    return state


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        state = byte << 8
        for _ in range(8):
            state = state << 1 ^ (_POLYNOMIAL | 0x10000 if state & 0x8000 else 0)
        table.append(state)
    return tuple(table)
