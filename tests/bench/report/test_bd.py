"""Bjøntegaard deltas: laws on curves whose answer is known, and what is warned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import curve, failed, one_failed, two_systems

from limner.bench.report.bd import Method, Points, bd_quality, bd_rate, overlap, points
from limner.bench.report.deltas import Delta, anchor_of, delta_table, deltas
from limner.bench.report.series import groups
from limner.errors import LimnerError

pytest.importorskip("bjontegaard")

METHODS: tuple[Method, ...] = ("pchip", "akima")
STEPS = st.lists(st.floats(0.1, 5), min_size=4, max_size=8)


def rising(steps: Sequence[float], others: Sequence[float]) -> Points:
    """A curve that rises by these steps, rates as powers of two."""
    count = min(len(steps), len(others))
    return points(0.01 * 2.0 ** np.cumsum(np.array(steps[:count])), 20 + np.cumsum(np.array(others[:count])))


@pytest.mark.parametrize("method", METHODS)
@given(steps=STEPS, others=STEPS)
def test_a_curve_beside_itself_is_no_difference(method: Method, steps: list[float], others: list[float]) -> None:
    one = rising(steps, others)
    assert bd_rate(one, one, method) == pytest.approx(0, abs=1e-9)
    assert bd_quality(one, one, method) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(steps=STEPS, others=STEPS, factor=st.floats(0.1, 4))
def test_the_same_quality_at_a_multiple_of_the_rate(
    method: Method, steps: list[float], others: list[float], factor: float
) -> None:
    one = rising(steps, others)
    scaled = Points(factor * one.rates_bpp, one.qualities)
    assert bd_rate(one, scaled, method) == pytest.approx(100 * (factor - 1), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@given(steps=STEPS, others=STEPS, gain=st.floats(-5, 5))
def test_more_quality_at_the_same_rate(method: Method, steps: list[float], others: list[float], gain: float) -> None:
    one = rising(steps, others)
    assert bd_quality(one, Points(one.rates_bpp, one.qualities + gain), method) == pytest.approx(gain, abs=1e-6)


def test_half_the_rate_is_minus_fifty_percent() -> None:
    (group,) = groups([*curve("jpeg", 20.0), *(replace(one, bytes=(one.bytes or 0) // 2) for one in curve("miniature", 20.0))])
    found = {delta.metric: delta for delta in deltas(group, anchor_of(group, "jpeg"))}
    assert set(found) == {"psnr_db", "flip"}
    for delta in found.values():
        assert (delta.rate_pchip, delta.rate_akima) == (pytest.approx(-50), pytest.approx(-50))
        assert (delta.low, delta.high) == (pytest.approx(-50), pytest.approx(-50))
        assert (delta.points, delta.overlap, delta.warning) == (4, 1.0, "")
    # 3 dB a doubling; FLIP falls by 0.03 in that time, which is better: both count up.
    assert found["psnr_db"].quality_pchip == pytest.approx(3.0)
    assert found["flip"].quality_pchip == pytest.approx(0.03)


def test_a_band_is_around_what_pictures_differ_by() -> None:
    records = two_systems()
    for one in records:
        if one.system == "miniature" and one.picture == "hill.png":
            one.figures["psnr_db"] += 0.5
    (group,) = groups(records)
    delta = next(delta for delta in deltas(group, anchor_of(group, "jpeg")) if delta.metric == "psnr_db")
    assert delta.low is not None and delta.high is not None and delta.rate_pchip is not None
    assert delta.low < delta.rate_pchip < delta.high


def test_the_overlap_is_a_share_of_both_ranges() -> None:
    assert overlap(np.array([20.0, 30.0]), np.array([25.0, 40.0])) == 0.25
    assert overlap(np.array([20.0, 30.0]), np.array([30.0, 40.0])) == 0.0
    assert overlap(np.array([20.0, 30.0]), np.array([31.0, 40.0])) == 0.0
    assert overlap(np.array([20.0]), np.array([20.0])) == 1.0


def only(one: str, other: str, first_db: float, budgets: Sequence[int] = (250, 500, 1000, 2000)) -> Delta:
    """The PSNR delta of another system that begins at ``first_db``, beside one that begins at 20 dB."""
    (group,) = groups([*curve(one, 20.0), *curve(other, first_db, budgets)])
    return next(delta for delta in deltas(group, anchor_of(group, one)) if delta.metric == "psnr_db")


def test_poor_overlap_is_warned_of() -> None:
    assert only("jpeg", "webp", 21.0).warning == ""
    poor = only("jpeg", "webp", 26.0)
    assert poor.warning == "poor overlap: 20% of the range of quality"
    assert poor.rate_pchip is not None and poor.overlap == 0.2


def test_curves_with_nothing_in_common_have_no_rate() -> None:
    apart = only("jpeg", "webp", 40.0)
    assert (apart.rate_pchip, apart.rate_akima, apart.low) == (None, None, None)
    assert apart.warning == "no quality in common" and apart.quality_pchip == pytest.approx(20)


def test_few_points_are_warned_of() -> None:
    assert only("jpeg", "webp", 20.0, (250, 500, 2000)).warning.endswith("3 points, 4 are usual")
    assert only("jpeg", "webp", 20.0, (250,)).warning == "webp: fewer than two points"


def test_a_curve_that_falls_has_no_delta() -> None:
    records = two_systems()
    for one in records:
        if one.system == "miniature" and one.budget_bytes == 2000:
            one.figures["psnr_db"] = 1.0
    (group,) = groups(records)
    delta = next(delta for delta in deltas(group, anchor_of(group, "jpeg")) if delta.metric == "psnr_db")
    assert delta.rate_pchip is None and delta.warning == "miniature: quality does not rise with the rate throughout"


def test_points_that_are_alike_count_once() -> None:
    assert len(points(np.array([0.2, 0.1, 0.2]), np.array([30.0, 20.0, 30.0])).rates_bpp) == 2
    assert points(np.array([0.2, 0.1, 0.2]), np.array([30.0, 20.0, 31.0])).fault == "two points of one rate"


def test_incomplete_points_are_no_part_of_a_delta() -> None:
    records = two_systems()
    (group,) = groups([failed(one) if one.budget_bytes == 250 and one.picture == "hill.png" else one for one in records])
    assert {delta.points for delta in deltas(group, anchor_of(group, "jpeg"))} == {3}


def test_a_metric_without_a_known_side_has_no_delta() -> None:
    records = two_systems()
    for one in records:
        one.figures["mystery"] = 1.0
    (group,) = groups(records)
    assert "mystery" not in {delta.metric for delta in deltas(group, anchor_of(group, "jpeg"))}


def test_an_anchor_is_named_by_system_or_label() -> None:
    downscaled = [replace(one, setting=f"{one.setting} downscaled") for one in curve("jpeg", 21.0)]
    (group,) = groups([*two_systems(), *downscaled])
    assert anchor_of(group, "jpeg").label == "jpeg"
    assert anchor_of(group, "jpeg downscaled").way == "downscaled"
    with pytest.raises(LimnerError, match="take one of jpeg, jpeg downscaled, miniature"):
        anchor_of(group, "heic")


def test_an_anchor_has_the_most_points() -> None:
    downscaled = [replace(one, setting=f"{one.setting} downscaled") for one in curve("jpeg", 21.0)]
    (group,) = groups([*one_failed(two_systems(), "jpeg", 250), *downscaled])
    assert anchor_of(group, "jpeg").label == "jpeg downscaled"


def test_an_anchor_with_words_has_the_true_ones() -> None:
    (group,) = groups(one for words in ("empty", "na", "true") for one in curve("taco", 21.0, words=words))
    assert anchor_of(group, "taco").words == "true"


def test_the_table_says_beside_whom() -> None:
    (group,) = groups(two_systems())
    table = delta_table(group, anchor_of(group, "jpeg"))
    assert table.title == "Bjøntegaard deltas beside jpeg"
    assert [row[:4] for row in table.rows] == [("PSNR", "miniature", 4, 50.0), ("FLIP", "miniature", 4, 50.0)]
