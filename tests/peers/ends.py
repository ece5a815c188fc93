"""The far end of a wire: a thread that plays a device on a pseudo terminal, or on a port of TCP."""

from __future__ import annotations

import os
import select
import socket
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

TICK_S = 0.02


class End:
    """What a device reads and writes; it reads nothing once the test is over, or whoever spoke to it has hung up."""

    def __init__(self, descriptor: int, over: Event, *, lasting: bool) -> None:
        self._descriptor, self._over, self._lasting = descriptor, over, lasting
        self._writing = Lock()
        self._gone = Event()

    def hang_up(self) -> None:
        """Let the device end as if somebody had pulled the plug."""
        self._gone.set()

    def read(self) -> bytes:
        while not self._over.is_set() and not self._gone.is_set():
            if not select.select([self._descriptor], [], [], TICK_S)[0]:
                continue
            try:
                data = os.read(self._descriptor, 4096)
            except OSError:
                data = b""  # a pseudo terminal that nobody has open
            if data or not self._lasting:
                return data
            self._over.wait(TICK_S)
        return b""

    def write(self, data: bytes, chunk_bytes: int = 1 << 16) -> None:
        """Write in pieces, as a slow line delivers them."""
        with self._writing:
            for at in range(0, len(data), chunk_bytes):
                os.write(self._descriptor, data[at : at + chunk_bytes])


Play = Callable[[End], None]


@contextmanager
def on_terminal(play: Play) -> Iterator[str]:
    """Play a device at a serial port; its path is given. What goes wrong in the device is raised at the end."""
    own, other = os.openpty()
    tty.setraw(other)
    over, faults = Event(), list[BaseException]()
    thread = Thread(target=_watched, args=(play, End(own, over, lasting=True), faults))
    thread.start()
    try:
        yield os.ttyname(other)
    finally:
        over.set()
        thread.join()
        os.close(own)
        os.close(other)
    _raise(faults)


@contextmanager
def on_tcp(play: Play) -> Iterator[str]:
    """Play a device at a port of TCP, for one caller after the other; HOST:PORT is given."""
    over, faults = Event(), list[BaseException]()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TICK_S)
        thread = Thread(target=_accepting, args=(server, play, over, faults))
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()
    _raise(faults)


def _accepting(server: socket.socket, play: Play, over: Event, faults: list[BaseException]) -> None:
    while not over.is_set():
        try:
            stream, _ = server.accept()
        except TimeoutError:
            continue
        with stream:
            stream.setblocking(True)
            _watched(play, End(stream.fileno(), over, lasting=False), faults)


def _watched(play: Play, end: End, faults: list[BaseException]) -> None:
    try:
        play(end)
    except BaseException as fault:  # told to the test
        faults.append(fault)


def _raise(faults: list[BaseException]) -> None:
    if faults:
        raise faults[0]
