"""Image.open and Image.save for files of ours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

import limner
import limner.pillow
from limner import api
from limner.errors import BudgetError, DecodeError, ImageError
from limner.image import load

Pixels = NDArray[np.uint8]


def test_saves_and_opens(photo: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "x.limn"
    Image.fromarray(photo).save(path, target_bytes=300)
    assert path.stat().st_size <= 300
    assert path.read_bytes() == limner.encode(photo, target_bytes=300)
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("LIMN", "RGB", (144, 96))
        assert image.info == {"limner_system": "miniature", "limner_bytes": path.stat().st_size}
        assert np.array_equal(np.asarray(image), limner.decode(path.read_bytes()))


def test_opens_without_decoding_and_decodes_once(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = limner.encode(photo, quality=10)
    calls = []

    def decode(data: bytes) -> Pixels:
        calls.append(data)
        return photo

    monkeypatch.setattr(api, "decode", decode)
    image = Image.open(io.BytesIO(blob))
    assert calls == []
    image.load()
    image.load()
    assert calls == [blob]
    assert np.array_equal(np.asarray(image), photo)


def test_saves_to_streams_and_flattens(photo: Pixels) -> None:
    stream = io.BytesIO()
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    clear.save(stream, "LIMN", quality=63, background=(10, 200, 30))
    assert stream.getvalue() == limner.encode(np.full((32, 32, 3), (10, 200, 30), np.uint8), quality=63)


def test_what_is_not_ours_is_left_to_others(photo_file: Path) -> None:
    with Image.open(photo_file) as image:
        assert image.format == "PNG"
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(b"a limner was a travelling painter"))


def test_damage_is_an_error_of_ours(photo: Pixels) -> None:
    blob = limner.encode(photo, quality=10)
    for bad in (blob[:-1], blob[:2], blob[:20] + bytes([blob[20] ^ 1]) + blob[21:]):
        with pytest.raises(DecodeError):
            Image.open(io.BytesIO(bad))


def test_a_budget_too_small_is_an_error_of_ours(photo: Pixels) -> None:
    with pytest.raises(BudgetError):
        Image.fromarray(photo).save(io.BytesIO(), "LIMN", target_bytes=3)


def test_registering_twice_changes_nothing() -> None:
    before = list(Image.ID)
    limner.pillow.register()
    assert before == Image.ID
    assert Image.registered_extensions()[".limn"] == "LIMN"
    assert Image.MIME["LIMN"] == "image/x-limn"


def test_our_files_are_no_pictures_to_encode(photo: Pixels) -> None:
    with pytest.raises(ImageError, match="not a picture"):
        load(limner.encode(photo, quality=10))
