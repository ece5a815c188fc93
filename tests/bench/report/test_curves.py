"""Curves: what is a mean of all pictures, what is left out, how sure it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import BUDGETS, curve, one_failed, two_systems

from limner.bench.report.bootstrap import band, draws
from limner.bench.report.curves import curve_table, curves
from limner.bench.report.series import groups

VALUES = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=2, max_size=24)


@given(VALUES)
def test_a_band_contains_the_mean(values: list[float]) -> None:
    found = band(values)
    assert found.low is not None and found.high is not None
    assert found.low <= found.mean <= found.high
    assert found.mean == pytest.approx(np.mean(values), rel=1e-5, abs=1e-5)
    assert min(values) - 1e-3 <= found.low and found.high <= max(values) + 1e-3


@given(VALUES)
def test_a_band_does_not_depend_on_when_it_is_asked_for(values: list[float]) -> None:
    assert band(values) == band(list(values))


@given(st.floats(-100, 100, allow_subnormal=False), st.integers(2, 24))
def test_equal_values_have_no_band(value: float, count: int) -> None:
    found = band([value] * count)
    assert found.low == found.mean == found.high


def test_a_band_is_as_wide_as_theory_has_it() -> None:
    values = np.random.default_rng(3).normal(10, 2, 100)
    found = band(list(values))
    assert found.low is not None and found.high is not None
    # 95 % of a normal distribution: 1.96 standard errors to either side.
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.1)


def test_one_picture_has_no_band() -> None:
    assert (band([3.0]).low, band([3.0]).high) == (None, None)


def test_draws_are_the_same_each_time() -> None:
    first = draws(7).copy()
    draws.cache_clear()
    assert (draws(7) == first).all() and first.min() == 0 and first.max() == 6


def test_points_are_means_over_pictures_rates_rising() -> None:
    (group,) = groups(two_systems())
    jpeg, ours = curves(group, "psnr_db")
    assert (jpeg.family.label, ours.family.label) == ("jpeg", "miniature")
    assert [point.figure and point.figure.mean for point in jpeg.points] == [21.0, 24.0, 27.0, 30.0]
    assert [point.bytes for point in jpeg.points] == [float(budget) for budget in BUDGETS]
    assert jpeg.points[0].bpp == pytest.approx(8 * 250 / (96 * 64), rel=1e-5)


def test_incomplete_points_are_not_averaged() -> None:
    (group,) = groups(one_failed(two_systems(), "jpeg", 250))
    jpeg, ours = curves(group, "psnr_db")
    assert [point.target.label for point in jpeg.points] == ["500", "1000", "2000"]
    (left_out,) = jpeg.incomplete
    assert (left_out.target.label, left_out.pictures, left_out.wanted, left_out.figure) == ("250", 2, 3, None)
    assert len(ours.points) == 4 and ours.incomplete == ()


def test_a_picture_that_a_system_never_saw_makes_its_points_incomplete() -> None:
    records = [*curve("jpeg", 20.0), *curve("webp", 22.0, pictures=["harbour.png"])]
    (group,) = groups(records)
    _, webp = curves(group, "psnr_db")
    assert webp.points == () and [point.pictures for point in webp.incomplete] == [1, 1, 1, 1]


def test_a_metric_that_is_absent_of_a_picture_makes_that_metric_incomplete_alone() -> None:
    records = two_systems()
    del records[0].figures["flip"]
    (group,) = groups(records)
    assert len(curves(group, "flip")[0].incomplete) == 1 and curves(group, "psnr_db")[0].incomplete == ()


def test_curves_as_data_have_every_point() -> None:
    (group,) = groups(two_systems())
    table = curve_table(group)
    assert len(table.rows) == 2 * 2 * len(BUDGETS)
    assert table.rows[0][:8] == ("psnr_db", "jpeg", "250", 3, 3, 250.0, 0.325521, 21.0)
