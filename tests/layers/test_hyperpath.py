"""Laws of a hyperprior's entropy path: contexts are what dense networks say, and a file gives the path back or an error."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from hyperpaths import KINDS, layer, random_path, random_prior
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.entropy import fixedpoint
from limner.entropy.fixedpoint import Layer, Network
from limner.entropy.tables import gaussian_sigma
from limner.errors import LimnerError, MissingError
from limner.layers import contexts, hyperpath, walk
from limner.layers.contexts import Direct, Raster, Slices
from limner.layers.hyperpath import HyperPath, Prior

SIDES = st.integers(1, 9)


def dense(network: Network, window: tuple[tuple[int, int], ...], x: np.ndarray) -> np.ndarray:
    """A network over columns, as a 5 x 5 convolution of a whole map with zeros for the places outside the window."""
    head, *rest = network.layers
    outputs, inputs = head.weight.shape[:2]
    weight = np.zeros((outputs, inputs // len(window), 5, 5), np.int16)
    for place, (row, column) in enumerate(window):
        weight[:, :, row + 2, column + 2] = head.weight[:, place :: len(window), 0, 0]
    wide = Layer(weight, head.bias, head.shift, padding=2, leak=head.leak, slope=head.slope)
    return Network((wide, *rest))(x)


def raster_by_hand(context: Raster, features: np.ndarray, values: np.ndarray) -> np.ndarray:
    known = dense(context.context, walk.BEFORE, values)
    return context.mix(np.concatenate([features, known]))


def slices_by_hand(context: Slices, features: np.ndarray, values: np.ndarray, group: int, others: bool) -> np.ndarray:
    first, last = sum(context.widths[:group]), sum(context.widths[: group + 1])
    given = [features] if group == 0 else [context.earlier[group - 1](values[:first]), features]
    if not others:
        return context.anchors[group](np.concatenate(given))
    row, column = np.indices(values.shape[1:])
    anchors = values[first:last] * ((row + column) % 2 == 1)
    return context.others[group](np.concatenate([dense(context.local[group], walk.ACROSS, anchors), *given]))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["raster", "slices"]), st.integers(0, 2**32 - 1), SIDES, SIDES)
def test_contexts_are_what_dense_networks_say_at_the_steps_positions(kind: str, seed: int, rows: int, columns: int) -> None:
    path, rng = random_path(kind, seed), np.random.default_rng(seed)
    context = path.context
    features = rng.integers(-9999, 9999, (context.features, rows, columns)).astype(np.int16)
    values = rng.integers(-32640, 32641, (context.channels, rows, columns)).astype(np.int16)
    parameters = context.parameters(features)
    for step in context.steps(values.shape):
        if isinstance(context, Raster):
            expected = raster_by_hand(context, features, values)
        else:
            assert isinstance(context, Slices)
            expected = slices_by_hand(context, features, values, step.group, step.others)
        np.testing.assert_array_equal(parameters(step, values), expected.reshape(len(expected), -1)[:, step.positions])


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), SIDES, SIDES)
def test_what_is_not_known_yet_changes_nothing(kind: str, seed: int, rows: int, columns: int) -> None:
    path, rng = random_path(kind, seed), np.random.default_rng(seed)
    hyper, shape = path.shapes(rows, columns)
    features = path.features(rng.integers(-9, 9, hyper).astype(np.int16), rows, columns)
    whole, later = (rng.integers(-3000, 3000, shape).astype(np.int16) for _ in range(2))
    so_far, predict, other = np.zeros(shape, np.int16), path.predictor(features), path.predictor(features)
    known = np.zeros(shape, bool)
    for step in path.context.steps(shape):
        one, two = predict(step, so_far), other(step, np.where(known, so_far, later))
        np.testing.assert_array_equal(one.mean, two.mean)
        np.testing.assert_array_equal(one.index, two.index)
        places = np.arange(step.first, step.last)[:, None] * rows * columns + step.positions
        so_far.reshape(-1)[places] = whole.reshape(-1)[places]
        known.reshape(-1)[places] = True
    np.testing.assert_array_equal(so_far, whole)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1))
def test_a_path_survives_its_file(kind: str, seed: int) -> None:
    path = random_path(kind, seed)
    data = hyperpath.dump(path)
    again = hyperpath.load(data)
    assert hyperpath.dump(again) == data
    assert type(again.context) is type(path.context) and again.prior.low == path.prior.low
    for name, network in hyperpath.networks(path).items():
        for one, other in zip(network.layers, hyperpath.networks(again)[name].layers, strict=True):
            assert (one.leak, one.slope, one.shuffle, one.padding) == (other.leak, other.slope, other.shuffle, other.padding)
            np.testing.assert_array_equal(one.weight, other.weight)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_a_damaged_file_is_an_error_or_the_same_path(kind: str, data: st.DataObject) -> None:
    whole = hyperpath.dump(random_path(kind))
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytes([*whole[:place], whole[place] ^ data.draw(st.integers(1, 255)), *whole[place + 1 :]])
    for damaged in (changed, whole[:place]):
        try:
            got = hyperpath.load(damaged)
        except MissingError:
            continue
        assert hyperpath.dump(got) == whole


def remade(whole: bytes, change: Callable[[dict[str, np.ndarray]], object]) -> bytes:
    """A file whose arrays were changed, with checks that are right."""
    with np.load(io.BytesIO(whole)) as kept:
        arrays = dict(kept)
    change(arrays)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


CHANGES: dict[str, Callable[[dict[str, np.ndarray]], object]] = {
    "missing": lambda arrays: arrays.pop("thresholds"),
    "more": lambda arrays: arrays.update(more=np.zeros(1, np.int8)),
    "floats": lambda arrays: arrays.update(thresholds=arrays["thresholds"].astype(float)),
    "falling": lambda arrays: arrays.update(thresholds=arrays["thresholds"][::-1]),
    "another context": lambda arrays: arrays.update(context=np.array([3, 2], np.int32)),
    "no context": lambda arrays: arrays.update(context=np.zeros(0, np.int32)),
    "no slices": lambda arrays: arrays.update(context=np.array([2], np.int32)),
    "many slices": lambda arrays: arrays.update(context=np.full(2**16, 2, np.int32)),
    "another width": lambda arrays: arrays.update(context=np.array([2, 1, 2, 4], np.int32)),
    "negative width": lambda arrays: arrays.update(context=np.array([2, 1, -2, 7], np.int32)),
    "no row": lambda arrays: arrays.update({"prior.frequencies": arrays["prior.frequencies"][:0]}),
    "not a table": lambda arrays: arrays.update({"prior.frequencies": arrays["prior.frequencies"] * np.uint32(2)}),
    "low": lambda arrays: arrays.update({"prior.low": np.array([-256], np.int32)}),
    "two lows": lambda arrays: arrays.update({"prior.low": np.array([1, 2], np.int32)}),
    "median": lambda arrays: arrays.update({"prior.medians": np.full(3, 16321, np.int16)}),
    "shuffle 0": lambda arrays: arrays.update({"hyper.0.form": np.array([1, 1, 1, 0, -2, 0, -2], np.int32)}),
    "stride": lambda arrays: arrays.update({"hyper.0.form": np.array([2, 1, 1, 0, -2, 2, -2], np.int32)}),
    "stride 0": lambda arrays: arrays.update({"hyper.0.form": np.array([0, 1, 1, 0, -2, 2, -2], np.int32)}),
    "padding": lambda arrays: arrays.update({"hyper.0.form": np.array([1, 2**30, 1, 0, -2, 2, -2], np.int32)}),
    "spread": lambda arrays: arrays.update({"hyper.0.form": np.array([1, 1, 2, 0, -2, 2, -2], np.int32)}),
    "short form": lambda arrays: arrays.update({"hyper.0.form": np.array([1, 1, 1, 0, -2, 2], np.int32)}),
    "slope and leak": lambda arrays: arrays.update({"hyper.0.form": np.array([1, 1, 1, 0, 3, 2, 328], np.int32)}),
    "wide": lambda arrays: arrays.update({"hyper.0.weight": arrays["hyper.0.weight"].astype(np.int32)}),
    "huge bias": lambda arrays: arrays.update({"hyper.0.bias": arrays["hyper.0.bias"] + 2**60}),
    "shift": lambda arrays: arrays.update({"hyper.0.shift": arrays["hyper.0.shift"] + np.int8(60)}),
    "no outputs": lambda arrays: arrays.update(
        {f"hyper.0.{part}": arrays[f"hyper.0.{part}"][:0] for part in ("weight", "bias")}
    ),
    "a hole": lambda arrays: arrays.update({"hyper.7.form": arrays["hyper.0.form"]}),
    "objects": lambda arrays: arrays.update({"hyper.0.bias": np.array([{}], object)}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_of_another_make_is_refused(name: str) -> None:
    whole = hyperpath.dump(random_path("slices"))
    hyperpath.load(remade(whole, lambda arrays: None))
    with pytest.raises(MissingError, match="damaged"):
        hyperpath.load(remade(whole, CHANGES[name]))


def member(head: str, body: bytes = b"") -> bytes:
    """An array whose head says what it likes."""
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + body


@pytest.mark.parametrize(
    "head",
    [
        "{'descr': '<i2', 'fortran_order': False, 'shape': (1099511627776,), }\n",
        "{'descr': '<i2', 'fortran_order': False, 'shape': (-1,), }\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
        "{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }\n",
        "{'descr': '<i2', 'fortran_order': True, 'shape': (1, 1), }\n",
        "{'descr': '<i2'",
        "(" * 999,
        "",
    ],
)
def test_heads_that_lie_are_refused(head: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("thresholds.npy", member(head, b"\0\0"))
    with pytest.raises(MissingError):
        hyperpath.load(stream.getvalue())


def test_an_archive_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hyperpath.dump(random_path("raster"))
    for limit in ("MOST_BYTES", "MOST_ARRAYS"):
        with monkeypatch.context() as patch:
            patch.setattr(hyperpath, limit, 4)
            with pytest.raises(MissingError, match="too large"):
                hyperpath.load(whole)


def test_parts_that_do_not_fit_are_refused() -> None:
    rng = np.random.default_rng(0)
    path = random_path("direct")
    whole, small = path.hyper, Network((layer(rng, 3, 6, 4, 5),))
    for hyper in (Network(whole.layers[:1]), small):
        with pytest.raises(LimnerError):
            HyperPath(path.prior, hyper, path.context, path.thresholds)
    for context in (Direct(0, True), Direct(3, False), random_path("raster").context):
        with pytest.raises(LimnerError):
            HyperPath(path.prior, path.hyper, context, path.thresholds)
    with pytest.raises(LimnerError, match="thresholds"):
        HyperPath(path.prior, path.hyper, path.context, path.thresholds[1:])
    with pytest.raises(LimnerError, match="row of frequencies"):
        Prior(0, path.prior.frequencies.astype(np.int64), path.prior.medians)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 11), st.integers(1, 11), st.sampled_from([1, 7, 40]))
def test_bands_do_not_change_a_map(seed: int, rows: int, columns: int, positions: int) -> None:
    path, rng = random_path("slices", seed), np.random.default_rng(seed)
    shape, _ = path.shapes(rows, columns)
    hyper = rng.integers(-20, 21, shape).astype(np.int16)
    values = (hyper.astype(np.int32) * 64 + path.prior.medians[:, None, None]).astype(np.int16)
    expected = path.hyper(values)[:, :rows, :columns]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contexts, "BAND_POSITIONS", positions)
        np.testing.assert_array_equal(path.features(hyper, rows, columns), expected)


def test_reach_of_sub_pixel_networks() -> None:
    rng = np.random.default_rng(0)
    # 1 + 1 / 2 + 2 / 4 positions of the input.
    chain = (layer(rng, 1, 4, 3, 5, shuffle=2), layer(rng, 1, 4, 3, 5, shuffle=2), layer(rng, 1, 1, 5, 5))
    assert contexts.reach(Network(chain)) == 2 and contexts.stride_of(Network(chain)) == 4


def test_a_scale_gets_the_nearest_table() -> None:
    path = HyperPath(
        *(getattr(random_path("scales"), name) for name in ("prior", "hyper", "context")), hyperpath.thresholds_of(0)
    )
    sigmas = np.array([gaussian_sigma(index) for index in range(24, 64)])
    assert path.split(np.rint(sigmas * 128)[None].astype(np.int32), 1).index[0].tolist() == list(range(24, 64))
    extremes = np.array([[-32767, -1, 0, 5, 32767]], np.int32)
    assert path.split(extremes, 1).index[0].tolist() == [0, 0, 0, 0, 63]


def test_scales_below_the_least_get_its_table() -> None:
    path = random_path("scales")
    # 0.04 * 2**(9/6) is 0.113; the border to the table before it is 0.107.
    assert path.split(np.array([[-32767, 0, 14]], np.int32), 1).index[0].tolist() == [9, 9, 9]
    assert path.split(np.array([[32767]], np.int32), 1).mean.tolist() == [[0]]


def test_means_are_held_to_255() -> None:
    out = random_path("direct").split(np.array([[0, 0, 0], [32767, -32767, 77]], np.int32), 1)
    assert out.mean.tolist() == [[255 * 64, -255 * 64, 77]]


def test_priors_are_made_of_probabilities() -> None:
    prior = hyperpath.prior_of(np.array([[1.0, 3.0], [1.0, 0.0]]), -1, np.array([0.25, -999.0]))
    assert (prior.low, prior.high) == (-1, 0) and prior.medians.tolist() == [16, -255 * 64]
    assert prior.frequencies[1].tolist() == [2**24 - 1, 1]
    for wrong in (np.ones(3), np.array([[np.nan]]), np.array([[0.0]])):
        with pytest.raises(LimnerError):
            hyperpath.prior_of(wrong, 0, np.zeros(1))
    assert random_prior(np.random.default_rng(0)).tables[0].low == -20


def test_the_fast_product_and_the_slow_one_agree_over_columns() -> None:
    rng = np.random.default_rng(1)
    network = Network((layer(rng, 24, 6, 1, 7), layer(rng, 6, 4, 1, 7)))
    x = rng.integers(-32640, 32641, (24, 1, 50)).astype(np.int16)
    np.testing.assert_array_equal(network(x), Network(network.layers, fast=False)(x))
    assert fixedpoint.FEW_COLUMNS < 50
