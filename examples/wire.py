"""Bytes to and from a device: a serial port, or a port of TCP. Linux and macOS; the standard library is enough.

    "/dev/ttyUSB0", "localhost:8001" --open_wire--> Wire: some(), exactly(count), upto(mark), write(data)
"""

from __future__ import annotations

import os
import select
import socket
import termios
import time
import tty
from collections.abc import Callable
from typing import Self

CONNECT_S = 10.0
CHUNK_BYTES = 4096
LONGEST_BYTES = 4096


class LinkError(Exception):
    """The device refuses, makes no sense, or does not answer."""


class Deadline:
    """So many seconds from now; None: for ever."""

    def __init__(self, within_s: float | None) -> None:
        self._within_s = within_s
        self.again()

    def again(self) -> None:
        """Start anew."""
        self._start = time.monotonic()

    @property
    def left_s(self) -> float | None:
        """What is left, at least 0."""
        return None if self._within_s is None else max(0.0, self._start + self._within_s - time.monotonic())


class Wire:
    """An open device. What does not come in time is a LinkError, and so is a device that is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = b""

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def some(self, within_s: float | None) -> bytes:
        """Return what is there, or what comes first; nothing if nothing comes in time (None: wait for ever)."""
        held, self._held = self._held, b""
        if held or not select.select([self._descriptor], [], [], within_s)[0]:
            return held
        try:
            data = os.read(self._descriptor, CHUNK_BYTES)
        except OSError as error:
            raise LinkError(f"the device is gone: {error.strerror}") from error
        if not data:
            raise LinkError("the device hung up")
        return data

    def exactly(self, count: int, within_s: float) -> bytes:
        """Return so many bytes."""
        return self._until(lambda found: count if len(found) >= count else None, within_s, f"{count} bytes")

    def upto(self, mark: bytes, within_s: float) -> bytes:
        """Return what comes before a mark; the mark is taken too."""

        def end(found: bytes) -> int | None:
            if len(found) > LONGEST_BYTES:
                raise LinkError("the device says something without end")
            return found.index(mark) + len(mark) if mark in found else None

        return self._until(end, within_s, repr(mark.decode("ascii", "replace"))).removesuffix(mark)

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until(self, end: Callable[[bytes], int | None], within_s: float, what: str) -> bytes:
        found, deadline = b"", Deadline(within_s)
        while (at := end(found)) is None:
            if not (more := self.some(deadline.left_s)):
                self._held = found
                raise LinkError(f"waited {within_s:g} s for {what}")
            found += more
        self._held = found[at:]
        return found[:at]


def open_wire(place: str, baud: int = 115_200) -> Wire:
    """Open a serial port by its path, or a TCP port as HOST:PORT. Raises LinkError."""
    try:
        return Wire(_serial(place, baud) if place.startswith("/") else _tcp(place))
    except (OSError, termios.error) as error:
        raise LinkError(f"{place}: {error.args[-1] if error.args else error}") from error


def _tcp(place: str) -> int:
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise LinkError(f"a device is /dev/NAME or HOST:PORT, not {place!r}")
    stream = socket.create_connection((host, int(port)), timeout=CONNECT_S)
    stream.settimeout(None)
    return stream.detach()


def _serial(path: str, baud: int) -> int:
    """Open a port with 8 bits, no parity, one stop bit, no flow control, and no change to any byte."""
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise LinkError(f"no serial port has {baud} baud")
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(descriptor)
        settings = termios.tcgetattr(descriptor)
        settings[2] |= termios.CLOCAL | termios.CREAD
        # A line that drops at closing resets many boards.
        settings[2] &= ~(termios.HUPCL | termios.CRTSCTS | termios.CSTOPB)
        settings[4] = settings[5] = speed
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
