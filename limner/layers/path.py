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

FRACTION_BITS = 7
SYMBOL_MAX = 127  # latent symbols and means stay within +-127, so that their sum has 16 bits at 7 fraction bits
HYPER_MAX = 255
INDEX_SHIFT = FRACTION_BITS - 3  # the networks give an eighth of the table index
BAND_POSITIONS = 8192  # how many positions a context network is run on at once
HALO = 1  # reach of a context network, in positions


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
        whole = self.hyper(np.concatenate([hyper.astype(np.int32) << FRACTION_BITS, plane]))[:, :rows, :columns]
        row, column = np.indices((rows, columns), np.int32) & 1
        return np.concatenate([whole, np.stack([row, column]) << FRACTION_BITS]).astype(np.int16)

    def predict(self, step: int, features: NDArray[np.int16], latent: NDArray[np.int16]) -> Prediction:
        """Mean and table index of every latent in one step: features (f + 2, h, w), latent so far (64, h, w)."""
        _, rows, columns = latent.shape
        mean, index = np.empty(latent.shape, np.int16), np.empty(latent.shape, np.uint8)
        height = max(1, BAND_POSITIONS // columns)
        for first in range(0, rows, height):
            last = min(rows, first + height)
            top, bottom = max(0, first - HALO), min(rows, last + HALO)
            given = np.concatenate([features[:, top:bottom], latent[:, top:bottom]]).astype(np.int32)
            out = self.contexts[step](given)[:, first - top : last - top]
            mean[:, first:last], index[:, first:last] = split(out)
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
            form = (layer.stride, layer.padding, layer.spread, layer.trim, -2 if layer.leak is None else layer.leak, layer.shuffle)
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
        leak=None if leak == -2 else leak,
        shuffle=shuffle,
    )


def named(path: Path) -> list[tuple[str, Network]]:
    return [("hyper", path.hyper), *((f"context{step}", net) for step, net in enumerate(path.contexts))]
