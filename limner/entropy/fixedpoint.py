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
    below zero is 2**-leak.  shuffle: factor of the sub-pixel shuffle at the end, 1 for none.
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
        if self.worst_sum(ACTIVATION_MAX) >= EXACT_FLOAT64:
            raise LimnerError("a fixed-point layer's sums can pass 2**53")

    @property
    def weight_sums(self) -> NDArray[np.int64]:
        """Sum of absolute weights per output."""
        sums: NDArray[np.int64] = np.abs(self.weight.astype(np.int64)).sum((1, 2, 3))
        return sums

    def worst_sum(self, input_max: int) -> int:
        """Largest absolute sum that inputs of at most ``input_max`` can give, rounding term included."""
        rounding = np.int64(1) << np.maximum(self.shift.astype(np.int64) - 1, 0)
        return int((self.weight_sums * input_max + np.abs(self.bias) + rounding).max())


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
        for layer in self.layers:
            x = run(layer, x, self.fast)
        return x


def run(layer: Layer, x: Integers, fast: bool = True) -> Integers:
    """Apply one layer to x (inputs, rows, columns) int32."""
    sums = convolve(layer, spread_out(layer, x), fast)
    return shuffled(settle(layer, sums), layer.shuffle)


def spread_out(layer: Layer, x: Integers) -> Integers:
    """Pad with zeros; for a transposed convolution put zeros between the inputs first."""
    if layer.spread > 1:
        c, h, w = x.shape
        wide = np.zeros((c, (h - 1) * layer.spread + 1 + layer.trim, (w - 1) * layer.spread + 1 + layer.trim), x.dtype)
        wide[:, : (h - 1) * layer.spread + 1 : layer.spread, : (w - 1) * layer.spread + 1 : layer.spread] = x
        x = wide
    p = layer.padding
    return np.pad(x, ((0, 0), (p, p), (p, p))) if p else x


def convolve(layer: Layer, x: Integers, fast: bool) -> Floats:
    """Exact sums without bias: x (inputs, rows, columns), already padded -> (outputs, rows', columns') float64."""
    outputs, _, k, _ = layer.weight.shape
    rows, columns = ((n - k) // layer.stride + 1 for n in x.shape[1:])
    largest = int(np.abs(x).max(initial=0))
    exact_in_32 = fast and int(layer.weight_sums.max()) * largest < EXACT_FLOAT32
    carrier = np.dtype(np.float32 if exact_in_32 else np.float64)
    # Inputs that are zero everywhere add nothing: the latents before their first step are such.
    alive = x.any((1, 2))
    inputs = int(alive.sum())
    if inputs == 0:
        return np.zeros((outputs, rows, columns))
    weight: Carrier = layer.weight[:, alive].reshape(outputs, inputs * k * k).astype(carrier)
    source: Carrier = x[alive].astype(carrier)
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


def settle(layer: Layer, sums: Floats) -> Integers:
    """Bias, rounding division by the power of two, activation, saturation; every intermediate value is exact."""
    shift = layer.shift.astype(np.int64)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    sums += (layer.bias + half).astype(np.float64)[:, None, None]
    sums *= np.ldexp(1.0, -shift)[:, None, None]
    np.floor(sums, out=sums)
    np.clip(sums, -float(2**30), float(2**30), out=sums)
    values = sums.astype(np.int32)
    return np.clip(activated(values, layer.leak), -ACTIVATION_MAX, ACTIVATION_MAX)


def activated(values: Integers, leak: int | None) -> Integers:
    if leak is None:
        return values
    if leak < 0:
        return np.maximum(values, 0)
    return np.where(values < 0, values >> leak, values)


def shuffled(x: Integers, factor: int) -> Integers:
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
