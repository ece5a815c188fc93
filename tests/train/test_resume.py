"""A run that was stopped ends where it would have ended: after a fault, a kill at any moment, or a word to stop."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("ssimulacra2")
pytest.importorskip("transformers")

from tiny_recipes import HERE, RECIPES, Away, Cut, apart, curve, equal, made, silent, started  # noqa: E402

from limner.train import codec  # noqa: E402
from limner.train.loop import train  # noqa: E402


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_that_was_stopped_ends_at_the_same_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "SETTLED_EVERY", 2)
    train(made(name, 5, 2), tmp_path / "whole", HERE, silent)
    with pytest.raises(Away):
        train(Cut(made(name, 5, 2), 3), tmp_path / "parts", HERE, silent, save_minutes=0)
    # Whatever the process drew before, it does not matter.
    torch.manual_seed(99)
    train(made(name, 5, 2), tmp_path / "parts", HERE, silent)
    assert equal(tmp_path / "whole", tmp_path / "parts")
    assert [row["step"] for row in curve(tmp_path / "parts")] == [1, 2, 3, 4, 5]
    assert apart(tmp_path / "whole", tmp_path / "parts") == 0


def waited(process: subprocess.Popen[bytes], out: Path, step: int) -> None:
    """Until a run has come to a step, or has ended."""
    while process.poll() is None and (not (out / "curve.jsonl").exists() or len(curve_lines(out)) < step):
        time.sleep(0.002)


def curve_lines(out: Path) -> list[str]:
    return (out / "curve.jsonl").read_text("utf-8", errors="replace").splitlines()


def test_killed_at_any_moment_it_ends_at_the_same_weights(tmp_path: Path) -> None:
    train(made("miniature", 40, 2), tmp_path / "whole", HERE, silent)
    out, chance, kills = tmp_path / "killed", random.Random(), 0
    for step in (*sorted(chance.sample(range(1, 36), 3)), 99):
        process = started(out, "miniature", "--steps", 40)
        waited(process, out / "miniature", step)
        if step < 99:
            # A checkpoint is written at every step: somewhere between two of them, or within one.
            time.sleep(chance.random() * 0.05)
        process.send_signal(signal.SIGKILL) if step < 99 else None
        kills += process.wait(200) == -signal.SIGKILL
    assert kills and process.returncode == 0
    assert equal(tmp_path / "whole", out / "miniature") and apart(tmp_path / "whole", out / "miniature") == 0


def test_asked_to_stop_it_saves_says_so_and_goes_on(tmp_path: Path) -> None:
    train(made("miniature", 20, 2), tmp_path / "whole", HERE, silent)
    out = tmp_path / "asked"
    process = started(out, "miniature", "--steps", 20, "--workers", 2)
    waited(process, out / "miniature", 4)
    # As a queue does: every process of the run is told, those that cut crops too.
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(200) == 143
    assert 4 <= torch.load(out / "miniature" / "last.pt", weights_only=True)["step"] < 20
    assert started(out, "miniature", "--steps", 20).wait(200) == 0
    assert equal(tmp_path / "whole", out / "miniature")
