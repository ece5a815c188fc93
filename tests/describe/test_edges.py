"""The edge net of the package, and what is left of a soft map when only its crests stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

from limner.describe.edges import MOST_PIXELS, EdgeDetector, EdgeNet, across, resized, ridges, sampled, shrunk
from limner.errors import MissingError
from limner.weights import WeightSet, packaged

NET: EdgeDetector = EdgeNet()


def disc(side: int = 96, radius: float = 30.0) -> np.ndarray:
    rows, columns = np.indices((side, side)) - side / 2
    inside = np.hypot(rows, columns) < radius
    return np.where(inside[..., None], np.uint8([200, 60, 40]), np.uint8([60, 90, 150])).astype(np.uint8)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70))
def test_a_map_is_as_large_as_its_picture(width_px: int, height_px: int) -> None:
    found = NET.edges(scene(width_px, height_px))
    assert found.shape == (height_px, width_px) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1


def test_the_outline_of_a_disc_is_drawn_and_nothing_else() -> None:
    found = NET.edges(disc())
    rows, columns = np.indices(found.shape) - 48
    near = abs(np.hypot(rows, columns) - 30) < 3
    far = abs(np.hypot(rows, columns) - 30) > 10
    assert found[near].mean() > 3 * found[far].mean()


def test_the_same_picture_gives_the_same_map() -> None:
    assert np.array_equal(NET.edges(scene(80, 60)), EdgeNet().edges(scene(80, 60)))


def test_the_net_is_small_and_checked() -> None:
    weights = packaged("edges")
    assert len(weights.read("edges.onnx")) <= 2_000_000
    wrong = WeightSet("edges", weights.folder, {"edges.onnx": "00" * 32}, ("edges.onnx",))
    with pytest.raises(MissingError, match="install limner anew"):
        EdgeNet(wrong).edges(scene(16, 16))


def test_large_pictures_and_strips_are_seen_smaller() -> None:
    assert shrunk(scene(300, 200), 100).shape == (100, 150, 3)
    assert shrunk(scene(300, 200), 200) is not None and shrunk(scene(300, 200), 200).shape == (200, 300, 3)
    strip = np.zeros((40, 60_000, 3), np.uint8)
    assert np.prod(shrunk(strip, 512).shape[:2]) <= 1.01 * MOST_PIXELS
    assert EdgeNet(short_side_px=32).edges(scene(90, 70)).shape == (70, 90)


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 110, 160])
def test_a_crest_is_found_in_its_middle_whatever_its_direction(degrees: int) -> None:
    angle = np.deg2rad(degrees)
    rows, columns = np.indices((61, 61)) - 30.0
    off = rows * np.cos(angle) - columns * np.sin(angle)
    soft = np.exp(-0.5 * (off / 2) ** 2).astype(np.float32)
    middle = np.hypot(rows, columns) < 20
    rise, run = across(soft)
    on = middle & (abs(off) < 0.5)
    assert np.allclose(abs(rise * np.cos(angle) - run * np.sin(angle))[on], 1, atol=0.02)
    kept = ridges(soft) > 0
    assert kept[on].all() and not (kept & middle & (abs(off) > 1.5)).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 9))
def test_ridges_keep_values_or_drop_them(height_px: int, width_px: int, seed: int) -> None:
    if min(height_px, width_px) < 2:
        return
    soft = np.random.default_rng(seed).random((height_px, width_px), np.float32)
    kept = ridges(soft)
    assert np.array_equal(kept[kept > 0], soft[kept > 0])
    # The highest of all stands on no slope.
    assert kept.max() == soft.max()


def test_sampling_on_the_grid_is_exact() -> None:
    soft = np.random.default_rng(1).random((5, 7), np.float32)
    rows, columns = np.indices(soft.shape, np.float32)
    assert np.array_equal(sampled(soft, rows, columns), soft)
    assert np.allclose(sampled(soft, rows[:, :-1], columns[:, :-1] + 0.5), (soft[:, :-1] + soft[:, 1:]) / 2)


def test_a_map_of_the_right_size_is_left_alone() -> None:
    soft = np.ones((3, 4), np.float32)
    assert resized(soft, 4, 3) is soft and resized(soft, 8, 6).shape == (6, 8)
