"""How many cores this process may use, and how processes share them: variables that NumPy's BLAS and onnxruntime read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""The first is heeded by all, the others each by one library, in place of it."""
GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cores() -> int:
    """The cores that this process may use: those it is bound to, or fewer if its group has a quota of their time."""
    try:
        bound = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        bound = os.cpu_count() or 1
    return max(1, math.ceil(min(bound, quota())))


def quota(groups: Path = GROUPS, own: Path = OWN) -> float:
    """How many cores' time the group of this process may take, and each group around it; infinite without a limit, or where
    the system does not tell. Source: Linux, Documentation/admin-guide/cgroup-v2.rst, and scheduler/sched-bwc.rst for version 1.
    """
    return min((_share(folder) for folder in _folders(groups, _text(own))), default=math.inf)


def _folders(groups: Path, own: str) -> Iterator[Path]:
    """Where the limits of this process stand. In a container its path may be one outside, and the limits at the top."""
    for line in own.splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers in ("", "cpu") or "cpu" in controllers.split(","):
            top = groups / controllers
            inner = top / path.lstrip("/")
            yield inner
            yield from (folder for folder in inner.parents if folder.is_relative_to(top))


def _share(folder: Path) -> float:
    # Version 2 has both in one file, version 1 in two; "max" and -1 say that there is no limit.
    one = _text(folder / "cpu.max").split()
    time, period = one if len(one) == 2 else (_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))
    return int(time) / int(period) if time.isdecimal() and period.isdecimal() and int(period) and int(time) else math.inf


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


@contextmanager
def shared(processes: int) -> Iterator[int]:
    """Processes that are begun inside are some of so many that share the cores: gives the threads of each.

    They find them in their environment, where what stands there already holds; that of this process is as before afterwards.
    NumPy's OpenBLAS gets one: its threads spin, so that they take many times as long where others use the cores too, and the
    small products of the integer networks gain nothing by them.
    """
    threads = max(1, cores() // processes)
    wanted = {} if THREADS[0] in os.environ else {THREADS[0]: str(threads), THREADS[1]: "1"}
    given = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(given)
    try:
        yield threads
    finally:
        for name in given:
            os.environ.pop(name, None)
