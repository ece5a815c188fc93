"""Thumbnails: within the budget, of the picture's size, and better with more bytes."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import scene

from limner.bench import tiny
from limner.bench.metrics import psnr_db
from limner.bench.thumbs import THUMBS, components

PICTURE = scene(240, 170)


@pytest.mark.parametrize("way", THUMBS)
def test_a_thumbnail_keeps_to_its_budget(way: str) -> None:
    thumb = THUMBS[way](PICTURE, 120)
    assert thumb is not None and thumb.bytes <= 120
    assert thumb.picture.shape == PICTURE.shape
    assert thumb.psnr_db == psnr_db(PICTURE, thumb.picture, peak=255.0)
    # Better than its mean colour alone.
    flat = np.broadcast_to(PICTURE.mean((0, 1)), PICTURE.shape)
    assert thumb.psnr_db > psnr_db(PICTURE, flat, peak=255.0)


@pytest.mark.parametrize("way", THUMBS)
def test_a_budget_that_is_too_small_gives_nothing(way: str) -> None:
    assert THUMBS[way](PICTURE, 3) is None


def test_more_bytes_are_no_worse() -> None:
    less, more = (THUMBS["webp"](PICTURE, budget) for budget in (100, 200))
    assert less is not None and more is not None and more.psnr_db >= less.psnr_db


def test_components_use_the_budget() -> None:
    for across, down in components(60, 1.5):
        assert 4 + 2 * across * down <= 60


def test_the_page_counts_what_does_not_fit() -> None:
    found = [
        tiny.Figure("a", "webp", 60),
        tiny.Figure("b", "webp", 60, 58, 17.0, 0.4),
        tiny.Figure("a", "miniature", 60, 59, 18.0, 0.5),
    ]
    page = tiny.page(found, "the command")
    assert "| 60 | webp | 1 of 2 | 58.0 | 17.00 | 0.4000 |" in page
    assert "| 60 | miniature | 1 of 1 | 59.0 | 18.00 | 0.5000 |" in page
    assert "the command" in page
