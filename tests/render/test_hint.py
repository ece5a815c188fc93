"""A sketch as the control net sees it: levels by hand, an independent blur, bounds, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from limner.errors import SceneError
from limner.render.hint import blurred, hint, sharpened

KERNEL = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
SKETCHES = arrays.arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32))


def plainly_blurred(values: NDArray[np.float32]) -> NDArray[np.float64]:
    found = values.astype(np.float64)
    for row in range(1, values.shape[0] - 1):
        for column in range(1, values.shape[1] - 1):
            found[row, column] = np.sum(KERNEL * values[row - 1 : row + 2, column - 1 : column + 2])
    return found


@given(SKETCHES, st.floats(0, 10))
def test_an_independent_blur(values: NDArray[np.float32], factor: float) -> None:
    assert np.allclose(blurred(values), plainly_blurred(values), atol=1e-6)
    expected = np.clip(factor * values + (1 - factor) * plainly_blurred(values), 0, 1)
    assert np.allclose(sharpened(values, factor), expected, atol=1e-5)


@given(SKETCHES)
def test_one_leaves_a_sketch_as_it_is(values: NDArray[np.float32]) -> None:
    shown = hint(values, (values.shape[1], values.shape[0]), 1.0)
    assert np.array_equal(shown[..., 0], (values * np.float32(255)).astype(np.uint8))
    assert shown.shape == (*values.shape, 3) and shown.dtype == np.uint8
    assert np.array_equal(shown[..., 0], shown[..., 1]) and np.array_equal(shown[..., 0], shown[..., 2])


def test_a_line_by_hand() -> None:
    """In the middle of a line: 2 - (5 + 2) / 13 of it and more than 1; beside it less than 0; half as strong 0.5 * 19 / 13."""
    values = np.zeros((5, 5), np.float32)
    values[2] = 0.5
    shown = hint(values, (5, 5), 2.0)[..., 0]
    assert shown[2].tolist() == [127, 186, 186, 186, 127]  # 255 * 9.5 / 13 is 186.3
    assert not shown[[0, 1, 3, 4]].any()
    assert not hint(np.zeros((5, 5), np.float32), (5, 5), 2.0).any()
    assert (hint(np.ones((5, 5), np.float32), (5, 5), 2.0) >= 254).all()


@pytest.mark.parametrize("values", [np.full((4, 6), 1.1), np.full((4, 6), -0.1), np.full((4, 6), np.nan)])
def test_values_are_0_to_1(values: NDArray[np.float64]) -> None:
    with pytest.raises(SceneError, match="0 to 1"):
        hint(values.astype(np.float32), (6, 4), 2.0)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6, 1), (4,)])
def test_a_sketch_has_the_size_of_the_painting(shape: tuple[int, ...]) -> None:
    with pytest.raises(SceneError, match="height, width"):
        hint(np.zeros(shape, np.float32), (6, 4), 2.0)


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.0, 3.5])
def test_sharpened_is_what_pillow_makes(factor: float) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (20, 31)).astype(np.uint8)
    wanted = np.asarray(ImageEnhance.Sharpness(Image.fromarray(levels)).enhance(factor)).astype(float)
    found = 255 * sharpened(levels / np.float32(255), factor)
    # Pillow rounds the blur to whole levels, and drops what is behind the point in the end.
    assert np.abs(found - wanted).max() <= 0.5 * abs(1 - factor) + 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 2), (3, 3)])
def test_sharpened_leaves_the_sides(shape: tuple[int, int]) -> None:
    given = np.random.default_rng(1).random(shape).astype(np.float32)
    found = sharpened(given, 2.0)
    assert np.array_equal(found[[0, -1]], given[[0, -1]]) and np.array_equal(found[:, [0, -1]], given[:, [0, -1]])
