"""The example that trains on a Ray cluster starts, and says what it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")

PROGRAM = Path(__file__).parent.parent.parent / "examples" / "training" / "on_ray.py"


def test_it_starts() -> None:
    done = subprocess.run([sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True)
    assert all(option in done.stdout for option in ("--machines", "--devices", "--gpu"))
