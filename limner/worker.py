"""What a worker process of ``limner.many`` does: it keeps a task, does it with items, and ends with whoever began it.

An end is an exception in the task, so that what is at work cleans up behind itself.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

GRACE_S = 5.0
"""A task that does not end by itself for so long is ended."""

# Of a process that was begun for one task.
_task: Callable[[Any], Any]


class _Stopped(SystemExit):
    """Nobody wants the rest."""


def begin(task: Callable[[Any], Any], voice: Connection) -> None:
    """Be ready for ``do``; say so, and end when the other side of ``voice`` is closed."""
    global _task
    _task = task
    # Interrupts are for whoever began this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    try:
        threading.Thread(target=_end_with, args=(voice,), daemon=True).start()
        with suppress(OSError):
            voice.send(None)
    except _Stopped:
        os._exit(0)  # The pool would tell of it.


def do(item: Any) -> Any:
    """The task, done with an item."""
    try:
        return _task(item)
    except _Stopped:
        os._exit(0)  # The pool would go on with its next item.


def _end_with(voice: Connection) -> None:
    with suppress(EOFError, OSError):
        voice.recv()
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(GRACE_S)
    os._exit(1)


def _stop(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped
