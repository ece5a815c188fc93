"""Files made once are read to the same integers, and painted alike, on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import limner
from limner import files, image
from limner.image import Pixels

FOLDER = Path(__file__).parents[2] / "spec" / "vectors" / "render"


def check(path: Path, decode: Callable[[bytes], Pixels] = limner.decode) -> None:
    """Raise AssertionError unless a vector is read and painted as its JSON and PNG say."""
    blob, expected = path.read_bytes(), json.loads(path.with_suffix(".json").read_text("utf-8"))
    found = files.read(blob)
    assert isinstance(found, files.OfMiniature)
    codec, fitted = found.codec, found.fitted
    assert codec.weights.identity.hex() == expected["identity"]
    assert (fitted.layer.scale, fitted.layer.quality) == (expected["scale"], expected["quality"])
    arrays = (fitted.layer.hyper, fitted.layer.symbols, fitted.values)
    integers = b"".join(array.astype(">i2").tobytes() for array in arrays)
    assert hashlib.sha256(integers).hexdigest() == expected["integers_sha256"]
    assert [asdict(row) for row in limner.inspect(blob).rows] == expected["rows"]
    error = decode(blob).astype(float) - image.load(path.with_suffix(".png")).pixels
    assert np.abs(error).max() <= expected["peak"]
    assert np.sqrt(np.mean(error**2)) <= expected["rms"]


def vectors(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.limn"))
    assert found, f"no vectors in {folder}"
    return found


@pytest.mark.parametrize("path", vectors(FOLDER), ids=lambda path: path.stem)
def test_a_file_made_once_is_read_and_painted_as_it_was(path: Path) -> None:
    check(path)


def test_the_walk_fails_on_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no vectors"):
        vectors(tmp_path)


def test_a_painter_that_is_a_little_off_fails() -> None:
    with pytest.raises(AssertionError):
        check(FOLDER / "odd-sides.limn", lambda blob: np.clip(limner.decode(blob).astype(int) + 3, 0, 255).astype(np.uint8))
