"""Masks on grids, windows around them, and the coarse of a picture: laws, fractions, by hand."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from limner.render.lowpass import lowpass
from limner.render.regions import Window, covered, inside, nearest, whole, window

Mask = NDArray[np.bool_]


@st.composite
def masks(draw: st.DrawFn, most: int = 12) -> Mask:
    rows, columns = draw(st.integers(1, most)), draw(st.integers(1, most))
    bits = draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    return np.array(bits, bool).reshape(rows, columns)


GRIDS = st.tuples(st.integers(1, 9), st.integers(1, 9))


def by_fractions(mask: Mask, grid: tuple[int, int], row: int, column: int) -> Fraction:
    """The share of one place, pixel by pixel."""
    total = Fraction(0)
    for (down, right), value in np.ndenumerate(mask):
        sides = Fraction(1)
        for pixel, side, place, places in zip((down, right), mask.shape, (row, column), grid, strict=True):
            first = max(Fraction(pixel, side), Fraction(place, places))
            sides *= max(Fraction(0), min(Fraction(pixel + 1, side), Fraction(place + 1, places)) - first) * places
        total += sides * bool(value)
    return total


@given(masks(6), st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_shares_are_exact(mask: Mask, grid: tuple[int, int]) -> None:
    share, there = covered(mask, grid), inside(mask, grid)
    exact = {place: by_fractions(mask, grid, *place) for place in np.ndindex(*grid)}
    assert all(share[place] == float(value) for place, value in exact.items())
    least = min(Fraction(1, 2), max(exact.values()))
    assert all(there[place] == (least > 0 and value >= least) for place, value in exact.items())


@given(masks(), GRIDS)
def test_a_mask_is_neither_lost_nor_made(mask: Mask, grid: tuple[int, int]) -> None:
    assert covered(mask, grid).mean() == pytest.approx(mask.mean())
    assert inside(mask, grid).any() == mask.any()
    if mask.all():
        assert inside(mask, grid).all() and nearest(mask, grid).all()
    if not mask.any():
        assert not nearest(mask, grid).any()


@given(masks(), st.integers(1, 4))
def test_its_own_grid_is_itself(mask: Mask, factor: int) -> None:
    large = np.kron(mask, np.ones((factor, factor), bool))
    assert np.array_equal(inside(large, mask.shape), mask) and np.array_equal(nearest(large, mask.shape), mask)
    assert np.array_equal(covered(mask, large.shape), large) and np.array_equal(nearest(mask, large.shape), large)


@given(masks(), GRIDS)
def test_the_nearest_is_at_the_middle(mask: Mask, grid: tuple[int, int]) -> None:
    found = nearest(mask, grid)
    for row, column in np.ndindex(*grid):
        middle = (Fraction(2 * row + 1, 2 * grid[0]), Fraction(2 * column + 1, 2 * grid[1]))
        assert found[row, column] == mask[tuple(floor(at * side) for at, side in zip(middle, mask.shape, strict=True))]


@given(masks(), st.integers(0, 5), st.integers(1, 5))
def test_a_window_holds_the_mask_and_its_margin(mask: Mask, margin: int, multiple: int) -> None:
    if not mask.any():
        return
    found = window(mask, margin, multiple)
    kept = np.zeros_like(mask)
    found.of(kept)[:] = True
    for axis, side in enumerate(found):
        length = side.stop - side.start
        lines = np.flatnonzero(mask.any(axis=1 - axis))
        assert side.start >= 0 and side.stop <= mask.shape[axis]
        assert length == mask.shape[axis] or length % multiple == 0
        assert side.start <= max(0, lines[0] - margin) and side.stop >= min(mask.shape[axis], lines[-1] + 1 + margin)
    assert kept[mask].all()


def test_windows_by_hand() -> None:
    mask = np.zeros((8, 12), bool)
    mask[6, 3] = True
    assert window(mask, 1, 1) == (slice(5, 8), slice(2, 5))
    assert window(mask, 1, 4) == (slice(4, 8), slice(2, 6))
    assert window(mask, 0, 16) == window(mask, None, 4) == whole((8, 12)) == (slice(0, 8), slice(0, 12))
    picture = np.arange(8 * 12 * 4).reshape(16, 24)
    assert np.array_equal(Window(slice(1, 2), slice(3, 5)).of(picture, 2), picture[2:4, 6:10])


def test_the_coarse_of_a_picture_by_hand() -> None:
    """A white place in the middle of a wide picture: rows of Pascal's triangle, spread."""
    picture = np.zeros((201, 201, 3), np.uint8)
    picture[60:141, 60:141] = 255
    line = np.ones(1)
    for step in (1, 2, 4, 8, 16):
        spread = np.zeros(2 * step + 1)
        spread[[0, step, -1]] = 0.25, 0.5, 0.25
        line = np.convolve(line, spread)
    found = np.convolve(picture[100, :, 0].astype(float), line, "same")
    assert np.array_equal(lowpass(picture)[100, :, 0], np.rint(found * found[100] / 255))
    flat = np.full((5, 7, 3), 77, np.uint8)
    assert np.array_equal(lowpass(flat), flat)


def test_the_coarse_of_a_picture_by_convolution() -> None:
    torch = pytest.importorskip("torch")
    picture = np.random.default_rng(0).integers(0, 256, (40, 24, 3), dtype=np.uint8)
    values = torch.from_numpy(picture.transpose(2, 0, 1).copy())[:, None].double()
    line = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64) / 4
    for step in (1, 2, 4, 8, 16):
        padded = torch.nn.functional.pad(values, (step,) * 4, mode="replicate")
        values = torch.nn.functional.conv2d(padded, torch.outer(line, line)[None, None], dilation=step)
    assert np.array_equal(lowpass(picture), values[:, 0].permute(1, 2, 0).round().numpy().astype(np.uint8))
