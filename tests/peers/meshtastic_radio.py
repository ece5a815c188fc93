"""Meshtastic radios at their client API, and the mesh between them. Source: mesh.proto, Client API (streaming version)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

from peers.ends import End

NOISE = b"INFO  | 12:00:01 [Router] \x94 \xc3 Rx \x94\xc3\xff\xff\r\n"
EVERYBODY = 0xFFFFFFFF
MOST_PAYLOAD_BYTES = 231
ENCRYPTION_BYTES = 12
PRIVATE_APP, ROUTING_APP, TEXT_MESSAGE_APP = 256, 5, 1
MAX_RETRANSMIT, TOO_LARGE = 5, 7


@dataclass(frozen=True)
class Fixed:
    """A number of type fixed32."""

    value: int


Value = int | bytes | Fixed
Pairs = Sequence[tuple[int, Value]]


def number(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(128 + value % 128)
        value //= 128
    return bytes([*out, value])


def message(*pairs: tuple[int, Value]) -> bytes:
    out = b""
    for key, value in pairs:
        if isinstance(value, bytes):
            out += number(key * 8 + 2) + number(len(value)) + value
        elif isinstance(value, Fixed):
            out += number(key * 8 + 5) + value.value.to_bytes(4, "little")
        elif value:
            out += number(key * 8) + number(value)  # zero is not written
    return out


def parsed(data: bytes) -> dict[int, int | bytes]:
    found: dict[int, int | bytes] = {}

    def take() -> int:
        nonlocal data
        value, factor = 0, 1
        while True:
            byte, data = data[0], data[1:]
            value += byte % 128 * factor
            factor *= 128
            if byte < 128:
                return value

    while data:
        key = take()
        if key % 8 == 0:
            found[key // 8] = take()
            continue
        length = {5: 4, 1: 8}.get(key % 8) or take()
        piece, data = data[:length], data[length:]
        assert len(piece) == length and key % 8 in (1, 2, 5)
        found[key // 8] = piece if key % 8 == 2 else int.from_bytes(piece, "little")
    return found


def whole(found: Mapping[int, int | bytes], key: int) -> int:
    value = found.get(key, 0)
    assert isinstance(value, int)
    return value


def data_of(found: Mapping[int, int | bytes], key: int) -> bytes:
    value = found.get(key, b"")
    assert isinstance(value, bytes)
    return value


@dataclass
class Mesh:
    """``lost``: numbers of packets that do not reach their node, with all that the radio does to repeat them."""

    lost: Collection[int] = ()
    radios: list[MeshRadio] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    hops: list[int] = field(default_factory=list)


@dataclass
class MeshRadio:
    """A radio. ``refusals``: codes with which it takes the first packets. ``quiet``: it does not answer at all."""

    mesh: Mesh
    node: int
    refusals: list[int] = field(default_factory=list)
    quiet: bool = False
    ends: list[End] = field(default_factory=list)
    ready: Event = field(default_factory=Event)
    alive: Event = field(default_factory=Event)
    channels: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mesh.radios.append(self)

    def play(self, end: End) -> None:
        self.ends.append(end)
        held = b""
        while data := end.read():
            held += data
            while b"\x94\xc3" in held:
                held = held[held.index(b"\x94\xc3") :]
                length = held[2] * 256 + held[3] if len(held) >= 4 else 0
                assert length <= 512
                if len(held) < 4 + length or len(held) < 4:
                    break
                to_radio, held = held[4 : 4 + length], held[4 + length :]
                if not self.quiet:
                    self._obey(parsed(to_radio))
        self.ends.remove(end)

    def say(self, from_radio: bytes) -> None:
        assert len(from_radio) <= 512
        for end in self.ends:
            end.write(NOISE + b"\x94\xc3" + len(from_radio).to_bytes(2, "big") + from_radio, 17)

    def _obey(self, to_radio: Mapping[int, int | bytes]) -> None:
        if 3 in to_radio:
            self._tell(whole(to_radio, 3))
        elif 7 in to_radio:
            self.alive.set()
            self.say(message((11, message((2, 16), (3, 16)))))
        elif 1 in to_radio:
            self._send(parsed(data_of(to_radio, 1)))

    def _tell(self, wanted: int) -> None:
        """Answer want_config_id: who this is, whom it knows, its settings and channels."""
        user = message((1, f"!{self.node:08x}".encode()), (2, b"Limner"), (3, b"L"))
        self.say(message((3, message((1, self.node)))))
        self.say(message((4, message((1, self.node), (2, user)))))
        self.say(message((5, message((6, message((1, 1), (8, 3)))))))
        self.say(message((10, message((2, message((3, b"ours"))), (3, 1)))))
        self.say(message((7, wanted)))
        self.ready.set()

    def _send(self, packet: Mapping[int, int | bytes]) -> None:
        ident, to, data = whole(packet, 6), whole(packet, 2), parsed(data_of(packet, 4))
        payload = data_of(data, 2)
        if whole(data, 1) != PRIVATE_APP:
            return  # what the library says at its end
        refusal = self.refusals.pop(0) if self.refusals else 0
        if len(payload) > MOST_PAYLOAD_BYTES - ENCRYPTION_BYTES * (to != EVERYBODY):
            refusal = TOO_LARGE
        self.say(message((11, message((1, refusal), (2, 15), (3, 16), (4, ident)))))
        if refusal:
            return
        assert ident and (packet.get(10, 0) == 1) == (to != EVERYBODY)
        place = len(self.mesh.packets)
        self.mesh.packets.append(payload)
        self.mesh.hops.append(whole(packet, 9))
        self.channels.append(whole(packet, 3))
        heard = place not in self.mesh.lost
        if to != EVERYBODY:
            self._acknowledge(self.node, ident, 0)  # another node passes it on: not yet there
        for radio in self.mesh.radios:
            if radio is not self and heard and to in (EVERYBODY, radio.node):
                radio.hear(self.node, to, payload)
        if to != EVERYBODY:
            self._acknowledge(to if heard else self.node, ident, 0 if heard else MAX_RETRANSMIT)

    def _acknowledge(self, origin: int, ident: int, error: int) -> None:
        routing = message((1, ROUTING_APP), (2, b"\x18" + bytes([error])), (6, Fixed(ident)))
        self.say(message((2, message((1, Fixed(origin)), (2, Fixed(self.node)), (4, routing), (6, Fixed(77))))))

    def hear(self, origin: int, to: int, payload: bytes, port: int = PRIVATE_APP) -> None:
        data = message((1, port), (2, payload))
        packet = message((1, Fixed(origin)), (2, Fixed(to)), (4, data), (6, Fixed(4711)), (7, Fixed(1_700_000_000)), (9, 2))
        self.say(message((2, packet)))
