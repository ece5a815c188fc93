"""Workers: every task has an end, also those over which a worker dies."""

from __future__ import annotations

import pytest
from toy_codec import halved

from limner.bench.harness.pool import completed


def test_one_process_is_this_one() -> None:
    assert list(completed(lambda number: number + 1, [1, 2], 1)) == [(1, 2), (2, 3)]


def test_workers_do_the_same() -> None:
    tasks = list(range(9))
    assert sorted(completed(halved, tasks, 2)) == [(number, number // 2) for number in tasks]


def test_a_dead_worker_takes_its_own_task_along() -> None:
    found = dict(completed(halved, [1, 13, *range(2, 8)], 2))
    assert found == {13: None, **{number: number // 2 for number in (1, *range(2, 8))}}


def test_what_is_raised_there_is_raised_here() -> None:
    with pytest.raises(ValueError, match="below 0"):
        list(completed(halved, [1, 2, -1], 2))


def test_nothing_to_do_is_done() -> None:
    assert list(completed(halved, [], 3)) == []
