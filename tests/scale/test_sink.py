"""Tables, shards and files: what is written is what is read; keys and names lead nowhere else."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow")
wds = pytest.importorskip("webdataset")

from scale_runs import Toy, folder_of, png, ran, rows_of, tables_of  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.scale.known import read_known, write_known  # noqa: E402
from limner.scale.parts import Part  # noqa: E402
from limner.scale.place import Place  # noqa: E402
from limner.scale.rows import Columns, Row, Share  # noqa: E402
from limner.scale.run import Run  # noqa: E402
from limner.scale.sink import Form, inside, sample_key  # noqa: E402
from limner.scale.source import Item  # noqa: E402

TEXT = st.text(min_size=1, max_size=12)
COUNT = st.integers(0, 2**31 - 1)
DONE = st.builds(
    Row,
    path=TEXT,
    status=st.just("done"),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    source_bytes=COUNT,
    width_px=COUNT,
    height_px=COUNT,
    bytes=st.just(7),
    bpp=st.floats(0, 100),
    system=TEXT,
    layers=st.lists(TEXT, max_size=1).map(lambda names: tuple(Share(1, name, 7) for name in names)),
    figures=st.fixed_dictionaries({"psnr_db": st.none() | st.floats(0, 90)}),
    payload=st.binary(),
    length=COUNT,
)
FAILED = st.builds(
    Row, path=TEXT, status=st.just("failed"), error=TEXT, message=TEXT, figures=st.just({"psnr_db": None}), length=st.none()
)


@given(st.lists(DONE | FAILED, max_size=4))
def test_rows_come_back_from_a_table(rows: list[Row]) -> None:
    columns = Columns("blob", ("psnr_db",))
    assert [columns.row(cells) for cells in columns.table(rows).to_pylist()] == rows


@pytest.mark.parametrize(
    "row",
    [
        {"status": "done"},
        {"status": "failed", "sha256": "00", "bytes": 3},
        {"status": "done", "sha256": "00", "bytes": 3, "error": "E"},
        {"status": "done", "sha256": "00", "bytes": 3, "layers": (Share(0, "header", 2),)},
    ],
)
def test_a_row_that_is_none_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(LimnerError):
        Row("a", **row)


@given(st.lists(st.text(alphabet="ab./%é \0\n", min_size=1, max_size=8), unique=True, max_size=6))
def test_keys_of_samples_are_different_and_end_at_no_dot(paths: list[str]) -> None:
    keys: set[str] = set()
    for path in paths:
        key = sample_key(path, keys)
        assert key not in keys and "." not in PurePosixPath(key).name and not key.startswith("/")
        assert ".." not in key.split("/") and key.isascii() and key.isprintable()
        keys.add(key)


@given(st.text(alphabet="a./\0", max_size=12))
def test_a_name_leads_nowhere_else(path: str) -> None:
    name = inside(path)
    assert name and not name.startswith("/") and "\0" not in name
    assert not {"", ".", ".."} & set(name.split("/"))


def test_keys_by_hand() -> None:
    assert sample_key("000123.jpg") == "000123"
    assert sample_key("a.b/c.d.jpg") == "a.b/c%2Ed"
    assert sample_key("a.jpg", {"a"}) == "a%2Ejpg"
    assert sample_key("../../etc/passwd") == "etc/passwd"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset leaves its file to the collector
def test_webdataset_reads_the_shards(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", {"a.png": png(0), "b/x.y.png": png(1), "bad.png": b"?"})
    ran(Run(Toy(), str(source), str(tmp_path / "out"), "shards"))
    (shard,) = (tmp_path / "out").glob("*.tar")
    samples = {sample["__key__"]: sample for sample in wds.WebDataset(str(shard), shardshuffle=False)}
    rows = {row["path"]: row for row in rows_of(tmp_path / "out")}
    assert samples.keys() == {"a", "b/x%2Ey"}
    for sample in samples.values():
        said = json.loads(sample["json"])
        assert len(sample["limn"]) == said["bytes"] and said["status"] == "done"
        assert rows[said["path"]]["sha256"] == said["sha256"]


def test_a_payload_lies_where_the_row_says(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    source = folder_of(tmp_path / "in", {f"{number}.png": png(number) for number in range(3)})
    for form in ("shards", "files"):
        output = tmp_path / form
        ran(Run(Toy(), str(source), str(output), form))
        for row in pq.read_table(tables_of(output)[0]).to_pylist():
            data = (output / row["file"]).read_bytes()[row["offset"] :][: row["length"]]
            assert data == Toy()(row["path"], (source / row["path"]).read_bytes()).payload


def test_what_is_known_is_found_and_believed_only_if_it_is_so(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", {f"{number}.png": png(number) for number in range(9)})
    ran(Run(Toy(), str(source), str(tmp_path / "out"), part=4))
    output, columns = Place(str(tmp_path / "out")), Columns("blob")
    names = tuple(path.name for path in tables_of(tmp_path / "out"))
    write_known(output, names)
    known = read_known(output, columns)
    rows = rows_of(tmp_path / "out")
    for row in rows:
        found = known.find("other", row["sha256"])
        assert found is not None and (found.path, found.payload, found.seconds) == ("other", row["blob"], 0)
    assert known.find("x", "00" * 32) is None
    assert known.find("x", rows[0]["sha256"][:16] + "00" * 24) is None
    tables_of(tmp_path / "out")[0].unlink()
    assert sum(known.find("x", row["sha256"]) is None for row in rows) in (1, 4)


@given(st.lists(st.builds(Item, TEXT, COUNT, TEXT), min_size=1, max_size=3, unique=True), st.booleans())
def test_parts_travel_as_text(items: list[Item], retry: bool) -> None:
    part = Part("0" * 20, "file", tuple(items), retry=retry)
    assert Part.from_json(part.to_json()) == part
    assert len(set(part.ids)) == len(items)


@pytest.mark.parametrize("form", ["csv", ""])
def test_another_form_is_refused(form: str) -> None:
    with pytest.raises(LimnerError, match="parquet, shards, files"):
        Form(form, "blob", ".limn")
