"""The samples of the service's page: those that are in the package are those that the command makes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limner

pytest.importorskip("skimage")
from limner.bench import page_samples
from limner.bench.page_samples import MOST_BYTES, SAMPLES, jpeg

FOLDER = Path(limner.__file__).parent / "serve" / "page" / "samples"


def pixels(source: Path | io.BytesIO) -> np.ndarray:
    with Image.open(source) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float64)


def test_the_command_writes_them(tmp_path: Path) -> None:
    assert page_samples.main(["--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.iterdir()}
    assert (tmp_path / "samples.json").read_bytes() == (FOLDER / "samples.json").read_bytes()
    assert sum(path.stat().st_size for path in FOLDER.glob("*.jpg")) <= MOST_BYTES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_they_are_what_is_said(sample: page_samples.Sample) -> None:
    kept, made = pixels(FOLDER / sample.file), pixels(io.BytesIO(jpeg(sample)))
    # Another build of libjpeg may round otherwise.
    assert kept.shape == made.shape and np.abs(kept - made).mean() < 2
    height_px, width_px = kept.shape[:2]
    for thing in sample.things:
        left, top, right, bottom = thing.box
        assert 0 <= left < right <= width_px and 0 <= top < bottom <= height_px


def test_each_is_free_and_described() -> None:
    for one in json.loads((FOLDER / "samples.json").read_text("utf-8")):
        assert one["what"] and one["words"] and ("CC0" in one["credit"] or "public domain" in one["credit"])
