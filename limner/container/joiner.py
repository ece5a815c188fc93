"""Packets, as they come -> files. Mirrors ``spec/packets-1.md``, sections 5 and 8.

    any bytes --read--> packet --add--> pictures that are being gathered --enough?--> file, tested twice
                  \\-> an error: a stranger's, or damaged         \\-> whole layers before the first gap

Packets may come in any order, more than once, from several receivers, of several pictures; memory is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from limner.container.blob import MAGIC, Blob, is_bare, size_class, unpack
from limner.container.erasure import interpolate
from limner.container.fields import SIZES, group_bytes
from limner.container.packets import MOST_PIXELS, Packet, PictureId, bare, cut, number_of, pad, read, unpad
from limner.container.start import end_of
from limner.errors import DamagedError, DecodeError, InvalidFieldError, LimitError, TruncatedError

MOST_PICTURES = 64
MOST_BYTES = 4 * 2**20

Event = Literal["new", "more", "again", "anew", "whole"]


@dataclass(frozen=True)
class State:
    """Say how a picture stands.

    ``event``: what the last packet was: the first of a picture, one more, one that was there, one that did not fit to those
    that were there and so begins the picture anew, or the one that made it whole; None where nothing has come. ``have``:
    different packets. ``missing``: indexes of the packets of data that are not there. ``needed``: how many more packets, of
    whatever kind, make it whole.
    """

    picture: PictureId
    event: Event | None
    have: int
    missing: tuple[int, ...]
    needed: int

    @property
    def is_whole(self) -> bool:
        return not self.needed

    def __str__(self) -> str:
        if self.is_whole:
            return f"{self.picture}: whole"
        lost = ", ".join(str(index + 1) for index in self.missing)
        return f"{self.picture}: {self.have} of {self.picture.count} packets, {self.needed} to come; of data are missing {lost}"


@dataclass
class _Gathered:
    """What is there of a picture: pieces by index, and the file once it is whole."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    file: bytes | None = None

    @property
    def bytes(self) -> int:
        return sum(map(len, self.pieces.values())) + len(self.file or b"")

    @property
    def is_lonely(self) -> bool:
        """Tell whether it is one packet alone, which may be a stranger's."""
        return len(self.pieces) == 1 and self.file is None


class Joiner:
    """Gather packets into files. ``most_pictures``, ``most_bytes``: what is kept; beyond, pictures are forgotten."""

    def __init__(self, *, most_pictures: int = MOST_PICTURES, most_bytes: int = MOST_BYTES) -> None:
        self._most_pictures = most_pictures
        self._most_bytes = most_bytes
        # In the order in which they were last heard of.
        self._held: dict[PictureId, _Gathered] = {}

    def add(self, data: bytes) -> State:
        """Take what came, a packet or a file in one; say how its picture stands.

        Raises DecodeError: it is neither, or damaged; or with it a picture has enough packets, but they do not make a file, and
        are forgotten.
        """
        if is_bare(data) or data[:1] == MAGIC[:1]:
            return self._add_file(data)
        packet = read(data)
        held = self._held.pop(packet.picture, None) or _Gathered()
        event = _event(held, packet)
        if event == "anew":
            held = _Gathered()
        if event != "again":
            held.pieces[packet.index] = packet.piece
            if len(held.pieces) >= packet.picture.count:
                held.file = _joined(packet.picture, held.pieces)
                event = "whole"
        self._keep(packet.picture, held)
        return _state(packet.picture, held, event)

    def pictures(self) -> tuple[PictureId, ...]:
        """Return the pictures of which anything is there, the one heard of last at the end."""
        return tuple(self._held)

    def state(self, picture: PictureId) -> State:
        """Say how a picture stands. Raises TruncatedError if nothing is there of it."""
        return _state(picture, self._of(picture))

    def whole(self, picture: PictureId) -> bytes:
        """Return the file of a picture, bare. Raises TruncatedError, saying what is missing, if it is not whole."""
        held = self._of(picture)
        if held.file is None:
            raise TruncatedError(str(_state(picture, held)), offset=len(held.pieces), field="packets")
        return held.file

    def partial(self, picture: PictureId) -> bytes | None:
        """Return what is certain of a picture: its file, or the start of it up to the end of a layer; None for not even one.

        Read it with ``unpack(..., salvage=True)``. Raises TruncatedError if nothing is there of the picture.
        """
        held = self._of(picture)
        return held.file if held.file is not None else whole_layers(_prefix(held.pieces))

    def start(self, picture: PictureId) -> bytes:
        """Return the bytes of a picture's file before the first packet that is missing: all, some or none of them.

        They are right, so far as the packets' checks say. Read them with ``unpack_start``. Raises TruncatedError if nothing is
        there of the picture.
        """
        held = self._of(picture)
        return held.file if held.file is not None else _prefix(held.pieces)

    def forget(self, picture: PictureId) -> None:
        """Drop what is there of a picture, if anything."""
        self._held.pop(picture, None)

    def _of(self, picture: PictureId) -> _Gathered:
        if picture not in self._held:
            raise TruncatedError(f"{picture}: no packet is here", offset=0, field="packets")
        return self._held[picture]

    def _add_file(self, data: bytes) -> State:
        if len(data) > self._most_bytes:
            raise LimitError(f"a file of more than {self._most_bytes} bytes", offset=self._most_bytes, field="file")
        file = bare(data)
        picture = PictureId(b"", number_of(file), 1)
        before = self._held.pop(picture, None)
        self._keep(picture, _Gathered(file=file))
        event: Event = "again" if before and before.file == file else "whole"
        return _state(picture, self._held[picture], event)

    def _keep(self, picture: PictureId, held: _Gathered) -> None:
        """Put a picture in as the newest, and forget others where there are too many: those of one packet first."""
        self._held[picture] = held
        over_bytes = sum(kept.bytes for kept in self._held.values()) - self._most_bytes
        over_pictures = len(self._held) - self._most_pictures
        if over_bytes <= 0 and over_pictures <= 0:
            return
        others = [one for one in self._held if one != picture]
        for one in sorted(others, key=lambda one: not self._held[one].is_lonely):
            if over_bytes <= 0 and over_pictures <= 0:
                break
            over_bytes -= self._held.pop(one).bytes
            over_pictures -= 1


def whole_layers(prefix: bytes) -> bytes | None:
    """Return the start of a bare file that is known to be cut, up to the end of its last whole layer; None if it has none.

    The layer that would run to the end of the file is never taken: a cut one whose check fits, fits by chance.
    """
    if not is_bare(prefix):
        return None
    try:
        found = unpack(prefix, max_pixels=MOST_PIXELS, salvage=True)
    except DecodeError:
        return None
    layers = found.layers[:-1] if _reads(prefix) else found.layers
    return prefix[: end_of(_header_bytes(found), layers)] if layers else None


def _header_bytes(blob: Blob) -> int:
    """Return the length of head, model and size."""
    return 1 + len(blob.model) + group_bytes(SIZES[size_class(blob.width_px, blob.height_px)])


def _reads(data: bytes) -> bool:
    try:
        unpack(data, max_pixels=MOST_PIXELS)
    except DecodeError:
        return False
    return True


def _event(held: _Gathered, packet: Packet) -> Event:
    """Tell what a packet is to what is there."""
    if not held.pieces and held.file is None:
        return "new"
    if held.file is not None:
        return "again" if _is_of(held.file, held.pieces, packet) else "anew"
    if packet.index in held.pieces:
        return "again" if held.pieces[packet.index] == packet.piece else "anew"
    return "more" if _fits(held.pieces, packet) else "anew"


def _fits(pieces: Mapping[int, bytes], packet: Packet) -> bool:
    """Tell whether a piece has a length that goes with the others."""
    last = packet.picture.count - 1
    long = next((len(piece) for index, piece in pieces.items() if index != last), None)
    if packet.is_last:
        return long is None or len(packet.piece) < long
    return len(packet.piece) == long if long is not None else len(packet.piece) > len(pieces[last])


def _is_of(file: bytes, pieces: Mapping[int, bytes], packet: Packet) -> bool:
    """Tell whether a packet is one of a file that is whole."""
    count = packet.picture.count
    others = {**pieces, packet.index: packet.piece}
    length = next((len(piece) for index, piece in others.items() if index != count - 1), len(file) + 1)
    if not (count - 1) * length <= len(file) < count * length:
        return False
    made = cut(file, count, length)
    if packet.index < count:
        return made[packet.index] == packet.piece
    known = dict(enumerate([*made[:-1], pad(made[-1], length)]))
    return interpolate(known, [packet.index])[packet.index] == packet.piece


def _joined(picture: PictureId, pieces: Mapping[int, bytes]) -> bytes:
    """Return the file that pieces make, tested by its hash and by its own checks. Raises DecodeError."""
    file = _repaired(picture.count, pieces)
    if file is None or number_of(file) != picture.number:
        raise DamagedError(f"the packets of {picture} do not make its file", offset=0, field="picture")
    if not is_bare(file):
        raise InvalidFieldError(f"the packets of {picture} make something else than a bare file", offset=0, field="picture")
    unpack(file, max_pixels=MOST_PIXELS)
    return file


def _repaired(count: int, pieces: Mapping[int, bytes]) -> bytes | None:
    """Return the bytes that ``count`` pieces make, those of data first; None where padding is not as a writer's."""
    wanted = range(count)
    if all(index in pieces for index in wanted):
        return b"".join(pieces[index] for index in wanted)
    length = next(len(piece) for index, piece in pieces.items() if index != count - 1)
    used = sorted(pieces)[:count]
    known = {index: pad(pieces[index], length) if index == count - 1 else pieces[index] for index in used}
    found = interpolate(known, wanted)
    last = unpad(found[count - 1])
    return None if last is None else b"".join([*(found[index] for index in wanted[:-1]), last])


def _prefix(pieces: Mapping[int, bytes]) -> bytes:
    """Return the bytes from the start to the first gap."""
    found: list[bytes] = []
    while len(found) in pieces:
        found.append(pieces[len(found)])
    return b"".join(found)


def _state(picture: PictureId, held: _Gathered, event: Event | None = None) -> State:
    if held.file is not None:
        return State(picture, event, max(len(held.pieces), 1), (), 0)
    missing = tuple(index for index in range(picture.count) if index not in held.pieces)
    return State(picture, event, len(held.pieces), missing, picture.count - len(held.pieces))
