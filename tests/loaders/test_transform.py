"""A picture through a file and back."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pictures import scene
from PIL import Image

import limner
from limner.errors import BudgetError, EncodeError, ImageError
from limner.loaders.transform import LimnTransform

Pixels = NDArray[np.uint8]


@settings(max_examples=6)
@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([{"target_bytes": 90}, {"bpp": 2.0}, {"quality": 5}, {}]))
def test_it_is_encode_and_decode(width_px: int, height_px: int, asked: dict[str, int]) -> None:
    pixels = scene(width_px, height_px)
    try:
        made = LimnTransform(**asked)(pixels)
    except BudgetError:
        with pytest.raises(BudgetError):
            limner.encode(pixels, **asked)
    else:
        assert np.array_equal(made, limner.decode(limner.encode(pixels, **asked)))


def test_the_kind_stays(photo: Pixels) -> None:
    through = pickle.loads(pickle.dumps(LimnTransform(target_bytes=300, painter="vivid")))
    pixels = through(photo)
    assert np.array_equal(pixels, limner.decode(limner.encode(photo, target_bytes=300), painter="vivid"))
    painted = through(Image.fromarray(photo))
    assert isinstance(painted, Image.Image) and np.array_equal(np.asarray(painted), pixels)
    assert through(Image.new("LA", (30, 20))).mode == "RGB"


def test_tensors(photo: Pixels) -> None:
    torch = pytest.importorskip("torch")
    through = LimnTransform(target_bytes=300)
    pixels = through(photo)
    given_ = torch.from_numpy(photo).permute(2, 0, 1)
    made = through(given_)
    assert made.dtype == torch.uint8 and np.array_equal(made.permute(1, 2, 0).numpy(), pixels)
    for kind in (torch.float32, torch.float64):
        floats = through(given_.to(kind) / 255)
        assert floats.dtype == kind and torch.equal((floats * 255).round().to(torch.uint8), made)


def test_what_is_no_picture_is_refused(photo: Pixels) -> None:
    torch = pytest.importorskip("torch")
    bad = [photo[..., 0], photo.astype(np.float32), "x.jpg", torch.zeros(1, 4, 4), torch.zeros(3, 4, 4, dtype=torch.int64)]
    for picture in bad:
        with pytest.raises(ImageError):
            LimnTransform()(picture)  # type: ignore[type-var]
    with pytest.raises(EncodeError):
        LimnTransform(target_bytes=100, quality=3)
    with pytest.raises(ImageError):
        LimnTransform(painter="cubist")
