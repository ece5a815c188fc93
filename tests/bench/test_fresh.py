"""Decoding in another process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from limner import api
from limner.bench.fresh import decode_elsewhere, run_python
from limner.errors import LimnerError


def test_another_process_paints_what_this_one_does(photo: NDArray[np.uint8]) -> None:
    blob = api.encode(photo, quality=20)
    painted, seconds = decode_elsewhere(blob)
    assert np.array_equal(painted, api.decode(blob))
    assert seconds > 0


def test_what_the_command_says_becomes_the_error() -> None:
    with pytest.raises(LimnerError, match="not a limn file"):
        decode_elsewhere(b"\x89PNG is no picture of ours")


def test_another_python_finds_this_package(tmp_path: Path) -> None:
    done = run_python(["-c", "import limner, os; print(limner.__file__, os.getcwd())"], folder=tmp_path)
    found, folder = done.stdout.split()
    assert Path(found).parent == Path(api.__file__).parent
    assert Path(folder).resolve() == tmp_path.resolve()
