"""Pictures as files of other programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import scene

from limner.bench.harness.pictures import FORMATS, from_file, from_y4m, to_file, to_y4m
from limner.bench.measures.pixels import psnr_db
from limner.errors import ImageError

SIDES = st.integers(1, 40)


@given(width_px=SIDES, height_px=SIDES, seed=st.integers(0, 9))
def test_png_and_ppm_keep_every_pixel(width_px: int, height_px: int, seed: int) -> None:
    pixels = scene(width_px, height_px, seed)
    for kind in ("png", "ppm"):
        assert np.array_equal(from_file(to_file(pixels, kind), kind), pixels)


@given(width_px=SIDES, height_px=SIDES, seed=st.integers(0, 9))
def test_y4m_keeps_the_size(width_px: int, height_px: int, seed: int) -> None:
    pixels = scene(width_px, height_px, seed)
    assert from_file(to_file(pixels, "y4m"), "y4m").shape == pixels.shape


@given(grey=st.integers(0, 255), width_px=SIDES, height_px=SIDES)
def test_y4m_keeps_greys(grey: int, width_px: int, height_px: int) -> None:
    pixels = np.full((height_px, width_px, 3), grey, np.uint8)
    assert np.array_equal(from_y4m(to_y4m(pixels)), pixels)


def test_y4m_loses_little() -> None:
    pixels = scene(96, 64)
    assert psnr_db(pixels, from_y4m(to_y4m(pixels)), peak=255.0) > 38


def test_a_frame_is_luma_and_two_quarters() -> None:
    head, _, body = to_y4m(np.zeros((5, 7, 3), np.uint8)).partition(b"\nFRAME\n")
    assert head.startswith(b"YUV4MPEG2 W7 H5 F1:1 ") and b" C420jpeg" in head
    assert body == bytes(35) + bytes([128]) * 24


def test_deeper_samples_are_rounded() -> None:
    head = b"YUV4MPEG2 W2 H2 C420p10\nFRAME\n"
    luma, chroma = (400, 402, 1023, 0), (512, 512)
    samples = np.array([*luma, *chroma], "<u2").tobytes()
    assert from_y4m(head + samples)[..., 0].ravel().tolist() == [100, 101, 255, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"P6\n1 1\n255\nabc",
        b"YUV4MPEG2 W2 H2\n",
        b"YUV4MPEG2 W2 H2\nFRAME\nabc",
        b"YUV4MPEG2 W2 H2 C444\nFRAME\n" + bytes(12),
        b"YUV4MPEG2 W2 H2 C420p20\nFRAME\n" + bytes(24),
        b"YUV4MPEG2 H2\nFRAME\n" + bytes(12),
        b"YUV4MPEG2 W0 H2\nFRAME\n" + bytes(12),
        b"YUV4MPEG2 W99999999 H2\nFRAME\n" + bytes(12),
        b"YUV4MPEG2 W\xb2 H2\nFRAME\n" + bytes(12),
    ],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        from_y4m(data)


@pytest.mark.parametrize("kind", FORMATS)
@given(data=st.binary(max_size=64))
def test_nothing_but_an_image_error_escapes(kind: str, data: bytes) -> None:
    prefix = {"png": b"\x89PNG\r\n\x1a\n", "ppm": b"P6\n", "y4m": b"YUV4MPEG2 W2 H2"}[kind]
    for some in (data, prefix + data):
        with pytest.raises(ImageError):
            from_file(some, kind)
