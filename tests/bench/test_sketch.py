"""The page of sketches: what is in a row, and that it comes of real bodies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from drawn import outline
from pictures import scene

pytest.importorskip("skimage")
pytest.importorskip("torch")
pytest.importorskip("cv2")

from limner.bench import sketch as bench
from limner.bench.sketch import Drawn, Row
from limner.image import save
from limner.layers import sketch
from limner.systems import sketches
from limner.weights import DATA, at


def test_the_page_of_two_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        save(scene(192, 176, number), tmp_path / f"{number}.png")
    weights = DATA / "miniature"  # any of that family
    asked = ["--data", str(tmp_path), "--weights", str(weights), "--out", str(tmp_path / "out"), "--budgets", "600"]
    assert bench.main(asked) == 0
    rows = [Row(**json.loads(line)) for line in (tmp_path / "out" / "sketch.jsonl").read_text().splitlines()]
    kept = [row for row in rows if (row.picture, row.way, row.budget_bytes) == ("0.png", bench.OURS, 600)]
    made = sketches.codec_of(at(weights)).fit_within(bench.drawn(tmp_path / "0.png").edges, 600)
    assert [row.bytes for row in kept] == [len(sketch.write(made))]
    assert all(row.budget_bytes is None or row.bytes <= row.budget_bytes for row in rows)
    assert {row.way for row in rows} == {bench.OURS, bench.LINES, bench.LOSSLESS, *bench.CLASSICAL.values()}
    text = (tmp_path / "out" / "sketch.md").read_text()
    assert capsys.readouterr().out == text
    assert "| 600 | WebP | " in text and "| lines, our bitmap coder | 1/4 | " in text


def test_a_mean_is_of_all_pictures_or_none() -> None:
    def row(picture: str, way: str, size_bytes: int) -> Row:
        return Row(picture, way, "", 80, 100, 50, size_bytes, 20.0, 0.5, 0.25)

    page = bench.budget_table([row("a", bench.OURS, 40), row("b", bench.OURS, 50), row("a", "WebP", 50)], 2)
    assert "| 50 | learned codec | 45 | 0.0450 | 20.00 | 0.5000 | 0.250 |" in page
    assert "| 50 | WebP | – | – | – | – | – |" in page and "| 50 | JPEG XL | – |" in page


def test_lines_that_come_back_whole_have_an_f_of_one() -> None:
    lines = outline(200, 180)
    one = Drawn("x", lines.astype(np.float32), bench.lines_of(lines.astype(np.float32)))
    rows = {(row.way, row.setting): row for row in bench.as_lines(one)}
    assert rows[bench.LOSSLESS, "1/1"].f == rows[bench.LINES, "1/1"].f == 1.0
    assert rows[bench.LINES, "1/4"].bytes < rows[bench.LINES, "1/2"].bytes < rows[bench.LINES, "1/1"].bytes


def test_a_grid_over_the_limit_goes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = outline(50, 40)
    whole, _ = bench.on_grid(lines, 40, 50)
    monkeypatch.setattr(bench, "MOST_CELLS", 50 * 7)
    size_bytes, found = bench.on_grid(lines, 40, 50)
    assert np.array_equal(found > 0, lines) and whole < size_bytes
    _, coarse = bench.on_grid(lines, 20, 25)
    assert coarse.shape == lines.shape and (coarse >= lines).all()
