"""WebDataset shards as they pass: a pool that is renewed, pictures that are held out, bad ones passed over."""

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

from limner.errors import LimnerError
from limner.train import stream

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
    Image.new("RGB", (20, 10), (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def shards(tmp_path: Path) -> str:
    """Two shards of 40 grey pictures each, 0..79; every tenth is damaged, and each has a caption beside it."""
    for shard in range(2):
        with tarfile.open(tmp_path / f"{shard:03d}.tar", "w") as tar:
            for number in range(40 * shard, 40 * shard + 40):
                data = grey(number)
                add(tar, f"{number:06d}.png", data[:40] if number % 10 == 9 else data)
                add(tar, f"{number:06d}.txt", b"grey")
    return str(tmp_path / "{000..001}.tar")


def test_what_is_held_out_is_never_drawn(shards: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HELD_OUT", 5)
    source = stream.Stream(shards, pool=16)
    assert [int(picture[0, 0, 0]) for picture in source.held_out] == [0, 1, 2, 3, 4]
    rng = np.random.default_rng(0)
    drawn = {int(source.draw(rng)[0, 0, 0]) for _ in range(9000)}
    assert drawn.isdisjoint(range(5)) and all(level % 10 != 9 for level in drawn)
    assert len(drawn) > 50  # far more than the pool holds at once, from both shards: some thirty of them were drawn


def test_shards_without_pictures_are_an_error(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        add(tar, "a.txt", b"no picture")
    with pytest.raises(LimnerError, match="no photographs"):
        _ = stream.Stream(str(tmp_path / "0.tar")).held_out
