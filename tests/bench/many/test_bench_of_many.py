"""The measurement of folders: what it counts, what it begins, what its page says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from limner.bench.many import __main__ as command
from limner.bench.many import batched, folders
from limner.bench.many.batched import DECODE, ENCODE, NETWORKS, Batched, Share, gain
from limner.bench.many.names import Planned
from limner.bench.many.page import Found, page
from limner.bench.many.runs import Run, Way, run
from limner.bench.running import Held
from limner.errors import LimnerError

PLAIN, BOTH = Way(1, 1, by_hand=True), Way(2)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(scene(96, 64, number)).save(folder / f"{number}.png")
    return folder


def steady(processes: int, per_s: float, number: int) -> Run:
    """A slow start, then steady work."""
    return Run(processes, tuple(10 + index / per_s for index in range(number)))


def test_squares_are_of_all_photographs_and_the_same_again(photos: Path) -> None:
    found = folders.cut(folders.photographs(photos), 5, 48)
    assert [square.shape for square in found] == [(48, 48, 3)] * 5
    again = folders.cut(folders.photographs(photos), 5, 48)
    assert all(np.array_equal(one, other) for one, other in zip(found, again, strict=True))
    assert not np.array_equal(found[0], found[2])


def test_folders_without_photographs_and_small_photographs_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="no photographs"):
        folders.photographs(tmp_path / "none")
    with pytest.raises(LimnerError, match="no square of 65 px"):
        folders.cut(folders.photographs(photos), 1, 65)


def test_a_speed_is_that_of_steady_work() -> None:
    assert steady(1, 4.0, 20).per_s == pytest.approx(4)
    assert steady(2, 8.0, 20).per_s == pytest.approx(8)
    waits = Run(1, (0.0, 100.0, 101.0, 102.0, 103.0))
    assert waits.per_s == pytest.approx(1)
    with pytest.raises(LimnerError, match="too few"):
        _ = steady(4, 4.0, 10).per_s


def test_each_way_says_what_it_is_and_what_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    loops = Way(3, 1, by_hand=True)
    assert (PLAIN.name, loops.name, BOTH.name) == ("the plain loop", "3 plain loops at once", "-j 2")
    assert [words[-2:] for words in loops.commands(ENCODE, Path("in"), Path("out"))] == [["0", "3"], ["1", "3"], ["2", "3"]]
    (words,) = BOTH.commands(DECODE, Path("in"), Path("out"))
    assert words[-8:] == ["decode", "-r", "in", "-o", "out", "-j", "2", "--json"]
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "9")
    assert loops.environment()["OPENBLAS_NUM_THREADS"] == loops.environment()["OMP_NUM_THREADS"] == "1"
    assert "OPENBLAS_NUM_THREADS" not in BOTH.environment()


@pytest.mark.parametrize("way", [PLAIN, BOTH])
def test_a_run_sees_every_picture_done(photos: Path, tmp_path: Path, way: Way) -> None:
    pictures = folders.of_pictures(tmp_path / "pictures", folders.cut(folders.photographs(photos), 6, 32))
    found = run(way, ENCODE, pictures, watched=True)
    assert len(found.done_s) == 6 and sorted(found.done_s) == list(found.done_s)
    assert max(held.front for held in found.held) > 0
    assert (max(held.worker for held in found.held) > 0) == (way == BOTH)


def test_a_run_that_fails_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_text("no picture")
    with pytest.raises(LimnerError, match="0 of 1 files"):
        run(PLAIN, ENCODE, tmp_path / "pictures")


# --- batches


def test_a_gain_is_that_of_one_size_for_all() -> None:
    one, other = (Batched(NETWORKS[0], 64, {1: 4.0, 2: first, 4: second}) for first, second in ((2.0, 4.0), (6.0, 4.0)))
    assert (one.gain, other.gain) == (0.5, 0.0)
    assert gain([one, other]) == 0.0
    assert Share(ENCODE, 64, 10.0, 0.5).saved([one]) == 0.25
    assert Share(DECODE, 64, 10.0, 0.5).saved([one]) == 0.0


def test_copies_for_batches_give_what_the_networks_give() -> None:
    pytest.importorskip("onnx")
    found = batched.measured(32, turns=1, sizes=(1, 2))
    assert [one.network.file for one in found] == [network.file for network in NETWORKS]
    assert all(value > 0 for one in found for value in one.milliseconds.values())


def test_a_batch_that_gives_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr(batched, "TOLERANCE", -1.0)
    with pytest.raises(LimnerError, match="differs"):
        batched.measured(32, turns=1, sizes=(1, 2))


def test_networks_have_a_part_of_the_time() -> None:
    found = batched.shares(scene(32, 32), turns=1)
    assert [one.verb for one in found] == [ENCODE, DECODE]
    assert all(0 < one.networks < 1 for one in found)


# --- the page


def made(saved_ms: float) -> Found:
    held = tuple(Held(second / 10, 10**7, 2 * 10**7, 5 * 10**7) for second in range(11))
    speeds = {(ENCODE, PLAIN): [steady(1, 4.0, 20)] * 3, (ENCODE, BOTH): [steady(2, 8.0, 20)] * 3}
    planned = Planned(1000, 300_000, 2.0)
    batches = [Batched(NETWORKS[0], 128, {1: 10.0, 2: 10.0 - saved_ms})]
    memory = {20: Run(2, (1.0,), held), 40: Run(2, (1.0,), held)}
    return Found(64, 20, speeds, memory, BOTH, planned, batches, [Share(ENCODE, 128, 30.0, 0.5)])


def test_the_page_says_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.bench.many.runs.cores", lambda: 2)
    text = page(made(1.0), "A machine.", "a command")
    assert "| the plain loop | 1 | 1 | 4.00 | 4.00–4.00 | 100 % | 10.0 |" in text
    assert "| -j 2 | 2 | 1 | 8.00 | 8.00–8.00 | 100 % | 10.0 |" in text
    assert "| 20, part 4 of 4 | 10 | 20 | 50 |" in text
    assert "A folder of 40 took +0.0 % more than one of 20 at most" in text
    assert "held 0 MB:\n300 bytes a file." in text
    assert "| stem.onnx, 128 px | 10.00 | 9.00 | 10 % |" in text
    assert "The most that is saved is 5.0 %: no batches are built in" in text
    assert "The most that is saved is 25.0 %: worth building" in page(made(5.0), "", "")


def test_the_command_writes_a_page(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "WAYS", (PLAIN,))
    words = ["--data", photos, "--out", tmp_path / "results", "--pictures", 5, "--side", 32, "--turns", 1]
    assert command.main([*map(str, words), "--memory", "6", "--names", "2500", "--no-batches"]) == 0
    written = (tmp_path / "results" / "many.md").read_text("utf-8")
    assert written in capsys.readouterr().out
    assert "--pictures 5 --side 32 --turns 1 --memory 6 --names 2500 --no-batches" in written
    assert "2500 empty\nfiles were planned" in written
    assert str(tmp_path) not in written
