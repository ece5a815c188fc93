"""Runs: stopped and started again, by one worker or two, they end with the same records."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from toy_codec import ENCODE, Deadly, by_setting, data_set, programs, toy

from limner.bench.datasets import opened as opened_set
from limner.bench.harness.external import External
from limner.bench.harness.ours import Ours
from limner.bench.harness.record import Record, kept_original, kept_picture, order, read, same
from limner.bench.harness.run import Plan, run
from limner.bench.harness.seal import FOLDERS, Seal, best_grade
from limner.bench.harness.system import System
from limner.errors import LimnerError
from limner.image import load, save

HERE = Seal(best_grade())
BUDGETS = (60, 900, 2500)


def plan_of(tmp_path: Path, *systems: System, count: int = 2, **more: object) -> Plan:
    found = systems or (toy(tmp_path / "toy", BUDGETS),)
    return replace(Plan(data_set(tmp_path / "data", count), found, ("psnr_db", "ssim"), HERE), **more)  # type: ignore[arg-type]


def alike(some: Sequence[Record], others: Sequence[Record]) -> bool:
    return len(some) == len(others) and all(same(one, other) for one, other in zip(some, others, strict=True))


def rows(folder: Path) -> list[Record]:
    return read(folder / "rows.jsonl")[1]


def test_every_picture_system_and_setting_has_its_record(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, command="the command", settings={"absent": "bpg"})
    found = run(plan, tmp_path / "out")
    assert [(one.picture, one.budget_bytes) for one in found] == [(name, n) for name in ("a.png", "b.png") for n in BUDGETS]
    head, kept = read(tmp_path / "out" / "rows.jsonl")
    assert kept == found == sorted(found, key=order)
    assert head.command == "the command" and set(head.metrics) == {"psnr_db", "ssim"}
    assert head.settings.items() >= {"seal": HERE.grade, "absent": "bpg", "jobs": "1", "data": "data: not checked"}.items()
    small, fits = found[0], found[1]
    assert small.failure is not None and small.failure.error == "BudgetError"
    assert fits.figures.keys() == {"psnr_db", "ssim"} and fits.chosen.startswith("quality=") and fits.words == "none"


def test_figures_are_those_of_what_was_painted(tmp_path: Path) -> None:
    (_, _, best) = run(plan_of(tmp_path, toy(tmp_path / "toy", (60, 900, 10**6)), count=1, keep=True), tmp_path / "out")
    original, painted = (load(tmp_path / "out" / name(best)).pixels for name in (kept_original, kept_picture))
    assert np.array_equal(original, scene(96, 64, 0)) and np.array_equal(painted, original)
    assert best.absent["psnr_db"] and best.figures == {"ssim": 1.0}


def test_two_workers_give_the_records_of_one(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, toy(tmp_path / "toy", BUDGETS), Ours("miniature", (250,)))
    assert alike(run(plan, tmp_path / "one"), run(plan, tmp_path / "two", 2))
    assert alike(rows(tmp_path / "one"), rows(tmp_path / "two"))


def test_what_is_there_is_not_done_again(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    first, before = run(plan, tmp_path / "out"), (tmp_path / "out" / "rows.jsonl").read_bytes()
    told = []
    again = run(plan, tmp_path / "out", watch=lambda record, done, total: told.append((record, done, total)))
    # Times and all.
    assert again == first and (tmp_path / "out" / "rows.jsonl").read_bytes() == before
    assert told == [(None, 6, 6)]


def test_what_is_missing_is_done(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    first, path = run(plan, tmp_path / "out"), tmp_path / "out" / "rows.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    # A line is missing, the last one is not whole.
    path.write_text("".join([*lines[:2], *lines[3:-1], lines[-1][:60]]))
    told = []
    again = run(plan, tmp_path / "out", watch=lambda record, done, total: told.append(done))
    assert told == [4, 5, 6] and alike(again, first)
    assert len({record.decode for record in again} & {record.decode for record in first}) >= 3


def changed(plan: Plan, **more: object) -> Plan:
    return replace(plan, **more)  # type: ignore[arg-type]


def redone(plan: Plan, folder: Path) -> int:
    told: list[int] = []
    run(plan, folder, watch=lambda record, done, total: told.append(done))
    return len(told) - 1


def test_another_version_is_another_answer(tmp_path: Path) -> None:
    plan, out = plan_of(tmp_path), tmp_path / "out"
    run(plan, out)
    assert redone(plan, out) == 0
    assert redone(changed(plan, metrics=("ssim",)), out) == 0
    assert redone(changed(plan, metrics=("psnr_db", "flip")), out) == 4
    other = toy(tmp_path / "toy", BUDGETS)
    other = replace(other, programs=replace(other.programs, encode=(*other.programs.encode, "--more")))
    assert redone(changed(plan, systems=(other,)), out) == 6
    if HERE.grade != FOLDERS:
        assert redone(changed(plan, systems=(other,), seal=Seal(FOLDERS)), out) == 6
    assert len(rows(out)) == 6


def test_other_systems_are_added_and_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(plan_of(tmp_path), out)
    assert redone(plan_of(tmp_path, toy(tmp_path / "toy", (1500,))), out) == 2
    assert len(rows(out)) == 8


def test_another_picture_of_that_name_is_another_question(tmp_path: Path) -> None:
    plan, out = plan_of(tmp_path), tmp_path / "out"
    first = by_setting(run(plan, out))
    save(scene(96, 64, 7), tmp_path / "data" / "b.png")
    again = by_setting(run(plan, out))
    assert len(rows(out)) == 6
    for asked, record in again.items():
        assert same(record, first[asked]) == (record.picture == "a.png")


def test_failures_stay_unless_they_are_to_be_tried_again(tmp_path: Path) -> None:
    plan, out = plan_of(tmp_path, toy(tmp_path / "toy", BUDGETS, "import sys\nsys.exit('not today')")), tmp_path / "out"
    assert all(record.failure is not None and "not today" in record.failure.message for record in run(plan, out))
    (tmp_path / "toy" / "encode.py").write_text(ENCODE)
    assert redone(plan, out) == 0
    assert redone(changed(plan, retry=True), out) == 6
    assert sum(record.failure is None for record in rows(out)) == 4


def test_kept_pictures_that_are_gone_are_made_again(tmp_path: Path) -> None:
    plan, out = plan_of(tmp_path), tmp_path / "out"
    run(plan, out)
    assert redone(changed(plan, keep=True), out) == 4
    assert redone(changed(plan, keep=True), out) == 0
    assert len(list(out.rglob("*.png"))) == 2 * (1 + 2)
    (out / kept_picture(rows(out)[1])).unlink()
    assert redone(changed(plan, keep=True), out) == 1


def test_figures_of_another_measure_are_not_mixed(tmp_path: Path) -> None:
    plan, path = plan_of(tmp_path), tmp_path / "out" / "rows.jsonl"
    run(plan, tmp_path / "out")
    path.write_text(path.read_text().replace("peak 255", "peak 1", 1))
    with pytest.raises(LimnerError, match="figures of another psnr_db"):
        run(plan, tmp_path / "out")


def test_words_are_given_to_those_that_take_them(tmp_path: Path) -> None:
    say = "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[4]).read())"
    codec = toy(tmp_path / "toy", (900,), encode=say)
    reading = replace(codec, programs=replace(codec.programs, encode=(*codec.programs.encode, "{words_file}")))
    kinds = ("true", "empty", "shuffled", "na")
    wordless = External(programs(tmp_path / "plain", name="plain"), (900,))
    plan = plan_of(tmp_path, reading, wordless, words=kinds)
    found = by_setting(run(plan, tmp_path / "out"))
    assert len(found) == 2 * 4 + 2
    blobs = {kind: {name: found[name, "target_bytes=900", kind].blob_sha256 for name in ("a.png", "b.png")} for kind in kinds}
    assert blobs["shuffled"] == {"a.png": blobs["true"]["b.png"], "b.png": blobs["true"]["a.png"]}
    assert len({blobs[kind]["a.png"] for kind in kinds}) == 4
    assert found["a.png", "target_bytes=900", "none"].system == "plain"
    # Other captions, other outcome.
    scenes = tmp_path / "data" / "scenes.json"
    scenes.write_text(scenes.read_text().replace("the hill a", "a castle"))
    other = changed(plan, data=opened_set(str(tmp_path / "data")), words=("true", "na"))
    assert redone(other, tmp_path / "out") == 1


def test_a_worker_that_dies_is_a_row_and_the_run_goes_on(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, toy(tmp_path / "toy", (900,)), Deadly())
    found = run(plan, tmp_path / "out", 2)
    dead = [record for record in found if record.system == "deadly"]
    assert [record.failure and record.failure.error for record in dead] == ["WorkerDied"] * 2
    assert all(record.failure is None for record in found if record.system == "toy")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"metrics": ("loudness",)}, "no metric 'loudness'"),
        ({"metrics": ()}, "needs systems, metrics"),
        ({"systems": ()}, "needs systems, metrics"),
        ({"systems": (Ours("miniature", (250,)),) * 2}, "one name and setting: miniature, target_bytes=250"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(tmp_path: Path, more: dict[str, object], why: str) -> None:
    with pytest.raises(LimnerError, match=why):
        changed(plan_of(tmp_path), **more)


def test_a_run_that_is_killed_ends_as_if_it_was_not(tmp_path: Path) -> None:
    """With two workers, by the command itself, in the middle of it."""
    data_set(tmp_path / "data", 4)
    slow = toy(tmp_path / "toy", BUDGETS, ENCODE + "import time; time.sleep(0.1)\n").programs
    words = [sys.executable, "-m", "limner", "bench", "run", "--data", "data", "--codec", f"toy/{slow.name}.toml", "--out"]
    rest = ["out", "--systems", "", "--budgets", ",".join(map(str, BUDGETS)), "--metrics", "psnr_db", "--jobs"]
    path = tmp_path / "out" / "rows.jsonl"
    process = subprocess.Popen([*words, *rest, "2"], cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    while not path.exists() or path.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with path.open("ab") as file:
        file.write(b'{"picture": "half a li')
    there = rows(tmp_path / "out")
    assert 1 <= len(there) < 12
    done = subprocess.run([*words, *rest, "2"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    subprocess.run([*words, "whole", *rest[1:], "1"], cwd=tmp_path, capture_output=True, check=True)
    assert len(rows(tmp_path / "whole")) == 12
    assert alike(rows(tmp_path / "out"), rows(tmp_path / "whole"))
    # What was there stayed, times and all.
    assert {to_text(one) for one in there} <= {to_text(one) for one in rows(tmp_path / "out")}


def to_text(record: Record) -> str:
    return repr(record)
