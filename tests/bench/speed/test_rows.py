"""Samples as lines: what contradicts itself does not exist, and what is written is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_samples import case, head, pair, sample

from limner.bench.harness.record import Cost
from limner.bench.speed.rows import Case, Head, Sample, from_line, head_from_line, read, to_line, to_text
from limner.errors import LimnerError

numbers = st.none() | st.floats(0, 1e6)
stages = st.dictionaries(st.text(min_size=1), st.floats(0, 10), max_size=4)
cases = st.builds(
    Case,
    st.text(min_size=1),
    st.text(min_size=1),
    st.text(),
    *(st.just(size) for size in (None, None)),
    st.integers(1, 64),
    st.sampled_from(("cold", "dropped", "warm")),
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    found = draw(stages)
    cost = Cost(sum(found.values()) or draw(st.floats(0, 10)), draw(st.floats(0, 10)), draw(st.integers(1, 2**40)))
    size = draw(st.none() | st.integers(1, 10**9))
    around = [draw(numbers) for _ in range(3)]
    return Sample(draw(cases), draw(st.integers(0, 99)), cost, found, found, draw(numbers), size, *around)


@given(samples())
def test_a_line_is_read_as_it_was_written(one: Sample) -> None:
    assert from_line(to_line(one)) == one
    assert "\n" not in to_line(one)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    failed = Sample(case("decode"), 0, None, failure="BudgetError: 20 bytes are too few")
    (tmp_path / "speed.jsonl").write_text(to_text(head(), [*pair(), failed]), "utf-8")
    assert read(tmp_path / "speed.jsonl") == (head(), [*pair(), failed])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"turn": -1}, "turn"),
        ({"turn": True}, "turn"),
        ({"cost": None}, "failure"),
        ({"failure": "it failed"}, "failure"),
        ({"stages_s": {"rest": 0.09, "picture": 0.5}}, "adds up"),
        ({"stages_s": {"rest": -0.1, "picture": 0.2}}, "seconds"),
        ({"stages_cpu_s": {"rest": 0.1}}, "same stages"),
        ({"energy_j": -1.0}, "energy_j"),
        ({"others_cores": "many"}, "others_cores"),
        ({"bytes": 0}, "bytes"),
    ],
)
def test_what_contradicts_itself_does_not_exist(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(LimnerError, match=why):
        replace(sample(case()), **changed)


@pytest.mark.parametrize(
    "changed", [{"system": ""}, {"task": ""}, {"width_px": None}, {"height_px": 0}, {"threads": 0}, {"state": "tepid"}]
)
def test_a_case_checks_itself(changed: dict[str, Any]) -> None:
    with pytest.raises(LimnerError):
        replace(case(), **changed)


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", "NaN", to_line(sample(case()))[:-1], to_line(sample(case())).replace("turn", "twist")]
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(LimnerError):
        from_line(line)
    with pytest.raises(LimnerError):
        head_from_line(line)


def test_a_wrong_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "speed.jsonl"
    good = to_text(head(), pair())
    later = json.dumps({**json.loads(to_line(head())), "limner_speed": 99})
    for text, why in (
        ("", "holds no samples"),
        (good + good.splitlines()[1] + "\n", "line 8: .* is there already"),
        (good + "{}\n", "line 8: not a sample"),
        (f"{later}\n", "line 1: .*limner_speed is 99"),
    ):
        path.write_text(text)
        with pytest.raises(LimnerError, match=why):
            read(path)
    with pytest.raises(LimnerError, match="cannot be read"):
        read(tmp_path / "none")


def test_a_head_holds_texts() -> None:
    with pytest.raises(LimnerError, match=r"head\.machine"):
        Head(machine={"cores": 4})  # type: ignore[dict-item]
