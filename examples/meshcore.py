"""Send pictures over a MeshCore mesh, by a companion radio on USB or TCP.

    python examples/meshcore.py send harbour.limn --device /dev/ttyACM0 --slot 1 --parity 1
    python examples/meshcore.py receive pictures --device /dev/ttyACM0 --slot 1

A packet of the picture is a group datagram to the channel in that slot of the radio; everybody with the channel's key gets it.
Nothing is acknowledged over the air: --parity meets losses. The mesh forgets none of the datagrams it has seen, so that the
same bytes do not go twice: with parity, even a file that fits one message travels as packets, which differ. Receiving takes
all messages that wait in the radio; texts among them are printed.

Sources: MeshCore, docs/companion_protocol.md (App Start, Send Channel Data Datagram, Receive Channel Data Datagram, Get
Message, Packet Types) and its wiki, Companion Radio Protocol (frames on USB). Firmware 1.15 or newer knows datagrams.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from post import Inbox, Sleep, deliver, packets_of, parser, run, say
from wire import Deadline, LinkError, Wire, open_wire

from limner.channels import find

TO_RADIO, FROM_RADIO = b"<", b">"
HEAD_BYTES, MOST_BYTES = 3, 300
APP_START, NEXT_MESSAGE, SEND_DATA = 0x01, 0x0A, 0x3E
OK, ERROR, SELF_INFO, NO_MORE, DATA = 0x00, 0x01, 0x05, 0x0A, 0x1B
TEXTS = {0x07: 13, 0x08: 8, 0x10: 16, 0x11: 11}
"""Of contacts and channels: where the text starts."""
PUSHED, WAITING = 0x80, 0x83
QUEUE_FULL = 3
ERRORS = {1: "its firmware knows no datagram", 2: "no channel is in that slot", QUEUE_FULL: "its queue is full", 6: "bad value"}
FLOOD = b"\xff"
DEVELOPING = 0xFFFF
ANSWER_S, TRIES, FULL_S = 5.0, 5, 10.0


def frame(command: bytes) -> bytes:
    return TO_RADIO + len(command).to_bytes(2, "little") + command


@dataclass
class Radio:
    """A companion radio behind a wire."""

    wire: Wire
    held: bytes = b""
    pushed: list[bytes] = field(default_factory=list)

    def read(self, within_s: float | None) -> bytes:
        """Return the next frame; nothing if none comes in time. Text of the console between frames is left out."""
        deadline = Deadline(within_s)
        while (found := self._cut()) is None:
            if not (more := self.wire.some(deadline.left_s)):
                return b""
            self.held += more
        return found

    def ask(self, command: bytes, *answers: int) -> bytes:
        """Give a command; return its answer, one of these or ERROR. What the radio pushes meanwhile is kept."""
        self.wire.write(frame(command))
        deadline = Deadline(ANSWER_S)
        while found := self.read(deadline.left_s):
            if found[0] in (*answers, ERROR):
                return found
            self.pushed += [found] if found[0] >= PUSHED else []
        raise LinkError("the radio does not answer: is it a companion, and no other program at its port?")

    def start(self) -> None:
        """Say hello. Raises LinkError."""
        said = self.ask(bytes([APP_START]) + bytes(7) + b"limner", SELF_INFO)
        say(f"radio {said[58:].decode('utf-8', 'replace')}")

    def send(self, message: bytes, slot: int, kind: int, wait: Sleep) -> None:
        """Let a datagram flood the mesh, once there is room in the queue. Raises LinkError."""
        for _ in range(TRIES):
            said = self.ask(bytes([SEND_DATA, slot]) + FLOOD + kind.to_bytes(2, "little") + message, OK)
            if said[0] == OK:
                return
            code = said[1] if len(said) > 1 else 0
            if code != QUEUE_FULL:
                break
            wait(FULL_S)
        raise LinkError(f"the radio refuses: {ERRORS.get(code, f'error {code}')}")

    def waiting(self) -> Iterator[bytes]:
        """Yield the messages that wait in the radio."""
        while (found := self.ask(bytes([NEXT_MESSAGE]), NO_MORE, DATA, *TEXTS))[0] not in (NO_MORE, ERROR):
            yield found

    def _cut(self) -> bytes | None:
        """Cut a frame from what is held; None if none is whole."""
        while FROM_RADIO in self.held:
            self.held = self.held[self.held.index(FROM_RADIO) :]
            length = int.from_bytes(self.held[1:HEAD_BYTES], "little")
            if len(self.held) >= HEAD_BYTES and not 0 < length <= MOST_BYTES:
                self.held = self.held[1:]
                continue
            if len(self.held) < HEAD_BYTES + length:
                return None
            found, self.held = self.held[HEAD_BYTES : HEAD_BYTES + length], self.held[HEAD_BYTES + length :]
            return found
        self.held = b""
        return None


def heard(radio: Radio, slot: int, kind: int, idle_s: float | None) -> Iterator[bytes]:
    """Yield datagrams of one channel and kind, those that wait first, until none comes for so long."""
    found, patience = bytes([WAITING]), Deadline(idle_s)
    while found:
        if found[0] == WAITING:
            for message in radio.waiting():
                if message[0] in TEXTS:
                    say(f"a text: {message[TEXTS[message[0]] :].decode('utf-8', 'replace')}")
                elif len(message) >= 9 and message[4] == slot and int.from_bytes(message[6:8], "little") == kind:
                    yield message[9 : 9 + message[8]]
                    patience.again()
        found = radio.pushed.pop(0) if radio.pushed else radio.read(patience.left_s)


def main(argv: Sequence[str] | None = None, sleep: Sleep = time.sleep) -> int:
    options = parser(__doc__, "meshcore", "/dev/ttyACM0")
    options.add_argument("--baud", type=int, default=115_200, help="%(default)s")
    options.add_argument("--slot", type=int, default=1, help="of the channel in the radio; 0 is the public one; %(default)s")
    options.add_argument("--kind", type=int, default=DEVELOPING, help="data type of the datagrams; %(default)s")
    chosen = options.parse_args(argv)

    def work() -> int:
        link = find(chosen.channel)
        sending = chosen.verb == "send"
        wrap = chosen.parity > 0
        packets = packets_of(chosen.path, link, chosen.parity, chosen.sender, wrap=wrap) if sending else []
        with open_wire(chosen.device, chosen.baud) as wire:
            radio = Radio(wire)
            radio.start()
            if not sending:
                return Inbox(chosen.path).drain(heard(radio, chosen.slot, chosen.kind, chosen.idle), chosen.count)
            deliver(packets, link, lambda packet: radio.send(packet, chosen.slot, chosen.kind, sleep), sleep)
        return 0

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
