"""MeshCore companion radios at serial ports, and the mesh between them. Source: MeshCore, docs/companion_protocol.md."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from threading import Event, Lock

from peers.ends import End

MOST_DATA_BYTES, MOST_FRAME_DATA_BYTES = 165, 167
NOT_FOUND, TABLE_FULL, ILLEGAL = 2, 3, 6
NOISE = b"DEBUG: a>b > \xff>\x00\x00 console\r\n"


@dataclass
class Mesh:
    """Floods datagrams, each once: what has been seen is dropped. ``lost``: numbers of datagrams that nobody hears."""

    lost: Collection[int] = ()
    expected: int = 0
    silent: Event = field(default_factory=Event)
    radios: list[CompanionRadio] = field(default_factory=list)
    flooded: list[bytes] = field(default_factory=list)
    seen: set[tuple[bytes, int, bytes]] = field(default_factory=set)

    def flood(self, origin: object, key: bytes, kind: int, data: bytes) -> None:
        number = len(self.flooded)
        self.flooded.append(data)
        # Encryption adds nothing that differs: the same bytes are the same packet to every repeater.
        fresh = (key, kind, data) not in self.seen
        self.seen.add((key, kind, data))
        for radio in self.radios:
            if radio is not origin and fresh and number not in self.lost:
                radio.hear(key, kind, data)
        if len(self.flooded) == self.expected:
            self.silent.set()


@dataclass
class CompanionRadio:
    """``channels``: slot -> key. ``full``: so many datagrams find the queue full. ``old``: firmware without datagrams."""

    mesh: Mesh
    channels: dict[int, bytes] = field(default_factory=lambda: {0: b"public", 1: b"ours"})
    full: int = 0
    old: bool = False
    queue: list[bytes] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    started: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.mesh.radios.append(self)

    def play(self, end: End) -> None:
        self.ends.append(end)
        held = b""
        while data := end.read():
            held += data
            while len(held) >= 3:
                assert held[0] == 0x3C, "not a frame"
                length = held[1] + 256 * held[2]
                if len(held) < 3 + length:
                    break
                command, held = held[3 : 3 + length], held[3 + length :]
                self._obey(command)

    def _say(self, frame: bytes) -> None:
        for end in self.ends:
            end.write(NOISE + bytes([0x3E, len(frame) % 256, len(frame) // 256]) + frame, 11)

    def _obey(self, command: bytes) -> None:
        if command[0] == 0x01:
            assert len(command) >= 8
            self._say(bytes([0x05]) + bytes(57) + "Küste 1".encode())
            self.started.set()
        elif command[0] == 0x0A:
            with self.lock:
                found = self.queue.pop(0) if self.queue else b"\x0a"
            self._say(found)
        elif command[0] == 0x3E and not self.old:
            self._send(command[1], command[2], command[3:])
        else:
            self._say(b"\x01\x01")

    def _send(self, slot: int, path: int, rest: bytes) -> None:
        kind, data = rest[0] + 256 * rest[1], rest[2:]
        if slot not in self.channels:
            self._say(bytes([0x01, NOT_FOUND]))
        elif path != 0xFF or kind == 0 or len(data) > MOST_FRAME_DATA_BYTES:
            self._say(bytes([0x01, ILLEGAL]))
        elif self.full or len(data) > MOST_DATA_BYTES:
            self.full -= 1
            self._say(bytes([0x01, TABLE_FULL]))
        else:
            self._say(b"\x88 log \x00")  # pushed in between
            self._say(b"\x00")
            self.mesh.flood(self, self.channels[slot], kind, data)

    def hear(self, key: bytes, kind: int, data: bytes) -> None:
        for slot, known in self.channels.items():
            if known == key:
                self.keep(bytes([0x1B, 0xF4, 0, 0, slot, 2, kind % 256, kind // 256, len(data)]) + data)

    def keep(self, message: bytes) -> None:
        """Put a message where the host fetches it, and say that one waits."""
        with self.lock:
            self.queue.append(message)
        if self.started.is_set():
            self._say(b"\x83")
