"""Runs: what is done once is done, whoever was killed when; other settings are refused; failures are rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

from interrupts import heeding_interrupts
from scale_runs import Toy, folder_of, marks_of, png, ran, rows_of, stopped_after, tables_of
from tar_files import tar

from limner.errors import LimnerError
from limner.scale.engine import Plain
from limner.scale.run import Run

NAMES = [f"{folder}{number:02}.png" for folder in ("", "b/", "b/c/") for number in range(5)]


def pictures(names: list[str] = NAMES) -> dict[str, bytes]:
    return {name: png(number) for number, name in enumerate(names)}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("in"), pictures())


@given(part=st.integers(1, 20), processes=st.just(1))
@settings(max_examples=8)
def test_rows_are_those_of_the_verb_however_they_are_cut(
    source: Path, tmp_path_factory: pytest.TempPathFactory, part: int, processes: int
) -> None:
    output = tmp_path_factory.mktemp("out")
    totals, told = ran(Run(Toy(), str(source), str(output), part=part), Plain(processes))
    assert [row["path"] for row in rows_of(output)] == sorted(NAMES)
    for row in rows_of(output):
        one = Toy()(row["path"], (source / row["path"]).read_bytes())
        assert (row["blob"], row["bytes"], row["status"]) == (one.payload, one.bytes, "done")
        assert sum(layer["bytes"] for layer in row["layers"]) == row["bytes"] == row["length"]
    assert (totals.done, totals.failed, totals.parts) == (15, 0, len(told)) == (15, 0, -(-15 // part))
    assert totals.read_bytes == sum(path.stat().st_size for path in source.rglob("*.png"))


@given(part=st.integers(1, 6), stop=st.integers(1, 3))
@settings(max_examples=10)
def test_a_run_that_was_stopped_goes_on_where_it_was(
    source: Path, tmp_path_factory: pytest.TempPathFactory, part: int, stop: int
) -> None:
    whole, halved = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("halved")
    log = halved.parent / f"{halved.name}.log"
    ran(Run(Toy(), str(source), str(whole), part=part))
    stopped_after(Run(Toy(str(log)), str(source), str(halved), part=part), min(stop, 15 // part))
    before = marks_of(halved)
    ran(Run(Toy(str(log)), str(source), str(halved), part=part))
    assert rows_of(halved) == rows_of(whole)
    assert sorted(marks_of(halved)) == sorted(marks_of(whole))
    assert before.items() <= marks_of(halved).items()
    assert sorted(log.read_text().split()) == sorted(NAMES)


def test_a_second_run_reads_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    run = Run(Toy(str(tmp_path / "log")), str(source), str(tmp_path / "out"), part=4)
    ran(run)
    before = marks_of(tmp_path / "out")
    totals, told = ran(run)
    assert (told, marks_of(tmp_path / "out")) == ([], before)
    assert (totals.done, totals.before, totals.read_bytes) == (15, 15, 0)
    assert len((tmp_path / "log").read_text().split()) == 15
    assert sorted(path.name[0] for path in (tmp_path / "out").iterdir()) == ["_", *"pppp"]


def test_only_new_content_is_coded(tmp_path: Path) -> None:
    source, output, log = folder_of(tmp_path / "in", pictures()), tmp_path / "out", tmp_path / "log"
    run = Run(Toy(str(log)), str(source), str(output), part=4)
    ran(run)
    log.unlink()
    before = marks_of(output)
    (source / "00.png").rename(source / "renamed.png")
    os.utime(source / "01.png", (1, 1))
    (source / "02.png").write_bytes(png(100))
    (source / "new.png").write_bytes(png(101))
    totals, _ = ran(run)
    assert sorted(log.read_text().split()) == ["02.png", "new.png"]
    assert before.items() <= marks_of(output).items()
    assert totals.taken == 2
    found = rows_of(output)
    assert [row["path"] for row in found] == sorted([*NAMES, "01.png", "02.png", "new.png", "renamed.png"])
    (old, renamed) = ([row for row in found if row["path"] == name] for name in ("00.png", "renamed.png"))
    assert [row | {"path": ""} for row in old] == [row | {"path": ""} for row in renamed]
    log.unlink()
    assert ran(run)[1] == [] and not log.exists()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"verb": Toy(word="x")}, "settings.word was , now x"),
        ({"form": "shards"}, "format was parquet, now shards"),
        ({"verb": Toy(name="other")}, "verb was toy, now other"),
    ],
)
def test_other_settings_into_the_same_folder_are_refused(
    source: Path, tmp_path: Path, other: dict[str, object], said: str
) -> None:
    same = {"verb": Toy(), "source": str(source), "output": str(tmp_path / "out")}
    ran(Run(**same))
    before = marks_of(tmp_path / "out")
    with pytest.raises(LimnerError, match=said):
        ran(Run(**same | other))
    assert marks_of(tmp_path / "out") == before


@pytest.mark.parametrize("text", ["", "{}", '{"limner scale": 9, "made by": {}}', "[]"])
def test_a_folder_that_is_not_ours_is_refused(source: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "_limner.json").write_text(text)
    with pytest.raises(LimnerError, match="name another folder"):
        ran(Run(Toy(), str(source), str(tmp_path)))
    (tmp_path / "_limner.json").unlink()
    (tmp_path / "part-of-something.txt").touch()
    with pytest.raises(LimnerError, match="name another folder"):
        ran(Run(Toy(), str(source), str(tmp_path)))


def test_failures_are_rows_and_are_tried_again_when_asked(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", {"a.png": png(0), "b.png": b"no picture", "bug.png": png(1), "c.png": png(2)})
    run = Run(Toy(str(tmp_path / "log")), str(source), str(tmp_path / "out"), part=3)
    totals, told = ran(run)
    assert (totals.done, totals.failed) == (2, 2)
    assert [(row["path"], row["error"]) for row in rows_of(tmp_path / "out") if row["status"] == "failed"] == [
        ("b.png", "ImageError"),
        ("bug.png", "KeyError"),
    ]
    assert told[0].faults == ("b.png: not a picture that can be read", "bug.png: 'nobody thought of it'")
    totals, told = ran(run)
    assert (totals.done, totals.failed, told) == (2, 2, [])
    (tmp_path / "log").unlink()
    again = Run(run.verb, run.source, run.output, part=3, retry=True)
    totals, told = ran(again)
    assert (totals.done, totals.failed, totals.taken, len(told)) == (2, 2, 1, 1)
    assert (tmp_path / "log").read_text().split() == ["b.png", "bug.png"]
    assert [row["path"] for row in rows_of(tmp_path / "out")] == ["a.png", "b.png", "bug.png", "c.png"]


@pytest.mark.parametrize("form", ["parquet", "shards", "files"])
def test_content_is_taken_over_in_every_form(tmp_path: Path, form: str) -> None:
    source, output = folder_of(tmp_path / "in", {"a.png": png(0), "b.png": png(1)}), tmp_path / "out"
    run = Run(Toy(str(tmp_path / "log")), str(source), str(output), form)
    ran(run)
    (source / "a.png").rename(source / "z.png")
    totals, _ = ran(run)
    assert totals.taken == 1 and len((tmp_path / "log").read_text().split()) == 2
    found = {row["path"]: row for row in rows_of(output)}
    assert found["z.png"] == found["a.png"] | {"path": "z.png"}
    assert not (output / "_known.parquet").exists()


def test_a_picture_that_kills_costs_itself_alone(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", {name: png(number) for number, name in enumerate(["a.png", "kills.png", "z.png"])})
    totals, _ = ran(Run(Toy(), str(source), str(tmp_path / "out")), Plain(2))
    assert (totals.done, totals.failed) == (2, 1)
    assert [(row["path"], row["error"]) for row in rows_of(tmp_path / "out")] == [
        ("a.png", None),
        ("kills.png", "WorkerDied"),
        ("z.png", None),
    ]
    assert not list((tmp_path / "out").glob("_try*"))


def test_a_part_that_was_begun_twice_is_done_with_care(tmp_path: Path) -> None:
    """As when the whole run was killed, twice: this process would die over it a third time."""
    source = folder_of(tmp_path / "in", {"a.png": png(0), "kills.png": png(1)})
    command = [sys.executable, "-c", _PROGRAM, str(source), str(tmp_path / "out")]
    for _ in range(2):
        assert subprocess.run(command, env=_environment()).returncode < 0
    totals, _ = ran(Run(Toy(), str(source), str(tmp_path / "out")))
    assert (totals.done, totals.failed) == (1, 1)


_PROGRAM = """
import sys  # noqa: E402
from scale_runs import Toy  # noqa: E402
from limner.scale.engine import Plain  # noqa: E402
from limner.scale.run import Run, carried_out  # noqa: E402
if __name__ == "__main__":
    verb = Toy(log=sys.argv[3]) if len(sys.argv) > 3 else Toy()
    carried_out(Run(verb, sys.argv[1], sys.argv[2], part=2), Plain(1), lambda done, totals: None)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_interrupt_leaves_whole_parts_only(tmp_path: Path, processes: str) -> None:
    source = folder_of(tmp_path / "in", {f"{number:03}.png": png(number % 9, 32, 32) for number in range(300)})
    output = tmp_path / "out"
    words = ["scale", "encode", "-i", str(source), "-o", str(output), "--part", "1", "--plain", "-j", processes]
    process = subprocess.Popen(
        [sys.executable, "-m", "limner", *words],
        stderr=subprocess.PIPE,
        env=_environment(),
        text=True,
        start_new_session=True,
        preexec_fn=heeding_interrupts,
    )
    until = time.monotonic() + 120
    while len(tables_of(output)) < 3 and time.monotonic() < until and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    assert 3 <= len(tables_of(output)) < 300
    assert [path.name for path in output.iterdir() if not path.name.startswith("part-")] == ["_limner.json"]
    assert all(row["status"] == "done" for row in rows_of(output))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_run_that_is_killed_loses_and_repeats_nothing(tmp_path: Path) -> None:
    names = [f"{number:03}.png" for number in range(400)]
    source = folder_of(tmp_path / "in", {name: png(number % 50, 8, 8) for number, name in enumerate(names)})
    output, log = tmp_path / "out", tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(source), str(output), str(log)],
        env=_environment(),
        preexec_fn=heeding_interrupts,
    )
    until = time.monotonic() + 120
    while len(tables_of(output)) < 5 and time.monotonic() < until and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = marks_of(output)
    assert 5 <= len(before) < 200
    kept = {row["path"] for row in rows_of(output)}
    log.unlink()
    ran(Run(Toy(str(log)), str(source), str(output), part=2))
    assert before.items() <= marks_of(output).items()
    assert [row["path"] for row in rows_of(output)] == names
    assert not kept & set(log.read_text().split())
    left = [path.name for path in output.iterdir() if not path.name.startswith("part-")]
    assert left == ["_limner.json"]


def test_an_output_may_be_an_input(tmp_path: Path) -> None:
    tar(tmp_path / "a.tar", {"x.png": png(0), "y.png": png(1)})
    first = tmp_path / "first"
    ran(Run(Toy(), str(tmp_path / "a.tar"), str(first), "shards"))
    second = Run(Toy(suffixes=frozenset({".limn"})), str(first), str(tmp_path / "second"))
    totals, _ = ran(second)
    assert totals.done + totals.failed == 2


def test_an_output_in_the_input_is_refused(source: Path) -> None:
    for output in (source, source / "b" / "out"):
        with pytest.raises(LimnerError, match="name another folder"):
            ran(Run(Toy(), str(source), str(output)))
