"""Send pictures over a Meshtastic mesh, by a radio on USB or TCP, with nothing but Python.

    python examples/meshtastic_serial.py send harbour.limn --device /dev/ttyUSB0 --parity 1
    python examples/meshtastic_serial.py send harbour.limn --device 192.168.1.20:4403 --to '!a1b2c3d4'
    python examples/meshtastic_serial.py receive pictures --device /dev/ttyUSB0

A packet of the picture is the payload of a packet to PRIVATE_APP. To everybody nothing is acknowledged: --parity meets losses.
To one node each packet is sent until that node acknowledges it. meshtastic_send.py and meshtastic_receive.py do the same by
Meshtastic's own library.

Sources: Meshtastic, Client API (streaming version: 94 C3, a length of two bytes, at most 512; waking; want_config_id), and its
protobufs, mesh.proto (ToRadio, FromRadio, MeshPacket, Data, Routing, QueueStatus) and portnums.proto.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fields import Fields, field, fixed
from post import Inbox, Sleep, deliver, packets_of, parser, run, say
from wire import Deadline, LinkError, Wire, open_wire

from limner.channels import find

MARK, HEAD_BYTES, MOST_BYTES = b"\x94\xc3", 4, 512
WAKE = b"\xc3" * 32
PRIVATE_APP, ROUTING_APP = 256, 5
EVERYBODY = 0xFFFFFFFF
ENCRYPTION_BYTES = 12
"""What the encryption to one node takes of a packet."""
TO_PACKET, TO_WANT_CONFIG, TO_HEARTBEAT = 1, 3, 7
FROM_PACKET, FROM_MY_INFO, FROM_CONFIG_COMPLETE, FROM_QUEUE_STATUS = 2, 3, 7, 11
ERRORS = {1: "no route", 3: "no answer", 5: "nobody confirms", 6: "no such channel", 7: "too large", 9: "duty cycle used up"}
LATER = {9, 38}
CONFIG_S, ANSWER_S, CONFIRM_S, LATER_S, HEARTBEAT_S = 60.0, 10.0, 90.0, 60.0, 300.0
TRIES = 4


@dataclass
class Radio:
    """A radio behind a wire."""

    wire: Wire
    held: bytes = b""

    def write(self, to_radio: bytes) -> None:
        self.wire.write(MARK + len(to_radio).to_bytes(2, "big") + to_radio)

    def read(self, within_s: float | None) -> Fields | None:
        """Return the next FromRadio; None if none comes in time. Text of the console between frames is left out."""
        deadline = Deadline(within_s)
        while (found := self._cut()) is None:
            if not (more := self.wire.some(deadline.left_s)):
                return None
            self.held += more
        return Fields(found)

    def until(self, within_s: float) -> Iterator[Fields]:
        """Yield what the radio says in so many seconds."""
        deadline = Deadline(within_s)
        while (said := self.read(deadline.left_s)) is not None:
            yield said

    def start(self) -> None:
        """Wake the radio, and let it tell of itself. Raises LinkError."""
        self.wire.write(WAKE)
        wanted = random.randrange(1, 1 << 32)
        self.write(field(TO_WANT_CONFIG, wanted))
        for said in self.until(CONFIG_S):
            if FROM_MY_INFO in said:
                say(f"radio !{said.inner(FROM_MY_INFO).number(1):08x}")
            if said.number(FROM_CONFIG_COMPLETE) == wanted:
                return
        raise LinkError("the radio does not answer: is it Meshtastic, and no other program at its port?")

    def send(self, message: bytes, to: int, slot: int, hops: int, wait: Sleep) -> None:
        """Send a message; to one node, until that node confirms it. Raises LinkError."""
        for _ in range(TRIES):
            number = random.randrange(1, 1 << 32)
            data = field(1, PRIVATE_APP) + field(2, message)
            packet = fixed(2, to) + field(3, slot) + field(4, data) + fixed(6, number) + field(9, hops)
            self.write(field(TO_PACKET, packet + field(10, int(to != EVERYBODY))))
            error = self._queued(number)
            if not error and to != EVERYBODY:
                error = self._confirmed(number, to)
            if not error:
                return
            said = ERRORS.get(error, f"error {error}")
            if error in LATER:
                say(f"later: {said}")
                wait(LATER_S)
            elif to == EVERYBODY:
                break
        raise LinkError(f"not sent: {said}")

    def _queued(self, number: int) -> int:
        """Return the error, or 0, with which the radio takes a packet."""
        for said in self.until(ANSWER_S):
            status = said.inner(FROM_QUEUE_STATUS)
            if status.number(4) == number:
                return status.number(1)
        raise LinkError("the radio does not say whether it takes a packet")

    def _confirmed(self, number: int, to: int) -> int:
        """Return the error, or 0, with which a packet ended. That another node passes it on says nothing yet."""
        for said in self.until(CONFIRM_S):
            packet = said.inner(FROM_PACKET)
            data = packet.inner(4)
            if data.number(1) == ROUTING_APP and data.number(6) == number:
                error = data.inner(2).number(3)
                if error or packet.number(1) == to:
                    return error
        return 3

    def _cut(self) -> bytes | None:
        """Cut a frame from what is held; None if none is whole."""
        while MARK in self.held:
            self.held = self.held[self.held.index(MARK) :]
            length = int.from_bytes(self.held[2:HEAD_BYTES], "big")
            if length > MOST_BYTES:
                self.held = self.held[1:]
                continue
            if len(self.held) < HEAD_BYTES + length:
                return None
            found, self.held = self.held[HEAD_BYTES : HEAD_BYTES + length], self.held[HEAD_BYTES + length :]
            return found
        self.held = self.held[-1:]
        return None


def heard(radio: Radio, idle_s: float | None) -> Iterator[bytes]:
    """Yield payloads to PRIVATE_APP, until none comes for so long. A sign of life keeps the radio talking."""
    patience, alive = Deadline(idle_s), Deadline(HEARTBEAT_S)
    while (left_s := patience.left_s) != 0.0:
        said = radio.read(min(alive.left_s or 0.0, HEARTBEAT_S if left_s is None else left_s))
        if alive.left_s == 0.0:
            radio.write(field(TO_HEARTBEAT, b""))
            alive.again()
        data = said.inner(FROM_PACKET).inner(4) if said is not None else Fields(b"")
        if data.number(1) == PRIVATE_APP:
            yield data.bytes(2)
            patience.again()


def node(text: str) -> int:
    """Read !a1b2c3d4. Raises ValueError."""
    return int(text.removeprefix("!"), 16)


def main(argv: Sequence[str] | None = None, sleep: Sleep = time.sleep) -> int:
    options = parser(__doc__, "meshtastic", "/dev/ttyUSB0")
    options.add_argument("--baud", type=int, default=115_200, help="%(default)s")
    options.add_argument("--to", type=node, default=EVERYBODY, help="send: one node, as !a1b2c3d4; else everybody")
    options.add_argument("--slot", type=int, default=0, help="send: of the channel in the radio; %(default)s")
    options.add_argument("--hops", type=int, choices=range(8), default=3, metavar="0..7", help="send: at most; %(default)s")
    chosen = options.parse_args(argv)

    def work() -> int:
        link = find(chosen.channel)
        if chosen.to != EVERYBODY:
            link = replace(link, size=link.size - ENCRYPTION_BYTES)
        packets = packets_of(chosen.path, link, chosen.parity, chosen.sender) if chosen.verb == "send" else []
        with open_wire(chosen.device, chosen.baud) as wire:
            radio = Radio(wire)
            radio.start()
            if chosen.verb == "receive":
                return Inbox(chosen.path).drain(heard(radio, chosen.idle), chosen.count)
            deliver(packets, link, lambda packet: radio.send(packet, chosen.to, chosen.slot, chosen.hops, sleep), sleep)
        return 0

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
