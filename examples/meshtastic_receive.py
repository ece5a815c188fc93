"""Receive pictures over a Meshtastic mesh by Meshtastic's own library: pip install meshtastic (GPL-3.0).

    python examples/meshtastic_receive.py pictures --device /dev/ttyUSB0

meshtastic_serial.py does the same without the library.

Source: Meshtastic Python API (messages are published as meshtastic.receive).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from meshtastic_send import open_radio
from post import Inbox, run
from pubsub import pub

TOPIC, PORT = "meshtastic.receive", "PRIVATE_APP"


def heard(arrived: Queue[bytes], idle_s: float | None) -> Iterator[bytes]:
    """Yield messages, until none comes for so long."""
    while True:
        try:
            yield arrived.get(timeout=idle_s)
        except Empty:
            return


def main(argv: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, help="for what comes")
    options.add_argument("--device", default="", help="/dev/NAME or HOST:PORT; else the first radio on USB")
    options.add_argument("--count", type=int, help="stop after so many pictures")
    options.add_argument("--idle", type=float, help="stop after so many seconds in which nothing came")
    chosen = options.parse_args(argv)
    arrived: Queue[bytes] = Queue()

    def take(packet: dict[str, Any], interface: Any) -> None:
        if packet.get("decoded", {}).get("portnum") == PORT:
            arrived.put(packet["decoded"]["payload"])

    def work() -> int:
        # Only a weak reference is kept of what subscribes: take must live as long as this function.
        pub.subscribe(take, TOPIC)
        radio = open_radio(chosen.device)
        try:
            return Inbox(chosen.folder).drain(heard(arrived, chosen.idle), chosen.count)
        finally:
            radio.close()

    return run(work)


if __name__ == "__main__":
    sys.exit(main())
