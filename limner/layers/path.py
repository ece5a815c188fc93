"""The entropy path of a learned codec: the integer networks and tables that say how each latent symbol is coded.

    quality --> hyper_steps --> hyper latent --> hyper --> features --> latent_steps --> latent

    Steps:  features --> contexts[k] --> features of the next step    (step k of the quadtree)
                ^                |
       values of earlier steps,  +--> heads[k] --> mean, table index
       phases

All integers carry ``FRACTION_BITS`` fraction bits at the seams. Encoder and decoder compute the same numbers on every
machine (``limner.entropy.fixedpoint``).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.entropy.fixedpoint import Integers, Layer, Network
from limner.entropy.tables import GAUSSIANS
from limner.errors import LimnerError
from limner.layers.quadtree import QUALITIES, STEPS
from limner.tiles import tiles

FRACTION_BITS = 7
SYMBOL_MAX = 127  # symbols and means stay within +-127, so that their sum has 16 bits at 7 fraction bits
INDEX_SHIFT = FRACTION_BITS - 3  # the networks give an eighth of the table index
BAND_POSITIONS = 8192  # how many latent positions a network is run on at once
CONTEXT_HALO = 1  # reach of a context network, in positions
HYPER_HALO = 2  # reach of the hyper synthesis, in hyper positions
HYPER_STRIDE = 4
NAMES = (
    *(f"hyper_{part}{step}" for part in ("context", "head") for step in range(STEPS)),
    "hyper",
    *(f"{part}{step}" for part in ("context", "head") for step in range(STEPS)),
)
NO_LEAK = -2  # how a layer's file says that it has no activation


@dataclass(frozen=True, eq=False)
class Steps:
    """Predict a latent of c channels in four steps. contexts: from (f + 2 + c, h, w) to (f, h, w). heads: from (f, h, w) to
    (2 c, h, w)."""

    contexts: tuple[Network, ...]
    heads: tuple[Network, ...]

    def __post_init__(self) -> None:
        if len(self.contexts) != STEPS or len(self.heads) != STEPS:
            raise LimnerError("a latent is predicted by four contexts and four heads")

    @property
    def feature_channels(self) -> int:
        return self.contexts[0].outputs

    def start(self, features: NDArray[np.int16]) -> NDArray[np.int16]:
        """Features (f, h, w) with their two phase planes: (f + 2, h, w)."""
        _, rows, columns = features.shape
        row, column = (np.arange(rows) & 1) << FRACTION_BITS, (np.arange(columns) & 1) << FRACTION_BITS
        phases = np.stack([np.broadcast_to(row[:, None], (rows, columns)), np.broadcast_to(column, (rows, columns))])
        return np.concatenate([features, phases.astype(np.int16)])

    def predict(self, step: int, features: NDArray[np.int16], values: NDArray[np.int16]) -> Prediction:
        """One step: features (f + 2, h, w), replaced in place by those of the next step; values so far (c, h, w)."""
        _, rows, columns = values.shape
        mean, index = np.empty(values.shape, np.int16), np.empty(values.shape, np.uint8)
        above = features[:, :0]
        for band in tiles(rows, max(CONTEXT_HALO, BAND_POSITIONS // columns), CONTEXT_HALO):
            known = np.concatenate([above, features[:, band.first : band.high]], 1)
            above = features[:, band.last - CONTEXT_HALO : band.last].copy()  # before they are replaced
            given = np.concatenate([known, values[:, band.low : band.high]])
            core = self.contexts[step](given)[:, band.first - band.low : band.last - band.low]
            features[:-2, band.first : band.last] = core
            mean[:, band.first : band.last], index[:, band.first : band.last] = split(self.heads[step](core))
        return Prediction(mean, index)


@dataclass(frozen=True, eq=False)
class Path:
    """hyper: from (33, h, w) to features (f, 4h, 4w)."""

    hyper_steps: Steps
    hyper: Network
    latent_steps: Steps

    def hyper_features(self, quality: int, rows: int, columns: int) -> NDArray[np.int16]:
        """What is known before the hyper latent (rows, columns): the quality in every channel, and the phases."""
        known = np.full((self.hyper_steps.feature_channels, rows, columns), fraction(quality), np.int16)
        return self.hyper_steps.start(known)

    def features(self, values: NDArray[np.int16], quality: int, rows: int, columns: int) -> NDArray[np.int16]:
        """What is known before the latent (rows, columns): features of the hyper latent (32, h, w), and the phases."""
        given = np.concatenate([values, np.full((1, *values.shape[1:]), fraction(quality), np.int16)])
        features = np.empty((self.hyper.outputs, rows, columns), np.int16)
        for band in tiles(values.shape[1], max(1, BAND_POSITIONS // (HYPER_STRIDE * columns)), HYPER_HALO):
            out = self.hyper(given[:, band.low : band.high])[:, HYPER_STRIDE * (band.first - band.low) :, :columns]
            first, last = HYPER_STRIDE * band.first, min(rows, HYPER_STRIDE * band.last)
            features[:, first:last] = out[:, : last - first]
        return self.latent_steps.start(features)


def fraction(quality: int) -> int:
    """quality / 64 with the fraction bits of the seams."""
    return (quality << FRACTION_BITS) // QUALITIES


@dataclass(frozen=True, eq=False)
class Prediction:
    """mean: (c, h, w) int16 with 7 fraction bits; index: (c, h, w) uint8, 0..63."""

    mean: NDArray[np.int16]
    index: NDArray[np.uint8]


def split(out: Integers) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """A head's output (2 c, h, w) -> means held to +-127 and rounded table indices held to 0..63."""
    channels, most = len(out) // 2, SYMBOL_MAX << FRACTION_BITS
    mean = np.clip(out[:channels], -most, most).astype(np.int16)
    rounded = (out[channels:] + (1 << (INDEX_SHIFT - 1))) >> INDEX_SHIFT
    return mean, np.clip(rounded, 0, GAUSSIANS - 1).astype(np.uint8)


def dump(path: Path) -> bytes:
    """Write a path as an npz archive of integer arrays."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, network in zip(NAMES, networks(path), strict=True):
        for place, layer in enumerate(network.layers):
            key = f"{name}.{place}"
            arrays |= {f"{key}.weight": layer.weight, f"{key}.bias": layer.bias, f"{key}.shift": layer.shift}
            leak = NO_LEAK if layer.leak is None else layer.leak
            form = (layer.stride, layer.padding, layer.spread, layer.trim, leak, layer.shuffle)
            arrays[f"{key}.form"] = np.array(form, np.int8)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def load(data: bytes) -> Path:
    """Read what ``dump`` wrote; no pickle is ever read."""
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        found = []
        for name in NAMES:
            count = sum(key.startswith(f"{name}.") and key.endswith(".form") for key in kept.files)
            found.append(Network(tuple(layer_of(kept, f"{name}.{place}") for place in range(count))))
        return of_networks(found)


def networks(path: Path) -> list[Network]:
    """All networks of a path, in the order of NAMES."""
    return [
        *(path.hyper_steps.contexts + path.hyper_steps.heads),
        path.hyper,
        *(path.latent_steps.contexts + path.latent_steps.heads),
    ]


def of_networks(found: Sequence[Network]) -> Path:
    """A path of networks in the order of NAMES."""
    before, hyper, after = found[: 2 * STEPS], found[2 * STEPS], found[2 * STEPS + 1 :]
    one, other = (Steps(tuple(some[:STEPS]), tuple(some[STEPS:])) for some in (before, after))
    return Path(one, hyper, other)


def layer_of(kept: np.lib.npyio.NpzFile, key: str) -> Layer:
    stride, padding, spread, trim, leak, shuffle = (int(value) for value in kept[f"{key}.form"])
    return Layer(
        weight=kept[f"{key}.weight"],
        bias=kept[f"{key}.bias"],
        shift=kept[f"{key}.shift"],
        stride=stride,
        padding=padding,
        spread=spread,
        trim=trim,
        leak=None if leak == NO_LEAK else leak,
        shuffle=shuffle,
    )
