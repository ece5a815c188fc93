"""The page: medians, limits and warnings, from rows alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_samples import case, head, pair, sample

from limner.bench.speed import summary
from limner.bench.speed.limits import judged
from limner.bench.speed.page import page
from limner.bench.speed.rows import COLD, Case, Sample, to_text


def of_import(seconds: float) -> Sample:
    stages = {"python": 0.02, "import": seconds}
    one = sample(Case("start", "import limner", "", None, None, 2, COLD), 0, seconds + 0.02)
    return replace(one, stages_s=stages, stages_cpu_s=stages, bytes=None)


def line(text: str, first: str) -> str:
    (found,) = [one for one in text.splitlines() if one.startswith(f"| {first} |")]
    return found


def test_a_case_is_the_median_of_its_turns() -> None:
    text = page(head(), pair())
    cells = "0.200 (0.100–0.300) | 0.200 (0.100–0.300) | 0.400 | 100 | 100 | 0.50"
    assert line(text, "encode quality=32 | 2") == f"| encode quality=32 | 2 | 400 | {cells} |"
    assert "median of 3 turns" in text and "- processor: one that is made up" in text
    assert "load 0.2 before, 0.3 after, 0.3 at the most" in text


def test_stages_are_shown_by_size() -> None:
    small = replace(case(), width_px=64, height_px=48)
    text = page(head(), [sample(small, 0, 0.1), *pair()])
    assert "| encode quality=32 | 64 x 48 | 768 x 512 |" in text
    assert "| reading the picture | 0.0100 | 0.0200 |" in text and "| all | 0.100 | 0.200 |" in text
    assert "| reading the picture | 0.0200 |\n" in text  # cold, where there is one size


def test_stages_are_those_of_two_threads_or_of_the_most() -> None:
    many = [sample(case(threads=threads), 0, threads / 10) for threads in (1, 2, 8)]
    assert "### Stages, warm, 2 threads" in page(head(), many)
    assert "### Stages, warm, 8 threads" in page(head(), [many[0], many[2]])


@pytest.mark.parametrize(("seconds", "peak_bytes", "holds"), [(0.16, 10**8, "yes"), (0.2, 10**8, "no"), (0.1, 4 * 10**8, "no")])
def test_limits_leave_pictures_files_out(seconds: float, peak_bytes: int, holds: str) -> None:
    (one,) = judged([sample(case(), 0, seconds, peak_bytes=peak_bytes)])
    assert one.seconds == pytest.approx(seconds * 0.9) and one.holds == (holds == "yes")
    found = line(page(head(), [sample(case(), 0, seconds, peak_bytes=peak_bytes)]), one.limit.what)
    assert found.endswith(f"| 350 | {holds} |")


def test_the_import_has_a_limit_of_its_own() -> None:
    assert [(one.limit.what, one.seconds, one.holds) for one in judged([of_import(0.1)])] == [("import limner", 0.1, True)]
    assert not judged([of_import(0.2)])[0].holds
    assert "| import limner | 2 | 0.120 | 0.100 | 0.240 | 100 | 0.50 |" in page(head(), [of_import(0.1)])


def test_other_cases_have_no_limits() -> None:
    strangers = [case(threads=1), case(setting="quality=31"), case(state=COLD), replace(case(), width_px=769)]
    assert judged([sample(one) for one in strangers]) == []
    assert judged([Sample(case(), 0, None, failure="why")]) == []
    assert "Limits, with" not in page(head(), [])


def test_failures_are_told_and_count_for_nothing() -> None:
    failed = Sample(case("decode", "target_bytes=9"), 0, None, failure="BudgetError: too few")
    text = page(head(), [*pair(), failed])
    assert "- miniature decode target_bytes=9 768 x 512 px, 2 threads, warm: BudgetError: too few" in text
    assert text.replace("## Failures\n\n- ", "").count("decode target_bytes=9") == 1


def busy(*found: Sample) -> str:
    return summary.busy_words(list(found))


def test_a_busy_machine_is_warned_of() -> None:
    quiet = sample(case(), 0, 9.0, others=0.1)
    assert busy(quiet) == "" and "busy" not in page(head(), [quiet])
    # By the seconds: a short turn beside others does not make a long run one.
    assert busy(quiet, sample(case(state=COLD), 0, 0.1, others=1.5)) == ""
    words = busy(sample(case(), 0, 1.0, others=0.4), sample(case(state=COLD), 0, 3.0, others=0.8))
    assert "0.70 in the mean and 0.80 at the most" in words
    slow = sample(case(), others=0.4)
    assert busy(slow) in page(head(), [slow]) and busy(slow)


def test_where_others_are_not_known_the_load_before_tells() -> None:
    unknown = sample(case(), others=None)
    assert busy(unknown) == ""
    assert "load before was 3.0" in busy(replace(unknown, load_before=3.0), replace(unknown, turn=1, load_before=0.1))
    # Of later loads nobody knows whose they are.
    assert busy(unknown, replace(unknown, turn=1, load_before=9.0)) == ""
    silent = replace(unknown, load_before=None, load_after=None)
    assert busy(silent) == "" and summary.load_words([silent]) == "this system tells no load"


@given(st.lists(st.floats(0.001, 100), min_size=1))
def test_the_spread_holds_the_median(walls: Sequence[float]) -> None:
    words = summary.spread([sample(case(), turn, wall) for turn, wall in enumerate(walls)])
    if len(walls) > 1:
        middle, low, high = (float(word) for word in words.replace("(", "").replace(")", "").replace("–", " ").split())
        assert low <= middle <= high


def test_what_is_not_known_is_a_dash() -> None:
    one = replace(sample(case()), energy_j=None)
    assert summary.joules([one]) == summary.spread([]) == summary.median([], summary.cpu_s) == summary.peak([]) == "–"
    assert summary.others([replace(one, others_cores=None)]) is None and summary.counts([]) == "–"


def test_the_page_of_no_samples_is_a_page() -> None:
    assert page(head(), []).startswith("# Speed and memory")


def test_a_page_needs_neither_model_nor_codec(tmp_path: Path) -> None:
    (tmp_path / "speed.jsonl").write_text(to_text(head(), pair()), "utf-8")
    code = f"""
import sys
from pathlib import Path
from limner.bench.speed.page import page
from limner.bench.speed.rows import read
page(*read(Path({str(tmp_path / "speed.jsonl")!r})))
print(*sorted({{"torch", "onnxruntime", "constriction", "skimage"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

