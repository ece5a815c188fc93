"""How bytes are spent: plans that bring more are taken, what costs more than it brings is dropped."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.describe.answer import Limits
from limner.systems import spending
from limner.systems.sedic import Amount
from limner.systems.spending import Foresight, climbed, contrast, moves

LIMITS = Limits(things=2, detail_words=30, overall_words=50)
EVEN = np.ones((2, 3, 4))
HALF = np.zeros((2, 3, 4))
HALF[0, :, :2] = 1
HALF[1, :, 3:] = 1
SIGHT = Foresight(np.log(np.array([100.0, 1000.0])), np.stack([EVEN[0] * 20, EVEN[0] * 10]), HALF)


def test_words_bring_what_the_papers_table_says() -> None:
    alone = Foresight(np.zeros(1), np.ones((1, 1, 1)), np.full((3, 1, 1), 1 / 3))
    start = alone.left(Amount(0), 1)
    assert alone.left(Amount(30), 1) / start == pytest.approx(0.1651 / 0.2243, abs=0.01)
    assert alone.left(Amount(50), 1) / start == pytest.approx(0.1518 / 0.2243, abs=0.01)
    # Three objects that cover the picture's third; what they are without, row 1 says.
    third = Foresight(np.zeros(1), np.ones((1, 3, 3)), np.eye(3)[:, :, None] * np.array([1.0, 0, 0])[None, None])
    for words, told in ((10, 0.1718), (30, 0.1518)):
        found = third.left(Amount(0, ((0, words), (1, words), (2, words))), 1) / third.left(Amount(0), 1)
        assert found == pytest.approx(told / 0.2338, abs=0.03)


@given(st.integers(0, 50), st.integers(0, 30), st.integers(0, 30), st.integers(100, 999))
def test_more_is_never_worse_where_it_is_free(whole: int, first: int, second: int, size: int) -> None:
    amount = Amount(whole, ((0, first), (1, second)))
    left = SIGHT.left(amount, size)
    assert 0 < left <= SIGHT.left(Amount(whole, ((0, first),)), size) <= SIGHT.left(Amount(whole), size)
    assert left <= SIGHT.left(Amount(max(0, whole - 1), amount.objects), size)
    assert SIGHT.left(amount, size + 1) < left


def worth_at(costs: dict[int, int], word_bytes: float, limit_bytes: int = 1000):
    def worth(amount: Amount) -> float:
        spent = amount.overall_words * word_bytes + sum(costs[place] + words * word_bytes for place, words in amount.objects)
        return SIGHT.left(amount, int(limit_bytes - spent)) if spent < limit_bytes else math.inf

    return worth


def test_what_costs_nothing_is_all_sent() -> None:
    assert climbed(Amount(0), LIMITS, 2, worth_at({0: 0, 1: 0}, 0)) == Amount(50, ((0, 30), (1, 30)))


def test_what_costs_more_than_it_brings_is_dropped() -> None:
    found = climbed(Amount(0), LIMITS, 2, worth_at({0: 10, 1: 900}, 1))
    assert [place for place, _ in found.objects] == [0] and found.overall_words > 0
    assert climbed(Amount(0), LIMITS, 2, worth_at({0: 10, 1: 10}, 500)) == Amount(0)


@given(st.integers(0, 400), st.integers(0, 400), st.floats(0, 10))
def test_no_change_is_better_than_the_end(first: int, second: int, word_bytes: float) -> None:
    worth = worth_at({0: first, 1: second}, word_bytes)
    found = climbed(Amount(0), LIMITS, 2, worth)
    assert all(worth(other) >= worth(found) for other in moves(found, LIMITS, 2))
    assert len(found.objects) <= LIMITS.things and found.overall_words <= LIMITS.overall_words


def test_no_more_things_than_there_may_be() -> None:
    one = Limits(things=1, detail_words=20, overall_words=30)
    found = climbed(Amount(0), one, 2, worth_at({0: 0, 1: 0}, 0))
    assert found == Amount(30, ((0, 20),))


@pytest.mark.parametrize("shape", [(5, 7), (16, 16), (33, 70), (100, 3)])
def test_contrast_is_none_where_all_is_one(shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 7, np.uint8)
    assert contrast(flat).max() == 0
    flat[: shape[0] // 2] = 200
    assert contrast(flat).shape == (max(1, shape[0] // 16), max(1, shape[1] // 16))
    assert spending.contrast(flat).min() >= 0
