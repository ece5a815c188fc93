"""A folder worked through in one of several ways: when each picture was done, and what memory the processes took.

    Way --commands--> processes --lines--> seconds -> pictures a second
                                --/proc--> Held, over time
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from limner.bench.fresh import PACKAGE_PARENT
from limner.bench.load import TARGET_BYTES
from limner.bench.many.loop import ENCODE
from limner.bench.running import Held, children, held_bytes
from limner.cores import THREADS, cores
from limner.errors import LimnerError

WARM = 2
"""Pictures of each process that are not counted: weights are opened with the first."""
EVERY_S = 0.2


@dataclass(frozen=True)
class Way:
    """``processes`` of ``threads``, 0: as ``-j`` shares the cores. ``by_hand``: plain loops side by side in place of ``-j``."""

    processes: int
    threads: int = 0
    by_hand: bool = False

    @property
    def name(self) -> str:
        if self.by_hand:
            return "the plain loop" if self.processes == 1 else f"{self.processes} plain loops at once"
        return f"-j {self.processes}"

    @property
    def threads_each(self) -> int:
        return self.threads or max(1, cores() // self.processes)

    def commands(self, verb: str, folder: Path, output: Path) -> list[list[str]]:
        """What is begun for it."""
        if self.by_hand:
            loop = ["limner.bench.many.loop", verb, str(folder), str(output)]
            return [python(*loop, str(first), str(self.processes)) for first in range(self.processes)]
        size = ["--target-bytes", str(TARGET_BYTES)] if verb == ENCODE else []
        return [python("limner", verb, "-r", str(folder), "-o", str(output), "-j", str(self.processes), "--json", *size)]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in THREADS}
        given = dict.fromkeys(THREADS, str(self.threads)) if self.threads else {}
        return kept | given | {"PYTHONPATH": str(PACKAGE_PARENT)}


def python(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


@dataclass(frozen=True)
class Run:
    """``done_s``: when each picture was done, rising. ``held``: memory over time, if it was looked at."""

    processes: int
    done_s: tuple[float, ...]
    held: tuple[Held, ...] = ()

    @property
    def per_s(self) -> float:
        """Pictures a second between the first of all processes and the last, when some have nothing more to do."""
        first, last = WARM * self.processes - 1, len(self.done_s) - self.processes
        if last <= first:
            raise LimnerError(f"{len(self.done_s)} pictures are too few for {self.processes} processes")
        return (last - first) / (self.done_s[last] - self.done_s[first])


def run(way: Way, verb: str, folder: Path, *, watched: bool = False) -> Run:
    """Work through a folder once. ``watched``: look at the memory. Raises LimnerError if a process fails or pictures lack."""
    done_s: list[float] = []
    held: list[Held] = []
    with TemporaryDirectory() as output:
        start_s = time.monotonic()
        processes = [
            subprocess.Popen(command, env=way.environment(), stdout=subprocess.PIPE)
            for command in way.commands(verb, folder, Path(output))
        ]
        readers = [threading.Thread(target=_read, args=(process, start_s, done_s)) for process in processes]
        for reader in readers:
            reader.start()
        while any(process.poll() is None for process in processes):
            if watched:
                held.append(_look([process.pid for process in processes], time.monotonic() - start_s))
            time.sleep(EVERY_S)
        for reader in readers:
            reader.join()
        made = len(os.listdir(output))
    if any(process.returncode for process in processes) or made != len(os.listdir(folder)):
        raise LimnerError(f"{way.name}: {made} of {len(os.listdir(folder))} files were made")
    return Run(way.processes, tuple(sorted(done_s)), tuple(held))


def _read(process: subprocess.Popen[bytes], start_s: float, done_s: list[float]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for _ in process.stdout:
            done_s.append(time.monotonic() - start_s)


def _look(pids: Sequence[int], after_s: float) -> Held:
    workers = [held_bytes(child) for pid in pids for child in children(pid)]
    front = sum(held_bytes(pid) for pid in pids)
    return Held(after_s, front, max(workers, default=0), front + sum(workers))
