"""Send pictures by amateur packet radio: AX.25 UI frames through a KISS TNC, such as Direwolf, soundmodem or a TNC-2.

    python examples/kiss_ax25.py send harbour.limn --call DL1ABC-7 --parity 1
    python examples/kiss_ax25.py receive pictures --device /dev/ttyUSB0

A packet of the picture is the information field of a frame. With --channel aprs it is text in an APRS user-defined packet.
Nothing is acknowledged; --parity meets losses. The call sign is in the address of each frame.

Sources: M. Chepponis, P. Karn, The KISS TNC (ARRL 6th Computer Networking Conference, 1987), sections 2 and 3. AX.25 Link
Access Protocol 2.2 (TAPR, 1998), sections 3.1, 3.12 and 4.3.3.6 (the TNC adds flags, bit stuffing and the check sequence). APRS
Protocol Reference 1.0.1, chapters 4 (APZ: experimental destinations) and 18 ({{ and a letter: experimental data). Dire Wolf
User Guide: KISS on TCP port 8001.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence

from post import Inbox, Sleep, deliver, packets_of, parser, run, say
from wire import Deadline, LinkError, Wire, open_wire

from limner.channels import find
from limner.container.armour import ARMOURS
from limner.errors import DecodeError

FEND, FESC, TFEND, TFESC = b"\xc0", b"\xdb", b"\xdc", b"\xdd"
DATA = 0
UI, NO_LAYER_3, POLL = 0x03, 0xF0, 0x10
ADDRESS_BYTES, MOST_ADDRESSES = 7, 10
MOST_FRAME_BYTES = 4096
USER_DEFINED = b"{{L"
TO = {"aprs": "APZLIM", "ax25": "LIMNER"}


def kiss(frame: bytes, port: int = 0) -> bytes:
    """Wrap a frame for the TNC. The command byte is escaped too: that of port 12 is a FEND."""
    body = bytes([port << 4 | DATA]) + frame
    return FEND + body.replace(FESC, FESC + TFESC).replace(FEND, FESC + TFEND) + FEND


def unkiss(body: bytes) -> bytes | None:
    """Return the frame between two FENDs; None if there is none, or something else than data."""
    parts = body.split(FESC)
    # Behind an escape only two bytes have a meaning; others are dropped, and the frame goes on.
    plain = {TFEND: FEND, TFESC: FESC}
    whole = parts[0] + b"".join(plain.get(part[:1], b"") + part[1:] for part in parts[1:])
    return whole[1:] if len(whole) > 1 and whole[0] & 0x0F == DATA else None


def address(call: str, *, last: bool, command: bool = False) -> bytes:
    """Write a call sign as seven bytes: six letters shifted up by a bit, then SSID. Raises LinkError."""
    found = re.fullmatch(r"([A-Z0-9]{1,6})(?:-(\d|1[0-5]))?", call.upper())
    if found is None:
        raise LinkError(f"a call sign is up to 6 letters and digits, and -0 to -15 perhaps, not {call!r}")
    letters = bytes(ord(letter) << 1 for letter in found[1].ljust(6))
    return letters + bytes([command << 7 | 0x60 | int(found[2] or 0) << 1 | last])


def ui_frame(source: str, to: str, via: Sequence[str], information: bytes) -> bytes:
    """Write a UI frame, as a TNC takes it."""
    if 2 + len(via) > MOST_ADDRESSES:
        raise LinkError(f"at most {MOST_ADDRESSES - 2} digipeaters, not {len(via)}")
    head = address(to, last=False, command=True) + address(source, last=not via)
    head += b"".join(address(call, last=place == len(via)) for place, call in enumerate(via, 1))
    return head + bytes([UI, NO_LAYER_3]) + information


def read_ui(frame: bytes) -> tuple[str, bytes] | None:
    """Return call sign and information field of a UI frame without layer 3; None for any other."""
    ends = [at for at in range(ADDRESS_BYTES - 1, len(frame), ADDRESS_BYTES) if frame[at] & 1][:1]
    if not ends or not 2 * ADDRESS_BYTES <= ends[0] + 1 <= MOST_ADDRESSES * ADDRESS_BYTES:
        return None
    control = ends[0] + 1
    if len(frame) < control + 2 or frame[control] & ~POLL != UI or frame[control + 1] != NO_LAYER_3:
        return None
    source = frame[ADDRESS_BYTES : 2 * ADDRESS_BYTES]
    call = bytes(byte >> 1 for byte in source[:6]).decode("ascii", "replace").rstrip()
    ssid = source[6] >> 1 & 0x0F
    return f"{call}-{ssid}" if ssid else call, frame[control + 2 :]


def packet_in(information: bytes) -> bytes:
    """Return the packet in an information field. Raises DecodeError for a text that is none."""
    if not information.startswith(USER_DEFINED):
        return information
    return ARMOURS["gsm7"].decode(information[len(USER_DEFINED) :].decode("latin-1"))


def heard(wire: Wire, idle_s: float | None) -> Iterator[bytes]:
    """Yield packets as the TNC hears them, until none comes for so long."""
    held, patience = b"", Deadline(idle_s)
    while data := wire.some(patience.left_s):
        *bodies, held = (held + data).split(FEND)
        held = held[:MOST_FRAME_BYTES]
        for body in bodies:
            if (frame := unkiss(body)) is None or (found := read_ui(frame)) is None:
                continue
            say(f"{found[0]}: {len(found[1])} bytes")
            try:
                yield packet_in(found[1])
                patience.again()
            except DecodeError as error:
                say(f"left out: {error}")


def main(argv: Sequence[str] | None = None, sleep: Sleep = time.sleep) -> int:
    options = parser(__doc__, "ax25", "localhost:8001")
    options.add_argument("--baud", type=int, default=9600, help="of a serial TNC; %(default)s")
    options.add_argument("--port", type=int, choices=range(16), default=0, metavar="0..15", help="of the TNC; %(default)s")
    options.add_argument("--call", help="send: your call sign, as DL1ABC-7")
    options.add_argument("--to", help="send: destination; " + ", ".join(f"{call} on {name}" for name, call in TO.items()))
    options.add_argument("--via", nargs="+", default=[], help="send: digipeaters, as WIDE1-1")
    chosen = options.parse_args(argv)
    if chosen.verb == "send" and not chosen.call:
        options.error("a station names itself: --call")

    def work() -> int:
        link = find(chosen.channel)
        if link.name not in TO:
            raise LinkError(f"--channel is {' or '.join(TO)}, not {link.name}")
        packets = packets_of(chosen.path, link, chosen.parity, chosen.sender) if chosen.verb == "send" else []

        def send(packet: bytes) -> None:
            information = packet if link.name == "ax25" else USER_DEFINED + ARMOURS["gsm7"].encode(packet).encode("ascii")
            wire.write(kiss(ui_frame(chosen.call, chosen.to or TO[link.name], chosen.via, information), chosen.port))

        with open_wire(chosen.device, chosen.baud) as wire:
            if chosen.verb == "receive":
                return Inbox(chosen.path).drain(heard(wire, chosen.idle), chosen.count)
            deliver(packets, link, send, sleep)
        return 0

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
