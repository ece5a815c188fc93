"""The public verbs on small pictures, with the weights of the package."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

import limner
from limner import api, files
from limner.container.blob import Blob, Layer, pack, unpack
from limner.errors import (
    DamagedError,
    DecodeError,
    EncodeError,
    ImageError,
    InvalidFieldError,
    LimitError,
    LimnerError,
    WrongModelError,
)
from limner.layers import masks, sketch
from limner.systems import miniature

PICTURE = scene(97, 61)
BLOB = limner.encode(PICTURE, quality=20)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (16, 16), (17, 33), (257, 130)])
def test_any_size_comes_back_as_it_went(size: tuple[int, int]) -> None:
    picture = scene(*size)
    for bare in (False, True):
        got = limner.decode(limner.encode(picture, quality=30, bare=bare))
        assert got.shape == picture.shape
        assert got.dtype == np.uint8


def test_the_picture_is_like_the_original() -> None:
    error = limner.decode(limner.encode(PICTURE, quality=63)).astype(float) - PICTURE
    assert np.sqrt(np.mean(error**2)) < 20


def test_files_arrays_and_pillow_images_are_alike(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    assert limner.encode(tmp_path / "a.png", quality=20) == BLOB
    assert limner.encode(str(tmp_path / "a.png"), quality=20) == BLOB
    assert limner.encode(Image.fromarray(PICTURE), quality=20) == BLOB


@pytest.mark.parametrize(("size", "bytes_beside"), [((97, 61), 9), ((768, 512), 10), ((4000, 3000), 10)])
def test_at_most_ten_bytes_are_not_payload(size: tuple[int, int], bytes_beside: int) -> None:
    codec = miniature.embedded()
    assert len(pack(api.blob_of(codec, b"body", *size))) - 4 == bytes_beside
    assert len(pack(api.blob_of(codec, b"body", *size), bare=True)) - 4 == bytes_beside - 2


def test_reading_undoes_writing() -> None:
    found = files.read(BLOB)
    assert isinstance(found, files.OfMiniature)
    codec, fitted, header = found.codec, found.fitted, found.header
    assert codec.write(fitted.layer, header.width_px, header.height_px) == header.layers[0].body


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_changed_byte_is_always_noticed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(BLOB) - 1))
    changed = bytearray(BLOB)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DecodeError):
        limner.decode(bytes(changed))


def test_every_cut_is_noticed() -> None:
    for length in range(len(BLOB)):
        with pytest.raises(DecodeError):
            limner.verify(BLOB[:length])


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 300), st.integers(1, 300))
def test_made_up_bodies_in_good_containers_let_only_limner_errors_out(body: bytes, width: int, height: int) -> None:
    blob = pack(Blob(1, unpack(BLOB).model, width, height, (Layer(1, body),)))
    try:
        got = limner.verify(blob)
    except LimnerError:
        return
    assert got.size_bytes == len(blob)


@pytest.mark.parametrize(
    ("kind", "body"),
    [(2, b"\0\xff"), (3, b"\x01\xff\xff\xff"), (4, b"\xff" * 9), (5, b"\x80\0")],
    ids=["text", "masks", "sketch", "choice"],
)
def test_verify_reads_the_layers_that_decode_does_not_need(kind: int, body: bytes) -> None:
    header = unpack(BLOB)
    blob = pack(Blob(1, header.model, header.width_px, header.height_px, (Layer(kind, body), *header.layers)))
    np.testing.assert_array_equal(limner.decode(blob), limner.decode(BLOB))
    with pytest.raises(DecodeError) as caught:
        limner.verify(blob)
    at = blob.index(body)
    assert at <= caught.value.offset <= at + len(body)


def test_the_cells_of_a_file_are_bounded_together() -> None:
    half = np.eye(256, dtype=np.bool_)
    things, lines = Layer(3, masks.write(masks.Masks(1, (half,)))), Layer(4, sketch.write(sketch.draw(half)))

    def read(*layers: Layer) -> list[api.Beside | None]:
        header = Blob(5, b"\0\0", 256, 256, layers)
        return files.read_beside(pack(header), header)

    assert len(read(things, lines)) == 2
    for third in (things, lines):
        with pytest.raises(LimitError) as caught:
            read(things, things, third)
        # Behind a header of 7 bytes, two whole layers and the lead of the third: its body, which goes over.
        assert caught.value.offset == 7 + 2 * (4 + len(things.body)) + 1


def test_words_beside_the_latents_do_not_change_the_picture() -> None:
    header = unpack(BLOB)
    layers = (Layer(2, b"\0a hill under the sky"), *header.layers)
    both = pack(Blob(1, header.model, header.width_px, header.height_px, layers))
    np.testing.assert_array_equal(limner.decode(both), limner.decode(BLOB))
    words = pack(Blob(1, header.model, header.width_px, header.height_px, layers[:1]))
    assert "a hill under the sky" in str(limner.inspect(words))
    with pytest.raises(InvalidFieldError, match="latent"):
        limner.decode(words)


def test_damage_inside_a_body_is_located() -> None:
    header = unpack(BLOB)
    body = header.layers[0].body + b"\1\2\3"
    with pytest.raises(DamagedError) as caught:
        limner.decode(pack(Blob(1, header.model, header.width_px, header.height_px, (Layer(1, body),))))
    assert caught.value.offset == 7


def test_other_weights_other_systems_and_huge_sizes_are_refused() -> None:
    header = unpack(BLOB)
    other = bytes(byte ^ 255 for byte in header.model)
    with pytest.raises(WrongModelError, match=other.hex()):
        limner.decode(pack(Blob(1, other, 97, 61, header.layers)))
    with pytest.raises(InvalidFieldError, match="names no weights"):
        limner.decode(pack(Blob(5, header.model, 97, 61, (Layer(2, b"\0words"),))))
    with pytest.raises(LimitError):
        limner.decode(BLOB, max_pixels=97 * 61 - 1)


def test_size_of_the_painting_can_be_chosen() -> None:
    assert limner.decode(BLOB, size=(31, 20)).shape == (20, 31, 3)
    with pytest.raises(ImageError):
        limner.decode(BLOB, size=(0, 20))


def test_contradictory_and_impossible_requests_are_refused() -> None:
    with pytest.raises(EncodeError, match="one of"):
        limner.encode(PICTURE, quality=3, target_bytes=100)
    with pytest.raises(EncodeError, match="quality"):
        limner.encode(PICTURE, quality=64)
    with pytest.raises(EncodeError, match="system"):
        limner.encode(PICTURE, system="nonesuch")


def test_inspect_names_every_byte() -> None:
    report = limner.inspect(BLOB)
    assert sum(row.length for row in report.rows) == len(BLOB)
    assert "quality 20" in str(report)


CHILD = """
import hashlib, sys
from limner import api, files
fitted = files.read(sys.stdin.buffer.read()).fitted
print(hashlib.sha256(fitted.values.tobytes() + fitted.layer.hyper.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_integers_in_a_fresh_process_are_the_same(threads: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    got = subprocess.run([sys.executable, "-c", CHILD], input=BLOB, env=environment, capture_output=True, check=True)
    fitted = files.read(BLOB).fitted
    expected = hashlib.sha256(fitted.values.tobytes() + fitted.layer.hyper.tobytes()).hexdigest()
    assert got.stdout.decode().strip() == expected


def test_what_is_no_blob_is_told_apart_from_a_damaged_one() -> None:
    with pytest.raises(TypeError, match="given as its bytes, not as str"):
        limner.decode("x.limn")  # type: ignore[arg-type]
    with pytest.raises(DecodeError, match="is it one"):
        limner.decode(b"This is a letter, and no picture.")
    with pytest.raises(DecodeError) as caught:
        limner.decode(BLOB[:-1])
    assert "is it one" not in str(caught.value)


@pytest.mark.parametrize(
    "asked", [{"bpp": float("nan")}, {"bpp": float("inf")}, {"bpp": 0}, {"quality": 3.5}, {"target_bytes": "500"}], ids=str
)
def test_budgets_that_are_none_are_refused(asked: dict[str, float]) -> None:
    with pytest.raises(EncodeError):
        limner.encode(scene(20, 20), **asked)  # type: ignore[arg-type]


def test_a_budget_without_bounds_is_one() -> None:
    most = limner.encode(scene(40, 40), target_bytes=10**6)
    assert limner.encode(scene(40, 40), target_bytes=10**400) == most
    assert limner.encode(scene(40, 40), bpp=1e306) == most
