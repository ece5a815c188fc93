"""The demo, all the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from limner import api
from limner.bench import demo


def test_a_photo_becomes_tables_files_and_a_sheet(photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert demo.main(["--photo", str(photo_file), "--out", str(out), "--bytes", "400"]) == 0
    blob = (out / "harbour-400.limn").read_bytes()
    assert len(blob) <= 400
    printed = capsys.readouterr().out
    for word in ("magic", "latent", "check", "PSNR dB", str(len(blob))):
        assert word in printed
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.width > 2000
    assert api.decode(blob).shape == (96, 144, 3)


def test_what_is_no_photo_is_an_error_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--photo", str(tmp_path / "none.jpg"), "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_large_photo_is_shrunk_and_says_so(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(photo).resize((3000, 2000)).save(tmp_path / "large.png")
    shrunk = demo.load_photo(tmp_path / "large.png")
    assert shrunk.size_px == (1024, 683)
    assert "3000 x 2000" in shrunk.origin


def test_the_sample_is_there_without_a_network() -> None:
    pytest.importorskip("skimage")
    assert demo.sample_photo().size_px == (600, 400)
