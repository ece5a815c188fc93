"""A budget is never exceeded, and the error names a budget that does."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

import limner
from limner import budget
from limner.errors import BudgetError


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 2000), st.booleans())
def test_a_file_is_within_its_budget_or_the_error_says_what_would_do(width: int, height: int, target: int, bare: bool) -> None:
    picture = scene(width, height, seed=width)
    try:
        blob = limner.encode(picture, target_bytes=target, bare=bare)
    except BudgetError as error:
        assert error.least_bytes > target
        assert len(limner.encode(picture, target_bytes=error.least_bytes, bare=bare)) <= error.least_bytes
        with pytest.raises(BudgetError):
            limner.encode(picture, target_bytes=error.least_bytes - 1, bare=bare)
    else:
        assert len(blob) <= target
        assert limner.decode(blob).shape == picture.shape


def test_bits_per_pixel_are_a_budget_too() -> None:
    picture = scene(160, 120)
    assert 8 * len(limner.encode(picture, bpp=0.1)) <= 0.1 * 160 * 120


@given(st.floats(10, 1e6), st.floats(0.01, 0.1), st.integers(0, 63), st.floats(1, 1e7))
def test_the_search_ends_at_the_best_quality_that_fits(base: float, growth: float, guess: int, limit: float) -> None:
    asked: list[int] = []

    def cost(quality: int) -> float:
        asked.append(quality)
        return base * math.exp(growth * quality)

    found = budget.largest_quality(cost, limit, guess)
    assert len(asked) == len(set(asked))
    if found is None:
        assert cost(0) > limit
    else:
        assert cost(found.quality) <= limit
        used_up = cost(found.quality) >= budget.FULL * limit
        assert used_up or found.quality == budget.BEST or cost(found.quality + 1) > limit
