"""Processes that a test interrupts."""

from __future__ import annotations

import signal


def heeding_interrupts() -> None:
    """For ``preexec_fn``: a shell has its background jobs ignore interrupts, and so do their children unless told otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
