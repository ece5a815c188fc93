"""Laws of the integer networks: any order, any library, any product gives the same integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.entropy import fixedpoint
from limner.entropy.fixedpoint import Layer, Network
from limner.errors import LimnerError


def by_hand(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The definition, in Python's own integers, one output at a time."""
    if layer.spread > 1:
        c, h, w = x.shape
        wide = np.zeros((c, (h - 1) * layer.spread + 1 + layer.trim, (w - 1) * layer.spread + 1 + layer.trim), int)
        wide[:, : (h - 1) * layer.spread + 1 : layer.spread, : (w - 1) * layer.spread + 1 : layer.spread] = x
        x = wide
    x = np.pad(x, ((0, 0), (layer.padding,) * 2, (layer.padding,) * 2))
    o, _, k, _ = layer.weight.shape
    rows, columns = ((n - k) // layer.stride + 1 for n in x.shape[1:])
    out = np.zeros((o, rows, columns), np.int32)
    for c, r, q in np.ndindex(o, rows, columns):
        piece = x[:, r * layer.stride : r * layer.stride + k, q * layer.stride : q * layer.stride + k]
        total = sum(int(a) * int(b) for a, b in zip(layer.weight[c].ravel(), piece.ravel(), strict=True)) + int(layer.bias[c])
        shift = int(layer.shift[c])
        value = (total + (1 << (shift - 1) if shift else 0)) >> shift
        if layer.leak is not None and value < 0:
            value = 0 if layer.leak < 0 else value >> layer.leak
        if layer.slope is not None and value < 0:
            value = (value * layer.slope + 2**14) >> 15
        out[c, r, q] = max(-32767, min(32767, value))
    return fixedpoint.shuffled(out, layer.shuffle)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Layer, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shuffle = draw(st.sampled_from([1, 2]))
    outputs, inputs, k = 4 * draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.sampled_from([1, 3, 5]))
    reach = draw(st.sampled_from([1, 7, 300, 32767]))
    spread = draw(st.sampled_from([1, 2]))
    leak, slope = draw(st.sampled_from([(None, None), (-1, None), (2, None), (3, None), (None, 1), (None, 328), (None, 32767)]))
    layer = Layer(
        weight=rng.integers(-reach, reach + 1, (outputs, inputs, k, k)).astype(np.int16),
        bias=rng.integers(-(2**30), 2**30, outputs),
        shift=rng.integers(0, 20, outputs).astype(np.int8),
        stride=1 if spread == 2 else draw(st.sampled_from([1, 2])),
        padding=k // 2,
        spread=spread,
        trim=draw(st.integers(0, 1)) if spread == 2 else 0,
        leak=leak,
        shuffle=shuffle,
        slope=slope,
    )
    size = draw(st.sampled_from([3, 500, 32767]))
    x = rng.integers(-size, size + 1, (inputs, draw(st.integers(1, 7)), draw(st.integers(1, 7)))).astype(np.int32)
    return layer, x


@settings(max_examples=60, deadline=None)
@given(layers())
def test_equals_the_definition_with_fast_products_on_and_off(case: tuple[Layer, np.ndarray]) -> None:
    layer, x = case
    expected = by_hand(layer, x)
    for fast in (True, False):
        np.testing.assert_array_equal(fixedpoint.run(layer, x, fast), expected)


@settings(max_examples=40, deadline=None)
@given(layers())
def test_torch_computes_the_same_integers(case: tuple[Layer, np.ndarray]) -> None:
    torch = pytest.importorskip("torch")
    from limner.nets import fixed

    layer, x = case
    got = fixed.run(Network((layer,)), torch.from_numpy(x.astype(np.float64)))
    np.testing.assert_array_equal(got.numpy().astype(np.int32), fixedpoint.run(layer, x))


def test_sums_over_24_bits_are_added_up_of_runs_that_are_not() -> None:
    # Odd and of one sign, the whole sums near 7 * 2**24, those of a place of the window 0.8 * 2**24.
    layer = Layer(np.full((4, 3, 3, 3), 301, np.int16), np.zeros(4, np.int64), np.zeros(4, np.int8), padding=1)
    x = np.full((3, 5, 4), 14999, np.int32)
    assert 6 < layer.worst_sum(14999) / 2**24 < 8
    assert fixedpoint.exact_runs(layer, np.full(3, 14999.0)) == [range(place, place + 1) for place in range(9)]
    assert fixedpoint.exact_runs(layer, np.full(3, 3000.0)) == [range(6), range(6, 9)]
    assert fixedpoint.exact_runs(layer, np.full(3, 32767.0)) == []
    # No shift: what is compared are the sums themselves, before they saturate.
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    fast, slow = (fixedpoint.convolve(layer, wide, fast) for fast in (True, False))
    np.testing.assert_array_equal(fast, slow)
    assert slow.max() == 27 * 301 * 14999


def test_few_and_many_columns_are_multiplied_alike() -> None:
    # Sums of three inputs near 0.9 * 2**24, and over it: float32 is proved for the first alone.
    layer = Layer(np.full((4, 3, 1, 1), 301, np.int16), np.zeros(4, np.int64), np.zeros(4, np.int8))
    for size, narrow in ((16999, True), (18999, False)):
        x = np.full((3, fixedpoint.FEW_COLUMNS + 1), size, np.float32)
        many, few = (fixedpoint.product_of_columns(layer, columns, True) for columns in (x, x[:, :1]))
        assert (many.dtype, few.dtype) == (np.float32 if narrow else np.float64, np.float64)
        assert set(many.ravel()) == set(few.ravel()) == {3 * 301 * size}


def test_slopes_that_are_no_power_of_two_by_hand() -> None:
    # 0.01 * 2**15 is 328 when rounded: -100 * 328 / 2**15 is -1.001, and -150 * 328 / 2**15 is -1.501. Under the least slope
    # -2**28, which no 16 bits hold, becomes -2**13, and (1 - 2**15) * 2**14 becomes -16383.5, which is rounded up.
    layer = Layer(np.full((1, 1, 1, 1), 1, np.int16), np.zeros(1, np.int64), np.zeros(1, np.int8), slope=328)
    assert fixedpoint.run(layer, np.array([[[7, -100, -150]]], np.int32)).tolist() == [[[7, -1, -2]]]
    least = Layer(np.full((1, 1, 1, 1), 2**14, np.int16), np.zeros(1, np.int64), np.zeros(1, np.int8), slope=1)
    assert fixedpoint.run(least, np.array([[[-(2**14)], [-(2**15) + 1]]], np.int32)).tolist() == [[[-8192], [-16383]]]


def test_slopes_and_leaks_exclude_each_other() -> None:
    weight, bias, shift = np.ones((1, 1, 1, 1), np.int16), np.zeros(1, np.int64), np.zeros(1, np.int8)
    for leak, slope in ((3, 328), (None, 0), (None, 2**15)):
        with pytest.raises(LimnerError, match="slope"):
            Layer(weight, bias, shift, leak=leak, slope=slope)


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(LimnerError, match="at least one"):
        Network(())


def test_bands_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    layer = Layer(rng.integers(-9, 9, (4, 3, 3, 3)).astype(np.int16), np.zeros(4, np.int64), np.full(4, 3, np.int8), padding=1)
    x = rng.integers(-99, 99, (3, 11, 7)).astype(np.int32)
    whole = fixedpoint.run(layer, x)
    monkeypatch.setattr(fixedpoint, "COLUMNS_BYTES", 1)
    np.testing.assert_array_equal(fixedpoint.run(layer, x), whole)


def test_sums_that_could_pass_the_exact_range_are_refused() -> None:
    weight = np.full((1, 2, 1, 1), 32767, np.int16)
    with pytest.raises(LimnerError, match=r"2\*\*53"):
        Layer(weight, np.array([2**53]), np.zeros(1, np.int8))


def test_inputs_over_16_bits_are_refused() -> None:
    net = Network((Layer(np.ones((1, 1, 1, 1), np.int16), np.zeros(1, np.int64), np.zeros(1, np.int8)),))
    with pytest.raises(LimnerError, match="16 bits"):
        net(np.full((1, 1, 1), 40000, np.int32))


def test_one_sum_by_hand() -> None:
    # Input 5: 3 * 5 + 2 = 17, and half of 2**2 makes 19; 19 / 4 floored is 4.
    # Input -5: -13, then -11; -11 / 4 floored is -3; the leak of 1/2 makes -2.
    layer = Layer(np.full((1, 1, 1, 1), 3, np.int16), np.array([2]), np.array([2], np.int8), leak=1)
    assert fixedpoint.run(layer, np.array([[[5, -5]]], np.int32)).tolist() == [[[4, -2]]]
