"""Run a convolutional network in exact integers, so that every machine computes the same.

A network here is a chain of layers on maps of integers of at most 16 bits (channels, rows, columns). A layer convolves with
integer weights of at most 16 bits, adds an integer bias, divides by a power of two, and saturates:

    sum     = weight * input + bias                       exact: below 2**53 by construction
    output  = floor((sum + 2**(shift-1)) / 2**shift)      per output channel; shift may be 0
    output  = output if output >= 0 else floor(output / 2**leak)        (ReLU: 0;  no activation: unchanged)
    output  = clip(output, -32767, 32767), then sub-pixel shuffle

The sums are computed by float64 matrix products. Every product and every partial sum is an integer below 2**53 and so is
exact in float64 *in any order*: the result does not depend on the BLAS, the number of threads, or the device. Where the
weights and the largest input prove a bound of 2**24, the same holds in float32, and the faster float32 product is taken.

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

from limner.errors import LimnerError

ACTIVATION_MAX = 32767
EXACT_FLOAT64 = 2**53
EXACT_FLOAT32 = 2**24
COLUMNS_BYTES = 16 * 2**20  # how much of the unfolded input is in memory at once

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Carrier = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Layer:
    """One convolution with what follows it.

    weight: (outputs, inputs, k, k) int16.  bias: (outputs,) int64, in units of the sum.  shift: (outputs,) int8, 0..48.
    stride, padding: as usual.  spread: 2 for a transposed convolution of stride 2 (zeros are put between the inputs first,
    and ``trim`` rows and columns of zeros behind the last), else 1.  leak: None for no activation, -1 for ReLU, else the slope
    below zero is 2**-leak, leak 0..15.  shuffle: factor of the sub-pixel shuffle at the end, 1 for none.
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

    def __post_init__(self) -> None:
        outputs, _, k, across = self.weight.shape
        if self.weight.dtype != np.int16 or k != across or self.bias.shape != (outputs,) or self.shift.shape != (outputs,):
            raise LimnerError("a fixed-point layer has int16 weights (o, i, k, k) and a bias and a shift per output")
        if outputs % self.shuffle**2 or not 0 <= int(self.shift.min()) <= int(self.shift.max()) <= 48:
            raise LimnerError("a fixed-point layer's shuffle or shift is out of range")
        if self.leak is not None and not -1 <= self.leak <= 15:
            raise LimnerError("a fixed-point layer's leak is out of range")
        if max(self.bias.max(), -(self.bias + 1).min()) >= EXACT_FLOAT64 or self.worst_sum(ACTIVATION_MAX) >= EXACT_FLOAT64:
            raise LimnerError("a fixed-point layer's sums can pass 2**53")

    @cached_property
    def weight_sums(self) -> Floats:
        """Sum of absolute weights per output and input: (outputs, inputs), whole numbers."""
        sums: Floats = np.abs(self.weight.astype(np.float64)).sum((2, 3))
        return sums

    @cached_property
    def scaled(self) -> Floats:
        """Weights times 2**-shift: a power of two, so sums of them are as exact as sums of the integers."""
        scaled: Floats = np.ldexp(self.weight.astype(np.float64), -self.shift.astype(np.int64)[:, None, None, None])
        return scaled

    @cached_property
    def offset(self) -> Floats:
        """Bias and half a unit of the division, times 2**-shift: (outputs, 1, 1)."""
        shift = self.shift.astype(np.int64)
        half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
        offset: Floats = np.ldexp((self.bias + half).astype(np.float64), -shift)[:, None, None]
        return offset

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
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.weight.shape[0] != after.weight.shape[1] * before.shuffle**2:
                raise LimnerError("the layers of a fixed-point network do not fit each other")

    def __call__(self, x: Integers) -> Integers:
        """x (channels, rows, columns) of integers in -32767..32767 -> the same form."""
        if x.ndim != 3 or x.shape[0] != self.layers[0].weight.shape[1]:
            raise LimnerError(f"a fixed-point network expects {self.layers[0].weight.shape[1]} channels, not {x.shape}")
        if x.size and int(np.abs(x).max()) > ACTIVATION_MAX:
            raise LimnerError("an input of a fixed-point network is over 16 bits")
        values = x.astype(np.float64)
        for layer in self.layers:
            values = apply(layer, values, self.fast)
        return values.astype(np.int32)


def run(layer: Layer, x: Integers, fast: bool = True) -> Integers:
    """Apply one layer to x (inputs, rows, columns) int32."""
    return apply(layer, x.astype(np.float64), fast).astype(np.int32)


def apply(layer: Layer, x: Floats, fast: bool) -> Floats:
    """``run`` on integers that float64 carries."""
    sums = convolve(layer, spread_out(layer, x), fast)
    return shuffled(settle(layer, sums), layer.shuffle)


def spread_out(layer: Layer, x: Floats) -> Floats:
    """Pad with zeros; for a transposed convolution put zeros between the inputs first."""
    c, h, w = x.shape
    s, p, t = layer.spread, layer.padding, layer.trim if layer.spread > 1 else 0
    if s == 1 and p == 0:
        return x
    wide = np.zeros((c, (h - 1) * s + 1 + t + 2 * p, (w - 1) * s + 1 + t + 2 * p))
    wide[:, p : p + (h - 1) * s + 1 : s, p : p + (w - 1) * s + 1 : s] = x
    return wide


def convolve(layer: Layer, x: Floats, fast: bool) -> Floats:
    """Exact sums times 2**-shift, without bias: x (inputs, rows, columns), padded -> (outputs, rows', columns')."""
    outputs, _, k, _ = layer.weight.shape
    rows, columns = ((n - k) // layer.stride + 1 for n in x.shape[1:])
    largest = np.maximum(x.max((1, 2), initial=0), -x.min((1, 2), initial=0))
    exact_in_32 = fast and float((layer.weight_sums @ largest).max()) < EXACT_FLOAT32
    carrier = np.dtype(np.float32 if exact_in_32 else np.float64)
    # Inputs that are zero everywhere add nothing: the latents before their first step are such.
    alive = largest > 0
    inputs = int(alive.sum())
    if inputs == 0:
        return np.zeros((outputs, rows, columns))
    weight: Carrier = layer.scaled if inputs == len(alive) else layer.scaled[:, alive]
    weight = weight.reshape(outputs, inputs * k * k).astype(carrier, copy=False)
    source: Carrier = (x if inputs == len(alive) else x[alive]).astype(carrier, copy=False)
    sums = np.empty((outputs, rows, columns))
    for first, last in bands(rows, inputs * k * k * columns * carrier.itemsize):
        unfolded = unfold(source, k, layer.stride, first, last, columns)
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


def settle(layer: Layer, sums: Floats) -> Floats:
    """Bias, rounding, activation, saturation, in place; every intermediate value is exact.

    One floor does for division and leak: floor(floor(a) / 2**leak) = floor(a / 2**leak).
    """
    sums += layer.offset
    if layer.leak is not None:
        np.maximum(sums, 0.0 if layer.leak < 0 else sums * 2.0**-layer.leak, out=sums)
    np.floor(sums, out=sums)
    return np.clip(sums, -ACTIVATION_MAX, ACTIVATION_MAX, out=sums)


def shuffled(x: Floats, factor: int) -> Floats:
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
