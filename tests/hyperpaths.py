"""Small random entropy paths with a hyperprior: the laws hold for any integers in them."""

from __future__ import annotations

import numpy as np

from limner.entropy.fixedpoint import Layer, Network
from limner.entropy.tables import quantise
from limner.layers.contexts import Context, Direct, Raster, Slices
from limner.layers.hyperpath import HyperPath, Prior, thresholds_of

HYPER = 3
FEATURES = 5
KINDS = ("scales", "direct", "raster", "slices")


def layer(
    rng: np.random.Generator, inputs: int, outputs: int, k: int, shift: int, shuffle: int = 1, slope: int | None = 328
) -> Layer:
    weight = rng.integers(-60, 61, (outputs, inputs, k, k)).astype(np.int16)
    bias = rng.integers(-(2**14), 2**14, outputs)
    return Layer(weight, bias, np.full(outputs, shift, np.int8), padding=k // 2, slope=slope, shuffle=shuffle)


def mixer(rng: np.random.Generator, inputs: int, channels: int) -> Network:
    """From features to scales, mostly of tables in use, and means."""
    last = layer(rng, 6, 2 * channels, 1, 7, slope=None)
    last.bias[:channels] += 2**14
    return Network((layer(rng, inputs, 6, 1, 7), last))


def raster(rng: np.random.Generator, channels: int = 2) -> Raster:
    context = Network((layer(rng, 12 * channels, 4, 1, 8, slope=None),))
    return Raster(channels, context, mixer(rng, FEATURES + 4, channels))


def slices(rng: np.random.Generator, widths: tuple[int, ...] = (1, 2, 3)) -> Slices:
    earlier = [
        Network((layer(rng, sum(widths[:k]), 4, 5, 9), layer(rng, 4, 3, 3, 8, slope=None))) for k in range(1, len(widths))
    ]
    local = [Network((layer(rng, 12 * width, 2, 1, 8, slope=None),)) for width in widths]
    anchors = [mixer(rng, FEATURES + 3 * bool(k), width) for k, width in enumerate(widths)]
    others = [mixer(rng, FEATURES + 3 * bool(k) + 2, width) for k, width in enumerate(widths)]
    return Slices(widths, tuple(earlier), tuple(local), tuple(anchors), tuple(others))


def context_of(kind: str, rng: np.random.Generator) -> Context:
    if kind == "raster":
        return raster(rng)
    return slices(rng) if kind == "slices" else Direct(3, kind == "direct")


def random_prior(rng: np.random.Generator) -> Prior:
    rows = [quantise(rng.random(41) ** 8 + 1e-6) for _ in range(HYPER)]
    return Prior(-20, np.stack(rows), rng.integers(-99, 99, HYPER).astype(np.int16))


def random_path(kind: str, seed: int = 0) -> HyperPath:
    rng = np.random.default_rng(seed)
    context = context_of(kind, rng)
    last = layer(rng, 4, 4 * context.features, 3, 6, shuffle=2, slope=None)
    hyper = Network((layer(rng, HYPER, 16, 3, 8, shuffle=2), last))
    return HyperPath(random_prior(rng), hyper, context, thresholds_of(0.11))
