"""Figures of speed: the worker and the page. The figures themselves are for the command, not for tests."""

from __future__ import annotations

import numpy as np
import pytest

from limner.bench import speed
from limner.bench.speed import Figure
from limner.errors import LimnerError


def test_the_page_says_what_holds() -> None:
    page = speed.page([Figure("encode", 0.3, "s", 0.4), Figure("memory", 420.4, "MB", 400.0)], "A machine.")
    assert "| encode | 0.300 s | 0.4 s | yes |" in page
    assert "| memory | 420 MB | 400 MB | no |" in page
    assert "A machine." in page


def test_memory_is_seen() -> None:
    before = speed.peak_mb()
    held = np.ones(max(1, int((before + 50) * 1e6 / 8)))
    assert speed.peak_mb() > before + 40
    del held


def test_a_worker_measures_both_verbs() -> None:
    pytest.importorskip("skimage")
    found = speed.measure("decode", (64, 48), 400, 1, "")
    assert set(found) == {"first_s", "median_s", "peak_mb"}
    assert found["first_s"] > 0 and 10 < found["peak_mb"] < 2000


def test_a_worker_that_fails_is_an_error() -> None:
    with pytest.raises(LimnerError):
        speed._json_of(["-c", "raise SystemExit(3)"])


def test_the_machine_has_a_name() -> None:
    assert speed.cpu_model()
