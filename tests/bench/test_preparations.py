"""Preparations of pictures: sizes, pixels, hashes, and boxes that move along."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

from limner.bench.datasets import digest
from limner.bench.preparations import PREPARATIONS, Preparation, prepared, prepared_scene
from limner.describe.scene import Scene, Thing
from limner.errors import ImageError


@settings(max_examples=60)
@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from(sorted(PREPARATIONS)))
def test_sizes_are_as_told(width_px: int, height_px: int, name: str) -> None:
    how = PREPARATIONS[name]
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    if how.crop_px and not how.short_px and min(width_px, height_px) < how.crop_px:
        with pytest.raises(ImageError, match="does not fit"):
            prepared(pixels, name)
        return
    if max(how.resized_px(width_px, height_px)) > 4000:
        return  # slow, and no other case
    found = prepared(pixels, name)
    assert (found.shape[1], found.shape[0]) == how.size_px(width_px, height_px)
    if how.crop_px:
        assert found.shape == (how.crop_px, how.crop_px, 3)
    elif how.short_px:
        assert min(found.shape[:2]) == how.short_px
        exact = max(width_px, height_px) * how.short_px / min(width_px, height_px)
        assert abs(max(found.shape[:2]) - exact) <= 0.5


def test_what_fits_already_is_not_resized() -> None:
    picture = scene(700, 512)
    assert prepared(picture, "none") is picture
    assert np.array_equal(prepared(picture, "short512"), picture)
    assert np.array_equal(prepared(picture, "512"), picture[:, 94:606])
    assert np.array_equal(prepared(scene(515, 521), "crop512"), scene(515, 521)[4:516, 1:513])


def test_resizing_is_pillows_lanczos_on_eight_bits() -> None:
    found = Preparation("x", 32, 32)
    assert found.resized_px(96, 64) == (48, 32) and found.corner_px(48, 32) == (8, 0)
    theirs = np.array(Image.fromarray(scene(300, 200)).resize((768, 512), Image.Resampling.LANCZOS))
    assert np.array_equal(prepared(scene(300, 200), "short512"), theirs)
    assert np.array_equal(prepared(scene(300, 200), "512"), theirs[:, 128:640])


# Of integers that no machine rounds otherwise.
RAMPS = (np.indices((300, 211)).sum(0)[..., None] * np.array([1, 3, 7]) % 256).astype(np.uint8)
PREPARED = {
    "none": "8d53fb3e7afd3493",
    "short512": "f3ea6625121bedcc",
    "short768crop": "4efff3a411f20ea8",
    "256": "0513c820d4211772",
}


@pytest.mark.parametrize("name", PREPARED)
def test_prepared_pictures_have_the_same_hash_everywhere(name: str) -> None:
    assert digest(prepared(RAMPS, name))[:16] == PREPARED[name]


def test_unknown_and_impossible_preparations_are_refused() -> None:
    with pytest.raises(ImageError, match="short768crop"):
        prepared(RAMPS, "short768")
    with pytest.raises(ImageError, match="out of 10"):
        Preparation("x", 10, 20)
    with pytest.raises(ImageError, match="no pixels"):
        Preparation("x", 0)


@settings(max_examples=40)
@given(st.integers(40, 300), st.integers(40, 300), st.sampled_from(["256", "short512", "none"]), st.data())
def test_boxes_move_with_the_pixels(width_px: int, height_px: int, name: str, data: st.DataObject) -> None:
    left, top = data.draw(st.integers(0, width_px - 9)), data.draw(st.integers(0, height_px - 9))
    right, bottom = data.draw(st.integers(left + 8, width_px)), data.draw(st.integers(top + 8, height_px))
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    picture[top:bottom, left:right] = 255
    told = Scene("a box", "", (Thing("box", (left, top, right, bottom)), Thing("nowhere")), (width_px, height_px))
    moved = prepared_scene(told, (width_px, height_px), name)
    rows, columns = np.nonzero(prepared(picture, name)[..., 0] > 127)
    assert moved.things[-1] == Thing("nowhere") and moved.caption == "a box"
    if len(moved.things) == 1:
        assert len(rows) == 0
        return
    box = moved.things[0].box
    assert box is not None
    if len(rows):
        seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert all(abs(one - two) <= 1 for one, two in zip(box, seen, strict=True))
