"""Masks of boxes without weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("cv2")

from limner.describe.things import GrabCut, Segmenter, boxed
from limner.errors import SceneError

SEGMENTER: Segmenter = GrabCut()


def disc(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A red disc on green, with noise, and where it is."""
    down, right = np.mgrid[0:rows, 0:columns]
    inside = (down - rows * 0.5) ** 2 + (right - columns * 0.4) ** 2 < (min(rows, columns) * 0.25) ** 2
    picture = np.where(inside[..., None], (200, 40, 30), (40, 150, 60)) + np.random.default_rng(seed).normal(
        0, 8, (rows, columns, 3)
    )
    return np.clip(picture, 0, 255).astype(np.uint8), inside


@pytest.mark.parametrize(("rows", "columns"), [(120, 160), (600, 900)])
def test_a_disc_is_found_in_its_box(rows: int, columns: int) -> None:
    pixels, inside = disc(rows, columns)
    radius = int(min(rows, columns) * 0.3)
    middle = int(columns * 0.4), rows // 2
    box = middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius
    found = SEGMENTER.mask(pixels, box)
    assert found.shape == inside.shape and found.dtype == np.bool_
    assert (found & inside).sum() / (found | inside).sum() > 0.93
    assert np.array_equal(found, SEGMENTER.mask(pixels, box))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_a_mask_is_never_empty_and_never_leaves_its_box(rows: int, columns: int, data: st.DataObject) -> None:
    pixels, _ = disc(rows, columns, seed=rows)
    left, top = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    box = left, top, data.draw(st.integers(left + 1, columns + 3)), data.draw(st.integers(top + 1, rows + 3))
    found = SEGMENTER.mask(pixels, box)
    assert found.any() and not (found & ~boxed(box, (rows, columns))).any()


def test_what_cannot_be_told_apart_is_taken_whole() -> None:
    flat = np.full((40, 40, 3), 90, np.uint8)
    for box in ((0, 0, 40, 40), (10, 10, 30, 20)):
        assert np.array_equal(SEGMENTER.mask(flat, box), boxed(box, (40, 40)))


def test_a_box_outside_is_an_error() -> None:
    with pytest.raises(SceneError, match="outside"):
        SEGMENTER.mask(np.zeros((10, 10, 3), np.uint8), (10, 0, 12, 5))
