"""Segment Anything with a tiny model of the same code: built from a configuration, saved, loaded as the real weights are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import scene as picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from describe.tiny_finders import tiny_sam  # noqa: E402

from limner.describe.sam import Sam  # noqa: E402
from limner.describe.things import Segmenter, boxed  # noqa: E402
from limner.errors import MissingError  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sam")
    tiny_sam(made)
    return made


@pytest.mark.parametrize("box", [(10, 10, 50, 40), (0, 0, 80, 60), (79, 59, 80, 60)])
def test_masks_lie_in_their_boxes(folder: Path, box: tuple[int, int, int, int]) -> None:
    pixels = picture(80, 60)
    segmenter: Segmenter = Sam(str(folder))
    found = segmenter.mask(pixels, box)
    assert found.shape == (60, 80) and found.dtype == np.bool_
    assert found.any() and not (found & ~boxed(box, (60, 80))).any()
    assert np.array_equal(found, Sam(str(folder)).mask(pixels, box))


def test_missing_weights_name_the_command() -> None:
    with pytest.raises(MissingError, match="limner weights fetch somebody/sam"):
        Sam("somebody/sam").mask(picture(20, 20), (1, 1, 9, 9))
