"""Blobs in any order are those of their files, wherever they lie."""

from __future__ import annotations

import pickle
import tarfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tar_files import tar

from limner.errors import LimnerError
from limner.loaders.blobs import Blobs, Joined, opened

pytest.importorskip("fsspec")


class Held:
    """Blobs that are in memory."""

    def __init__(self, blobs: list[bytes]) -> None:
        self.blobs = blobs

    def __len__(self) -> int:
        return len(self.blobs)

    def read(self, number: int) -> tuple[str, bytes]:
        return str(number), self.blobs[number]


def contents(found: Blobs) -> dict[str, bytes]:
    return dict(found.read(number) for number in range(len(found)))


@given(st.lists(st.lists(st.binary(max_size=3), max_size=4), max_size=5))
def test_joined_is_one_behind_the_other(parts: list[list[bytes]]) -> None:
    joined = Joined(tuple(Held(part) for part in parts))
    assert [joined.read(number)[1] for number in range(len(joined))] == [*chain.from_iterable(parts)]


def test_a_folder(folder: Path, blobs: Mapping[str, bytes]) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "x.limn").write_bytes(b"x")
    named = {f"{name}.limn": blob for name, blob in blobs.items()} | {"deep/x.limn": b"x"}
    assert contents(opened(folder)) == contents(pickle.loads(pickle.dumps(opened(str(folder))))) == named


def test_files_by_name_keep_their_order(folder: Path, blobs: Mapping[str, bytes]) -> None:
    found = opened([folder / "03.limn", str(folder / "01.limn"), folder / "0[24].limn"])
    assert [found.read(number)[1] for number in range(len(found))] == [blobs[name] for name in ("03", "01", "02", "04")]


def test_a_shard_is_read_by_place(shard: Path, blobs: Mapping[str, bytes]) -> None:
    found = opened(shard)
    assert contents(found) == {f"{name}.limn": blob for name, blob in blobs.items()}
    assert found.read(4) == ("04.limn", blobs["04"])
    assert len(opened(shard.parent / "{shard,shard}.tar")) == 2 * len(blobs)


def test_a_folder_of_files_and_shards(folder: Path, shard: Path, blobs: Mapping[str, bytes]) -> None:
    (folder / "a.tar").write_bytes(shard.read_bytes())
    found = opened(folder)
    assert [found.read(number)[1] for number in range(len(found))] == [*blobs.values()] * 2


def test_what_holds_nothing_is_an_error(tmp_path: Path, shard: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "bad.tar").write_bytes(b"no tar" * 400)
    (tmp_path / "cut.tar").write_bytes(shard.read_bytes()[:-9300])
    with tarfile.open(tmp_path / "small.tar.gz", "w:gz") as made:
        made.add(shard)
    others = [tar(tmp_path / "others.tar", {"a.jpg": b"x"}), tar(tmp_path / "none.tar", {})]
    for path in [empty, tmp_path / "missing", tmp_path / "bad.tar", tmp_path / "cut.tar", tmp_path / "small.tar.gz", *others]:
        with pytest.raises(LimnerError):
            opened(path)


def test_a_file_that_went_away_is_an_error(folder: Path) -> None:
    found = opened(folder)
    (folder / "02.limn").unlink()
    with pytest.raises(LimnerError, match=r"02\.limn"):
        found.read(2)
