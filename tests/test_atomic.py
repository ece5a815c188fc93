"""Whatever happens while a file is written, the old one stays and no half file appears."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from limner.atomic import write_atomic


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fsync)


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_an_interrupt_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    fail_with(error, monkeypatch)
    with pytest.raises(type(error)):
        write_atomic(path, b"new")
    with pytest.raises(type(error)):
        write_atomic(tmp_path / "y", b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full here")
def test_a_device_that_is_full_says_so() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_atomic("/dev/full", b"new")
    assert not os.path.isfile("/dev/full")


def test_no_permission_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    # The tests may run as root, to whom everything is allowed.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "x", b"new")


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes of Unix")
def test_keeps_links_and_modes(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomic(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640
