"""The file of a run: always whole lines, in order at the end, one writer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_records import failed, record

from limner.bench.harness.record import Head, order, read, to_line
from limner.bench.harness.store import opened
from limner.errors import LimnerError

ROWS = [
    record(picture, system, budget) for picture in ("b.png", "a.png") for system in ("webp", "jpeg") for budget in (1000, 250)
]


def test_lines_are_there_as_they_come_and_sorted_at_the_end(tmp_path: Path) -> None:
    with opened(tmp_path / "out") as store:
        store.begin(Head(command="one"), lambda _: True)
        for done, row in enumerate(ROWS, 1):
            store.add(row)
            assert read(tmp_path / "out" / "rows.jsonl")[1] == ROWS[:done]
    assert read(tmp_path / "out" / "rows.jsonl") == (Head(command="one"), sorted(ROWS, key=order))


def test_half_a_line_is_dropped_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{to_line(one)}\n" for one in (Head(), *ROWS[:3])) + to_line(ROWS[3])[:50])
    with opened(tmp_path) as store:
        assert store.records == sorted(ROWS[:3], key=order)
        store.begin(Head(), lambda _: True)
        store.add(ROWS[3])
        assert len(read(path)[1]) == 4


@pytest.mark.parametrize("text", ["", '{"limner_rows": 1, "met'])
def test_a_file_cut_off_in_its_first_line_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with opened(tmp_path) as store:
        assert store.records == []


def test_an_answer_replaces_the_one_about_another_picture_of_that_name(tmp_path: Path) -> None:
    old, new = ROWS[0], replace(ROWS[0], picture_sha256="0" * 64)
    with opened(tmp_path) as store:
        store.begin(Head(), lambda _: True)
        for row in (old, ROWS[1], new):
            store.add(row)
    assert sorted(read(tmp_path / "rows.jsonl")[1], key=order) == sorted([ROWS[1], new], key=order)


def test_what_does_not_hold_is_left_out(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.begin(Head(), lambda _: True)
        for row in (ROWS[0], failed(ROWS[1])):
            store.add(row)
    with opened(tmp_path) as store:
        store.begin(Head(), lambda row: row.failure is None)
        assert store.records == [ROWS[0]]
        assert read(tmp_path / "rows.jsonl")[1] == [ROWS[0]]


def test_a_damaged_file_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("somebody's notes\n")
    with pytest.raises(LimnerError, match="line 1"), opened(tmp_path):
        pass
    assert path.read_text() == "somebody's notes\n"


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(LimnerError, match="another run"), opened(tmp_path):
        pass
    with opened(tmp_path):
        pass


def test_records_are_added_after_the_head(tmp_path: Path) -> None:
    with opened(tmp_path) as store, pytest.raises(LimnerError, match="after begin"):
        store.add(ROWS[0])
