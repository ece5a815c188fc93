"""Where a verb's bytes come from and go to."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from limner.cli.plan import STREAM
from limner.errors import LimitError

# No picture in this format comes near it; a reader should not fill the memory with what is none.
MAX_FILE_BYTES = 64 * 2**20


def read_blob(source: str) -> bytes:
    """Read a file of ours, or stdin. Raises LimitError over `MAX_FILE_BYTES`, OSError from the disk."""
    if source == STREAM:
        data = stdin().read(MAX_FILE_BYTES + 1)
    else:
        with Path(source).open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise LimitError(f"more than {MAX_FILE_BYTES} bytes", offset=MAX_FILE_BYTES, field="file")
    return data


def stdin() -> BinaryIO:
    """Return stdin for bytes. Raises OSError if the process has none."""
    if sys.stdin is None:
        raise OSError(errno.EBADF, "is closed", "stdin")
    return sys.stdin.buffer


def write(target: str, data: bytes) -> None:
    """Write a file whole or not at all, with the folders above it, or write to stdout. Raises OSError."""
    write_pieces(target, (data,))


def write_pieces(target: str, pieces: Iterable[bytes]) -> None:
    """The same of a file that is made piece by piece."""
    if target == STREAM:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
        return
    from limner import atomic

    Path(target).parent.mkdir(parents=True, exist_ok=True)
    atomic.write_pieces(target, pieces)


def shown(name: str | None) -> str:
    """Return a name as a person reads it."""
    return "stdout" if name == STREAM else str(name)
