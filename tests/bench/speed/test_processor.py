"""Cores, what others take of them, and what is said of a machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from limner.bench.speed import machine, processor
from limner.bench.speed.processor import THREADS, Others, bound, busy_s, usable
from limner.errors import LimnerError

STAT = """cpu  900 0 100 5000 0 0 0 0 0 0
cpu0 {first} 0 100 1000 40 0 0 0 0 0
cpu1 500 10 100 1000 0 20 30 40 7 7
cpu10 1 1 1 1 1 1 1 1 1 1
intr 1 2 3
"""
hz = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
linux = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="Linux alone")


def stat(folder: Path, first: int = 300) -> Path:
    (folder / "stat").write_text(STAT.format(first=first))
    return folder / "stat"


@linux
def test_a_core_is_busy_unless_it_is_idle_or_waits(tmp_path: Path) -> None:
    assert busy_s((0,), stat(tmp_path)) == (300 + 100) / hz
    # What a guest took is counted in the first two already; what another machine took is not.
    assert busy_s((0, 1), stat(tmp_path)) == (400 + 500 + 10 + 100 + 20 + 30 + 40) / hz
    assert busy_s((0,), tmp_path / "none") is None


@linux
def test_others_are_all_but_the_processes_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = iter((10.0, 11.5, 20.0, 29.0))
    monkeypatch.setattr(processor, "own_s", lambda: next(own))
    others = Others((0,), stat(tmp_path))
    stat(tmp_path, first=300 + 2 * hz)
    assert others.used(4.0) == (2 - 1.5) / 4
    others = Others((0,), stat(tmp_path))
    stat(tmp_path, first=300 + 2 * hz)
    assert others.used(4.0) == 0.0  # clocks of two kinds: never less than nothing
    monkeypatch.setattr(processor, "own_s", lambda: 0.0)
    assert Others((0,), tmp_path / "none").used(1.0) is None


def test_threads_and_cores_are_bound_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS[0], "7")
    monkeypatch.delenv(THREADS[1], raising=False)
    before = usable()
    with pytest.raises(ZeroDivisionError), bound(1) as cores:
        assert cores == before[:1] and {os.environ[name] for name in THREADS} == {"1"}
        if hasattr(os, "sched_getaffinity"):
            assert usable() == before[:1]
        raise ZeroDivisionError
    assert usable() == before and os.environ[THREADS[0]] == "7" and THREADS[1] not in os.environ


def test_more_threads_than_cores_are_refused() -> None:
    for count in (0, len(usable()) + 1):
        with pytest.raises(LimnerError, match="can be had here"), bound(count):
            pass


def test_the_machine_is_told_without_its_name() -> None:
    found = machine.described()
    assert machine.cpu_model() and found["processor"] and all(found.values())
    told = " ".join(found.values())
    assert str(Path.home()) not in told and (len(socket.gethostname()) < 5 or socket.gethostname() not in told)


def test_what_the_system_does_not_tell_is_left_out(tmp_path: Path) -> None:
    assert machine.governors(tmp_path) == [] and machine.quota(tmp_path / "none") == ""
    for core, name in enumerate(("schedutil", "performance", "schedutil")):
        (tmp_path / f"cpu{core}" / "cpufreq").mkdir(parents=True)
        (tmp_path / f"cpu{core}" / "cpufreq" / "scaling_governor").write_text(f"{name}\n")
    assert machine.governors(tmp_path) == ["performance", "schedutil"]
    for text, said in (("max 100000\n", ""), ("150000 100000\n", "1.50 cores")):
        (tmp_path / "cpu.max").write_text(text)
        assert machine.quota(tmp_path / "cpu.max") == said


def test_memory_is_seen() -> None:
    before = machine.peak_mb()
    held = np.ones(max(1, int((before + 50) * 1e6 / 8)))
    assert machine.peak_mb() > before + 40
    del held
