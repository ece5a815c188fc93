"""The cache of classical files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from limner.bench import cache
from limner.bench.baselines import QUICK, best_of_codec
from limner.bench.cache import cached_best_of_codec, cached_figures
from limner.bench.metrics import figures


def test_the_cache_answers_as_the_search_does(
    photo: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cached_best_of_codec(photo, (20, 700), "webp", QUICK, tmp_path)
    assert first == best_of_codec(photo, (20, 700), "webp", QUICK)
    monkeypatch.setattr(cache, "best_of_codec", None)
    assert cached_best_of_codec(photo, (700, 20), "webp", QUICK, tmp_path) == first
    # Another picture, codec or effort is another question.
    with pytest.raises(TypeError):
        cached_best_of_codec(photo[::-1], (700,), "webp", QUICK, tmp_path)


def test_figures_are_kept_for_a_file_and_its_original(
    photo: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coded = best_of_codec(photo, (700,), "webp", QUICK)[700]
    assert coded is not None
    height, width = photo.shape[:2]
    first = cached_figures(photo, coded, tmp_path)
    assert first == figures(photo, coded.picture(width, height))
    monkeypatch.setattr(cache, "figures", None)
    assert cached_figures(photo, coded, tmp_path) == first
    with pytest.raises(TypeError):
        cached_figures(photo[::-1], coded, tmp_path)
