"""How many cores there are, and how processes share them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from limner import cores
from limner.cores import THREADS, quota, shared


def group(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A tree of control groups, and the file that says where in it a process is."""
    for name, text in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "own").write_text(own)
    return folder / "groups", folder / "own"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "200000 100000", "cpu.max": "300000 100000"}, 2),
        # The path is one outside of the container.
        ("0::/outside/x\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/../x\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("1:cpu:/a\n0::/\n", {"cpu/a/cpu.cfs_quota_us": "300000", "cpu/a/cpu.cfs_period_us": "100000"}, 3),
        ("4:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, math.inf),
        ("4:cpuset:/\n3:memory:/\n", {"cpuset/cpu.max": "1 1"}, math.inf),
        ("0::/\n", {"cpu.max": "words\n"}, math.inf),
        ("nonsense\n\n", {}, math.inf),
        ("0::/\n", {"cpu.max": "0 0\n"}, math.inf),
        ("", {}, math.inf),
    ],
)
def test_the_least_quota_of_the_groups_counts(tmp_path: Path, own: str, files: dict[str, str], expected: float) -> None:
    assert quota(*group(tmp_path, own, files)) == expected


def test_a_system_without_groups_has_no_quota(tmp_path: Path) -> None:
    assert quota(tmp_path / "none", tmp_path / "neither") == math.inf


@pytest.mark.parametrize(("quota", "expected"), [(math.inf, 6), (2.5, 3), (0.1, 1), (8.0, 6)])
def test_cores_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch, quota: float, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(6), raising=False)
    monkeypatch.setattr(cores, "quota", lambda: quota)
    assert cores.cores() == expected
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores.cores() == expected


@pytest.mark.parametrize(("processes", "threads"), [(1, "6"), (2, "3"), (4, "1"), (100, "1")])
def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch, processes: int, threads: str) -> None:
    monkeypatch.setattr(cores, "cores", lambda: 6)
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    with shared(processes) as given:
        assert str(given) == threads
        assert [os.environ.get(name) for name in THREADS] == [threads, "1", None]
    assert not set(THREADS) & set(os.environ)


def test_what_the_environment_says_already_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cores, "cores", lambda: 6)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    with shared(2):
        assert [os.environ.get(name) for name in THREADS] == ["3", "7", None]
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    with shared(2):
        assert [os.environ.get(name) for name in THREADS] == ["5", None, None]
    assert [os.environ.get(name) for name in THREADS] == ["5", None, None]
