"""The command ``limner``: one file a verb, thin over `limner.api`. Data on stdout, talk on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper

from limner.errors import LimnerError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: those of the process) and return its exit code."""
    from limner.cli.app import app

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(args=None if argv is None else list(argv), prog_name="limner")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (LimnerError, OSError) as error:
        # What concerns one file was told where it happened; this is stdout, or a verb that is no batch.
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0
