"""Learned codecs of sketches: weights of miniature and a tiny random cheng2020 of one colour stand for trained ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from drawn import outline
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

from limner import api
from limner.container.blob import Blob, Layer, pack, unpack
from limner.errors import BudgetError, DamagedError, EncodeError, LimnerError, WrongModelError
from limner.layers import sketch, text
from limner.layers.sketch import HYPERLATENT, LATENT, Sketch
from limner.systems import sketches
from limner.systems.sketches import HyperlatentCodec, LatentCodec, SketchCodec
from limner.weights import at, packaged


def edges(width_px: int = 100, height_px: int = 75) -> np.ndarray:
    """A thick soft line over a picture, (h, w) float32."""
    line = Image.fromarray(np.uint8(255) * outline(width_px, height_px).astype(np.uint8))
    soft = line.resize((width_px // 2, height_px // 2), Image.Resampling.BOX).resize(line.size, Image.Resampling.BILINEAR)
    return (np.asarray(soft) / np.float32(255)).astype(np.float32)


@cache
def many_rates() -> LatentCodec:
    return LatentCodec(packaged("miniature"))


@pytest.fixture(scope="module")
def grey_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published state of one colour, converted: calibrated on edges of photographs."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from limner.nets.cheng2020 import Cheng2020
    from limner.train.codec_set import convert

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("published")
    torch.save(Cheng2020(8, 1, attention=False).state_dict(), folder / "grey.pt")
    for number in range(3):
        Image.fromarray(scene(64, 48, number)).save(folder / f"{number}.png")
    place = tmp_path_factory.mktemp("sets") / "grey"
    convert(folder / "grey.pt", folder, place, "grey", "none")
    return place


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (100, 75)])
def test_what_is_read_is_what_was_fitted(size: tuple[int, int]) -> None:
    codec, given = many_rates(), np.zeros(size[::-1], np.float32) if size == (1, 1) else edges(*size)
    made = codec.fit(given, 40)
    assert (made.rows, made.columns, made.coding) == (size[1], size[0], LATENT)
    assert sketch.read(sketch.write(made)) == made
    found = codec.read(made)
    assert found.shape == given.shape and found.dtype == np.float32 and 0 <= found.min() <= found.max() <= 1
    assert np.abs(found - given).mean() < 0.1
    assert sketches.expand(made, codec, 40, 30).shape == (30, 40)


@given(st.data())
@settings(max_examples=25)
def test_changed_bytes_are_read_strictly_or_refused(data: st.DataObject) -> None:
    codec = many_rates()
    whole = codec.fit(edges(40, 30), 20).payload
    place = data.draw(st.integers(2, len(whole) - 1))
    put = data.draw(st.sampled_from([b"", bytes([data.draw(st.integers(0, 255))])]))
    payload = whole[:place] + put + whole[place + 1 :]
    strict(codec, Sketch(30, 40, LATENT, payload))


@given(st.binary(max_size=30))
@settings(max_examples=25)
def test_of_any_bytes_only_our_errors_escape(body: bytes) -> None:
    codec = many_rates()
    strict(codec, Sketch(30, 40, LATENT, codec.weights.model_id + body))


def test_every_prefix_is_read_strictly_or_refused() -> None:
    codec = many_rates()
    made = codec.fit(edges(40, 30), 20)
    for length in range(2, len(made.payload)):
        strict(codec, Sketch(30, 40, LATENT, made.payload[:length]))


def test_damage_is_told_with_its_place_in_the_layer() -> None:
    codec = many_rates()
    with pytest.raises(DamagedError) as caught:
        codec.read(Sketch(300, 40, LATENT, codec.weights.model_id))
    assert (caught.value.offset, caught.value.field) == (4, "payload")


def strict(codec: LatentCodec, made: Sketch) -> None:
    """Read a sketch, and write again what was read; or be told what is wrong."""
    try:
        codec.read(made)
    except LimnerError:
        return
    again = sketches.strictly(codec.codec.read, made, LATENT, codec.weights)
    assert codec.weights.model_id + codec.codec.write(again.layer, made.columns, made.rows) == made.payload


def test_a_file_is_read_beside_the_map_without_its_weights() -> None:
    made = many_rates().fit(edges())
    words = text.fit("a green hill")
    layers = Layer(2, text.write(words)), Layer(4, sketch.write(made))
    blob = pack(Blob(3, b"\x00\x00", 300, 200, layers))
    assert api.read_beside(blob, unpack(blob)) == [words, made]


def test_a_short_body_of_a_large_map_is_refused_at_once() -> None:
    codec = many_rates()
    with pytest.raises(DamagedError):
        codec.read(Sketch(4096, 4096, LATENT, codec.weights.model_id + b"\x11\x22"))


def test_a_higher_quality_takes_more_and_is_nearer() -> None:
    codec, given = many_rates(), edges(200, 150)
    low, high = codec.fit(given, 0), codec.fit(given, 60)
    assert len(low.payload) < len(high.payload)
    assert np.square(codec.read(high) - given).mean() < np.square(codec.read(low) - given).mean()


def test_limits_are_kept_and_used() -> None:
    codec, given = many_rates(), edges(200, 150)
    whole = len(sketch.write(codec.fit(given, 30)))
    made = codec.fit_within(given, whole)
    assert len(made.payload) >= len(codec.fit(given, 29).payload) and len(sketch.write(made)) <= whole
    with pytest.raises(BudgetError) as caught:
        codec.fit_within(given, 6)
    least = caught.value.least_bytes
    assert len(sketch.write(codec.fit_within(given, least))) <= least


def test_a_codec_of_one_rate_and_one_colour(grey_set: Path) -> None:
    codec, given = sketches.codec_of(at(grey_set)), edges()
    assert isinstance(codec, HyperlatentCodec) and codec.weights.system == sketches.NAME
    made = codec.fit(given)
    assert made.coding == HYPERLATENT and sketch.read(sketch.write(made)) == made
    assert codec.read(made).shape == given.shape
    assert np.array_equal(codec.read(made), codec.read(sketch.read(sketch.write(made))))
    smaller = codec.fit_within(given, len(sketch.write(made)) - 1)
    assert codec.read(smaller).shape == given.shape
    for length in range(2, len(made.payload) - 9, 9):
        with pytest.raises(DamagedError):
            codec.read(Sketch(made.rows, made.columns, HYPERLATENT, made.payload[:length]))


def test_the_codec_is_found_by_what_it_is(grey_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sketches.codec_of(at(grey_set)).fit(edges())
    other = many_rates().fit(edges())
    assert sketches.codec_for(made, grey_set) is sketches.codec_for(made, grey_set)
    with pytest.raises(WrongModelError, match="at hand are grey"):
        sketches.codec_for(other, grey_set)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(grey_set.parent))
    assert sketches.codec_for(made).weights.name == "grey"


def test_other_weights_and_codings_are_refused(grey_set: Path) -> None:
    codecs: tuple[SketchCodec, ...] = (many_rates(), HyperlatentCodec(at(grey_set)))
    for codec, other in (codecs, codecs[::-1]):
        with pytest.raises(WrongModelError):
            codec.read(other.fit(edges()))
    for coding in (sketch.LINES, HYPERLATENT):
        with pytest.raises(WrongModelError):
            many_rates().read(Sketch(4, 4, coding, many_rates().weights.model_id + b"x"))


@pytest.mark.parametrize("shape", [(3,), (0, 3), (1, 4097)])
def test_what_is_no_map_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EncodeError):
        many_rates().fit(np.zeros(shape, np.float32))
