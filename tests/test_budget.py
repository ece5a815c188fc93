"""A budget is never exceeded, and the error names a budget that does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

import limner
from limner.errors import BudgetError
from limner.systems import miniature
from limner.systems.miniature import Setting


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


def test_a_search_takes_few_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []
    fit = miniature.Miniature.fit

    def counted(codec: miniature.Miniature, picture: miniature.Scene, setting: Setting) -> miniature.Fitted:
        fits.append(setting)
        return fit(codec, picture, setting)

    monkeypatch.setattr(miniature.Miniature, "fit", counted)
    for target in (150, 300, 600):
        limner.encode(scene(256, 192), target_bytes=target)
    assert len(fits) <= 3 * 5


def test_most_of_a_budget_is_used() -> None:
    picture = scene(256, 192)
    assert len(limner.encode(picture, target_bytes=300)) >= 270
