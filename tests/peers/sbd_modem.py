"""An Iridium 9602 at its serial port, and the gateway behind it. Source: ISU AT Command Reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from peers.ends import End

MOST_UP_BYTES, MOST_DOWN_BYTES = 340, 270


def sum_of(message: bytes) -> bytes:
    total = 0
    for byte in message:
        total = (total + byte) % 65536
    return bytes([total // 256, total % 256])


@dataclass
class SbdModem:
    """``sessions``: what comes of each, 0 once they are used up. ``bad_writes``, ``bad_reads``: so many go wrong on the line.

    ``ringing``: messages that reach the gateway once a session has found nothing there.
    """

    sessions: Iterable[int] = ()
    waiting: list[bytes] = field(default_factory=list)
    ringing: list[bytes] = field(default_factory=list)
    bad_writes: int = 0
    bad_reads: int = 0
    received: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    # As a modem stands there that somebody has used before.
    up: bytes = b"an old message"
    down: bytes = b""
    rings: bool = False

    def play(self, end: End) -> None:
        script, held = iter(self.sessions), b""
        while data := end.read():
            held += data
            while b"\r" in held:
                command, _, held = held.partition(b"\r")
                end.write(command + b"\r", 3)  # echo
                self.commands.append(command.decode("ascii").lstrip("\n"))
                held = self._obey(self.commands[-1], held, end, script)

    def _obey(self, command: str, held: bytes, end: End, script: Iterable[int]) -> bytes:
        if command == "AT" or command in ("ATE1", "AT&K0"):
            self._say(end, "OK")
        elif found := re.fullmatch(r"AT\+SBDMTA=([01])", command):
            self.rings = found[1] == "1"
            self._say(end, "OK")
        elif command == "AT+SBDD0":
            self.up = b""
            self._say(end, "0", "OK")
        elif found := re.fullmatch(r"AT\+SBDWB=(\d+)", command):
            held = self._write(int(found[1]), held, end)
        elif command == "AT+SBDIX":
            self._session(end, script)
        elif command == "AT+SBDRB":
            self._read(end)
        else:
            self._say(end, "ERROR")
        return held

    def _say(self, end: End, *lines: str) -> None:
        end.write("".join(f"\r\n{line}\r\n" for line in lines).encode("ascii"), 4)

    def _write(self, length: int, held: bytes, end: End) -> bytes:
        if not 1 <= length <= MOST_UP_BYTES:
            self._say(end, "3", "OK")
            return held
        self._say(end, "READY")
        while len(held) < length + 2:
            more = end.read()
            assert more, "an insufficient number of bytes"
            held += more
        message, told, held = held[:length], held[length : length + 2], held[length + 2 :]
        if self.bad_writes:
            self.bad_writes -= 1
            message = bytes([message[0] ^ 1]) + message[1:]
        if sum_of(message) == told:
            self.up = message
            self._say(end, "0", "OK")
        else:
            self._say(end, "2", "OK")
        return held

    def _session(self, end: End, script: Iterable[int]) -> None:
        status = next(iter(script), 0)
        self.statuses.append(status)
        came = 0
        if status <= 4:
            if self.up:
                self.received.append(self.up)  # and it stays in the buffer
            if self.waiting:
                self.down, came = self.waiting.pop(0), 1
                assert len(self.down) <= MOST_DOWN_BYTES
        number = len(self.received)
        answer = f"+SBDIX: {status}, {number}, {came}, {number}, {len(self.down) * came}, {len(self.waiting)}"
        self._say(end, answer, "OK")
        if self.rings and status <= 4 and not came and self.ringing:
            self.waiting, self.ringing = self.ringing, []
            self._say(end, "SBDRING")

    def _read(self, end: End) -> None:
        message = self.down
        if self.bad_reads:
            self.bad_reads -= 1
            message = message[:-1] + bytes([message[-1] ^ 1])
        end.write(len(message).to_bytes(2, "big") + message + sum_of(self.down), 7)
        self._say(end, "OK")
