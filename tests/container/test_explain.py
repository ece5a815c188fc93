"""Every byte has one owner, and the shares add up to the file."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.container.blob import Blob, Layer, pack
from limner.container.explain import Report, Row, describe_text, explain
from limner.errors import DecodeError, LimitError, LimnerError, TruncatedError

WORDS = Layer(2, "\0a red boat, 舟".encode())
BLOB = Blob(1, b"\x12\x34", 768, 512, (WORDS, Layer(9, b"??", True), Layer(1, b"latents")))

layers = st.lists(st.builds(Layer, st.sampled_from([2, 3]), st.binary(max_size=40), st.booleans()), min_size=1, max_size=5)
sides = st.integers(1, 5000)
blobs = st.builds(Blob, st.sampled_from([1, 2, 5]), st.binary(min_size=2, max_size=2), sides, sides, layers.map(tuple))


@settings(deadline=None)
@given(blobs, st.booleans())
def test_rows_tile_the_file(blob: Blob, bare: bool) -> None:
    data = pack(blob, bare=bare)
    report = explain(data)
    offset = 0
    for row in report.rows:
        assert row.offset == offset
        offset += row.length
    assert offset == len(data) == report.size_bytes
    assert math.isclose(sum(row.share_percent for row in report.rows), 100)
    assert report.bpp == 8 * len(data) / (blob.width_px * blob.height_px)
    assert (report.width_px, report.height_px, report.bare) == (blob.width_px, blob.height_px, bare)


@settings(deadline=None)
@given(blobs)
def test_a_table_has_a_line_for_each_row(blob: Blob) -> None:
    report = explain(pack(blob))
    assert len(str(report).split("\n")) == len(report.rows) + 2
    assert all(char.isprintable() or char == "\n" for char in str(report))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_only_decode_errors(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        assert explain(data).size_bytes == len(data)


def test_owners_and_values() -> None:
    rows = [(row.owner, row.field, row.value) for row in explain(pack(BLOB)).rows]
    assert rows[:4] == [
        ("header", "magic", "a7 4c"),
        ("header", "head", "version 1, system 1, list 1, size class 1 (miniature)"),
        ("header", "model", "12 34"),
        ("header", "size", "768 x 512 px"),
    ]
    assert rows[4:7] == [
        ("layer 1 text", "lead", "last 0, may-skip 0, reserved 0, kind 2 (text)"),
        ("layer 1 text", "length", "16 bytes"),
        ("layer 1 text", "body", '"a red boat, 舟"'),
    ]
    assert rows[10] == ("layer 2 unknown", "body", "2 bytes")
    assert rows[13][:2] == ("layer 3 latent", "body")


def test_the_table() -> None:
    blob = Blob(2, b"\x12\x34", 100, 50, (Layer(2, b"\0a boat"),))
    lines = str(explain(pack(blob, bare=True))).split("\n")
    assert lines[0] == "pic, 100 x 50 px, bare, 14 bytes, 0.0224 bpp"
    assert lines[1:3] == [
        "offset  length   share  owner         field  value",
        "     0       1   7.1 %  header        head   version 1, system 2, list 0, size class 0 (pic)",
    ]
    assert lines[5] == '     5       7  50.0 %  layer 1 text  body   "a boat"'


def test_a_caller_may_describe_bodies() -> None:
    report = explain(pack(BLOB), describe_body={1: lambda body: f"quality {body[0]}", 9: lambda body: "news"})
    assert [row.value for row in report.rows if row.field == "body"] == ['"a red boat, 舟"', "news", "quality 108"]


def test_json_says_the_same() -> None:
    report = explain(pack(BLOB))
    told = json.loads(report.to_json())
    assert told["rows"] == [asdict(row) for row in report.rows]
    assert told["bpp"] == report.bpp
    assert told["system"] == "miniature"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", "no coding number"),
        (b"\0", '""'),
        (b"\x07abc", "words in coding 7, 3 bytes"),
        (b"\0a\x1b[31m\nb", r'"a\x1b[31m\nb"'),
        ("\0a\u202eb".encode(), r'"a\u202eb"'),
        (b"\0\xff", r'"\xff"'),
    ],
)
def test_words(body: bytes, shown: str) -> None:
    assert describe_text(body) == shown


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (Row(0, 3, "header", "head", "", 50.0),),
        (Row(0, 3, "header", "head", "", 50.0), Row(2, 2, "header", "size", "", 50.0)),
        (Row(0, 3, "header", "head", "", 50.0), Row(4, 1, "header", "size", "", 50.0)),
        (Row(1, 3, "header", "head", "", 100.0),),
        (Row(0, 5, "header", "head", "", 100.0), Row(5, -1, "header", "size", "", 0.0)),
    ],
)
def test_rows_that_do_not_tile_are_refused(rows: tuple[Row, ...]) -> None:
    with pytest.raises(LimnerError):
        Report("miniature", 1, 1, 4, False, rows)


def test_limits_and_damage_are_refused() -> None:
    with pytest.raises(LimitError):
        explain(pack(BLOB), max_pixels=768 * 512 - 1)
    with pytest.raises(TruncatedError):
        explain(pack(BLOB)[:4])
