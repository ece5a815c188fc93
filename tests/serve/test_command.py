"""``limner serve`` as a process: it says where it is, ends in order, and leaves nothing behind. And what attackers do to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

httpx2 = pytest.importorskip("httpx2")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from interrupts import heeding_interrupts  # noqa: E402
from pictures import scene  # noqa: E402
from services import Live, as_file, form  # noqa: E402

from limner.bench.hostile import Outcome, attacks, strike  # noqa: E402
from limner.bench.hostile_makers import MAKERS  # noqa: E402
from limner.bench.running import children, held_bytes, running  # noqa: E402
from limner.cli import main  # noqa: E402
from limner.serve.client import Service, systems  # noqa: E402
from limner.serve.settings import MB  # noqa: E402

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
LARGE = as_file(scene(1000, 1000))


def gone(pids: list[int]) -> bool:
    until_s = time.monotonic() + 60
    while any(held_bytes(pid) for pid in pids):
        if time.monotonic() > until_s:
            return False
        time.sleep(0.05)
    return True


@linux
def test_it_ends_when_its_work_is_done() -> None:
    answers: list[Any] = []
    with running("--workers", "1") as service:
        workers = children(service.pid)
        assert workers

        def ask() -> None:
            answers.append(httpx2.post(f"{service.url}/v1/encode", **form(LARGE), timeout=120))

        thread = threading.Thread(target=ask)
        thread.start()
        while 'limner_workers_busy{pool="workers"} 1' not in httpx2.get(f"{service.url}/metrics").text:
            assert thread.is_alive()
    # It was told to end while it worked; ``running`` looks that it ended well.
    thread.join()
    assert answers[0].status_code == 200 and gone(workers)


@linux
def test_nothing_is_left_where_it_is_killed() -> None:
    with pytest.raises(Exception, match="ended with -9"), running("--workers", "2") as service:
        workers = children(service.pid)
        assert len(workers) == 2
        os.kill(service.pid, signal.SIGKILL)
    assert gone(workers)


def test_an_interrupt_ends_it() -> None:
    command = [sys.executable, "-m", "limner", "serve", "--port", "0", "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeding_interrupts)
    assert process.stderr is not None
    assert "limner serves http://127.0.0.1:" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in said


def test_it_is_told_by_variables(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef\n")
    variables = {"LIMNER_SERVE_WORKERS": "1", "LIMNER_SERVE_API_KEY_FILE": str(key), "LIMNER_SERVE_MAX_PIXELS": "1234"}
    with running(variables=variables) as service:
        assert httpx2.get(f"{service.url}/v1/systems").status_code == 401
        found = systems(Service(service.url, "0123456789abcdef"))["limits"]
        assert isinstance(found, dict) and (found["workers"], found["pixels"]) == (1, 1234)


def test_where_it_cannot_listen_it_says_so(live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    port = live.url.rpartition(":")[2]
    assert main(["serve", "--port", port, "--workers", "1"]) == 1
    said = capfd.readouterr().err
    assert f"error: nothing can listen at 127.0.0.1, port {port}" in said and "Traceback" not in said


@pytest.mark.parametrize(
    "options",
    [["--workers", "0"], ["--max-pixels", "0"], ["--describer", "/etc"], ["--allow-origin", "nothing"], ["--memory-mb", "5"]],
)
def test_settings_that_cannot_be_end_it_at_once(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", *options]) == 2
    assert "Invalid value" in capsys.readouterr().err


# --- attackers


def test_every_kind_of_attack_is_made() -> None:
    found = list(attacks(len(MAKERS), 0))
    assert len({attack.name for attack in found}) == len(MAKERS)
    assert found == list(attacks(len(MAKERS), 0)) != list(attacks(len(MAKERS), 1))


@pytest.mark.parametrize(("status", "right"), [(200, True), (404, True), (0, True), (504, True), (-1, False), (500, False)])
def test_what_is_in_order(status: int, right: bool) -> None:
    assert Outcome("a", status, 1.0).is_in_order == right


@linux
def test_sixty_attacks_leave_it_well() -> None:
    limits = ("--idle-time", "1", "--body-time", "5", "--max-pixels", "1000000", "--memory-mb", "1024")
    with running("--workers", "2", *limits) as service:
        before = children(service.pid)
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(partial(strike, service.host, service.port), attacks(60, 5)))
        assert [outcome for outcome in found if not outcome.is_in_order] == []
        assert httpx2.post(f"{service.url}/v1/encode", **form(LARGE), timeout=120).status_code == 200
        assert httpx2.get(f"{service.url}/healthz").json()["workers_alive"] == 2
        assert service.memory.worker <= 1024 * MB and service.memory.front <= 700 * MB
        assert len(children(service.pid)) == len(before)
