"""``limner bench speed``: from options to a plan, rows and a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_samples import case, head, pair, sample
from numpy.typing import NDArray

from limner.bench.speed import runs
from limner.bench.speed.page import page
from limner.bench.speed.plan import Plan
from limner.bench.speed.processor import usable
from limner.bench.speed.rows import Sample, read, to_text
from limner.cli import main
from limner.image import save

ALL = len(usable())


class Stopped(Exception):
    """In the middle of a run."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Plan]:
    """The plans of runs, in which nothing is measured."""
    plans: list[Plan] = []

    def measured(plan: Plan) -> Iterator[list[Sample]]:
        plans.append(plan)
        yield pair()
        failures = {"few": "BudgetError: too few", "gone": "MissingError: not here"}
        if plan.caption == "stop":
            raise Stopped
        yield [Sample(case("decode"), 0, None, failure=failures[plan.caption])] if plan.caption else [sample(case("decode"))]

    monkeypatch.setattr(runs, "measured", measured)
    monkeypatch.chdir(tmp_path)
    return plans


def speed(*words: str) -> int:
    return main(["bench", "speed", "--out", "out", *words])


def test_rows_and_a_page_are_written(asked: list[Plan], capsys: pytest.CaptureFixture[str]) -> None:
    assert speed("--sizes", "32x24,64x48", "--threads", "1,all", "--repeats", "3", "--patience", "2") == 0
    (plan,) = asked
    assert (plan.sizes, plan.threads, plan.repeats, plan.patience_s) == (((32, 24), (64, 48)), tuple(sorted({1, ALL})), 3, 2.0)
    assert (plan.systems, plan.others, plan.states) == (("miniature",), (), ("cold", "warm"))
    told, rows = read(Path("out/speed.jsonl"))
    assert rows == [*pair(), sample(case("decode"))]
    assert told.command == "limner bench speed --out out --sizes 32x24,64x48 --threads 1,all --repeats 3 --patience 2.0"
    assert Path("out/speed.md").read_text("utf-8") == page(told, rows)
    said = capsys.readouterr()
    assert said.out == "" and said.err == "out/speed.md: 3 cases, 7 rows, 0 failures\n"


def test_a_photograph_is_not_named(asked: list[Plan], photo: NDArray[np.uint8]) -> None:
    Path("deep").mkdir()
    save(photo, Path("deep/mine.png"))
    assert speed("--picture", "deep/mine.png") == 0
    text = Path("out/speed.jsonl").read_text() + Path("out/speed.md").read_text()
    assert "a photograph that was given, 144 x 96 px" in text and "deep" not in text and str(Path.cwd()) not in text


def test_a_run_that_was_stopped_leaves_its_rows(asked: list[Plan]) -> None:
    with pytest.raises(Stopped):
        speed("--caption", "stop")
    assert read(Path("out/speed.jsonl"))[1] == pair()
    assert main(["bench", "speed", "--rows", "out/speed.jsonl", "--out", "again"]) == 0
    assert "| encode quality=32 | 2 |" in Path("again/speed.md").read_text()
    assert not Path("again/speed.jsonl").exists() and len(asked) == 1


@pytest.mark.parametrize(("caption", "code"), [("few", 0), ("gone", 1)])
def test_failures_that_no_size_explains_count(
    asked: list[Plan], capsys: pytest.CaptureFixture[str], caption: str, code: int
) -> None:
    assert speed("--caption", caption) == code
    said = capsys.readouterr().err
    assert "failed: miniature decode quality=32 768 x 512 px, 2 threads, warm: " in said and "1 failures" in said


@pytest.mark.parametrize(("seconds", "code"), [(0.1, 0), (5.0, 1)])
def test_limits_count_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seconds: float, code: int
) -> None:
    (tmp_path / "speed.jsonl").write_text(to_text(head(), [sample(case(), 0, seconds)]), "utf-8")
    words = ["bench", "speed", "--rows", str(tmp_path / "speed.jsonl"), "--out", str(tmp_path)]
    assert main(words) == 0
    assert "over its limit" not in capsys.readouterr().err
    assert main([*words, "--check"]) == code
    assert ("over its limit: encode 768 x 512" in capsys.readouterr().err) == bool(code)


def test_a_busy_machine_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "speed.jsonl").write_text(to_text(head(), [sample(case(), others=1.5)]), "utf-8")
    assert main(["bench", "speed", "--rows", str(tmp_path / "speed.jsonl"), "--out", str(tmp_path)]) == 0
    assert "warning: The machine was busy" in capsys.readouterr().err


def test_systems_without_stages_come_from_the_benchmark(asked: list[Plan]) -> None:
    assert speed("--systems", "taco,sedic,miniature", "--states", "warm", "--target-bytes", "700") == 0
    (plan,) = asked
    assert plan.systems == ("taco", "miniature") and plan.states == ("warm",)
    (other,) = plan.others
    assert other.name == "sedic" and [setting.text for setting in other.settings()] == ["target_bytes=700"]


def test_threads_without_cores_are_left_out(asked: list[Plan], capsys: pytest.CaptureFixture[str]) -> None:
    assert speed("--threads", f"1 {ALL + 1}") == 0
    assert asked[0].threads == (1,) and f"left out: {ALL + 1} threads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--threads", "many"), 2),
        (("--threads", "0"), 2),
        (("--states", "tepid"), 2),
        (("--sizes", "large"), 1),
        (("--threads", str(ALL + 1)), 1),
        (("--systems", "nonsense"), 1),
        (("--systems", ""), 1),
    ],
)
def test_wrong_words_are_refused(asked: list[Plan], words: tuple[str, ...], code: int) -> None:
    assert speed(*words) == code and asked == [] and not Path("out").exists()
