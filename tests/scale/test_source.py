"""Inputs: folders, shards, tables and patterns, here and elsewhere; what is broken becomes a row."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow")
fsspec = pytest.importorskip("fsspec")

from scale_runs import Toy, folder_of, png, ran, rows_of, table_of  # noqa: E402
from tar_files import tar  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.scale import readers  # noqa: E402
from limner.scale.parts import Part, Planner  # noqa: E402
from limner.scale.place import Place  # noqa: E402
from limner.scale.run import Run  # noqa: E402
from limner.scale.source import Source  # noqa: E402
from limner.scale.there import There  # noqa: E402
from limner.suffixes import PICTURES  # noqa: E402

FOUR = {f"{number}.png": png(number) for number in range(4)}


def keys(url: str | Path) -> list[str]:
    return [item.key for item in Source(str(url), PICTURES).items()]


def found(source: str | Path, output: Path, verb: Toy | None = None) -> dict[str, dict[str, object]]:
    ran(Run(verb or Toy(), str(source), str(output)))
    return {row["path"]: row for row in rows_of(output)}


def test_a_folder_is_listed_in_order_and_by_suffix(tmp_path: Path) -> None:
    names = ["b.PNG", "a.jpg", "z/a.tar", "z/b/c.webp", "y/x.parquet", "notes.txt", "_DSC1.png", "z/_rows/part-0.parquet"]
    folder_of(tmp_path, dict.fromkeys(names, b"?"))
    (tmp_path / "link.png").symlink_to("a.jpg")
    os.mkfifo(tmp_path / "pipe.png")
    assert keys(tmp_path) == ["_DSC1.png", "a.jpg", "b.PNG", "link.png", "y/x.parquet", "z/a.tar", "z/b/c.webp"]


def test_files_and_patterns_are_inputs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, dict.fromkeys([*(f"s/x-{number:02}.tar" for number in range(12)), "s/{a}.png"], b"?"))
    monkeypatch.chdir(tmp_path)
    assert keys("s/x-03.tar") == ["x-03.tar"]
    assert keys(tmp_path / "s" / "x-0*.tar") == [f"x-{number:02}.tar" for number in range(10)]
    assert keys("s/x-{09..11}.tar") == ["x-09.tar", "x-10.tar", "x-11.tar"]
    assert keys("*/x-0[12].tar") == ["s/x-01.tar", "s/x-02.tar"]
    assert keys("s/{a}.png") == ["{a}.png"]
    assert len(keys(".")) == 13


@pytest.mark.parametrize("url", ["absent", "absent/*.tar", "x-{0..2}.tar", "empty", "nowhere://bucket/x", ""])
def test_what_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(folder_of(tmp_path, {"empty/notes.txt": b""}))
    with pytest.raises(LimnerError):
        keys(url)


def test_every_kind_of_input_gives_the_same_files(tmp_path: Path) -> None:
    names, data = list(FOUR), list(FOUR.values())
    folder = folder_of(tmp_path / "folder", FOUR)
    shards = tmp_path / "shards"
    shards.mkdir()
    tar(shards / "0.tar", {"0.png": data[0], "0.json": b"{}", "1.png": data[1]})
    (shards / "1.tar.gz").write_bytes(gzip.compress(tar(tmp_path / "x", {"2.png": data[2], "3.png": data[3]}).read_bytes()))
    plain = table_of(tmp_path / "plain.parquet", {"image": data, "path": names, "label": [1, 2, 3, 4]}, 3)
    struct = [{"bytes": one, "path": name} for one, name in zip(data, names, strict=True)]
    nested = table_of(tmp_path / "nested.parquet", {"photo": struct}, 2)
    whole = found(folder, tmp_path / "o1")
    assert list(whole) == names and all(row["status"] == "done" for row in whole.values())
    assert found(shards, tmp_path / "o2") == whole
    assert found(plain, tmp_path / "o3") == whole
    assert found(nested, tmp_path / "o4", Toy(column="photo")) == whole
    nameless = table_of(tmp_path / "nameless.parquet", {"image": data}, 3)
    assert list(found(nameless, tmp_path / "o5")) == [f"nameless.parquet#{place}" for place in ("0/0", "0/1", "0/2", "1/0")]


def test_an_object_store_is_read_and_written(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    store.store.clear()
    for name, data in FOUR.items():
        store.pipe_file(f"/in/deep/{name}", data)
    run = Run(Toy(), "memory://in", "memory://out", "shards", part=3)
    totals, _ = ran(run)
    assert (totals.done, totals.parts) == (4, 2)
    assert len(store.glob("/out/*.tar")) == len(store.glob("/out/_rows/*.parquet")) == 2
    store.pipe_file("/in/5.png", FOUR["0.png"])
    totals, _ = ran(run)
    assert (totals.before, totals.done, totals.taken) == (4, 5, 1)
    assert sorted(path.rpartition("/")[2] for path in store.find("/out") if "part-" not in path) == ["_limner.json"]


def test_a_table_without_the_column_or_with_odd_cells_is_rows(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    table_of(folder / "a.parquet", {"picture": [png(0)], "text": ["x"]})
    (row,) = found(folder / "a.parquet", tmp_path / "o1").values()
    assert row["status"] == "failed" and "no column 'image' but picture, text" in str(row["message"])
    table_of(folder / "b.parquet", {"image": [png(0), None], "path": ["good", "null"]})
    table_of(folder / "c.parquet", {"image": ["text"]})
    (folder / "d.parquet").write_bytes(b"PAR1 no table PAR1")
    rows = found(folder, tmp_path / "o2")
    assert {name for name, row in rows.items() if row["status"] == "done"} == {"good"}
    assert rows.keys() == {"a.parquet#0", "c.parquet#0/0", "d.parquet#0", "good", "null"}


@given(share=st.floats(0.0, 0.999))
def test_a_shard_that_is_cut_says_so_wherever_it_is_cut(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = tar(folder / "whole", FOUR).read_bytes()
    last = len(whole.rstrip(b"\0"))  # what is behind it holds no picture
    (folder / "x.tar").write_bytes(whole[: int(share * last)])
    (part,) = _parts(folder / "x.tar")
    read = list(readers.Reader(Place(str(folder)), PICTURES, "image").read(part))
    assert read[-1].fault is not None and "breaks off" in str(read[-1].fault)
    assert [(one.path, one.data) for one in read[:-1]] == list(FOUR.items())[: len(read) - 1]


def _parts(shard: Path) -> list[Part]:
    source = Source(str(shard), PICTURES)
    return list(Planner(source.place, "", There()).parts(source.items()))


@pytest.mark.parametrize("damage", ["no tar at all" * 100, ""])
def test_a_shard_that_is_none_is_a_row(tmp_path: Path, damage: str) -> None:
    (tmp_path / "x.tar").write_text(damage)
    (row,) = found(tmp_path / "x.tar", tmp_path / "out").values()
    assert (row["path"], row["status"]) == ("x.tar", "failed")


def test_a_damaged_gzip_is_a_row(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(tar(tmp_path / "x", FOUR).read_bytes()))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "x.tar.gz").write_bytes(data)
    rows = found(tmp_path / "x.tar.gz", tmp_path / "out")
    assert rows["x.tar.gz"]["status"] == "failed"


def test_too_large_a_picture_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MOST_BYTES", 700)
    small, large = png(0, 4, 4), png(0, 64, 64)
    assert len(small) < 700 < len(large)
    folder = folder_of(tmp_path / "in", {"small.png": small, "large.png": large})
    tar(folder / "s.tar", {"t/small.png": small, "t/large.png": large})
    table_of(folder / "p.parquet", {"image": [small, large], "path": ["p small", "p large"]})
    rows = found(folder, tmp_path / "out")
    assert [name for name, row in rows.items() if row["status"] == "failed"] == ["large.png", "p large", "t/large.png"]
    assert len(rows) == 6


def test_odd_names_are_names(tmp_path: Path) -> None:
    odd = ["a b.png", "ünï.png", "#%?&.png", "new\nline.png", "-.png", "'\".png", "x.y.z.png", "\x1b[31m.png"]
    folder = folder_of(tmp_path / "in", {name: png(number) for number, name in enumerate(odd)})
    (folder / os.fsdecode(b"\xff\xfe.png")).write_bytes(png(9))
    for number, form in enumerate(("parquet", "shards", "files")):
        output = tmp_path / f"out{number}"
        ran(Run(Toy(), str(folder), str(output), form))
        rows = rows_of(output)
        assert [row["status"] for row in rows] == ["done"] * 9
        assert {row["path"] for row in rows} == {readers.printable(name) for name in (*odd, os.fsdecode(b"\xff\xfe.png"))}
        assert all(row["path"].isprintable() for row in rows)
    assert len(list((tmp_path / "out2" / "pictures").iterdir())) == 9


def test_a_name_that_no_file_can_have_is_a_row(tmp_path: Path) -> None:
    names = ["x" * 300, "a.png", "a.png.limn/b", "../../out.png"]
    table_of(tmp_path / "a.parquet", {"image": list(FOUR.values()), "path": names})
    ran(Run(Toy(), str(tmp_path / "a.parquet"), str(tmp_path / "deep" / "out"), "files"))
    rows = {row["path"]: row["status"] for row in rows_of(tmp_path / "deep" / "out")}
    assert rows == {"x" * 300: "failed", "a.png": "done", "a.png.limn/b": "failed", "../../out.png": "done"}
    assert (tmp_path / "deep" / "out" / "pictures" / "out.png.limn").is_file()
