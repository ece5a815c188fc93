"""Tables of blobs, read in order and in any order: as others make them, and as `limner scale` does."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

import limner
from limner.cli import main
from limner.errors import LimnerError
from limner.loaders.blobs import opened
from limner.loaders.decoding import Decoding
from limner.loaders.parquet import pictures, rows
from limner.loaders.table import Table
from limner.scale.place import Place

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def table(path: Path, cells: Mapping[str, object], group_rows: int = 2) -> Path:
    parquet.write_table(pyarrow.table(dict(cells)), path, row_group_size=group_rows)
    return path


@pytest.fixture
def plain(blobs: Mapping[str, bytes], tmp_path: Path) -> Path:
    """A table of others: names, blobs with a gap, labels; some rows a group."""
    held = [*blobs.values()]
    cells = {"name": [*blobs, "gap"], "image": [*held[:3], None, *held[3:]], "label": [0, 1, 2, 9, 3, 4, 5]}
    cells["name"] = ["00", "01", "02", "gap", "03", "04", "05"]
    return table(tmp_path / "plain.parquet", cells)


@pytest.mark.parametrize("form", ["parquet", "shards", "files"])
def test_what_scale_writes_is_read(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, output = tmp_path / "photos", tmp_path / "runs" / "one"
    photos.mkdir()
    for number in range(3):
        Image.fromarray(scene(32, 24, number)).save(photos / f"{number}.png")
    (photos / "bad.png").write_bytes(b"not a picture")
    asked = ["--output", str(output), "--target-bytes", "120", "--format", form, "--plain"]
    assert main(["scale", "encode", "--input", str(photos), *asked]) == 1
    named = {f"{n}.png": limner.encode(photos / f"{n}.png", target_bytes=120) for n in range(3)}
    assert {row.path: row.blob for row in rows(output, columns=["bpp"])} == named
    found = pickle.loads(pickle.dumps(opened(output)))
    assert sorted(found.read(number)[1] for number in range(len(found))) == sorted(named.values())
    with pytest.raises(LimnerError, match=r"bad\.png: .*not a picture"):
        list(rows(output, failures="raise"))


def test_any_order_is_that_of_the_rows(plain: Path, blobs: Mapping[str, bytes]) -> None:
    found = Table(Place(str(plain.parent)), plain.name, "image")
    assert len(found) == 6 and found.starts == [0, 2, 4, 6, 7]
    for number in (5, 0, 3, 2, 1, 4):
        assert found.read(number) == (f"{number:02d}", blobs[f"{number:02d}"])


def test_columns_come_along(plain: Path, blobs: Mapping[str, bytes]) -> None:
    found = list(rows(plain, column="image", columns=["label"]))
    assert [(row.path, row.blob, row.more) for row in found] == [
        (name, blob, {"label": number}) for number, (name, blob) in enumerate(blobs.items())
    ]


def test_pictures_are_what_decode_gives(plain: Path, blobs: Mapping[str, bytes]) -> None:
    found = list(pictures(plain, Decoding(size=(9, 7)), column="image"))
    assert len(found) == 6
    for row, picture in found:
        assert np.array_equal(np.asarray(picture), limner.decode(blobs[row.path], size=(9, 7)))


def test_rows_without_a_blob(plain: Path) -> None:
    with pytest.raises(LimnerError, match="gap: there is no blob"):
        list(rows(plain, column="image", failures="raise"))


def test_blobs_that_are_damaged(blobs: Mapping[str, bytes], tmp_path: Path) -> None:
    path = table(tmp_path / "x.parquet", {"key": ["a", "b", "c"], "blob": [blobs["00"], blobs["01"][:-2], blobs["02"]]})
    assert [row.path for row, _ in pictures(path)] == ["a", "c"]
    with pytest.raises(LimnerError, match=r"^b: "):
        list(pictures(path, failures="raise"))


def test_rows_without_a_name_have_a_number(blobs: Mapping[str, bytes], tmp_path: Path) -> None:
    path = table(tmp_path / "x.parquet", {"blob": [None, *blobs.values()]})
    assert opened(path).read(2) == ("x.parquet#3", blobs["02"])


def test_memory_is_some_rows(tmp_path: Path) -> None:
    path = table(tmp_path / "x.parquet", {"blob": [bytes([n % 256]) * 10_000 for n in range(4000)]}, group_rows=500)
    before = most = pyarrow.total_allocated_bytes()
    for _ in rows(path):
        most = max(most, pyarrow.total_allocated_bytes())
    assert most - before < 20_000_000  # of 40


def test_pictures_of_datasets(blobs: Mapping[str, bytes], tmp_path: Path) -> None:
    path = table(tmp_path / "x.parquet", {"blob": [{"bytes": blobs["01"], "path": "a.limn"}, {"bytes": None, "path": "b"}]})
    (first, second) = opened(path).read(0), opened(path)
    assert first == ("x.parquet#0", blobs["01"])
    with pytest.raises(LimnerError, match="no bytes"):
        second.read(1)


ODD = {
    "words": {"blob": ["text"]},
    "no length": {"file": ["x"], "offset": [0], "length": [None]},
    "negative": {"file": ["x"], "offset": [-4], "length": [4]},
    "fraction": {"file": ["x"], "offset": [0.5], "length": [1]},
    "above": {"file": ["../secret"], "offset": [0], "length": [6]},
    "elsewhere": {"file": ["/etc/hostname"], "offset": [0], "length": [6]},
    "missing": {"file": ["gone"], "offset": [0], "length": [6]},
    "number": {"file": [3], "offset": [0], "length": [6]},
}


@pytest.mark.parametrize("cells", ODD.values(), ids=ODD)
def test_odd_rows_are_errors(cells: Mapping[str, object], tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").write_bytes(b"x" * 9)
    path = table(tmp_path / "in" / "x.parquet", cells)
    with pytest.raises(LimnerError):
        list(rows(path))
    with pytest.raises(LimnerError):
        opened(path).read(0)


def test_what_cannot_be_read_is_an_error(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="no column 'blob' but name, image, label"):
        list(rows(plain))
    with pytest.raises(LimnerError, match="no column colour"):
        list(rows(plain, column="image", columns=["colour"]))
    with pytest.raises(LimnerError, match="no column 'blob'"):
        opened(plain)
    (tmp_path / "broken.parquet").write_bytes(plain.read_bytes()[:-20])
    for broken in (tmp_path / "broken.parquet", tmp_path / "missing.parquet"):
        with pytest.raises(LimnerError):
            list(rows(broken))
        with pytest.raises(LimnerError):
            opened(broken)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LimnerError):
        list(rows(tmp_path / "empty"))
