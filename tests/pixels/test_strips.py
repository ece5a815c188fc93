"""Pictures by strips: whatever the strips, the picture is the one that it is as a whole."""

from __future__ import annotations

import numpy as np
import pytest
from cut_strips import Cut, Pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

from limner import image
from limner.describe.activity import activity
from limner.errors import ImageError
from limner.pixels import resample
from limner.pixels.resample import resampled, resize
from limner.pixels.strips import Cropped, Held, Padded, Window, joined

SIDES = st.integers(1, 90)
HEIGHTS = st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple)


def noise(width: int, height: int, seed: int, harsh: bool) -> Pixels:
    """Pixels that make filters overshoot, if harsh."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return np.where(pixels > 127, 255, 0).astype(np.uint8) if harsh else pixels


@settings(max_examples=150)
@given(SIDES, SIDES, SIDES, SIDES, HEIGHTS, st.integers(0, 99), st.booleans())
def test_scaling_by_strips_gives_the_bytes_of_pillow(
    width: int, height: int, wide: int, high: int, heights: tuple[int, ...], seed: int, harsh: bool
) -> None:
    pixels = noise(width, height, seed, harsh)
    assert np.array_equal(joined(resampled(Cut(pixels, heights), wide, high)), resize(pixels, wide, high))


@settings(max_examples=40)
@given(SIDES, SIDES, st.integers(2, 9), HEIGHTS, st.integers(0, 99))
def test_averages_by_strips_too(width: int, height: int, factor: int, heights: tuple[int, ...], seed: int) -> None:
    pixels = noise(width * factor, height * factor, seed, harsh=False)
    whole = resize(pixels, width, height)
    assert np.array_equal(joined(resampled(Cut(pixels, heights), width, height)), whole)
    mean = pixels.reshape(height, factor, width, factor, 3).mean((1, 3))
    assert np.abs(whole - mean).max() <= 1  # bytes after each pass


def test_a_whole_picture_is_scaled_by_pillow_across_and_then_down() -> None:
    pixels = scene(300, 200)
    across = Image.fromarray(pixels).resize((130, 200), Image.Resampling.LANCZOS)
    assert np.array_equal(resize(pixels, 130, 77), np.array(across.resize((130, 77), Image.Resampling.LANCZOS)))


def test_the_law_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(60, 70, 0, harsh=True)
    whole = resize(pixels, 31, 33)
    monkeypatch.setattr(resample, "WEIGHT_BITS", 8)
    assert not np.array_equal(joined(resampled(Cut(pixels, (7,)), 31, 33)), whole)


def test_large_pictures_in_memory_are_scaled_by_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = scene(200, 150)
    whole = resize(pixels, 90, 60)
    monkeypatch.setattr(resample, "HELD_PX", 100)
    assert not isinstance(resampled(Held(pixels), 90, 60), Held)
    assert np.array_equal(resize(pixels, 90, 60), whole)


@settings(max_examples=40)
@given(SIDES, SIDES, HEIGHTS, st.integers(1, 20), st.data())
def test_padding_and_cropping(width: int, height: int, heights: tuple[int, ...], multiple: int, data: st.DataObject) -> None:
    cut = Cut(noise(width, height, 1, harsh=False), heights)
    padded = Padded(cut, multiple)
    assert np.array_equal(joined(padded), image.pad(cut.pixels, multiple))
    wide, high = data.draw(st.integers(1, padded.width_px)), data.draw(st.integers(1, padded.height_px))
    assert np.array_equal(joined(Cropped(padded, wide, high)), joined(padded)[:high, :wide])


def test_cropping_needs_pixels() -> None:
    with pytest.raises(ImageError, match="cannot cut 5 x 3 out of 4 x 3"):
        Cropped(Held(scene(4, 3)), 5, 3)


@given(SIDES, HEIGHTS, st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=6))
def test_a_window_gives_the_rows_that_are_asked_for(
    height: int, heights: tuple[int, ...], steps: list[tuple[int, int]]
) -> None:
    pixels = noise(3, height, 2, harsh=False)
    window, low = Window(Cut(pixels, heights)), 0
    for forth, count in steps:
        low = min(height - 1, low + forth)
        high = min(height, low + count)
        assert np.array_equal(window.rows(low, high), pixels[low:high])


@settings(max_examples=60)
@given(SIDES, SIDES, HEIGHTS)
def test_activity_does_not_depend_on_the_strips(width: int, height: int, heights: tuple[int, ...]) -> None:
    pixels = scene(width, height)
    assert activity(Cut(pixels, heights)) == activity([pixels])
