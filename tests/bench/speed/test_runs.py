"""Runs: every case has its turns or says why not; processes are measured whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_samples import powercap
from pictures import scene
from toy_codec import toy

from limner import api
from limner.bench.harness.record import Cost
from limner.bench.harness.seal import python_command
from limner.bench.harness.system import Decoding, Encoded, Setting
from limner.bench.speed import processes, runs
from limner.bench.speed.clock import IMPORT, PYTHON, WEIGHTS
from limner.bench.speed.commands import LINES
from limner.bench.speed.energy import Energy
from limner.bench.speed.inputs import Inputs
from limner.bench.speed.plan import Plan
from limner.bench.speed.processes import Bench, check_drop, drop_caches
from limner.bench.speed.processor import usable
from limner.bench.speed.request import Turn
from limner.bench.speed.rows import COLD, DROPPED, ENCODE, START, WARM, Case, Sample, from_line, to_line
from limner.bench.speed.runs import Job, count, measured, turns
from limner.bench.speed.sizes import Source
from limner.bench.speed.tasks import Task
from limner.errors import LimnerError

READ_ONCE = runs.read_once
FIRST = tuple(Case("any", "task", "", *size, 1, COLD) for size in ((None, None), (48, 32), (60, 40)))
SOURCE = Source(scene(60, 40), "a hill")


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is run before it counts."""
    monkeypatch.setattr(runs, "read_once", lambda *_: None)


def plan(**changed: Any) -> Plan:
    asked: dict[str, Any] = {"sizes": ((48, 32),), "threads": (1,), "repeats": 1, "quality": 10, "target_bytes": 120}
    return Plan(SOURCE, **asked | changed)


def carried_out(asked: Plan) -> list[Sample]:
    jobs = list(measured(asked))
    assert len(jobs) == count(asked)
    return [sample for some in jobs for sample in some]


def test_every_task_is_measured_cold_and_warm(tmp_path: Path) -> None:
    found = carried_out(plan(powercap=powercap(tmp_path)))
    assert [sample.failure for sample in found if sample.failure] == []
    commands = [sample for sample in found if sample.case.system == START]
    assert [sample.case.task for sample in commands] == [line.task for line in LINES]
    coded = [sample for sample in found if sample.case.system == "miniature"]
    assert len(coded) == 12 and {sample.case.state for sample in coded} == {COLD, WARM}
    for sample in found:
        assert from_line(to_line(sample)) == sample
        assert sample.cost is not None and sample.wall_s > 0 and sample.energy_j == 0.0
        assert sample.cost.peak_bytes > (20e6 if sample in coded else 1e6)
        fresh = sample.case.state == COLD and sample in coded
        assert ({PYTHON, IMPORT, WEIGHTS} <= sample.stages_s.keys()) == fresh
    sizes = {sample.case.setting: sample.bytes for sample in coded if sample.case.task == "encode"}
    assert sizes["quality=10"] == len(api.encode(SOURCE.at(48, 32), quality=10)) and (sizes["target_bytes=120"] or 999) <= 120


def test_what_cannot_be_made_is_a_failure_of_its_tasks_alone() -> None:
    found = carried_out(plan(target_bytes=9, states=(WARM,)))
    failed = {(sample.case.task, sample.case.setting) for sample in found if sample.failure}
    assert failed == {
        *(("encode", "target_bytes=9"), ("decode", "target_bytes=9")),
        ("decode", "target_bytes=9 painter=vivid"),
    }
    assert all(sample.failure.startswith("BudgetError: 9 bytes are too few") for sample in found if sample.failure)


def test_turns_end_with_patience() -> None:
    assert list(turns(plan(repeats=3))) == [0, 1, 2]
    assert list(turns(plan(repeats=3, patience_s=1e-9))) == [0]


def test_caches_are_dropped_before_each_fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Path] = []
    monkeypatch.setattr(processes, "drop_caches", told.append)
    drop = tmp_path / "drop_caches"
    drop.touch()
    monkeypatch.setattr(runs, "tasks", lambda *_: [Task(ENCODE, quality=10)])
    found = carried_out(plan(states=(DROPPED,), drop=drop, repeats=2))
    assert [(sample.case.state, sample.turn) for sample in found] == [(DROPPED, 0), (DROPPED, 1)] and told == [drop, drop]


def test_caches_are_dropped_where_that_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="by root alone"):
        plan(states=(DROPPED,), drop=tmp_path / "none")
    (tmp_path / "drop_caches").touch()
    check_drop(tmp_path / "drop_caches")
    drop_caches(tmp_path / "drop_caches")
    assert (tmp_path / "drop_caches").read_text() == "3"


@pytest.mark.parametrize(
    "changed",
    [
        {"sizes": ()},
        {"threads": ()},
        {"states": ()},
        {"systems": ()},
        {"systems": ("jpeg",)},
        {"threads": (len(usable()) + 1,)},
        {"repeats": 0},
        {"patience_s": 0.0},
        {"quality": 64},
        {"target_bytes": 0},
    ],
)
def test_what_cannot_be_had_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(LimnerError):
        plan(**changed)


def test_other_systems_are_whole_processes(tmp_path: Path) -> None:
    found = carried_out(plan(systems=(), others=(toy(tmp_path, (900,)),), repeats=2, sizes=((16, 12),)))
    assert [(sample.case.task, sample.turn) for sample in found] == [("encode", 0), ("decode", 0), ("encode", 1), ("decode", 1)]
    assert all(sample.cost is not None and sample.stages_s == {} and sample.bytes for sample in found)


class Hasty:
    """A system whose encoder is not measured, and whose decoder may fail."""

    name, ours, takes_words, device, weights_sha256 = "hasty", False, False, "cpu", None

    def __init__(self, code: str) -> None:
        self.code = code

    def versions(self) -> dict[str, str]:
        return {"hasty": "1"}

    def settings(self) -> list[Setting]:
        return [Setting("default")]

    def encode(self, subject: object, setting: Setting, seal: object) -> Encoded:
        return Encoded(b"file", Decoding(python_command(["-c", self.code]), "file", "picture"))


def test_an_encoder_that_is_no_process_is_said_to_be_none() -> None:
    asked = plan(systems=(), others=(Hasty("open('picture', 'w').close()"),), repeats=2)
    encoded, *decoded = carried_out(asked)
    assert "no process" in encoded.failure and [sample.failure for sample in decoded] == ["", ""]
    assert asked.head().versions["hasty"] == "1"


def test_a_decoder_that_fails_says_what_it_said() -> None:
    asked = plan(systems=(), others=(Hasty("import sys; sys.exit('no such colour')"),))
    *_, decoded = carried_out(asked)
    assert decoded.case.task == "decode" and decoded.failure.endswith("exit code 1: no such colour")


def test_the_head_tells_what_it_depends_on(tmp_path: Path) -> None:
    told = plan(command="limner bench speed", powercap=tmp_path / "none").head()
    assert told.picture == "a hill" and "powercap" in told.absent["energy"]
    assert told.weights["miniature"] and told.versions["numpy"] and told.settings["repeats"] == "1"
    assert "energy" not in plan(powercap=powercap(tmp_path)).head().absent


def test_weights_that_are_not_here_are_failures_and_no_weights(tmp_path: Path) -> None:
    asked = plan(systems=("taco",), weights=tmp_path, states=(WARM,))
    assert asked.head().weights == {}
    found = carried_out(asked)
    assert len(found) == 4 and all(sample.failure.startswith("MissingError: ") for sample in found)


def test_a_cost_is_of_the_turn_and_memory_of_the_process() -> None:
    one = processes.cost_of(Turn({"a": 1.0, "b": 0.5}, {"a": 2.0, "b": 0.25}, None), Cost(5.0, 6.0, 7))
    assert one == Cost(1.5, 2.25, 7)


def test_what_only_pythons_parent_sees_is_its_start_and_end() -> None:
    assert processes.with_rest({"import": 0.25}, 1.0) == {PYTHON: 0.75, "import": 0.25}
    assert processes.with_rest({"import": 1.0}, 0.9999)[PYTHON] == 0.0


def test_one_process_of_each_kind_runs_before_any_counts() -> None:
    seen: list[Case] = []

    def job(case: Case) -> Job:
        def measure(bench: object) -> Iterator[Sample]:
            seen.append(case)
            raise LimnerError("which nobody hears of here")
            yield

        return Job((case,), measure)

    asked = plan(sizes=((48, 32), (60, 40)))
    kinds = [replace(one, state=state) for one in FIRST for state in (COLD, WARM, DROPPED)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "jobs", lambda *_: map(job, kinds))
        READ_ONCE(asked, Inputs(asked), Bench((0,), Energy()), 1)
    assert seen == [replace(one, state=COLD) for one in FIRST[:2]]
