"""Run a convolutional network in exact integers, so that every machine computes the same.

A network here is a chain of layers on maps of integers of at most 16 bits (channels, rows, columns). A layer convolves with
integer weights of at most 16 bits, adds an integer bias, divides by a power of two, and saturates:

    sum     = weight * input + bias                       exact: below 2**53 by construction
    output  = floor((sum + 2**(shift-1)) / 2**shift)      per output channel; shift may be 0
    output  = output if output >= 0 else floor(output / 2**leak)        (ReLU: 0;  no activation: unchanged)
              or, for a slope that is no power of two,  floor((output * slope + 2**14) / 2**15)
    output  = clip(output, -32767, 32767), then sub-pixel shuffle

The sums are computed by float64 matrix products. Every product and every partial sum is an integer below 2**53 and so is
exact in float64 *in any order*: the result does not depend on the BLAS, the number of threads, or the device. Where the
weights and the largest input prove a bound of 2**24, the same holds in float32, and the faster float32 product is taken: for
the whole sum, or for runs of the places of the window, whose sums are then added in float64.

Source: the idea of integer entropy networks is Balle, Johnston and Minnen 2019, "Integer networks for data compression with
latent-variable models"; the float64 carrier is ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from limner.entropy.threads import one_thread
from limner.errors import LimnerError

ACTIVATION_MAX = 32767
EXACT_FLOAT64 = 2**53
EXACT_FLOAT32 = 2**24
COLUMNS_BYTES = 16 * 2**20  # how much of the unfolded input is in memory at once
FEW_COLUMNS = 32
SLOPE_BITS = 15
SLOPE_REACH = 2.0**30  # below -SLOPE_REACH the least slope still gives less than -ACTIVATION_MAX

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Carrier = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Layer:
    """One convolution with what follows it.

    weight: (outputs, inputs, k, k) int16.  bias: (outputs,) int64, in units of the sum.  shift: (outputs,) int8, 0..48.
    stride, padding: as usual.  spread: 2 for a transposed convolution of stride 2 (zeros are put between the inputs first,
    and ``trim`` rows and columns of zeros behind the last), else 1.  leak: None for no activation, -1 for ReLU, else the slope
    below zero is 2**-leak, leak 0..15.  shuffle: factor of the sub-pixel shuffle at the end, 1 for none.  slope: None, or where
    leak is None the slope below zero in units of 2**-15, 1..32767.
    """

    weight: NDArray[np.int16]
    bias: NDArray[np.int64]
    shift: NDArray[np.int8]
    stride: int = 1
    padding: int = 0
    spread: int = 1
    trim: int = 0
    leak: int | None = None
    shuffle: int = 1
    slope: int | None = None

    def __post_init__(self) -> None:
        outputs, _, k, across = self.weight.shape
        if self.weight.dtype != np.int16 or k != across or self.bias.shape != (outputs,) or self.shift.shape != (outputs,):
            raise LimnerError("a fixed-point layer has int16 weights (o, i, k, k) and a bias and a shift per output")
        if self.bias.dtype != np.int64 or self.shift.dtype != np.int8:
            raise LimnerError("a fixed-point layer has biases of 64 bits and shifts of 8")
        if outputs % self.shuffle**2 or not 0 <= int(self.shift.min()) <= int(self.shift.max()) <= 48:
            raise LimnerError("a fixed-point layer's shuffle or shift is out of range")
        if self.leak is not None and not -1 <= self.leak <= 15:
            raise LimnerError("a fixed-point layer's leak is out of range")
        if self.slope is not None and (self.leak is not None or not 1 <= self.slope < 1 << SLOPE_BITS):
            raise LimnerError("a fixed-point layer's slope is 1 to 32767, and it has no leak then")
        if max(self.bias.max(), -(self.bias + 1).min()) >= EXACT_FLOAT64 or self.worst_sum(ACTIVATION_MAX) >= EXACT_FLOAT64:
            raise LimnerError("a fixed-point layer's sums can pass 2**53")

    @cached_property
    def tap_sums(self) -> NDArray[np.float32]:
        """Absolute weights by place of the window, row by row: (places, outputs, inputs), whole numbers."""
        sizes: NDArray[np.float32] = np.abs(self.weight.astype(np.float32)).transpose(2, 3, 0, 1)
        return sizes.reshape(-1, *self.weight.shape[:2])

    @cached_property
    def weight_sums(self) -> Floats:
        """Sum of absolute weights per output and input: (outputs, inputs), whole numbers."""
        sums: Floats = self.tap_sums.sum(0, dtype=np.float64)
        return sums

    @cached_property
    def scaled(self) -> Floats:
        """Weights times 2**-shift: a power of two, so sums of them are as exact as sums of the integers."""
        scaled: Floats = np.ldexp(self.weight.astype(np.float64), -self.shift.astype(np.int64)[:, None, None, None])
        return scaled

    @cached_property
    def taps(self) -> tuple[tuple[Carrier, NDArray[np.bool_]], ...]:
        """For each place of the window, row by row: scaled weights (outputs, inputs), and which inputs have any there.

        In float32, which holds a 16-bit integer times a power of two.
        """
        scaled = np.ldexp(self.weight.astype(np.float32), -self.shift.astype(np.int32)[:, None, None, None])
        planes = scaled.transpose(2, 3, 0, 1).reshape(-1, *self.weight.shape[:2])
        return tuple((np.ascontiguousarray(plane), plane.any(0)) for plane in planes)

    @cached_property
    def wide_plane(self) -> Floats:
        """Scaled weights of a 1 x 1 window (outputs, inputs)."""
        plane: Floats = np.ldexp(self.weight[:, :, 0, 0].astype(np.float64), -self.shift.astype(np.int64)[:, None])
        return plane

    @cached_property
    def offset(self) -> Floats:
        """Bias and half a unit of the division, times 2**-shift: (outputs, 1, 1)."""
        shift = self.shift.astype(np.int64)
        half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
        offset: Floats = np.ldexp((self.bias + half).astype(np.float64), -shift)[:, None, None]
        return offset

    @cached_property
    def whole_offset(self) -> Floats:
        """Absolute bias and half a unit of the division, in units of the sum: (outputs,), whole numbers."""
        shift = self.shift.astype(np.int64)
        whole: Floats = (np.abs(self.bias) + np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)).astype(np.float64)
        return whole

    def worst_sum(self, input_max: int) -> int:
        """Largest absolute sum that inputs of at most ``input_max`` can give, rounding term included."""
        rounding = np.int64(1) << np.maximum(self.shift.astype(np.int64) - 1, 0)
        return int((self.weight_sums.sum(1) * input_max + np.abs(self.bias) + rounding).max())


@dataclass(frozen=True, eq=False)
class Network:
    """A chain of layers. ``fast``: allow the float32 product where it is proved exact (the integers are the same)."""

    layers: tuple[Layer, ...]
    fast: bool = True

    def __post_init__(self) -> None:
        if not self.layers:
            raise LimnerError("a fixed-point network has at least one layer")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.weight.shape[0] != after.weight.shape[1] * before.shuffle**2:
                raise LimnerError("the layers of a fixed-point network do not fit each other")

    @property
    def inputs(self) -> int:
        """Channels of the input."""
        return int(self.layers[0].weight.shape[1])

    @property
    def outputs(self) -> int:
        """Channels of the output."""
        last = self.layers[-1]
        return len(last.weight) // last.shuffle**2

    def __call__(self, x: NDArray[np.signedinteger]) -> Integers:
        """x (channels, rows, columns) of integers in -32767..32767 -> the same form."""
        if x.ndim != 3 or x.shape[0] != self.layers[0].weight.shape[1]:
            raise LimnerError(f"a fixed-point network expects {self.layers[0].weight.shape[1]} channels, not {x.shape}")
        if x.size and int(np.abs(x).max()) > ACTIVATION_MAX:
            raise LimnerError("an input of a fixed-point network is over 16 bits")
        values: Carrier = x.astype(np.float32)
        with one_thread():
            for layer in self.layers:
                values = apply(layer, values, self.fast)
        return values.astype(np.int32)


def run(layer: Layer, x: Integers, fast: bool = True) -> Integers:
    """Apply one layer to x (inputs, rows, columns) int32."""
    return apply(layer, x.astype(np.float32), fast).astype(np.int32)


def apply(layer: Layer, x: Carrier, fast: bool) -> Carrier:
    """``run`` on integers of 16 bits that floats of either size carry."""
    sums = convolve(layer, spread_out(layer, x), fast)
    return shuffled(settle(layer, sums), layer.shuffle)


def spread_out(layer: Layer, x: Carrier) -> Carrier:
    """Pad with zeros; for a transposed convolution put zeros between the inputs first."""
    c, h, w = x.shape
    s, p, t = layer.spread, layer.padding, layer.trim if layer.spread > 1 else 0
    if s == 1 and p == 0:
        return x
    wide: Carrier = np.zeros((c, (h - 1) * s + 1 + t + 2 * p, (w - 1) * s + 1 + t + 2 * p), x.dtype)
    wide[:, p : p + (h - 1) * s + 1 : s, p : p + (w - 1) * s + 1 : s] = x
    return wide


def convolve(layer: Layer, x: Carrier, fast: bool) -> Carrier:
    """Exact sums times 2**-shift, without bias: x (inputs, rows, columns), padded -> (outputs, rows', columns').

    float32 where bias and rounding too stay exact in it, else float64, added up of exact float32 sums if there are such.
    """
    rows, columns = ((n - layer.weight.shape[2]) // layer.stride + 1 for n in x.shape[1:])
    if layer.weight.shape[2] == layer.stride == 1:
        return product_of_columns(layer, x.reshape(len(x), -1), fast).reshape(-1, rows, columns)
    largest = largest_of(x)
    exact_in_32 = fast and proved(layer, largest)
    runs = [] if exact_in_32 or not fast or layer.stride != 1 else exact_runs(layer, largest)
    source: Carrier = np.ascontiguousarray(x, np.float32 if exact_in_32 or runs else np.float64)
    if layer.stride != 1:
        return product_of_windows(layer, source, rows, columns)
    if not runs:
        return product_of_shifts(layer, source, largest > 0, rows, columns)
    sums: Carrier = np.zeros((len(layer.weight), rows, columns))
    for run in runs:
        sums += product_of_shifts(layer, source, largest > 0, rows, columns, run)
    return sums


def largest_of(x: Carrier) -> Floats:
    """Absolute value of each input (inputs,)."""
    largest: Floats = np.maximum(x.max((1, 2), initial=0), -x.min((1, 2), initial=0)).astype(np.float64)
    return largest


def proved(layer: Layer, largest: Floats) -> bool:
    """Whether whole sums, bias and rounding are exact in float32 for inputs up to ``largest`` (inputs,)."""
    return float((layer.weight_sums @ largest + layer.whole_offset).max()) < EXACT_FLOAT32


def product_of_columns(layer: Layer, x: Carrier, fast: bool) -> Carrier:
    """A convolution of 1 x 1 windows as one product: x (inputs, n) -> (outputs, n).

    With few columns a proof that float32 will do takes longer than it saves.
    """
    narrow = fast and x.shape[1] > FEW_COLUMNS and proved(layer, largest_of(x[:, :, None]))
    weight: Carrier = layer.taps[0][0] if narrow else layer.wide_plane
    sums: Carrier = weight @ x.astype(weight.dtype, copy=False)
    return sums


def exact_runs(layer: Layer, largest: Floats) -> list[range]:
    """Runs of places of the window whose sums are exact in float32; none if those of a single place are not.

    largest: absolute value of each input (inputs,).
    """
    bounds = layer.tap_sums @ largest
    if bounds.max() >= EXACT_FLOAT32:
        return []
    runs, first = [], 0
    for place in range(1, len(bounds)):
        if bounds[first : place + 1].sum(0).max() >= EXACT_FLOAT32:
            runs.append(range(first, place))
            first = place
    return [*runs, range(first, len(bounds))]


def product_of_shifts(
    layer: Layer, x: Carrier, alive: NDArray[np.bool_], rows: int, columns: int, places: range | None = None
) -> Carrier:
    """A convolution of stride 1 as k * k matrix products, each with the map moved by so much: no copy of the neighbourhoods.

    Rows follow each other without a break, so each product also gives k - 1 meaningless columns, which are cut off. Inputs
    that are zero everywhere (the latents before their first step), or have no weight at a place, add nothing and are left out.
    ``places``: of the window, row by row, that are summed; all of them if None.
    """
    outputs, inputs, k, _ = layer.weight.shape
    wide = x.shape[2]
    flat = x.reshape(inputs, -1)
    length = (rows - 1) * wide + columns
    sums: Carrier = np.zeros((outputs, rows * wide), x.dtype)
    part: Carrier = np.empty((outputs, length), x.dtype)
    for tap in places or range(k * k):
        weight, weighty = layer.taps[tap]
        counted = np.flatnonzero(weighty & alive)
        if len(counted):
            some = slice(counted[0], counted[-1] + 1)
            moved = flat[some, tap // k * wide + tap % k :][:, :length]
            sums[:, :length] += np.matmul(weight[:, some].astype(x.dtype, copy=False), moved, out=part)
    cut: Carrier = sums.reshape(outputs, rows, wide)[:, :, :columns]
    return cut


def product_of_windows(layer: Layer, x: Carrier, rows: int, columns: int) -> Carrier:
    """A convolution of any stride as one matrix product with unfolded neighbourhoods."""
    outputs, inputs, k, _ = layer.weight.shape
    weight = layer.scaled.reshape(outputs, -1).astype(x.dtype)
    sums: Carrier = np.empty((outputs, rows, columns), x.dtype)
    for first, last in bands(rows, inputs * k * k * columns * x.itemsize):
        unfolded = unfold(x, k, layer.stride, first, last, columns)
        sums[:, first:last] = (weight @ unfolded).reshape(outputs, last - first, columns)
    return sums


def bands(rows: int, bytes_per_row: int) -> Iterator[tuple[int, int]]:
    """Cut rows into bands whose unfolded input stays within COLUMNS_BYTES."""
    height = max(1, COLUMNS_BYTES // max(1, bytes_per_row))
    for first in range(0, rows, height):
        yield first, min(rows, first + height)


def unfold(x: Carrier, k: int, stride: int, first: int, last: int, columns: int) -> Carrier:
    """The k x k neighbourhoods of output rows first..last as columns: (inputs * k * k, (last - first) * columns)."""
    if k == 1 and stride == 1:
        flat: Carrier = x[:, first:last].reshape(x.shape[0], -1)
        return flat
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (1, 2))[:, ::stride, ::stride]
    piece = windows[:, first:last, :columns]
    columns_of: Carrier = piece.transpose(0, 3, 4, 1, 2).reshape(x.shape[0] * k * k, -1)
    return columns_of


def settle(layer: Layer, sums: Carrier) -> Carrier:
    """Bias, rounding, activation, saturation, in place; every intermediate value is exact.

    One floor does for division and leak: floor(floor(a) / 2**leak) = floor(a / 2**leak).
    """
    sums += layer.offset.astype(sums.dtype)
    if layer.leak is not None:
        np.maximum(sums, 0.0 if layer.leak < 0 else sums * sums.dtype.type(2.0**-layer.leak), out=sums)
    np.floor(sums, out=sums)
    if layer.slope is not None:
        sums = sloped(sums, layer.slope)
    return np.clip(sums, -ACTIVATION_MAX, ACTIVATION_MAX, out=sums)


def sloped(values: Carrier, slope: int) -> Carrier:
    """Multiply what is negative by slope / 2**15 and round; what is cut off here would saturate anyhow.

    In float64, whatever carries the values: a product has up to 45 bits. Rounded products of a slope below one never pass
    values that are not negative, and are never below those that are, so a maximum chooses.
    """
    held = np.clip(values, -SLOPE_REACH, ACTIVATION_MAX).astype(np.float64)
    below = np.floor(held * (slope / 2.0**SLOPE_BITS) + 0.5)
    chosen: Carrier = np.clip(np.maximum(held, below), -ACTIVATION_MAX, None).astype(values.dtype)
    return chosen


def shuffled(x: Carrier, factor: int) -> Carrier:
    """Sub-pixel shuffle: (c r r, h, w) -> (c, h r, w r)."""
    if factor == 1:
        return x
    c, h, w = x.shape
    parts = x.reshape(c // factor**2, factor, factor, h, w)
    return parts.transpose(0, 3, 1, 4, 2).reshape(c // factor**2, h * factor, w * factor)


def fraction_bits(largest: float, limit: int = ACTIVATION_MAX, most: int = 20) -> int:
    """Most fraction bits with which values up to ``largest`` stay within ``limit`` (at most ``most``, at least -15)."""
    if not largest > 0:
        return most
    return max(-15, min(most, math.floor(math.log2(limit / largest))))
