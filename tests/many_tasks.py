"""Tasks for worker processes, which find them by their names."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from limner.cores import THREADS
from limner.errors import BudgetError

DEADLY = -1
DEAD = "dead"
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def square(item: int) -> int:
    return item * item


def square_or_die(item: int) -> int:
    if item <= DEADLY:
        os.kill(os.getpid(), KILL)
        time.sleep(60)
    return item * item


def square_or_raise(item: int) -> int:
    if item < 0:
        raise BudgetError("too few bytes", -item)
    return item * item


def leave(_item: int) -> None:
    raise SystemExit(7)


def dead(item: int) -> str:
    return f"{DEAD} {item}"


def never(item: int) -> int:
    raise AssertionError(f"nobody died over {item}")


def back(item: bytes) -> bytes:
    return item


def process(_item: int) -> int:
    return os.getpid()


def threads(_item: int) -> list[str | None]:
    return [os.environ.get(name) for name in THREADS]


def what_does_not_travel(_item: int) -> object:
    return threading.Lock()


@dataclass(frozen=True)
class Marking:
    """Leaves a file for each item that is begun, and one when it is over; the negative ones take long."""

    folder: Path

    def __call__(self, item: int) -> int:
        mark(self.folder, f"begun-{item}-{os.getpid()}")
        try:
            if item < 0:
                time.sleep(600)
            return square_or_die(item)
        finally:
            mark(self.folder, f"done-{item}")


@dataclass(frozen=True)
class LongOnce:
    """Takes long for a negative item when it meets the first one."""

    folder: Path

    def __call__(self, item: int) -> int:
        if item < 0 and not marks(self.folder, "begun"):
            mark(self.folder, f"begun-{os.getpid()}")
            time.sleep(600)
        return item * item


@dataclass(frozen=True)
class Killing:
    """Leaves a file for each time that an item is done."""

    folder: Path

    def __call__(self, item: int) -> int:
        done = square_or_die(item)
        mark(self.folder, f"done-{item}")
        return done


@dataclass(frozen=True)
class Gate:
    """Ends the first item when a file is there. Raises TimeoutError if it does not come."""

    folder: Path

    def __call__(self, item: int) -> int:
        until_s = time.monotonic() + 60
        while item == 0 and not marks(self.folder, "open"):
            if time.monotonic() > until_s:
                raise TimeoutError
            time.sleep(0.01)
        return item * item


class Counted:
    """Leaves a file for each time that it arrives in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.folder = state["folder"]
        mark(self.folder, f"arrived-{os.getpid()}")

    def __call__(self, item: int) -> int:
        return square(item)


class Stillborn:
    """Ends each process in which it arrives."""

    def __setstate__(self, state: dict[str, object]) -> None:
        os._exit(3)

    def __getstate__(self) -> dict[str, object]:
        return {"something": 1}

    def __call__(self, item: int) -> int:
        return item


def mark(folder: Path, name: str) -> None:
    (folder / f"{name}-{time.monotonic_ns()}").touch()


def marks(folder: Path, name: str) -> int:
    return len(list(folder.glob(f"{name}-*")))
