"""Send pictures by satellite: Iridium short burst data with a 9602 or 9603, such as a RockBLOCK.

    python examples/iridium_sbd.py send harbour.limn --device /dev/ttyUSB0
    python examples/iridium_sbd.py receive pictures --device /dev/ttyUSB0 --count 1

A packet of the picture is a binary message. A session that fails is tried again, as the satellites move on; a message that
went is never sent twice. What waits for this modem comes with a session, and is written too (while sending: beside the file).
On land, the packets are the .sbd attachments or the posts of the gateway: limner packets join *.sbd -o pictures/

Sources: Iridium, ISU AT Command Reference (+SBDWB, +SBDIX, +SBDRB, +SBDD, +SBDMTA; replies and status codes). RockBLOCK
documentation, Transmit binary data (19200 baud, commands end with CR, AT&K0) and Adaptive retry (when to try again).
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from post import Inbox, Sleep, deliver, packets_of, parser, run, say
from wire import LinkError, Wire, open_wire

from limner.channels import find

COMMAND_S, SESSION_S, WRITE_S = 10.0, 120.0, 70.0
LINE, RING = b"\n", "SBDRING"
SENT = range(5)
"""Status: the message, if there was any, has gone."""
REASONS = {
    10: "the call took too long",
    11: "the gateway's queue is full",
    13: "the session did not complete",
    15: "access is denied",
    16: "the modem is locked",
    17: "the gateway does not respond",
    18: "the connection was lost",
    19: "link failure",
    32: "no network: does the antenna see the sky?",
    35: "the modem is busy",
    36: "too early: three minutes after the last registration",
}
HOPELESS = {12, 14, 15, 16}
RETRY_S = ((0, 5), (0, 5), (0, 30), (0, 30), (300, 300), (300, 300))
PATIENCE_S = {36: 180}
NOT_WRITTEN = {"1": "it did not come in time", "2": "its checksum is wrong", "3": "it has a wrong size"}
TRIES = 3


def checksum(message: bytes) -> bytes:
    return (sum(message) & 0xFFFF).to_bytes(2, "big")


@dataclass
class Modem:
    """A modem behind a wire, with echo. ``rung``: something has reached the gateway since the last session."""

    wire: Wire
    sleep: Sleep = time.sleep
    arrived: list[bytes] = field(default_factory=list)
    rung: bool = False

    def ask(self, command: str, *ends: str, within_s: float = COMMAND_S) -> list[str]:
        """Give a command; return what it says up to OK, or another end. Raises LinkError."""
        self.wire.write(command.encode("ascii") + b"\r")
        return self.lines(*(ends or ("OK",)), within_s=within_s)

    def lines(self, *ends: str, within_s: float = COMMAND_S) -> list[str]:
        said: list[str] = []
        while not said or said[-1] not in ends:
            said.append(self.wire.upto(LINE, within_s).decode("ascii", "replace").strip())
            self.rung |= said[-1] == RING
            if said[-1] == "ERROR":
                raise LinkError(f"the modem refuses: {' '.join(said)}")
        return said

    def start(self, *, rings: bool) -> None:
        """Wake it, without flow control, and without an old message that would go with the first session."""
        for command in ("AT", "ATE1", "AT&K0", f"AT+SBDMTA={rings:d}", "AT+SBDD0"):
            self.ask(command)

    def load(self, message: bytes) -> None:
        """Put a message where the next session finds it, once more if it came damaged. Raises LinkError."""
        for _ in range(TRIES):
            status = self.ask(f"AT+SBDWB={len(message)}", "READY", *NOT_WRITTEN)[-1]
            if status == "READY":
                self.wire.write(message + checksum(message))
                status = self.lines("0", *NOT_WRITTEN, within_s=WRITE_S)[-1]
            self.lines("OK")
            if status == "0":
                return
            say(f"the modem does not take the message: {NOT_WRITTEN[status]}")
        raise LinkError(f"the modem does not take the message: {NOT_WRITTEN[status]}")

    def session(self) -> tuple[int, int]:
        """Talk to the satellites once; keep what came. Returns the status of the message, and how many still wait there."""
        said = " ".join(self.ask("AT+SBDIX", within_s=SESSION_S))
        found = re.search(r"\+SBDIX:" + ",".join([r"\s*(\d+)\s*"] * 6), said)
        if found is None:
            raise LinkError(f"the modem says {said!r} after a session")
        self.rung = False
        status, _, terminated, _, _, queued = map(int, found.groups())
        if terminated == 1:
            self.arrived += self.fetch()
        return status, queued

    def fetch(self) -> list[bytes]:
        """Read the message that came; none if it does not come undamaged."""
        for _ in range(TRIES):
            self.wire.write(b"AT+SBDRB\r")
            self.wire.upto(b"AT+SBDRB\r", COMMAND_S)
            length = int.from_bytes(self.wire.exactly(2, COMMAND_S), "big")
            message, told = self.wire.exactly(length, COMMAND_S), self.wire.exactly(2, COMMAND_S)
            self.lines("OK")
            if told == checksum(message):
                return [message]
        say("a message came damaged from the modem")
        return []

    def exchange(self, message: bytes = b"") -> int:
        """Hold a session, with a message or without, until one succeeds. Returns how many still wait. Raises LinkError."""
        if message:
            self.load(message)
        for least_s, most_s in (*RETRY_S, (0, 0)):
            status, queued = self.session()
            if status in SENT:
                # A session leaves the message where it is.
                self.ask("AT+SBDD0")
                return queued
            reason = REASONS.get(status, f"status {status}")
            if status in HOPELESS or not most_s:
                break
            say(f"not yet: {reason}")
            self.sleep(PATIENCE_S.get(status, 0) + random.uniform(least_s, most_s))
        raise LinkError(f"not sent: {reason}")


def messages(modem: Modem, idle_s: float | None) -> Iterator[bytes]:
    """Yield what waits, and then what each ring announces."""
    while True:
        more = 1
        while more or modem.rung:
            more = modem.exchange()
            yield from modem.arrived
            modem.arrived.clear()
        said = b""
        while RING.encode("ascii") not in said:
            if not (data := modem.wire.some(idle_s)):
                return
            said = said[-len(RING) :] + data


def main(argv: Sequence[str] | None = None, sleep: Sleep = time.sleep) -> int:
    options = parser(__doc__, "sbd", "/dev/ttyUSB0")
    options.add_argument("--baud", type=int, default=19200, help="%(default)s")
    chosen = options.parse_args(argv)

    def work() -> int:
        link = find(chosen.channel)
        packets = packets_of(chosen.path, link, chosen.parity, chosen.sender) if chosen.verb == "send" else []
        with open_wire(chosen.device, chosen.baud) as wire:
            modem = Modem(wire, sleep)
            modem.start(rings=chosen.verb == "receive")
            if chosen.verb == "receive":
                return Inbox(chosen.path).drain(messages(modem, chosen.idle), chosen.count)
            deliver(packets, link, lambda packet: say(f"{modem.exchange(packet)} wait there for us"), sleep)
        if modem.arrived:
            Inbox(chosen.path.parent).drain(modem.arrived)
        return 0

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
