"""The cores that a measurement is bound to, and what others took of them meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from limner.cores import THREADS
from limner.errors import LimnerError

STAT = Path("/proc/stat")
IDLE = (3, 4)  # places of idle and iowait behind the name of a core
GUEST = 8  # from here on what is counted before already


def usable() -> tuple[int, ...]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


@contextmanager
def bound(threads: int) -> Iterator[tuple[int, ...]]:
    """Processes that are started inside use so many threads, on as many cores where the system can bind them; gives the cores.

    Variables tell the libraries, the binding holds those that do not listen. Raises LimnerError if there are fewer cores.
    """
    cores = usable()
    if not 1 <= threads <= len(cores):
        raise LimnerError(f"{threads} threads: 1 to {len(cores)} can be had here")
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    _bind(cores[:threads])
    try:
        yield cores[:threads]
    finally:
        _bind(cores)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _bind(cores: Sequence[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def load() -> float | None:
    """Processes that wanted to run, the mean of the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def busy_s(cores: Sequence[int], stat: Path = STAT) -> float | None:
    """Seconds that cores were not idle since the machine was started, those that another machine took of them included; None
    where the system does not tell. Source: proc_stat(5)."""
    try:
        lines = [line.split() for line in stat.read_text().splitlines()]
        tick_hz = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    wanted = {f"cpu{core}" for core in cores}
    ticks = [list(map(int, line[1:]))[:GUEST] for line in lines if line[:1] and line[0] in wanted]
    return sum(sum(one) - sum(one[place] for place in IDLE) for one in ticks) / tick_hz


def own_s() -> float:
    """CPU seconds of this process and of all that it has started and seen end."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass
class Others:
    """Tells how many of some cores others used since it was made."""

    cores: Sequence[int]
    stat: Path = STAT
    _busy_s: float | None = field(init=False)
    _own_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._busy_s, self._own_s = busy_s(self.cores, self.stat), own_s()

    def used(self, seconds: float) -> float | None:
        """The mean over so many seconds; None where the system does not tell."""
        busy = busy_s(self.cores, self.stat)
        if busy is None or self._busy_s is None or seconds <= 0:
            return None
        theirs = busy - self._busy_s - (own_s() - self._own_s)
        return round(min(max(0.0, theirs / seconds), float(len(self.cores))), 3)
