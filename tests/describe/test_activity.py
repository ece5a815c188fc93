"""Activity of pictures that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from limner.describe.activity import activity, unrest


def test_a_flat_picture_has_none() -> None:
    assert activity([np.full((40, 30, 3), 99, np.uint8)]) == 0


def test_a_checkerboard_of_cells_differs_everywhere_in_both_directions() -> None:
    board = np.kron(np.indices((4, 6)).sum(0) % 2, np.ones((4, 4)))[..., None] * np.full(3, 10)
    assert activity([board.astype(np.uint8)]) == pytest.approx(20)


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (90, 3), (4, 4), (7, 8)])
def test_small_pictures_have_a_number_too(size: tuple[int, int]) -> None:
    assert activity([np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(*size, 3)]) >= 0


def test_unrest_of_latents_by_hand() -> None:
    steps = np.array([[[0, 1], [0, 1]]], np.float32)
    assert unrest(steps) == pytest.approx([0.5])  # two differences of 1 across, two of 0 down
    assert unrest(np.full((3, 1, 1), 1, np.float32)) == pytest.approx([1, 1, 1])
    assert unrest(np.zeros((2, 5, 1), np.float32)).tolist() == [0, 0]
