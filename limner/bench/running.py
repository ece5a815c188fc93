"""A service in a process of its own, with what its processes hold in memory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from limner.bench.fresh import PACKAGE_PARENT
from limner.errors import LimnerError

START_S = 300.0
END_S = 60.0
EVERY_S = 0.1


@dataclass
class Memory:
    """Bytes: the most that the front, one worker, and all together held."""

    front: int = 0
    worker: int = 0
    together: int = 0

    def look(self, pid: int) -> None:
        front, workers = held_bytes(pid), [held_bytes(child) for child in children(pid)]
        self.front = max(self.front, front)
        self.worker = max(self.worker, *workers, 0)
        self.together = max(self.together, front + sum(workers))


@dataclass(frozen=True)
class Held:
    """Bytes at a moment: of what was begun, of its largest worker, and of all; pages that they share are counted for each."""

    after_s: float
    front: int
    worker: int
    together: int


@dataclass(frozen=True)
class Running:
    """A service. ``memory``: what it has held so far; it is looked at ten times a second."""

    host: str
    port: int
    pid: int
    memory: Memory

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def running(*options: str, variables: Mapping[str, str] | None = None) -> Iterator[Running]:
    """``limner serve`` with these options on a free port of loopback, until the block ends. Raises LimnerError if it does not
    come up, or does not end in order."""
    command = [sys.executable, "-m", "limner", "serve", "--port", "0", *options]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE_PARENT)} | dict(variables or {})
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True, start_new_session=True)
    said: list[str] = []
    reader = threading.Thread(target=_read, args=(process, said), daemon=True)
    reader.start()
    done = threading.Event()
    memory = Memory()
    watcher = threading.Thread(target=_watch, args=(process.pid, memory, done), daemon=True)
    try:
        host, port = _address(process, said)
        watcher.start()
        yield Running(host, port, process.pid, memory)
    finally:
        done.set()
        code = _end(process)
        reader.join(END_S)
        if process.stderr is not None:
            process.stderr.close()
    if code not in (0, -signal.SIGTERM):
        raise LimnerError(f"the service ended with {code}: {' '.join(said)[-500:]}")


def _read(process: subprocess.Popen[str], said: list[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        del said[:-1000]


def _watch(pid: int, memory: Memory, done: threading.Event) -> None:
    while not done.wait(EVERY_S):
        memory.look(pid)


def _address(process: subprocess.Popen[str], said: Sequence[str]) -> tuple[str, int]:
    until_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until_s:
        found = re.search(r"limner serves http://([\d.]+):(\d+)", "".join(said))
        if found is not None:
            return found[1], int(found[2])
        time.sleep(0.05)
    raise LimnerError(f"the service does not come up: {''.join(said)[-500:]}")


def _end(process: subprocess.Popen[str]) -> int:
    process.terminate()
    try:
        return process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise LimnerError("the service does not end") from None


def children(pid: int) -> list[int]:
    """Processes that this one has begun; none where the system does not say it as Linux does."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == pid:
            found.append(int(path.parent.name))
    return found


def held_bytes(pid: int) -> int:
    """Memory that a process holds; 0 where it has ended, or the system does not say it as Linux does."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
