"""The command as a process of its own, with the real codec: pipes, exit codes, interrupts."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interrupts import heeding_interrupts
from PIL import Image

LIMNER = [sys.executable, "-m", "limner"]


def run(*words: object, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*LIMNER, *map(str, words)], input=data, capture_output=True, timeout=120, check=False)


def test_a_photograph_goes_through_pipes(photo_file: Path) -> None:
    encoded = run("encode", "-", "--target-bytes", 300, data=photo_file.read_bytes())
    assert encoded.returncode == 0 and encoded.stderr == b""
    assert 10 < len(encoded.stdout) <= 300
    decoded = run("decode", "-", "--size", "72x48", data=encoded.stdout)
    assert decoded.returncode == 0 and decoded.stderr == b""
    with Image.open(io.BytesIO(decoded.stdout)) as image:
        assert (image.format, image.size) == ("PNG", (72, 48))
        assert image.info["limner:bytes"] == str(len(encoded.stdout))
    shown = run("inspect", "-", "--json", data=encoded.stdout)
    assert json.loads(shown.stdout)["size_bytes"] == len(encoded.stdout)


def test_a_batch_in_processes_goes_on_and_tells(photo_file: Path, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no picture")
    done = run("encode", "-r", tmp_path, "-o", tmp_path / "out", "-j", 2, "--quality", 5, "--json")
    assert done.returncode == 1
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["done", "failed"]
    assert done.stderr == f"error: {tmp_path / 'words.png'}: not a picture that can be read\n".encode()
    assert run("verify", tmp_path / "out" / "harbour.limn").returncode == 0


def test_wrong_usage_ends_with_2() -> None:
    assert run("encode").returncode == 2
    assert run("--version").stdout.startswith(b"limner ")


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupt_ends_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*LIMNER, "encode", "-", "-o", tmp_path / "x.limn"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heeding_interrupts,
    )
    time.sleep(0.2)
    until = time.monotonic() + 60
    # Before Python has set itself up, a signal would end it in its own way.
    while process.poll() is None and not waits_for_input(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert os.listdir(tmp_path) == []


def waits_for_input(pid: int) -> bool:
    """Say whether a process sleeps in a read of a pipe, where the system tells; elsewhere wait a while instead."""
    try:
        return "pipe" in Path(f"/proc/{pid}/wchan").read_text() or Path(f"/proc/{pid}/syscall").read_text().startswith("0 0x0 ")
    except OSError:
        time.sleep(5)
        return True


@pytest.mark.skipif(os.name == "nt", reason="pipes of Unix")
def test_a_reader_that_goes_away_is_no_crash(photo_file: Path) -> None:
    process = subprocess.Popen([*LIMNER, "encode", photo_file, "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert b"Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_stdout_is_an_error_in_one_line(photo_file: Path, tmp_path: Path, unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    blob = tmp_path / "x.limn"
    assert run("encode", photo_file, "-o", blob, "--quality", 5).returncode == 0
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*LIMNER, "inspect", blob], env=environment, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ") and done.stderr.count(b"\n") == 1


def test_names_are_spelled_where_the_terminal_knows_no_such_letter(photo_file: Path, tmp_path: Path) -> None:
    blob = tmp_path / "h\u00e4fen.limn"
    assert run("encode", photo_file, "-o", blob, "--quality", 5).returncode == 0
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*LIMNER, "inspect", blob], env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0 and b"h\\xe4fen" in done.stdout


def test_nothing_is_written_beside_the_output(photo_file: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    for verb, source, target in (("encode", photo_file, "x.limn"), ("decode", tmp_path / "x.limn", "x.png")):
        command = [*LIMNER, verb, source, "-o", tmp_path / target]
        subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    assert list(home.rglob("*")) == []
