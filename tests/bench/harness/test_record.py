"""Records: what is written is read again, and a record that contradicts itself is none."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import failed, record

from limner.bench.harness.record import (
    Cost,
    Failure,
    Head,
    Record,
    from_line,
    head_from_line,
    kept_original,
    kept_picture,
    key,
    order,
    read,
    same,
    to_line,
)
from limner.errors import LimnerError

ONE = record()
WAY = replace(ONE, setting="target_bytes=500 downscaled")
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    picture=NAMES,
    figures=st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=3),
    versions=st.dictionaries(NAMES, st.text(max_size=8), max_size=3),
    budget=st.none() | st.integers(600, 10**6),
    chosen=st.text(max_size=8),
    wall_s=st.floats(0, 1e6),
)
def test_a_line_gives_the_record_back(
    picture: str,
    figures: dict[str, float],
    versions: dict[str, str],
    budget: int | None,
    chosen: str,
    wall_s: float,
) -> None:
    one = replace(ONE, picture=picture, figures=figures, versions=versions, chosen=chosen, decode=Cost(wall_s, 1.0, 2))
    one = replace(one, budget_bytes=budget, setting="default" if budget is None else f"target_bytes={budget}")
    line = to_line(one)
    assert from_line(line) == one
    assert "\n" not in line and line.isascii()


@given(metrics=st.dictionaries(NAMES, st.text(max_size=8), max_size=3), command=st.text(max_size=8))
def test_a_line_gives_the_head_back(metrics: dict[str, str], command: str) -> None:
    head = Head(metrics, command, {"jobs": "2"})
    assert head_from_line(to_line(head)) == head


def test_a_failure_goes_through_a_line() -> None:
    one = failed(ONE)
    assert from_line(to_line(one)) == one


def altered(**changes: object) -> str:
    return json.dumps({**json.loads(to_line(ONE)), **changes})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bytes": 501}, "over the budget of 500"),
        ({"bytes": -1}, "whole number"),
        ({"bytes": None}, "blob_sha256 come together"),
        ({"bytes": True}, "whole number"),
        ({"bytes": 490.0}, "whole number"),
        ({"layer_bytes": {"header": 8, "layer 1 latent": 481}}, "adds up to 489 of 490"),
        ({"layer_bytes": {"header": -8, "layer 1 latent": 498}}, "less than nothing"),
        ({"figures": {"psnr_db": "23"}}, "numbers"),
        ({"figures": {"psnr_db": None}}, "numbers"),
        ({"figures": {}}, "neither is there"),
        ({"absent": {"psnr_db": "because"}}, "has figures"),
        ({"absent": {"lpips": ""}}, "says why"),
        ({"failure": {"stage": "encode", "error": "E", "message": ""}}, "exclude each other"),
        ({"failure": {"stage": "later", "error": "E", "message": ""}, "figures": {}}, "stage"),
        ({"failure": {"stage": "encode"}, "figures": {}}, "error is missing"),
        ({"decode": None}, "without a decoded file"),
        ({"decode": {"wall_s": -1, "cpu_s": 1, "peak_bytes": 1}}, "seconds"),
        ({"decode": {"wall_s": 1, "cpu_s": 1, "peak_bytes": 0}}, "peak_bytes"),
        ({"decode": 3}, "not a cost"),
        ({"setting": "target_bytes=400"}, "is not what"),
        ({"setting": " target_bytes=500"}, "one line"),
        ({"setting": "two  spaces"}, "one line"),
        ({"setting": ""}, "one line"),
        ({"words": "some"}, "one of true"),
        ({"seed": -1}, "seed"),
        ({"width_px": 0}, "width_px"),
        ({"picture": ""}, "picture"),
        ({"device": None}, "device"),
        ({"picture_sha256": "abc"}, "SHA-256"),
        ({"blob_sha256": "A" * 64}, "SHA-256"),
        ({"weights_sha256": "xyz"}, "hex"),
        ({"budget_bytes": 0, "setting": "default"}, "over 0"),
        ({"versions": {"limner": 1}}, "texts"),
        ({"versions": []}, "texts"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(LimnerError, match=why):
        from_line(altered(**changes))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_figure_is_a_number(number: str) -> None:
    with pytest.raises(LimnerError, match="no figure"):
        from_line(to_line(ONE).replace("20.0", number))
    with pytest.raises(LimnerError, match="finite"):
        replace(ONE, figures={"psnr_db": float(number.replace("Infinity", "inf"))})


def test_a_field_must_not_be_missing() -> None:
    whole = json.loads(to_line(ONE))
    for name in whole:
        rest = {other: value for other, value in whole.items() if other != name}
        with pytest.raises(LimnerError, match=f"{name} is missing"):
            from_line(json.dumps(rest))


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '"text"', "[" * 100_000])
def test_what_is_no_object_is_refused(line: str) -> None:
    with pytest.raises(LimnerError):
        from_line(line)
    with pytest.raises(LimnerError):
        head_from_line(line)


def test_layers_may_be_told() -> None:
    layers = {"header": 8, "layer 1 latent": 482}
    assert replace(ONE, layer_bytes=layers).layer_bytes == layers


def test_times_do_not_tell_records_apart() -> None:
    slow = replace(ONE, encode=None, decode=Cost(9.0, 9.0, 9))
    assert slow != ONE and same(slow, ONE)
    assert not same(replace(ONE, figures={"psnr_db": 20.1}), ONE)
    assert not same(replace(ONE, versions={"limner": "2"}), ONE)
    assert not same(failed(ONE), ONE)
    assert same(failed(ONE, "pid 7"), failed(ONE, "pid 8"))
    assert not same(failed(ONE), replace(failed(ONE), failure=Failure("decode", "BudgetError", "no setting is small enough")))


def test_a_key_is_what_was_asked() -> None:
    others = [
        record(picture="other.png"), record(system="jpeg"), record(budget=250),
        record(words="empty"), WAY, replace(ONE, seed=1), replace(ONE, picture_sha256="0" * 64), replace(ONE, data="else"),
    ]  # fmt: skip
    assert len({key(ONE), *map(key, others)}) == 1 + len(others)
    assert key(replace(ONE, figures={"psnr_db": 1.0}, versions={})) == key(ONE)
    assert sorted([record(budget=1000), record(budget=250)], key=order)[0].budget_bytes == 250


def test_kept_pictures_have_names_of_their_own() -> None:
    others = [WAY, record(words="empty"), record(system="jpeg"), ONE]
    names = {kept_picture(one) for one in others} | {kept_original(ONE)}
    assert len(names) == 5
    assert all(".." not in name and name.isascii() and " " not in name for name in names)


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_text("\n".join(lines) + end)
    return path


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    head, both = Head({"psnr_db": "peak 255"}, "a command"), [ONE, record(budget=250)]
    path = write(tmp_path / "rows.jsonl", to_line(head), *map(to_line, both))
    assert read(path) == (head, both)


def test_half_a_line_at_the_end_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", to_line(Head()), to_line(ONE), to_line(record(budget=250))[:100], end="")
    assert read(path)[1] == [ONE]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([to_line(Head()), "{}", to_line(ONE)], "line 2"),
        ([to_line(Head()), to_line(ONE), to_line(ONE)], "line 3.*there already"),
        ([to_line(ONE)], "line 1: not the first line"),
        (['{"limner_rows": 2, "metrics": {}, "command": "", "settings": {}}'], "limner_rows is 2"),
        (['{"limner_rows": 1, "metrics": {"psnr": 1}, "command": "", "settings": {}}'], "head.metrics"),
        (['{"limner_rows": 1}'], "metrics is missing"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, lines: list[str], why: str) -> None:
    with pytest.raises(LimnerError, match=why):
        read(write(tmp_path / "rows.jsonl", *lines))


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="No such file"):
        read(tmp_path / "rows.jsonl")
    with pytest.raises(LimnerError, match="no records"):
        read(write(tmp_path / "rows.jsonl", "", end=""))


def test_nothing_but_the_standard_library_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, limner.bench.harness.record\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "PIL", "torch", "typer"} & set(loaded)


def test_a_record_is_built_by_its_fields() -> None:
    assert math.isclose(ONE.figures["psnr_db"], 20.0) and isinstance(ONE, Record)
