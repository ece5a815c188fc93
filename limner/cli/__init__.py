"""The command ``limner``: one file a verb, thin over `limner.api`. Data on stdout, talk on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from limner.errors import LimnerError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: those of the process) and return its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(argv)
        # What is still in the buffer may not fit; at the end of the process nobody could say so.
        if sys.stdout is not None:
            sys.stdout.flush()
    except (LimnerError, OSError) as error:
        # What concerns one file was told where it happened; this is stdout, or a verb that is no batch.
        sys.stderr.write(f"error: {error}\n")
        _forget_stdout()
        return 1
    return code


def _run(argv: Sequence[str] | None) -> int:
    from limner.cli.app import app

    try:
        app(args=None if argv is None else list(argv), prog_name="limner")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _forget_stdout() -> None:
    """Where stdout takes nothing more, let what is left go nowhere, so that the end of the process does not fail on it."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
