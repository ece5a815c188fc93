"""Decoding in another process, which gets the bytes and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from limner import image
from limner.errors import LimnerError

PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def decode_elsewhere(blob: bytes, *options: str) -> tuple[image.Pixels, float]:
    """Decode with ``python -m limner decode`` in an empty folder; return the (h, w, 3) picture and the process' wall seconds.

    ``options``: of the command. The seconds hold the start of Python and the writing of a PNG. Raises LimnerError with what the
    command said.
    """
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "picture.limn"), Path(folder, "picture.png")
        source.write_bytes(blob)
        start = time.perf_counter()
        done = run_python(["-m", "limner", "decode", source.name, *options], folder=Path(folder))
        seconds = time.perf_counter() - start
        if done.returncode or not target.is_file():
            raise LimnerError(f"decoding failed (exit code {done.returncode}): {done.stderr.strip()[-500:]}")
        return image.load(target).pixels, seconds


def run_python(
    arguments: list[str], *, folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this Python with ``arguments`` in ``folder``, so that it finds this very package and no other."""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE_PARENT)} | dict(variables or {})
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
