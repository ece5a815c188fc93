"""``limner train pairs``, ``taco`` and ``reference`` from the outside: a step each, on photographs made here."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from drawn import add
from pictures import scene
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("ssimulacra2")

from tiny_recipes import apart, curve  # noqa: E402

from limner.cli import main  # noqa: E402
from limner.cli.train import until  # noqa: E402
from limner.nets import published  # noqa: E402
from limner.nets.cheng2020 import Cheng2020  # noqa: E402
from limner.nets.elic import Elic  # noqa: E402
from limner.nets.taco import Taco  # noqa: E402
from limner.nets.words import WordEncoder  # noqa: E402
from limner.train.task import Schedule  # noqa: E402

ONE_STEP = ["--steps", "1", "--batch", "2", "--accelerator", "cpu", "--precision", "32-true"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs with captions, and a word encoder that knows nothing."""
    folder = tmp_path_factory.mktemp("captioned")
    lines = []
    with tarfile.open(folder / "photos-00.tar", "w") as tar:
        for number in range(3):
            add(tar, f"in_{number}.jpg", Image.fromarray(scene(270, 264, number)), "PNG")
            lines.append(json.dumps({"file": f"in_{number}.jpg", "caption": f"a hill, number {number}"}))
    (folder / "captions.jsonl").write_text("\n".join(lines), "utf-8")
    torch.manual_seed(0)
    stream = io.BytesIO()
    torch.save(WordEncoder().state_dict(), stream)
    (folder / "words.pt").write_bytes(stream.getvalue())
    return folder


def test_taco_with_the_small_pair(data: Path, tmp_path: Path) -> None:
    words, pair = ["--texts", str(data / "words.pt")], tmp_path / "pair"
    assert main(["train", "pairs", "--data", str(data), "--out", str(pair), *words, *ONE_STEP]) == 0
    sizes = ["--inner", "8", "--slices", "2,4", "--crop", "64"]
    asked = ["train", "taco", "--data", str(data), *words, *sizes, *ONE_STEP]
    assert main([*asked, "--out", str(tmp_path / "taco"), "--pair", str(pair / "last.pt")]) == 0
    assert isinstance(published.load(tmp_path / "taco" / "last.pt"), Taco)
    assert main([*asked, "--out", str(tmp_path / "elic"), "--joint", "none", "--no-adapter"]) == 0
    found = published.load(tmp_path / "elic" / "last.pt")
    assert isinstance(found, Elic) and not isinstance(found, Taco)


def test_two_processes_by_the_command(data: Path, tmp_path: Path) -> None:
    """As it is typed: the curve of two is that of one with the double batch."""
    asked = ["train", "reference", "--data", str(data), "--inner", "8", "--crop", "64", "--steps", "24", "--threads", "1"]
    here = ["--accelerator", "cpu", "--precision", "32-true"]
    assert main([*asked, *here, "--out", str(tmp_path / "one"), "--batch", "2"]) == 0
    two = [*here, "--out", str(tmp_path / "two"), "--batch", "1", "--devices", "2"]
    subprocess.run([sys.executable, "-m", "limner", *asked, *two], check=True, timeout=250)
    rows = curve(tmp_path / "one")
    assert len(rows) == 24 and rows[-1]["loss"] != pytest.approx(rows[0]["loss"], rel=1e-3)
    assert apart(tmp_path / "one", tmp_path / "two") < 1e-4


def test_the_end_is_what_is_asked_for() -> None:
    usual = Schedule(minutes=30.0)
    assert until(usual, None, None) == usual and until(usual, 5.0, None).minutes == 5
    assert (until(usual, None, 9).steps, until(usual, None, 9).minutes) == (9, math.inf)
    assert (until(usual, 5.0, 9).steps, until(usual, 5.0, 9).minutes) == (9, 5)


def test_the_reference(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "reference"
    assert main(["train", "reference", "--data", str(data), "--out", str(out), "--inner", "8", "--crop", "64", *ONE_STEP]) == 0
    assert isinstance(published.load(out / "last.pt"), Cheng2020)


def test_what_is_missing_is_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["train", "taco", "--data", str(data), "--out", str(tmp_path / "run"), "--texts", str(data / "words.pt"), *ONE_STEP]
    assert main(asked) == 1
    assert "limner train pairs" in capsys.readouterr().err
    assert main([*asked, "--joint", "none", "--perceptual", "lpips"]) == 1
    assert "LPIPS needs weights" in capsys.readouterr().err
    assert main([*asked, "--joint", "telepathy"]) == 1
    assert main([*asked, "--slices", "two"]) == 2
