"""Processes below one, what they hold over time, and one of them killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.bench.running import Held, held_bytes

# How the workers of an engine are called in the list of processes.
WORKERS = ("ray::MapWorker", "multiprocessing.spawn")


def below(pid: int) -> Iterator[int]:
    """All processes that this one has begun, and that these have begun. Linux only: nothing elsewhere."""
    above: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        above.setdefault(parent, []).append(int(path.parent.name))
    waiting = [pid]
    while waiting:
        found = above.get(waiting.pop(), [])
        yield from found
        waiting += found


def workers(pids: Sequence[int]) -> list[int]:
    return [pid for pid in pids if any(name in _command(pid) for name in WORKERS)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def look(pid: int, after_s: float) -> Held:
    pids = list(below(pid))
    front, largest = held_bytes(pid), max(map(held_bytes, workers(pids)), default=0)
    return Held(after_s, front, largest, front + sum(map(held_bytes, pids)))


def kill_worker(pid: int) -> int:
    """Kill the worker that holds most, below a process; 0 if there is none."""
    found = sorted(workers(list(below(pid))), key=held_bytes)
    if not found:
        return 0
    os.kill(found[-1], signal.SIGKILL)
    return found[-1]
