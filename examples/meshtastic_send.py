"""Send a picture over a Meshtastic mesh by Meshtastic's own library: pip install meshtastic (GPL-3.0).

    python examples/meshtastic_send.py harbour.limn --device /dev/ttyUSB0 --parity 1
    python examples/meshtastic_send.py harbour.limn --device 192.168.1.20:4403 --to '!a1b2c3d4'

A packet of the picture is the payload of a packet to PRIVATE_APP. To everybody nothing is acknowledged: --parity meets losses.
To one node each packet is sent until it is acknowledged. meshtastic_serial.py does the same without the library.

Source: Meshtastic Python API (meshtastic.serial_interface, tcp_interface; MeshInterface.sendData; acknowledgements are
published as meshtastic.receive.routing).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from meshtastic.protobuf import portnums_pb2
from meshtastic.serial_interface import SerialInterface
from meshtastic.tcp_interface import TCPInterface
from post import Sleep, deliver, packets_of, run, say
from pubsub import pub
from wire import Deadline, LinkError

from limner.channels import find

EVERYBODY, ROUTING = "^all", "meshtastic.receive.routing"
ENCRYPTION_BYTES = 12
"""What the encryption to one node takes of a packet."""
CONFIRM_S = 90.0
TRIES = 4


def open_radio(device: str) -> Any:
    """Open a radio at /dev/NAME or HOST:PORT, the first one if nothing is said. Raises LinkError."""
    host, _, port = device.rpartition(":")
    try:
        return TCPInterface(host, portNumber=int(port)) if host else SerialInterface(device or None)
    # The library ends the program where it finds no radio.
    except (SystemExit, Exception) as error:
        raise LinkError(f"no radio at {device or 'any port'}: {error}") from error


def confirmed(answers: Queue[dict[str, Any]], number: int, to: int) -> str:
    """Return how a packet ended; NONE: well. That another node passes it on says nothing yet."""
    deadline = Deadline(CONFIRM_S)
    while True:
        try:
            said = answers.get(timeout=deadline.left_s)
        except Empty:
            return "no answer"
        error = str(said["decoded"]["routing"].get("errorReason", "NONE"))
        if said["decoded"].get("requestId") == number and (error != "NONE" or said["from"] == to):
            return error


def send(radio: Any, answers: Queue[dict[str, Any]], message: bytes, to: str, slot: int) -> None:
    """Send a message; to one node, until that node confirms it. Raises LinkError."""
    for _ in range(TRIES):
        sent = radio.sendData(message, to, portNum=portnums_pb2.PortNum.PRIVATE_APP, wantAck=to != EVERYBODY, channelIndex=slot)
        said = "NONE" if to == EVERYBODY else confirmed(answers, sent.id, sent.to)
        if said == "NONE":
            return
        say(f"not confirmed: {said}")
    raise LinkError(f"{to} does not confirm: {said}")


def main(argv: Sequence[str] | None = None, sleep: Sleep = time.sleep) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path, help="a .limn file")
    options.add_argument("--device", default="", help="/dev/NAME or HOST:PORT; else the first radio on USB")
    options.add_argument("--channel", default="meshtastic", help="see limner channels; %(default)s")
    options.add_argument("--parity", type=int, default=0, help="so many messages may be lost; %(default)s")
    options.add_argument("--sender", default="", help="call sign in every packet")
    options.add_argument("--to", default=EVERYBODY, help="one node, as !a1b2c3d4; else everybody")
    options.add_argument("--slot", type=int, default=0, help="of the channel in the radio; %(default)s")
    chosen = options.parse_args(argv)

    def work() -> int:
        link = find(chosen.channel)
        if chosen.to != EVERYBODY:
            link = replace(link, size=link.size - ENCRYPTION_BYTES)
        packets = packets_of(chosen.file, link, chosen.parity, chosen.sender)
        answers: Queue[dict[str, Any]] = Queue()

        def take(packet: dict[str, Any], interface: Any) -> None:
            answers.put(packet)

        # Only a weak reference is kept of what subscribes: take lives as long as this function.
        pub.subscribe(take, ROUTING)
        radio = open_radio(chosen.device)
        try:
            deliver(packets, link, lambda packet: send(radio, answers, packet, chosen.to, chosen.slot), sleep)
        finally:
            radio.close()
        return 0

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
