"""Laws of the walk: everything is coded once, and under nothing that is not known yet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.layers import walk
from limner.layers.walk import ACROSS, BEFORE, Prediction, Run, Step

SIDES = st.integers(1, 9)
WIDTHS = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def steps_of(kind: str, widths: list[int], rows: int, columns: int) -> list[Step]:
    shape = (sum(widths), rows, columns)
    return list({"once": walk.at_once, "waves": walk.waves}[kind](shape) if kind != "slices" else walk.slices(shape, widths))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["once", "waves", "slices"]), WIDTHS, SIDES, SIDES)
def test_every_place_is_coded_in_exactly_one_step(kind: str, widths: list[int], rows: int, columns: int) -> None:
    seen = [
        channel * rows * columns + step.positions
        for step in steps_of(kind, widths, rows, columns)
        for channel in range(step.first, step.last)
    ]
    assert sorted(np.concatenate(seen).tolist()) == list(range(sum(widths) * rows * columns))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["once", "waves", "slices"]), WIDTHS, SIDES, SIDES)
def test_positions_of_a_step_rise_and_there_are_some(kind: str, widths: list[int], rows: int, columns: int) -> None:
    for step in steps_of(kind, widths, rows, columns):
        assert len(step.positions) and (np.diff(step.positions) > 0).all()


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES)
def test_what_a_raster_window_has_passed_lies_in_earlier_waves(rows: int, columns: int) -> None:
    wave = np.full((rows, columns), -1)
    for number, step in enumerate(walk.waves((1, rows, columns))):
        wave.reshape(-1)[step.positions] = number
    for row, column in np.ndindex(rows, columns):
        for down, right in BEFORE:
            if 0 <= row + down < rows and 0 <= column + right < columns:
                assert wave[row + down, column + right] < wave[row, column]


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES)
def test_what_the_others_look_at_are_anchors(rows: int, columns: int) -> None:
    colour = np.zeros((1, rows, columns), np.int16)
    for step in walk.slices((1, rows, columns), [1]):
        if step.others:
            assert not colour.reshape(-1)[step.positions].any()
            around = walk.neighbours(colour, step.positions, ACROSS)
            inside = walk.neighbours(np.ones_like(colour), step.positions, ACROSS)
            np.testing.assert_array_equal(around, inside)
        else:
            colour.reshape(-1)[step.positions] = 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), SIDES, SIDES, st.sampled_from([BEFORE, ACROSS]))
def test_neighbours_are_those_of_a_padded_map(
    seed: int, channels: int, rows: int, columns: int, window: tuple[tuple[int, int], ...]
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-32640, 32641, (channels, rows, columns)).astype(np.int16)
    positions = np.flatnonzero(rng.random(rows * columns) < 0.5)
    got = walk.neighbours(values, positions, window)
    padded = np.pad(values, ((0, 0), (2, 2), (2, 2)))
    expected = [
        [padded[channel, 2 + at // columns + down, 2 + at % columns + right] for at in positions]
        for channel in range(channels)
        for down, right in window
    ]
    assert got.dtype == np.int16
    np.testing.assert_array_equal(got, np.array(expected).reshape(got.shape))


def test_windows_of_five_by_five_have_twelve_places() -> None:
    assert len(BEFORE) == len(ACROSS) == 12
    assert BEFORE[0] == (-2, -2) and BEFORE[-1] == (0, -1) and (0, 0) not in ACROSS


def test_waves_of_a_768_x_512_picture() -> None:
    assert len(list(walk.waves((1, 32, 48)))) == 48 + 3 * 31
    # Of four columns the fourth is coded together with the next row's first.
    assert [step.positions.tolist() for step in walk.waves((1, 2, 4))] == [[0], [1], [2], [3, 4], [5], [6], [7]]


def test_a_single_position_is_no_anchor() -> None:
    (step,) = walk.slices((3, 1, 1), [3])
    assert step.others and (step.first, step.last) == (0, 3)


def test_large_steps_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_POSITIONS", 4)
    assert [step.positions.tolist() for step in walk.cut(walk.at_once((1, 2, 3)))] == [[0, 1, 2, 3], [4, 5]]
    found = [(step.group, step.others, step.positions.tolist()) for step in walk.cut(walk.slices((2, 3, 3), [1, 1]))]
    assert found[:3] == [(0, False, [1, 3, 5, 7]), (0, True, [0, 2, 4, 6]), (0, True, [8])]


def test_a_walk_by_hand() -> None:
    # Two channels at one row of two positions; each step is told 64 times what it knows, and codes 1, 2, 3, 4.
    known, asked = [], []

    def predict(step: Step, values: np.ndarray) -> Prediction:
        known.append(values.copy())
        return Prediction(np.array([[10, 20], [30, 40]], np.int16), np.array([[7, 3], [3, 0]], np.uint8))

    def exchange(run: Run) -> np.ndarray:
        asked.append(run)
        return np.array([1, -2, 3, 4], np.int32)

    found = walk.walk((2, 1, 2), walk.at_once((2, 1, 2)), predict, exchange)
    (run,) = asked
    assert not known[0].any()
    # By index: 0 at place 3, then 3 at places 1 and 2, then 7 at place 0.
    assert run.places.tolist() == [3, 1, 2, 0] and run.index.tolist() == [0, 3, 3, 7] and run.mean.tolist() == [40, 20, 30, 10]
    assert found.symbols.tolist() == [[[4, -2]], [[3, 1]]]
    assert found.values.tolist() == [[[256 + 10, -128 + 20]], [[192 + 30, 64 + 40]]]
    assert found.index.tolist() == [[[7, 3]], [[3, 0]]]


def test_the_largest_values_have_16_bits() -> None:
    most = walk.MEAN_MAX << walk.FRACTION_BITS

    def predict(step: Step, values: np.ndarray) -> Prediction:
        return Prediction(np.array([[most, -most]], np.int16), np.zeros((1, 2), np.uint8))

    found = walk.walk((1, 1, 2), walk.at_once((1, 1, 2)), predict, lambda run: np.array([255, -255], np.int32))
    assert found.values.tolist() == [[[2 * most, -2 * most]]]
