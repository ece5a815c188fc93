"""Memory and seconds of big pictures: small ones here, and the page by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limner.bench import big
from limner.bench.big import Grainy, Row, growths, main, page
from limner.pixels.strips import Held, joined


def test_measures_every_task_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("skimage")
    monkeypatch.setattr(big, "TARGET_BYTES", 300)
    assert main(["--sizes", "0.02", "--whole", "0", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "big.md").read_text("utf-8")
    assert capsys.readouterr().out == text
    assert text.count("| 0.02 |") == 3
    assert "encode, 300 bytes, by Pillow" in text and "decode, 300 bytes" in text
    assert str(tmp_path) not in text


def test_a_task_that_fails_is_a_row_without_figures(tmp_path: Path) -> None:
    row = big.measured(1, "encode", ["encode", "nothing.png"], tmp_path)
    assert row == Row(1, "encode", None, None)
    assert "| 1 | encode | – | – |" in page([row], "machine", "command")


def test_growth_by_hand() -> None:
    rows = [Row(10, "a", 100.0, 1.0), Row(20, "a", 140.0, 2.0), Row(20, "b", 7.0, 1.0), Row(40, "a", 150.0, 2.0)]
    assert list(growths(rows)) == [["a", "4.00", "0.50"], ["b", "–", "–"]]


def test_grain_changes_pixels_by_little() -> None:
    plain = np.full((600, 300, 3), 100, np.uint8)
    grainy = joined(Grainy(Held(plain)))
    assert np.abs(grainy.astype(int) - 100).max() == big.GRAIN
    assert np.array_equal(grainy[:256, :256], grainy[256:512, :256])
