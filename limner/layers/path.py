"""The entropy path of a learned codec: the integer networks and tables that say how each latent symbol is coded.

    hyper latent, quality --> hyper --> features --+--> contexts[k] --> mean, table index   (step k of the quadtree)
                                                   |
                     latents of earlier steps, phases

All integers carry ``FRACTION_BITS`` fraction bits at the seams. Encoder and decoder compute the same numbers on every
machine (``limner.entropy.fixedpoint``).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.entropy.fixedpoint import Integers, Layer, Network
from limner.entropy.tables import GAUSSIANS
from limner.errors import LimnerError
from limner.layers.quadtree import HYPER_CHANNELS, LATENT_CHANNELS, QUALITIES, STEPS
from limner.tiles import tiles

FRACTION_BITS = 7
SYMBOL_MAX = 127  # symbols and means stay within +-127, so that their sum has 16 bits at 7 fraction bits
INDEX_SHIFT = FRACTION_BITS - 3  # the networks give an eighth of the table index
BAND_POSITIONS = 8192  # how many latent positions a network is run on at once
CONTEXT_HALO = 1  # reach of a context network, in positions
HYPER_HALO = 2  # reach of the hyper synthesis, in hyper positions
HYPER_STRIDE = 4
NO_LEAK = -2  # how a layer's file says that it has no activation


@dataclass(frozen=True, eq=False)
class Path:
    """hyper: from (33, h, w) to features (f, 4h, 4w). contexts: from (f + 2 + 64, h, w) to (128, h, w), one per step.

    hyper_index: table index of each hyper channel at each quality, (64, 32) uint8.
    """

    hyper: Network
    contexts: tuple[Network, ...]
    hyper_index: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if len(self.contexts) != STEPS or self.hyper_index.shape != (QUALITIES, HYPER_CHANNELS):
            raise LimnerError("an entropy path has four contexts and a table index per quality and hyper channel")
        if int(self.hyper_index.max()) >= GAUSSIANS:
            raise LimnerError("a table index is out of range")

    def features(self, hyper: NDArray[np.int16], quality: int, rows: int, columns: int) -> NDArray[np.int16]:
        """Hyper symbols (32, h, w) -> features and two phase planes (f + 2, rows, columns)."""
        plane = np.full((1, *hyper.shape[1:]), quality * 2**FRACTION_BITS // QUALITIES, np.int32)
        given = np.concatenate([hyper.astype(np.int32) << FRACTION_BITS, plane])
        features = np.empty((self.feature_channels + 2, rows, columns), np.int16)
        for band in tiles(hyper.shape[1], max(1, BAND_POSITIONS // (HYPER_STRIDE * columns)), HYPER_HALO):
            out = self.hyper(given[:, band.low : band.high])[:, HYPER_STRIDE * (band.first - band.low) :, :columns]
            first, last = HYPER_STRIDE * band.first, min(rows, HYPER_STRIDE * band.last)
            features[:-2, first:last] = out[:, : last - first]
        features[-2] = (np.arange(rows)[:, None] & 1) << FRACTION_BITS
        features[-1] = (np.arange(columns)[None, :] & 1) << FRACTION_BITS
        return features

    @property
    def feature_channels(self) -> int:
        last = self.hyper.layers[-1]
        return len(last.weight) // last.shuffle**2

    def predict(self, step: int, features: NDArray[np.int16], latent: NDArray[np.int16]) -> Prediction:
        """Mean and table index of every latent in one step: features (f + 2, h, w), latent so far (64, h, w)."""
        _, rows, columns = latent.shape
        mean, index = np.empty(latent.shape, np.int16), np.empty(latent.shape, np.uint8)
        for band in tiles(rows, max(1, BAND_POSITIONS // columns), CONTEXT_HALO):
            given = np.concatenate([features[:, band.low : band.high], latent[:, band.low : band.high]]).astype(np.int32)
            out = self.contexts[step](given)[:, band.first - band.low : band.last - band.low]
            mean[:, band.first : band.last], index[:, band.first : band.last] = split(out)
        return Prediction(mean, index)


@dataclass(frozen=True, eq=False)
class Prediction:
    """mean: (64, h, w) int16 with 7 fraction bits; index: (64, h, w) uint8, 0..63."""

    mean: NDArray[np.int16]
    index: NDArray[np.uint8]


def split(out: Integers) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """A context's output (128, h, w) -> means held to +-127 and rounded table indices held to 0..63."""
    most = SYMBOL_MAX << FRACTION_BITS
    mean = np.clip(out[:LATENT_CHANNELS], -most, most).astype(np.int16)
    rounded = (out[LATENT_CHANNELS:] + (1 << (INDEX_SHIFT - 1))) >> INDEX_SHIFT
    return mean, np.clip(rounded, 0, GAUSSIANS - 1).astype(np.uint8)


def dump(path: Path) -> bytes:
    """Write a path as an npz archive of integer arrays."""
    arrays: dict[str, NDArray[np.generic]] = {"hyper_index": path.hyper_index}
    for name, network in named(path):
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
        networks = {}
        for name in ("hyper", *(f"context{step}" for step in range(STEPS))):
            count = sum(key.startswith(f"{name}.") and key.endswith(".form") for key in kept.files)
            networks[name] = Network(tuple(layer_of(kept, f"{name}.{place}") for place in range(count)))
        contexts = tuple(networks[f"context{step}"] for step in range(STEPS))
        return Path(networks["hyper"], contexts, kept["hyper_index"])


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


def named(path: Path) -> list[tuple[str, Network]]:
    return [("hyper", path.hyper), *((f"context{step}", net) for step, net in enumerate(path.contexts))]
