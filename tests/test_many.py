"""Many items through one task: as a plain loop does it, but in processes, which may die."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import many_tasks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from many_tasks import dead, marks, never

from limner.cores import THREADS, cores
from limner.errors import BudgetError, LimnerError
from limner.many import WINDOW, many

FEW = settings(max_examples=6, deadline=None)
numbers = st.lists(st.integers(0, 1000), max_size=12)


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold: machines may be slow."""
    until_s = time.monotonic() + 60
    while not holds() and time.monotonic() < until_s:
        time.sleep(0.02)
    return holds()


# --- laws


@FEW
@given(items=numbers, processes=st.integers(1, 3), window=st.integers(1, 9))
def test_results_are_those_of_the_plain_loop_in_its_order(items: list[int], processes: int, window: int) -> None:
    assert list(many(many_tasks.square, items, processes, never, window)) == [many_tasks.square(item) for item in items]


@FEW
@given(items=st.lists(st.integers(-2, 9), min_size=1, max_size=8), processes=st.integers(2, 3))
def test_a_death_takes_its_own_item_and_no_other(items: list[int], processes: int) -> None:
    expected = [dead(item) if item < 0 else str(many_tasks.square(item)) for item in items]
    assert [str(result) for result in many(many_tasks.square_or_die, items, processes, dead)] == expected


@FEW
@given(items=st.lists(st.integers(-2, 9), max_size=8), processes=st.integers(1, 3))
def test_what_a_task_raises_is_raised_in_its_place(items: list[int], processes: int) -> None:
    def run(results: Iterator[int]) -> tuple[list[int], object]:
        found = []
        try:
            for result in results:
                found.append(result)
        except BudgetError as error:
            return found, (str(error), error.least_bytes)
        return found, None

    assert run(many(many_tasks.square_or_raise, items, processes, never)) == run(map(many_tasks.square_or_raise, items))


@pytest.mark.parametrize(("processes", "window"), [(1, None), (2, None), (2, 1), (3, 4)])
def test_items_are_drawn_as_they_are_needed(processes: int, window: int | None) -> None:
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        for item in range(40):
            drawn += 1
            yield item

    ahead = []
    for before, _ in enumerate(many(many_tasks.square, items(), processes, never, window)):
        ahead.append(drawn - before)
    assert len(ahead) == 40
    assert max(ahead) <= (1 if processes == 1 else window or WINDOW * processes)


@pytest.mark.parametrize("window", [3, 8])
def test_a_slow_item_lets_the_others_go_on_to_the_end_of_the_window(tmp_path: Path, window: int) -> None:
    def items() -> Iterator[int]:
        for item in range(20):
            if item == window - 1:
                many_tasks.mark(tmp_path, "open")
            yield item

    assert list(many(many_tasks.Gate(tmp_path), items(), 2, never, window)) == [item * item for item in range(20)]


# --- death


@pytest.mark.parametrize("places", [(0,), (11,), (5,), (0, 1), (3, 4, 5), (0, 11)])
def test_nothing_is_lost_but_what_killed(tmp_path: Path, places: tuple[int, ...]) -> None:
    items = [-1 - number if number in places else number for number in range(12)]
    results = list(many(many_tasks.Killing(tmp_path), items, 2, dead))
    assert results == [dead(item) if item < 0 else item * item for item in items]
    assert [marks(tmp_path, f"done-{item}") > 0 for item in items] == [item >= 0 for item in items]


def test_what_a_worker_was_on_that_was_killed_from_outside_is_done_again(tmp_path: Path) -> None:
    with closing(many(many_tasks.LongOnce(tmp_path), [1, -5, 2, 3, 4], 2, never)) as results:
        assert next(results) == 1
        assert eventually(lambda: marks(tmp_path, "begun") == 1)
        (begun,) = tmp_path.glob("begun-*")
        os.kill(int(begun.name.split("-")[1]), many_tasks.KILL)
        assert list(results) == [25, 4, 9, 16]


def test_a_worker_that_is_killed_while_it_waits_takes_nothing() -> None:
    with closing(many(many_tasks.process, range(6), 2, never, window=1)) as results:
        # With a window of one, the worker is at rest while we are here.
        first = next(results)
        os.kill(first, many_tasks.KILL)
        others = list(results)
    assert len(others) == 5 and first not in others


def test_workers_that_cannot_begin_are_an_error_not_a_hang(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="before they begin"):
        list(many(many_tasks.Stillborn(), range(5), 2, never))


# --- the end


def test_closing_ends_the_processes_and_lets_what_is_at_work_clean_up(tmp_path: Path) -> None:
    results = many(many_tasks.Marking(tmp_path), [1, -5, -6], 2, never)
    assert next(results) == 1
    assert eventually(lambda: marks(tmp_path, "begun--5") + marks(tmp_path, "begun--6") == 2)
    results.close()
    assert marks(tmp_path, "done--5") == marks(tmp_path, "done--6") == 1
    assert multiprocessing.active_children() == []


def test_an_end_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        assert list(many(many_tasks.square, range(4), 2, never)) == [0, 1, 4, 9]
        with closing(many(many_tasks.Marking(tmp_path), [1, -5, 2], 2, never)) as results:
            assert next(results) == 1
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_whoever_asks_ends_the_processes(tmp_path: Path) -> None:
    with pytest.raises(KeyError), closing(many(many_tasks.square, range(9), 2, never)) as results:
        for _ in results:
            raise KeyError
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_workers_end_with_who_began_them(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, many_tasks\nfrom limner.many import many\n"
        "if __name__ == '__main__':\n"
        "    list(many(many_tasks.Marking(pathlib.Path(sys.argv[1])), [-5, -6], 2, many_tasks.never))\n"
    )
    (tmp_path / "program.py").write_text(program)
    paths = os.pathsep.join([os.getcwd(), os.path.dirname(many_tasks.__file__)])
    process = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", tmp_path], env={**os.environ, "PYTHONPATH": paths}, start_new_session=True
    )
    assert eventually(lambda: marks(tmp_path, "begun-") == 2)
    process.kill()
    process.wait()
    # They end in order: what they were at cleans up.
    assert eventually(lambda: marks(tmp_path, "done-") == 2)

    def nobody_is_left() -> bool:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    assert eventually(nobody_is_left)


# --- what travels


def test_the_task_travels_once_to_each_process(tmp_path: Path) -> None:
    assert list(many(many_tasks.Counted(tmp_path), range(30), 2, never)) == [item * item for item in range(30)]
    assert 1 <= marks(tmp_path, "arrived") <= 2


def test_no_more_processes_are_begun_than_have_work() -> None:
    assert len(set(many(many_tasks.process, range(2), 8, never))) <= 2
    assert list(many(many_tasks.process, [], 8, never)) == []


def test_one_process_is_this_one() -> None:
    assert list(many(many_tasks.process, range(2), 1, never)) == [os.getpid()] * 2


def test_large_items_and_results_do_not_wait_for_each_other() -> None:
    items = [bytes([number]) * 3_000_000 for number in range(6)]
    assert list(many(many_tasks.back, items, 2, never)) == items


def test_a_result_that_cannot_travel_is_an_error() -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        list(many(many_tasks.what_does_not_travel, range(3), 2, never))


def test_the_end_of_python_travels_too() -> None:
    with pytest.raises(SystemExit) as end:
        list(many(many_tasks.leave, range(3), 2, never))
    assert end.value.code == 7


def test_an_error_says_where_it_was() -> None:
    with pytest.raises(AssertionError) as caught:
        list(many(never, range(3), 2, never))
    assert "many_tasks.py" in str(caught.value.__cause__)


def test_workers_share_the_cores_and_this_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    share = str(max(1, cores() // 2))
    assert list(many(many_tasks.threads, range(2), 2, never)) == [[share, "1", None]] * 2
    assert not set(THREADS) & set(os.environ)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert list(many(many_tasks.threads, range(2), 2, never)) == [["5", None, None]] * 2


@pytest.mark.parametrize(("processes", "window"), [(0, None), (-1, None), (2, 0)])
def test_work_needs_somebody_to_do_it(processes: int, window: int | None) -> None:
    with pytest.raises(LimnerError, match="needs a process"):
        many(many_tasks.square, [1], processes, never, window)
