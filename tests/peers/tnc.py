"""TNCs that speak KISS, and the air between them: AX.25 frames with their check sequence, lost or damaged on the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Event

from peers.ends import End

FEND, FESC, TFEND, TFESC = 0xC0, 0xDB, 0xDC, 0xDD
FLAG_BITS = 0x8408
LEAST_FRAME_BYTES = 17


def check_sequence(data: bytes) -> bytes:
    """CRC-16/X-25, low byte first (AX.25 2.2, section 3.8)."""
    state = 0xFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (FLAG_BITS if state & 1 else 0)
    return (state ^ 0xFFFF).to_bytes(2, "little")


@dataclass
class Air:
    """One channel of half duplex: what a station sends, all others hear.

    ``lost``, ``damaged``: numbers of frames. ``silent`` is set once so many as ``expected`` have been on the air.
    """

    lost: Collection[int] = ()
    damaged: Collection[int] = ()
    expected: int = 0
    silent: Event = field(default_factory=Event)
    stations: list[Tnc] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)

    def send(self, origin: object, frame: bytes) -> None:
        number = len(self.frames)
        self.frames.append(frame)
        if number in self.damaged:
            frame = frame[:20] + bytes([frame[20] ^ 4]) + frame[21:]
        for station in self.stations:
            if station is not origin and number not in self.lost:
                station.hear(frame)
        if len(self.frames) == self.expected:
            self.silent.set()


@dataclass
class Tnc:
    """A TNC in KISS mode. It takes frames of its port only, and gives those whose check sequence is right."""

    air: Air
    port: int = 0
    chunk_bytes: int = 5
    heard: int = 0
    connected: Event = field(default_factory=Event)
    ends: list[End] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.air.stations.append(self)

    def play(self, end: End) -> None:
        self.ends.append(end)
        self.connected.set()
        escaped, inside = False, bytearray()
        while data := end.read():
            for byte in data:
                if byte == FEND:
                    self.frame(bytes(inside))
                    inside.clear()
                elif byte == FESC:
                    escaped = True
                    continue
                elif escaped:
                    assert byte in (TFEND, TFESC), "an escape of nothing"
                    inside.append(FEND if byte == TFEND else FESC)
                else:
                    inside.append(byte)
                escaped = False
        self.ends.remove(end)

    def frame(self, body: bytes) -> None:
        """Take what stood between two FENDs."""
        if not body:
            return
        assert len(body) > LEAST_FRAME_BYTES, "too short for a frame"
        if body[0] == self.port << 4:
            self.air.send(self, body[1:] + check_sequence(body[1:]))

    def hear(self, frame: bytes) -> None:
        if check_sequence(frame[:-2]) != frame[-2:]:
            return
        self.heard += 1
        body = bytearray([self.port << 4]) + frame[:-2]
        escaped = bytearray()
        for byte in body:
            escaped += {FEND: bytes([FESC, TFEND]), FESC: bytes([FESC, TFESC])}.get(byte, bytes([byte]))
        for end in self.ends:
            # Two FENDs in front are no empty frame.
            end.write(bytes([FEND, FEND]) + escaped + bytes([FEND]), self.chunk_bytes)
