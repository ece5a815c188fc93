"""Rows: to lines and back, and pages that are functions of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.bench.rows import Row, from_lines, kodak_page, mean, pairs, to_lines
from limner.errors import LimnerError

FIGURES = {"bytes": 498, "psnr_db": 22.0, "ms_ssim": 0.75, "ssimulacra2": 10.0, "flip": 0.3}
FACTS = {"sha256": "00" * 32, "encode_s": 0.2, "decode_process_s": 0.6, "model": "a1b2", "versions": ("limner 1",)}
OURS = Row("kodim01", "miniature", "target_bytes=500", 500, 768, 512, **FIGURES, **FACTS)
WEBP = replace(
    OURS, system="webp", setting="1/8 q11", sha256="11" * 32, bytes=490, psnr_db=21.5, ms_ssim=0.7, flip=0.2, model=None
)
JPEG = Row("kodim01", "jpeg", "", 500, 768, 512, failure="no setting is small enough")
SECOND = [replace(OURS, picture="kodim02", psnr_db=24.0), replace(WEBP, picture="kodim02", psnr_db=24.3)]
ROWS = [OURS, WEBP, JPEG, *SECOND]


@given(st.lists(st.sampled_from(ROWS)), st.text(max_size=20), st.floats(0, 99))
def test_lines_are_rows_and_rows_are_lines(rows: list[Row], words: str, psnr_db: float) -> None:
    rows = [*rows, replace(OURS, setting=words, psnr_db=psnr_db)]
    assert from_lines(to_lines(rows)) == rows


def test_a_row_has_figures_or_a_failure() -> None:
    with pytest.raises(LimnerError, match="neither"):
        replace(JPEG, failure=None)


def test_a_row_over_its_budget_is_refused() -> None:
    with pytest.raises(LimnerError, match="over 500"):
        replace(OURS, bytes=501)


def test_ours_stands_beside_the_best_of_the_others() -> None:
    avif = replace(WEBP, system="avif", psnr_db=21.9)
    (first, second) = pairs([*ROWS, avif], "miniature")
    assert (first.ours, first.classical) == (OURS, avif)
    assert first.gain_db == pytest.approx(0.1)
    assert second.gain_db == pytest.approx(-0.3)


def test_a_mean_over_a_gap_is_no_mean() -> None:
    assert mean([1.0, 2.0]) == 1.5
    assert mean([1.0, None]) is None
    assert mean([]) is None


def test_the_page_gives_means_pictures_and_failures() -> None:
    page = kodak_page(ROWS, "miniature", "the command")
    # PSNR (22 + 24) / 2 = 23 and (21.5 + 24.3) / 2 = 22.9; gain (0.5 - 0.3) / 2 = 0.1; better on one picture.
    assert "| 500 | 2 | 498.0 | 23.00 | 0.7500 | 490.0 | 22.90 | 0.7000 | 0.10 | 1 |" in page
    plain = [replace(row, way="plain", psnr_db=21.0) for row in ROWS if row.system == "webp" and row.failure is None]
    assert "| 0.10 | 1 | 21.00 | 0.7000 | 2.00 | 2 |" in kodak_page([*ROWS, *plain], "miniature", "the command")
    assert "| kodim01 | 498 | 22.00 | 0.7500 | webp 1/8 q11 | 490 | 21.50 | 0.7000 | 0.50 |" in page
    assert "| kodim01 | jpeg | 500 | no setting is small enough |" in page
    assert "the command" in page and "a1b2" in page


def test_other_measures_have_their_own_best_and_both_painters() -> None:
    page = kodak_page(ROWS, "miniature", "c")
    # By FLIP less is better: WebP is, on both pictures; in SSIMULACRA2 they are equal, and equal is not better.
    assert "| 500, MS-SSIM | 0.7500 | – | 0.7000 | 2 | – | – |" in page
    assert "| 500, SSIMULACRA2 | 10.00 | – | 10.00 | 0 | – | – |" in page
    assert "| 500, FLIP | 0.3000 | – | 0.2000 | 0 | – | – |" in page
    vivid = [replace(row, way="vivid", ssimulacra2=20.0, flip=0.25) for row in ROWS if row.system == "miniature"]
    both = kodak_page([*ROWS, *vivid], "miniature", "c")
    assert "| 500, SSIMULACRA2 | 10.00 | 20.00 | 10.00 | 0 | 2 | 2 |" in both
    assert "| 500, FLIP | 0.3000 | 0.2500 | 0.2000 | 0 | 0 | 2 |" in both
    # By PSNR the faithful one stands for ours.
    assert "| 500 | 2 | 498.0 | 23.00 |" in both


def test_the_page_does_not_depend_on_times_or_order() -> None:
    slower = [replace(row, encode_s=9.0, decode_process_s=9.0) for row in reversed(ROWS)]
    kept = [row for row in slower if row.failure is None]
    assert kodak_page(kept, "miniature", "c") == kodak_page([row for row in ROWS if row.failure is None], "miniature", "c")


def test_a_picture_that_failed_takes_the_mean_with_it() -> None:
    failed = Row("kodim02", "miniature", "", 500, 768, 512, failure="BudgetError: too few")
    page = kodak_page([OURS, WEBP, failed, SECOND[1]], "miniature", "c")
    assert "| 500 | 2 | – | – | – | 490.0 | 22.90 | 0.7000 | – | 1 |" in page
