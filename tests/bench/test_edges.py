"""Matching of lines with drawings: by hand, against another program, and the page that comes of it."""

from __future__ import annotations

from pathlib import Path

import drawn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

pytest.importorskip("scipy")
pytest.importorskip("cv2")
pytest.importorskip("skimage")

from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from limner.bench import edges
from limner.bench.edges import Counts


def row(at: int, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    lines = np.zeros(shape, bool)
    lines[at, 20:120] = True
    return lines


def test_a_drawing_matches_itself_and_its_neighbours() -> None:
    votes = row(50).astype(np.int64)
    assert edges.matched(row(50), votes, 1) == Counts(100, 100, 100, 100)
    # 0.0075 of the diagonal, 500 pixels, is 3.75.
    assert edges.matched(row(53), votes, 1) == Counts(100, 100, 100, 100)
    assert edges.matched(row(54), votes, 1) == Counts(0, 100, 0, 100)


def test_matching_is_one_to_one() -> None:
    votes = row(50).astype(np.int64)
    twice = row(50) | row(52)
    assert edges.matched(twice, votes, 1) == Counts(100, 100, 100, 200)
    # Two annotators a pixel apart want two matches; each pixel of the line may serve both, and needs one to be right.
    both = votes + row(51)
    assert edges.matched(row(50), both, 2) == Counts(200, 200, 100, 100)
    assert edges.matched(row(50), both, 1) == Counts(100, 200, 100, 100)


def test_nothing_matches_nothing() -> None:
    none = np.zeros((20, 30), bool)
    assert edges.matched(none, none.astype(np.int64), 5) == Counts()
    assert edges.matched(~none, none.astype(np.int64), 5) == Counts(lines=600)
    assert Counts().f == 0 and Counts(1, 2, 3, 4).f == pytest.approx(0.6)


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(bool, (12, 15)), arrays.arrays(bool, (12, 15)))
def test_one_annotator_is_plain_bipartite_matching(lines: np.ndarray, drawing: np.ndarray) -> None:
    reach = edges.REACH * np.hypot(12, 15)
    a, b = np.argwhere(lines), np.argwhere(drawing)
    close = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) <= reach
    wanted = int((maximum_bipartite_matching(csr_matrix(close)) >= 0).sum()) if len(a) and len(b) else 0
    found = edges.matched(lines, drawing.astype(np.int64), 1)
    assert (found.votes_met, found.lines_right) == (wanted, wanted)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(bool, (40, 50)), arrays.arrays(np.int64, (40, 50), elements=st.integers(0, 3)))
def test_counts_are_within_their_totals(lines: np.ndarray, votes: np.ndarray) -> None:
    found = edges.matched(lines, votes, 3)
    assert 0 <= found.votes_met <= found.votes == votes.sum() and 0 <= found.lines_right <= found.lines == lines.sum()


def test_common_and_own_thresholds() -> None:
    first = [Counts(10, 10, 10, 10), Counts(1, 10, 1, 1)]
    second = [Counts(10, 10, 10, 90), Counts(10, 10, 10, 10)]
    found = edges.score([first, second], [0.2, 0.7])
    assert found.threshold == 0.7 and found.common == Counts(11, 20, 11, 11)
    assert found.each == Counts(20, 20, 20, 20) and found.each.f >= found.common.f


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = ["--data", str(drawn.folder(tmp_path)), "--out", str(tmp_path), "--thresholds", "5", "--count", "2"]
    assert edges.main(arguments) == 0
    page = (tmp_path / "edges.md").read_text()
    assert capsys.readouterr().out == page
    assert "| Canny |" in page and "| edge net of the package |" in page and "2 test pictures" in page
    assert "want of weights" in page or "| HED (" in page
