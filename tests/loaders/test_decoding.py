"""What a blob becomes in each form."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import limner
from limner.errors import ImageError
from limner.loaders.decoding import FORMS, Decoding, shaped


@given(
    *(st.integers(1, 9), st.integers(1, 9)),
    *(st.sampled_from([form for form in FORMS if not form.startswith("torch")]), st.integers(0)),
)
def test_every_form_holds_the_same_picture(width_px: int, height_px: int, form: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), np.uint8)
    made = np.asarray(shaped(pixels, form))
    assert made.dtype == (np.float32 if form == "rgb" else np.uint8)
    assert np.array_equal(np.rint(made * 255.0) if form == "rgb" else made, pixels)
    assert made.max() <= (1 if form == "rgb" else 255)


def test_tensors_hold_the_same_picture() -> None:
    torch = pytest.importorskip("torch")
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    whole, part = shaped(pixels, "torchrgb8"), shaped(pixels, "torchrgb")
    assert isinstance(whole, torch.Tensor) and isinstance(part, torch.Tensor)
    assert whole.shape == part.shape == (3, 2, 3) and whole.is_contiguous()
    assert (whole.dtype, part.dtype) == (torch.uint8, torch.float32)
    assert np.array_equal(whole.permute(1, 2, 0).numpy(), pixels)
    assert np.array_equal(np.rint(part.permute(1, 2, 0).numpy() * 255), pixels)
    whole.zero_()
    assert pixels.any()


def test_it_is_what_decode_gives(blobs: Mapping[str, bytes]) -> None:
    for blob in blobs.values():
        assert np.array_equal(np.asarray(Decoding()(blob)), limner.decode(blob))
    blob = blobs["01"]
    vivid = Decoding("pil", size=(20, 30), painter="vivid", strength=0.5)
    painted = pickle.loads(pickle.dumps(vivid))(blob)
    assert isinstance(painted, Image.Image)
    assert np.array_equal(np.asarray(painted), limner.decode(blob, size=(20, 30), painter="vivid", strength=0.5))


@pytest.mark.parametrize(
    "given",
    [{"form": "bgr"}, {"size": (0, 4)}, {"size": (4,)}, {"painter": "cubist"}, {"strength": 2.0}],
    ids=str,
)
def test_what_cannot_be_is_refused_at_once(given: dict[str, object]) -> None:
    with pytest.raises(ImageError):
        Decoding(**given)  # type: ignore[arg-type]


def test_the_pixel_limit_holds(blobs: Mapping[str, bytes]) -> None:
    with pytest.raises(limner.LimnerError, match="limit"):
        Decoding(max_pixels=100)(blobs["00"])
