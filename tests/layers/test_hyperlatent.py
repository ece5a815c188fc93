"""Laws of the hyperlatent layer: a bijection at every size, sized by its information, equal on any machine."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hyperpaths import KINDS, random_path
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.entropy.coder import Writer
from limner.entropy.fixedpoint import Integers, Network
from limner.errors import DamagedError, EncodeError
from limner.layers import contexts, hyperlatent, hyperpath, walk
from limner.layers.hyperlatent import Hyperlatent
from limner.layers.hyperpath import HyperPath
from limner.layers.latent import Geometry, Meter

PATHS = {kind: random_path(kind) for kind in KINDS}
SIDES_PX = st.integers(1, 180)


@st.composite
def layers(draw: st.DrawFn) -> tuple[str, Hyperlatent, Geometry]:
    kind = draw(st.sampled_from(KINDS))
    geometry = Geometry(draw(SIDES_PX), draw(SIDES_PX), draw(st.integers(0, 7)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hyper, latent = hyperlatent.shapes(PATHS[kind], geometry)
    reach = draw(st.sampled_from([0, 1, 20, 255]))
    symbols = rng.integers(-reach, reach + 1, latent).astype(np.int16)
    return kind, Hyperlatent(geometry.scale, rng.integers(-20, 21, hyper).astype(np.int16), symbols), geometry


@settings(max_examples=60, deadline=None)
@given(layers())
def test_reading_undoes_writing(case: tuple[str, Hyperlatent, Geometry]) -> None:
    kind, layer, geometry = case
    body = hyperlatent.write(layer, geometry, PATHS[kind])
    assert hyperlatent.read(body, geometry.width_px, geometry.height_px, PATHS[kind]).layer == layer
    assert hyperlatent.setting(body) == layer.scale


@settings(max_examples=40, deadline=None)
@given(layers())
def test_a_body_is_as_long_as_its_information(case: tuple[str, Hyperlatent, Geometry]) -> None:
    kind, layer, geometry = case
    meter = Meter()
    hyperlatent.walk_all(meter, geometry, PATHS[kind], hyperlatent.of_layer(layer))
    coded_bits = 8 * len(hyperlatent.write(layer, geometry, PATHS[kind]))
    # Zero bytes at the end are dropped, so that a body may be a little shorter than its information.
    assert meter.bits - 32 <= coded_bits <= meter.bits * 1.005 + 32


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), SIDES_PX, SIDES_PX)
def test_fitting_gives_what_the_decoder_reads(kind: str, seed: int, width: int, height: int) -> None:
    geometry, path = Geometry(width, height, 0), PATHS[kind]
    rng = np.random.default_rng(seed)
    z, y = (rng.normal(0, 5, shape).astype(np.float32) for shape in hyperlatent.shapes(path, geometry))
    writer = Writer()
    fitted = hyperlatent.fit(y, z, geometry, path, writer)
    body = writer.finish()
    assert body == hyperlatent.write(fitted.layer, geometry, path)
    got = hyperlatent.read(body, width, height, path)
    assert got.layer == fitted.layer
    np.testing.assert_array_equal(got.values, fitted.values)
    np.testing.assert_array_equal(got.index, fitted.index)
    inside = np.abs(fitted.layer.symbols) < 255
    assert np.abs(hyperlatent.expand(got) - y)[inside].max(initial=0) <= 0.5 + 1e-3
    medians = path.prior.medians[:, None, None] / 64
    far = np.abs(got.layer.hyper + medians - z)
    assert far[np.abs(got.layer.hyper) < 20].max(initial=0) <= 0.5 + 1e-3


@settings(max_examples=120, deadline=None)
@given(layers(), st.data())
def test_damage_is_an_error_or_another_layer_but_never_a_crash(
    case: tuple[str, Hyperlatent, Geometry], data: st.DataObject
) -> None:
    kind, layer, geometry = case
    path = PATHS[kind]
    body = bytearray(hyperlatent.write(layer, geometry, path)) or bytearray(1)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    for damaged in (bytes(body), cut):
        try:
            got = hyperlatent.read(damaged, geometry.width_px, geometry.height_px, path)
        except DamagedError:
            continue
        there = Geometry(geometry.width_px, geometry.height_px, got.layer.scale)
        assert hyperlatent.write(got.layer, there, path) == damaged


@pytest.mark.parametrize("kind", KINDS)
def test_every_prefix_of_a_body_is_an_error_or_another_layer(kind: str) -> None:
    geometry, path = Geometry(50, 70, 0), PATHS[kind]
    body, _ = example(kind, geometry)
    for end in range(len(body)):
        try:
            got = hyperlatent.read(body[:end], 50, 70, path)
        except DamagedError:
            continue
        assert hyperlatent.write(got.layer, Geometry(50, 70, got.layer.scale), path) == body[:end]


def example(kind: str, geometry: Geometry, path: HyperPath | None = None) -> tuple[bytes, Hyperlatent]:
    """A body, and its layer, that depend on nothing but the kind and the size."""
    rng = np.random.default_rng(5)
    hyper, latent = hyperlatent.shapes(PATHS[kind], geometry)
    symbols = rng.integers(-3, 4, latent).astype(np.int16)
    layer = Hyperlatent(geometry.scale, rng.integers(-9, 10, hyper).astype(np.int16), symbols)
    return hyperlatent.write(layer, geometry, path or PATHS[kind]), layer


@pytest.mark.parametrize("kind", KINDS)
def test_integers_do_not_depend_on_the_product(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    geometry, path = Geometry(210, 170, 0), PATHS[kind]
    body, _ = example(kind, geometry)
    slow = {name: Network(network.layers, fast=False) for name, network in hyperpath.networks(path).items()}
    assert example(kind, geometry, hyperpath.with_networks(path, slow))[0] == body
    assert example(kind, geometry, hyperpath.load(hyperpath.dump(path)))[0] == body
    monkeypatch.setattr(contexts, "BAND_POSITIONS", 1)
    assert example(kind, geometry)[0] == body


@pytest.mark.parametrize("kind", KINDS)
def test_integers_do_not_depend_on_torch(kind: str) -> None:
    torch = pytest.importorskip("torch")
    from limner.nets import exact

    geometry, before = Geometry(210, 170, 0), torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert example(kind, geometry, exact.on_torch(PATHS[kind]))[0] == example(kind, geometry)[0]
    finally:
        torch.set_num_threads(before)


PROCESS = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from layers import test_hyperlatent as tests
for kind in tests.KINDS:
    print(hashlib.sha256(tests.example(kind, tests.Geometry(700, 500, 0))[0]).hexdigest())
"""


def test_integers_do_not_depend_on_threads() -> None:
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    said = set()
    for threads in ("1", "2"):
        given = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", PROCESS.format(tests=tests)], env=given, capture_output=True, check=True)
        said.add(done.stdout)
    assert len(said) == 1 and len(said.pop().split()) == len(KINDS)


@cache
def counting() -> tuple[HyperPath, list[int]]:
    """A path that notes how many positions its networks are run on."""
    asked: list[int] = []

    class Noting(Network):
        def __call__(self, x: Integers) -> Integers:
            asked.append(x.shape[1] * x.shape[2])
            return super().__call__(x)

    found = {name: Noting(network.layers) for name, network in hyperpath.networks(PATHS["slices"]).items()}
    return hyperpath.with_networks(PATHS["slices"], found), asked


@pytest.mark.parametrize("length", [0, 1, 5, 60])
def test_a_short_body_of_a_large_picture_is_refused_before_networks_run(length: int) -> None:
    path, asked = counting()
    asked.clear()
    # The first three bits are the scale code: 0, the picture's own size.
    body = bytes([17, *np.random.default_rng(length).integers(1, 256, length)])[:length]
    with pytest.raises(DamagedError):
        hyperlatent.read(body, 10_000, 10_000, path)
    assert not asked


def test_a_reader_counts_the_symbols_of_the_latent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hyperlatent, "LUCK_BITS", -400)
    geometry = Geometry(300, 300, 0)
    body, layer = example_unlimited(geometry, monkeypatch)
    with pytest.raises(DamagedError, match="too short"):
        hyperlatent.read(body, 300, 300, PATHS["raster"])
    with pytest.raises(EncodeError, match="no reader takes"):
        hyperlatent.write(layer, geometry, PATHS["raster"])


def example_unlimited(geometry: Geometry, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, Hyperlatent]:
    with monkeypatch.context() as patch:
        patch.setattr(hyperlatent, "LUCK_BITS", 512)
        return example("raster", geometry)


def test_a_single_position() -> None:
    for kind in KINDS:
        geometry = Geometry(1, 1, 0)
        body, layer = example(kind, geometry)
        assert layer.symbols.shape[1:] == (1, 1)
        assert hyperlatent.read(body, 1, 1, PATHS[kind]).layer == layer


def test_large_steps_are_cut_alike_by_writer_and_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_POSITIONS", 5)
    for kind in KINDS:
        body, layer = example(kind, Geometry(90, 120, 0))
        assert hyperlatent.read(body, 90, 120, PATHS[kind]).layer == layer


def test_latents_beyond_the_symbols_are_held() -> None:
    geometry, path = Geometry(16, 16, 0), PATHS["scales"]
    z, y = (np.full(shape, 1e9, np.float32) for shape in hyperlatent.shapes(path, geometry))
    walked = hyperlatent.fit(y, -z, geometry, path, Writer())
    assert (walked.layer.symbols == 255).all() and (walked.layer.hyper == -20).all()
    with pytest.raises(EncodeError, match="no numbers"):
        hyperlatent.fit(y * np.nan, z, geometry, path, Writer())
    with pytest.raises(EncodeError, match="size"):
        hyperlatent.fit(y, z[:2], geometry, path, Writer())


def test_shapes_and_ranges_are_checked() -> None:
    hyper, symbols = np.zeros((3, 1, 1), np.int16), np.zeros((3, 1, 1), np.int16)
    with pytest.raises(EncodeError, match="255"):
        Hyperlatent(0, hyper, symbols + np.int16(256))
    with pytest.raises(EncodeError, match="255"):
        Hyperlatent(0, hyper + np.int16(-32768), symbols)
    with pytest.raises(EncodeError, match="int16"):
        Hyperlatent(0, hyper, symbols.astype(np.int32))
    with pytest.raises(EncodeError, match="scale 8"):
        Hyperlatent(8, hyper, symbols)
    with pytest.raises(EncodeError, match="size"):
        hyperlatent.write(Hyperlatent(0, hyper, symbols), Geometry(40, 40, 0), PATHS["scales"])
    with pytest.raises(EncodeError, match="outside"):
        hyperlatent.write(Hyperlatent(0, hyper + np.int16(21), symbols), Geometry(16, 16, 0), PATHS["scales"])


def test_layers_are_equal_by_value() -> None:
    _, layer = example("direct", Geometry(40, 40, 0))
    same = Hyperlatent(layer.scale, layer.hyper.copy(), layer.symbols.copy())
    assert layer == same and hash(layer) == hash(same)
    assert layer != Hyperlatent(layer.scale, layer.hyper, layer.symbols + np.int16(1)) and layer != 3
