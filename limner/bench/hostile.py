"""Requests that nobody means well with, and what a service makes of them.

    makers, seed -> Attack --strike--> Outcome: status, or the connection was closed

An answer of 2xx or 4xx, or a closed connection, is in order; silence and other 5xx are not.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from limner.bench.hostile_makers import MAKERS, Attack

LONGEST_S = 90.0
"""An answer that takes longer is none."""
IN_ORDER = (501, 503, 504)
"""Statuses over 499 that say what they should."""
SILENT, CLOSED = -1, 0


@dataclass(frozen=True)
class Outcome:
    """``status``: of the answer; 0 where the connection was closed instead, -1 where nothing happened in time."""

    name: str
    status: int
    seconds: float

    @property
    def is_in_order(self) -> bool:
        return CLOSED <= self.status < 500 or self.status in IN_ORDER


def attacks(number: int, seed: int) -> Iterator[Attack]:
    """So many attacks, all makers in turn."""
    for place in range(number):
        yield MAKERS[place % len(MAKERS)](random.Random(f"{seed}/{place}"))


def strike(host: str, port: int, attack: Attack, longest_s: float = LONGEST_S) -> Outcome:
    """Send one, and see what comes back."""
    start_s = time.monotonic()
    status = CLOSED
    try:
        with socket.create_connection((host, port), timeout=longest_s) as line:
            with suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(attack.data)  # it may have answered before it had everything
            status = _status(line, start_s + longest_s)
    except TimeoutError:
        status = SILENT
    except OSError:
        pass  # closed: that is an answer too
    return Outcome(attack.name, status, time.monotonic() - start_s)


def _status(line: socket.socket, until_s: float) -> int:
    head = b""
    while b"\r\n" not in head:
        line.settimeout(max(0.01, until_s - time.monotonic()))
        part = line.recv(4096)
        if not part:
            return CLOSED
        head += part
    words = head.split(None, 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else CLOSED
