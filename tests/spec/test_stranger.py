"""The package read by a stranger: ``tests/stranger.py``, who knows the text of the format alone."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from hyperpaths import KINDS, random_path
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from stranger import (
    DATA,
    Refused,
    Start,
    read_choice,
    read_hyperlatent,
    read_latent,
    read_map,
    read_masks,
    read_sedic,
    read_sketch,
    read_text,
    under,
)

from limner.entropy.coder import Writer
from limner.errors import DecodeError
from limner.layers import choice, hyperlatent, hyperpath, latent, masks, path, prefix, sketch, text
from limner.layers.hyperlatent import Hyperlatent
from limner.systems import sedic
from limner.systems.sketches import LatentCodec
from limner.weights import packaged


@cache
def weights() -> tuple[path.Path, dict[str, Any]]:
    data = (DATA / "miniature" / "entropy.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        return path.load(data), {name: kept[name] for name in kept.files}


@pytest.mark.parametrize(
    ("width", "height", "scale", "quality"), [(40, 70, 0, 63), (1, 1, 7, 0), (150, 90, 2, 20), (64, 17, 1, 41)]
)
def test_latent(width: int, height: int, scale: int, quality: int) -> None:
    rng = np.random.default_rng(width)
    geometry = latent.Geometry(width, height, scale)
    drawn = (rng.normal(0, reach, shape) for reach, shape in ((2, geometry.hyper), (1.5, geometry.latent)))
    hyper, symbols = (np.clip(np.rint(values), -127, 127).astype(np.int16) for values in drawn)
    entropy_path, kept = weights()
    body = latent.write(latent.Latent(scale, quality, hyper, symbols), geometry, entropy_path)
    found = read_latent(body, width, height, kept)
    assert found[:2] == (scale, quality)
    np.testing.assert_array_equal(found[2], hyper)
    np.testing.assert_array_equal(found[3], symbols)
    np.testing.assert_array_equal(found[4], latent.read(body, width, height, entropy_path).values)
    with pytest.raises(Refused):
        read_latent(body + b"\1", width, height, kept)


def test_start_of_a_latent() -> None:
    geometry, (entropy_path, kept) = latent.Geometry(64, 33, 0), weights()
    rng = np.random.default_rng(2)
    y, z = (rng.normal(0, reach, shape).astype(np.float32) for reach, shape in ((3, geometry.latent), (1, geometry.hyper)))
    writer = Writer()
    latent.fit(y, z, 9, geometry, entropy_path, writer)
    body = writer.finish()
    for length in (0, 1, 2, len(body) // 3, len(body) - 3, len(body) - 1, len(body)):
        stream = Start(body[:length])
        try:
            found = read_latent(body[:length], 64, 33, kept, stream)
        except Refused:
            with pytest.raises(DecodeError):
                prefix.read_latent(body[:length], 64, 33, entropy_path)
            continue
        walked, part = prefix.read_latent(body[:length], 64, 33, entropy_path)
        assert (walked.layer.quality, part.known) == (found[1], stream.certain)
        np.testing.assert_array_equal(found[4], walked.values)
    with pytest.raises(Refused):
        read_latent(body + b"\1", 64, 33, kept, Start(body + b"\1" * 40))


bool_maps = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5, 0.9]))


def drawn_map(rows: int, columns: int, seed: int, share: float) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((rows, columns)) < share


@settings(max_examples=25)
@given(st.integers(0, 7), st.integers(1, 60), st.integers(1, 60), st.integers(0, 4), st.integers(0, 2**32))
def test_masks(cell: int, width: int, height: int, count: int, seed: int) -> None:
    rng, shape = np.random.default_rng(seed), (-(-height // 2**cell), -(-width // 2**cell))
    if shape[0] * shape[1] > 600:
        cell, shape = 7, (1, 1)
    made = [rng.random(shape) < rng.choice([0, 0.2, 0.8]) for _ in range(count)]
    if count:
        made[-1][:] = False
        made[-1][rng.integers(shape[0]) :, : rng.integers(shape[1]) + 1] = True  # a rectangle
    found_cell, found = read_masks(masks.write(masks.Masks(2**cell, tuple(made))), width, height)
    assert found_cell == 2**cell
    assert [mask.tolist() for mask in found] == [mask.tolist() for mask in made]


@settings(max_examples=25)
@given(bool_maps)
def test_sketch(drawn: tuple[int, int, int, float]) -> None:
    lines = drawn_map(*drawn)
    assert read_sketch(sketch.write(sketch.draw(lines))).tolist() == lines.tolist()


def test_sketch_that_is_a_map() -> None:
    codec = LatentCodec(packaged("miniature"))
    rows, columns = np.mgrid[0:40, 0:90]
    made = codec.fit(np.where(np.abs(rows - columns / 3) < 2, 1, 0).astype(np.float32), 30, 1)
    coding, width, height, model, body = read_map(sketch.write(made))
    assert (coding, width, height, model) == (1, 90, 40, codec.weights.model_id)
    scale, quality, _, symbols, _ = read_latent(body, width, height, weights()[1])
    assert (scale, quality) == (1, 30)
    walked = latent.read(body, width, height, weights()[0])
    np.testing.assert_array_equal(symbols, walked.layer.symbols)


@settings(max_examples=15, deadline=None)
@given(
    st.text(max_size=12) | st.sampled_from(["a red boat", "Two dogs, one of them WET; it's raining.", "naïve façade", "x" * 40])
)
def test_text(words: str) -> None:
    for coding in (text.PLAIN, text.MODELLED):
        assert read_text(text.write(text.Text(words, coding))) == words


@given(st.integers(0, 2**32 - 1), st.integers(1, 65536), st.data())
def test_choice(seed: int, candidates: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, candidates - 1))
    assert read_choice(choice.write(choice.Choice(seed, candidates, index))) == (seed, candidates, index)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "height", "scale"), [(40, 70, 0), (1, 1, 7), (90, 60, 2)])
def test_hyperlatent(kind: str, width: int, height: int, scale: int) -> None:
    rng, entropy_path = np.random.default_rng(width), random_path(kind)
    geometry = latent.Geometry(width, height, scale)
    hyper_shape, shape = hyperlatent.shapes(entropy_path, geometry)
    hyper, symbols = (np.rint(rng.normal(0, reach, size)).astype(np.int16) for reach, size in ((3, hyper_shape), (1.5, shape)))
    body = hyperlatent.write(Hyperlatent(scale, hyper, symbols), geometry, entropy_path)
    with np.load(io.BytesIO(hyperpath.dump(entropy_path)), allow_pickle=False) as kept:
        found = read_hyperlatent(body, width, height, {name: kept[name] for name in kept.files})
    assert found[0] == scale
    np.testing.assert_array_equal(found[1], hyper)
    np.testing.assert_array_equal(found[2], symbols)
    np.testing.assert_array_equal(found[3], hyperlatent.read(body, width, height, entropy_path).values)


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 2**32), st.text("abc", min_size=1, max_size=9)), max_size=3),
    st.text("xyz", max_size=9),
    st.integers(0, 2**32 - 1),
    st.binary(min_size=2, max_size=2),
)
def test_sedic(things: list[tuple[int, str]], words: str, seed: int, drawn: bytes) -> None:
    objects = []
    for of, said in things:
        mask = np.random.default_rng(of).random((3, 4)) < 0.4
        mask[1, 1] = True
        objects.append(sedic.Object(masks.Masks(16, (mask,)), text.fit(said)))
    whole = text.fit(words) if words else None
    layers = sedic.Layers(None, whole, tuple(objects), seed, drawn)
    found = read_sedic([(one.kind, one.body) for one in sedic.write(layers)], 60, 40)
    assert (found[0], found[2], found[3]) == (words, seed, drawn)
    assert [said for _, _, said in found[1]] == [said for _, said in things]
    for (cell, mask, _), one in zip(found[1], objects, strict=True):
        assert under(mask, cell, 60, 40, 24, 17) == sedic.sampled(one.masks, (60, 40), (24, 17)).tolist()
