"""Laws of the latent layer: a bijection at every size, sized by its information, equal on any machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import random_path

from limner.entropy.coder import Writer
from limner.entropy.fixedpoint import Network
from limner.errors import DecodeError, EncodeError
from limner.layers import latent, path
from limner.layers.latent import SIXTEENTHS, Geometry, Latent, Meter
from limner.layers.quadtree import LATENT_CHANNELS, STEPS, group_of

PATH = random_path()


@st.composite
def layers(draw: st.DrawFn) -> tuple[Latent, Geometry]:
    geometry = Geometry(draw(st.integers(1, 150)), draw(st.integers(1, 150)), draw(st.integers(0, 7)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    reach = draw(st.sampled_from([0, 1, 20, 127]))
    symbols = rng.integers(-reach, reach + 1, geometry.latent).astype(np.int16)
    hyper = rng.integers(-reach, reach + 1, geometry.hyper).astype(np.int16)
    return Latent(geometry.scale, draw(st.integers(0, 63)), hyper, symbols), geometry


@settings(max_examples=40, deadline=None)
@given(layers())
def test_reading_undoes_writing(case: tuple[Latent, Geometry]) -> None:
    layer, geometry = case
    body = latent.write(layer, geometry, PATH)
    assert latent.read(body, geometry.width_px, geometry.height_px, PATH).layer == layer
    assert latent.setting(body) == (layer.scale, layer.quality)


@settings(max_examples=25, deadline=None)
@given(layers())
def test_a_body_is_as_long_as_its_information(case: tuple[Latent, Geometry]) -> None:
    layer, geometry = case
    meter = Meter()
    latent.walk(meter, geometry, layer.quality, latent.of_layer(layer), PATH)
    coded_bits = 8 * len(latent.write(layer, geometry, PATH))
    # Zero bytes at the end are dropped, so that a body may be a little shorter than its information.
    assert meter.bits - 16 <= coded_bits <= meter.bits * 1.005 + 32


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(1, 90), st.integers(0, 63))
def test_fitting_gives_what_the_decoder_reads(seed: int, width: int, height: int, quality: int) -> None:
    geometry = Geometry(width, height, 0)
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 3, geometry.latent).astype(np.float32)
    z = rng.normal(0, 2, geometry.hyper).astype(np.float32)
    writer = Writer()
    fitted = latent.fit(y, z, quality, geometry, PATH, writer)
    body = writer.finish()
    assert body == latent.write(fitted.layer, geometry, PATH)
    got = latent.read(body, width, height, PATH)
    np.testing.assert_array_equal(got.values, fitted.values)
    inside = np.abs(fitted.layer.symbols) < 126
    assert np.abs(got.values / 128 - y)[inside].max(initial=0) <= 1.5 + 1e-3


@settings(max_examples=60, deadline=None)
@given(layers(), st.data())
def test_damage_is_an_error_or_another_layer_but_never_a_crash(case: tuple[Latent, Geometry], data: st.DataObject) -> None:
    layer, geometry = case
    body = bytearray(latent.write(layer, geometry, PATH)) or bytearray(1)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    for damaged in (bytes(body), cut):
        try:
            got = latent.read(damaged, geometry.width_px, geometry.height_px, PATH)
        except DecodeError:
            continue
        there = Geometry(geometry.width_px, geometry.height_px, got.layer.scale)
        assert latent.write(got.layer, there, PATH) == damaged


def test_integers_do_not_depend_on_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    geometry = Geometry(130, 70, 0)
    layer = Latent(
        0, 20, rng.integers(-3, 4, geometry.hyper).astype(np.int16), rng.integers(-3, 4, geometry.latent).astype(np.int16)
    )
    slow = path.of_networks([Network(net.layers, fast=False) for net in path.networks(PATH)])
    body = latent.write(layer, geometry, PATH)
    assert latent.write(layer, geometry, slow) == body
    monkeypatch.setattr(path, "BAND_POSITIONS", 1)
    assert latent.write(layer, geometry, PATH) == body


def test_a_symbol_is_lowered_only_where_it_saves_more_than_it_costs() -> None:
    # Under the narrowest table a one costs 24 bits and a zero none. Sent as zero, 0.6 adds an error of 0.36 - 0.16 = 0.2, worth
    # 0.2 * 100 = 20 bits: less than 24. 0.9 adds 0.8, worth 80 bits. Under a wide table all symbols cost nearly the same.
    away = np.array([0.2, 0.6, -0.6, 0.9], np.float32)
    assert latent.worthwhile(away, np.zeros(4, np.uint8), latent.BITS_PER_ERROR).tolist() == [0, 0, 0, 1]
    assert latent.worthwhile(away, np.full(4, 60, np.uint8), latent.BITS_PER_ERROR).tolist() == [0, 1, -1, 1]


def test_every_latent_is_coded_in_exactly_one_step() -> None:
    seen = np.concatenate([latent.step_places(step, LATENT_CHANNELS, 5, 7) for step in range(STEPS)])
    assert sorted(seen.tolist()) == list(range(LATENT_CHANNELS * 35))


def test_neighbours_of_a_group_are_coded_in_other_steps() -> None:
    for step in range(STEPS):
        assert len({group_of(step, row, column) for row in (0, 1) for column in (0, 1)}) == 4


def test_geometry_of_a_768_x_512_picture() -> None:
    assert Geometry(768, 512, 0).latent == (64, 32, 48)
    assert Geometry(768, 512, 0).hyper == (32, 8, 12)
    # At 6/16 of the sides 288 x 192 pixels are coded.
    assert SIXTEENTHS[3] == 6
    assert Geometry(768, 512, 3).coded_px == (288, 192)


def test_shapes_and_ranges_are_checked() -> None:
    hyper, symbols = np.zeros((32, 1, 1), np.int16), np.zeros((64, 1, 1), np.int16)
    with pytest.raises(EncodeError, match="127"):
        Latent(0, 0, hyper, symbols + 128)
    with pytest.raises(EncodeError, match="quality 64"):
        Latent(0, 64, hyper, symbols)
    with pytest.raises(EncodeError, match="size"):
        latent.write(Latent(0, 0, hyper, symbols), Geometry(40, 40, 0), PATH)


def test_a_path_survives_its_file() -> None:
    again = path.load(path.dump(PATH))
    geometry = Geometry(50, 33, 0)
    layer = Latent(0, 9, np.ones(geometry.hyper, np.int16), np.ones(geometry.latent, np.int16))
    assert latent.write(layer, geometry, again) == latent.write(layer, geometry, PATH)
