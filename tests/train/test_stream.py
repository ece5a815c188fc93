"""WebDataset shards as they pass: a window that moves, pictures that are held out, bad ones passed over, runs that go on."""

from __future__ import annotations

import gc
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("webdataset")
pytest.importorskip("lightning_fabric")
import torch
from tiny_recipes import schedule

from limner.errors import LimnerError
from limner.train import reference, stream
from limner.train.draws import draw
from limner.train.loop import train
from limner.train.machine import Machine
from limner.train.state import LAST
from limner.train.window import DRAWS_PER_NEW, Place, Reader

# webdataset leaves it to the collector to close a shard that is not read to its end.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def grey(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 32), (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two shards of 40 grey pictures each, 0..79; every tenth is damaged, and each has a caption beside it; 5 are held out."""
    monkeypatch.setattr(stream, "HELD_OUT", 5)
    for shard in range(2):
        with tarfile.open(tmp_path / f"{shard:03d}.tar", "w") as tar:
            for number in range(40 * shard, 40 * shard + 40):
                data = grey(number)
                add(tar, f"{number:06d}.png", data[:40] if number % 10 == 9 else data)
                add(tar, f"{number:06d}.txt", b"grey")
    return str(tmp_path / "{000..001}.tar")


def levels(source: stream.Stream, first: int, count: int) -> list[int]:
    """What draws of a run give, by their turn."""
    return [int(source.draw(draw(1, turn, 0, 1, turn))[0, 0, 0]) for turn in range(first, first + count)]


def test_what_is_held_out_is_never_drawn(shards: str) -> None:
    source = stream.Stream(shards, pool=16)
    assert [int(picture[0, 0, 0]) for picture in source.held_out] == [0, 1, 2, 3, 4]
    drawn = levels(source, 0, 2000)
    assert set(drawn).isdisjoint(range(5)) and all(level % 10 != 9 for level in drawn)
    assert len(set(drawn)) == 80 - 5 - 8  # all others, from both shards


def test_a_stream_goes_on_from_a_place_as_if_it_had_not_stopped(shards: str) -> None:
    whole = stream.Stream(shards, pool=16)
    wanted = levels(whole, 0, 700)
    for stopped in (1, 8, 131, 400, 650):
        first = stream.Stream(shards, pool=16)
        assert levels(first, 0, stopped) == wanted[:stopped]
        other = stream.Stream(shards, pool=16)
        other.begin(Reader(), stopped, first.place)
        assert levels(other, stopped, 50) == wanted[stopped : stopped + 50]
        assert first.place is not None and first.place.number == (stopped - 1) // DRAWS_PER_NEW


def test_what_is_read_again_is_a_window_and_less_than_a_shard(shards: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stream.Stream(shards, pool=16)
    levels(whole, 0, 800)
    looked_at: list[int] = []
    plain = stream.as_array
    monkeypatch.setattr(stream, "as_array", lambda data: looked_at.append(1) or plain(data))
    other = stream.Stream(shards, pool=16)
    other.begin(Reader(), 800, whole.place)
    levels(other, 800, 1)
    assert 16 <= len(looked_at) <= 20  # the window, and the damaged ones in it


def test_readers_have_shards_of_their_own_or_all_of_them(shards: str) -> None:
    names = [f"{k}.tar" for k in range(7)]
    owned = [Reader(1, number, 3).own(names) for number in range(3)]
    assert sorted(name for some in owned for name in some) == names
    assert Reader(1, 2, 9).own(names) == names
    passes = [[Reader(1, 0, 1).visited(names, 7 * turn + place) for place in range(7)] for turn in range(3)]
    assert all(sorted(one) == names for one in passes) and passes[0] != passes[1]
    one, other = stream.Stream(shards, pool=4), stream.Stream(shards, pool=4)
    one.begin(Reader(1, 0, 2))
    other.begin(Reader(1, 1, 2))
    assert max(levels(one, 0, 100)) < 40 <= min(levels(other, 0, 100))
    with pytest.raises(LimnerError):
        Reader(1, 3, 3)


def test_shards_without_pictures_are_an_error(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        add(tar, "a.txt", b"no picture")
    with pytest.raises(LimnerError, match="no photographs"):
        _ = stream.Stream(str(tmp_path / "0.tar")).held_out
    with pytest.raises(LimnerError, match="no photographs to train on"):
        levels(stream.Stream(str(tmp_path / "0.tar")), 0, 1)


def of(shards: str, steps: int, batch: int = 2) -> tuple[reference.Task, stream.Stream]:
    source = stream.Stream(shards, pool=16)
    return reference.Task(reference.Recipe(schedule(steps), batch=batch, crop_px=64, inner=8), source), source


class Away(Exception):
    """The machine was taken away."""


def stopped_at(step: int, task: reference.Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the losses of a step end the run."""
    plain, done = reference.Task.losses, [0]

    def losses(self: reference.Task, model: object, batch: object, progress: float) -> object:
        done[0] += 1
        if done[0] > step:
            raise Away
        return plain(self, model, batch, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(reference.Task, "losses", losses)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_on_a_stream_goes_on_bit_for_bit(
    shards: str, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine("cpu", precision="32-true", threads=1, workers=workers)
    task, source = of(shards, 30)
    train(task, tmp_path / "whole", machine, print, stream=source)
    with monkeypatch.context() as patch:
        task, source = of(shards, 30)
        stopped_at(17, task, patch)
        with pytest.raises(Away):
            train(task, tmp_path / "parts", machine, print, stream=source, save_minutes=0)
    kept = torch.load(tmp_path / "parts" / LAST, weights_only=True)
    assert kept["step"] == 17 and kept["split"] == [1, max(1, workers), 2]
    assert Place(*kept["places"][0].tolist()).number > 0
    task, source = of(shards, 30)
    train(task, tmp_path / "parts", machine, print, stream=source)
    whole, parts = (torch.load(tmp_path / name / LAST, weights_only=True) for name in ("whole", "parts"))
    assert all(torch.equal(parts["model"][name], whole["model"][name]) for name in whole["model"])
    assert torch.equal(parts["places"], whole["places"])


def test_other_readers_begin_anew_and_say_so(shards: str, tmp_path: Path) -> None:
    machine = Machine("cpu", precision="32-true", threads=1)
    for steps, batch in ((2, 2), (4, 3)):
        said: list[str] = []
        task, source = of(shards, steps, batch)
        train(task, tmp_path, machine, said.append, stream=source)
        assert any("streams begin anew" in line for line in said) == (batch == 3)


def test_pictures_are_what_they_were(shards: str) -> None:
    assert np.array_equal(stream.Stream(shards).held_out[3], np.full((32, 40, 3), 3, np.uint8))
