"""A small random entropy path: the laws hold for any integers in it."""

from __future__ import annotations

import numpy as np

from limner.entropy.fixedpoint import Layer, Network
from limner.layers.path import Path, Steps
from limner.layers.quadtree import HYPER_CHANNELS, LATENT_CHANNELS, STEPS

FEATURES = 4


def convolution(
    rng: np.random.Generator, inputs: int, outputs: int, k: int, shift: int, shuffle: int = 1, leak: int | None = 3
) -> Layer:
    weight = rng.integers(-60, 61, (outputs, inputs, k, k)).astype(np.int16)
    bias = rng.integers(-(2**14), 2**14, outputs)
    return Layer(weight, bias, np.full(outputs, shift, np.int8), padding=k // 2, leak=leak, shuffle=shuffle)


def random_steps(rng: np.random.Generator, channels: int) -> Steps:
    contexts = tuple(
        Network((convolution(rng, FEATURES + 2 + channels, 8, 3, 9), convolution(rng, 8, FEATURES, 1, 6))) for _ in range(STEPS)
    )
    heads = tuple(Network((convolution(rng, FEATURES, 2 * channels, 1, 6, leak=None),)) for _ in range(STEPS))
    return Steps(contexts, heads)


def random_path(seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    hyper = Network(
        (
            convolution(rng, HYPER_CHANNELS + 1, 16, 3, 8, shuffle=2),
            convolution(rng, 4, 4 * FEATURES, 3, 7, shuffle=2),
        )
    )
    return Path(random_steps(rng, HYPER_CHANNELS), hyper, random_steps(rng, LATENT_CHANNELS))
