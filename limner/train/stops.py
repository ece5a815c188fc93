"""SIGTERM: what a cluster, a container or a battery sends before it takes the machine away. A run saves and ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Asked:
    """Within ``with``, SIGTERM ends nothing and is remembered. Other threads than the main one cannot hear it."""

    def __init__(self) -> None:
        self.to_stop = False
        self.before: Any = None

    def __enter__(self) -> Asked:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGTERM, self.heard)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)

    def heard(self, number: int, frame: FrameType | None) -> None:
        self.to_stop = True


def deaf(worker: int) -> None:
    """For a process that cuts crops: whoever stops the run asks all of its processes, and this one is needed until it saved."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
