"""The run over a folder, with a codec that stands in for ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from limner.bench import baselines, kodak
from limner.bench.rows import from_lines
from limner.container import Blob, Layer, pack
from limner.errors import BudgetError, LimnerError

STAND_IN = pack(Blob(1, b"\xab\xcd", 144, 96, (Layer(1, b"not read by anybody"),)))


@pytest.fixture
def folder(photo: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two pictures; encoding takes any budget from 300 up, and decoding paints the picture one step darker."""

    def encode(picture: NDArray[np.uint8], *, target_bytes: int, system: str) -> bytes:
        if target_bytes < 300:
            raise BudgetError("too few", 300)
        return STAND_IN

    def decode(blob: bytes, *options: str) -> tuple[NDArray[np.uint8], float]:
        assert blob == STAND_IN
        return photo - np.uint8(photo.min() > 0), 0.5

    monkeypatch.setattr(kodak.api, "encode", encode)
    monkeypatch.setattr(kodak, "decode_elsewhere", decode)
    monkeypatch.setattr(baselines, "THOROUGH", baselines.QUICK)
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a", "b"):
        Image.fromarray(photo).save(data / f"{name}.png")
    return tmp_path


def run(folder: Path, *more: str) -> int:
    return kodak.main(["--data", f"{folder / 'data'}", "--out", f"{folder / 'out'}", "--cache", f"{folder / 'cache'}", *more])


def test_every_picture_budget_and_system_has_its_row(folder: Path) -> None:
    assert run(folder, "--bytes", "700", "1400") == 0
    rows = from_lines((folder / "out/kodak.jsonl").read_text("utf-8"))
    assert len(rows) == 2 * 2 * (2 + 2 * 5)
    ours = next(row for row in rows if row.system == "miniature")
    assert (ours.bytes, ours.model, ours.decode_process_s) == (len(STAND_IN), "abcd", 0.5)
    # Every sample is off by one: 10 log10(255^2) = 48.1308 dB. Too small for MS-SSIM.
    assert ours.psnr_db == 48.1308 and ours.ms_ssim is None


def test_a_failure_is_a_row_and_the_run_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(folder, "--bytes", "200", "700") == 1
    rows = from_lines((folder / "out/kodak.jsonl").read_text("utf-8"))
    failed = [row for row in rows if row.system == "miniature" and row.failure]
    assert [row.failure for row in failed] == ["BudgetError: too few"] * 4
    assert len(rows) == 2 * 2 * (2 + 2 * 5)

    def fails(blob: bytes, *options: str) -> None:
        raise LimnerError("decoding failed")

    monkeypatch.setattr(kodak, "decode_elsewhere", fails)
    assert run(folder, "--bytes", "700") == 1


def test_a_second_run_differs_in_times_alone(folder: Path) -> None:
    run(folder, "--bytes", "700")
    first = (folder / "out/kodak.md").read_bytes()
    run(folder, "--bytes", "700")
    assert (folder / "out/kodak.md").read_bytes() == first
    (folder / "out/kodak.md").unlink()
    assert run(folder, "--page-only") == 0
    assert (folder / "out/kodak.md").read_bytes() == first
