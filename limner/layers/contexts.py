"""What a learned codec knows of a symbol beside its hyper latent: three contexts, over integer networks.

    Direct    features -----------------------------------------------> scales, means
    Raster    12 earlier values around --> context --+
              features ------------------------------+--> mix --------> scales, means
    Slices    12 anchors around --> local -----------+
              all earlier slices --> earlier --------+--> others -----> scales, means
              features ------------------------------+
              anchors likewise, without local ----------> anchors

A context says in which steps a file has a latent (c, h, w), and gives for a step, from features (f, h, w) and values so far
(c, h, w), its parameters: a scale for each channel, then a mean for each, at the step's positions. Networks that see single
positions are run on these alone, as columns; those that see maps are run on bands of rows.

Sources: masked context, Minnen et al. 2018; slices and checkerboard, He et al. 2022 (ELIC, sections 3.1 and 3.2); networks of
their own for the anchors, Lee et al. 2024 (TACO).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.entropy.fixedpoint import Integers, Network
from limner.errors import LimnerError
from limner.layers import walk
from limner.layers.walk import ACROSS, BEFORE, Shape, Step, Values
from limner.tiles import tiles

BAND_POSITIONS = 8192  # how many positions a network over maps is run on at once
MOST_CHANNELS = 4096
MOST_LAYERS = 16
MOST_SLICES = 32
MOST_SIDE = 9  # of a window
MOST_INPUTS = 1 << 16  # of a layer: 12 places of a window, or the channels before a sub-pixel shuffle

AnyIntegers = NDArray[np.signedinteger]
# Parameters (2 c or c, positions) of a step's c channels.
Parameters = Callable[[Step, Values], Integers]


@dataclass(frozen=True, eq=False)
class Direct:
    """Features are the parameters: c scales, and c means unless all are zero."""

    channels: int
    means: bool

    @property
    def features(self) -> int:
        return self.channels * (2 if self.means else 1)

    def steps(self, shape: Shape) -> Iterator[Step]:
        return walk.cut(walk.at_once(shape))

    def parameters(self, features: Values) -> Parameters:
        flat = features.reshape(len(features), -1)
        return lambda step, values: flat[:, step.positions].astype(np.int32)

    def check(self) -> None:
        """LimnerError if the parts do not fit each other."""


@dataclass(frozen=True, eq=False)
class Raster:
    """context: from the 12 c earlier values in the window (channel by channel) to k outputs. mix: from features (f) and those
    (k) to parameters (2 c). Both see single positions."""

    channels: int
    context: Network
    mix: Network

    @property
    def features(self) -> int:
        return self.mix.inputs - self.context.outputs

    def steps(self, shape: Shape) -> Iterator[Step]:
        return walk.cut(walk.waves(shape))

    def parameters(self, features: Values) -> Parameters:
        flat = features.reshape(len(features), -1)

        def at(step: Step, values: Values) -> Integers:
            known = on_columns(self.context, walk.neighbours(values, step.positions, BEFORE))
            return on_columns(self.mix, flat[:, step.positions], known)

        return at

    def check(self) -> None:
        """LimnerError if the parts do not fit each other."""
        fits(self.context, len(BEFORE) * self.channels, None, 1)
        fits(self.mix, self.features + self.context.outputs, 2 * self.channels, 1)


@dataclass(frozen=True, eq=False)
class Slices:
    """Blocks of ``widths`` channels, each anchors first.

    earlier: for each block but the first, from all values of earlier blocks, maps, to k outputs. local: for each block of c
    channels, from the 12 c anchors in the window (channel by channel) to l outputs. anchors: for each, from [k,] f to 2 c.
    others: from l, [k,] f to 2 c. All but ``earlier`` see single positions.
    """

    widths: tuple[int, ...]
    earlier: tuple[Network, ...]
    local: tuple[Network, ...]
    anchors: tuple[Network, ...]
    others: tuple[Network, ...]

    @property
    def channels(self) -> int:
        return sum(self.widths)

    @property
    def features(self) -> int:
        return self.anchors[0].inputs

    def steps(self, shape: Shape) -> Iterator[Step]:
        return walk.cut(walk.slices(shape, self.widths))

    def parameters(self, features: Values) -> Parameters:
        flat = features.reshape(len(features), -1)
        kept: dict[int, Values] = {}

        def of_earlier(step: Step, values: Values) -> Values:
            # The same for all steps of a slice.
            if step.group not in kept:
                kept.clear()
                kept[step.group] = on_map(self.earlier[step.group - 1], values[: step.first]).reshape(-1, flat.shape[1])
            return kept[step.group]

        def at(step: Step, values: Values) -> Integers:
            given: list[AnyIntegers] = [flat[:, step.positions]]
            if step.group:
                given.insert(0, of_earlier(step, values)[:, step.positions])
            if not step.others:
                return on_columns(self.anchors[step.group], *given)
            around = walk.neighbours(values[step.first : step.last], step.positions, ACROSS)
            return on_columns(self.others[step.group], on_columns(self.local[step.group], around), *given)

        return at

    def check(self) -> None:
        """LimnerError if the parts do not fit each other."""
        blocks = len(self.widths)
        if not 0 < blocks <= MOST_SLICES or min(self.widths) < 1:
            raise LimnerError(f"a latent has 1 to {MOST_SLICES} slices of at least one channel")
        if [len(part) for part in (self.earlier, self.local, self.anchors, self.others)] != [blocks - 1, *[blocks] * 3]:
            raise LimnerError("every slice has its networks, and the first none for earlier ones")
        for block, width in enumerate(self.widths):
            given = self.features
            if block:
                fits(self.earlier[block - 1], sum(self.widths[:block]), None, MOST_SIDE)
                given += self.earlier[block - 1].outputs
            fits(self.local[block], len(ACROSS) * width, None, 1)
            fits(self.anchors[block], given, 2 * width, 1)
            fits(self.others[block], self.local[block].outputs + given, 2 * width, 1)


Context = Direct | Raster | Slices


def fits(network: Network, inputs: int, outputs: int | None, most_side: int, most_stride: int = 1) -> None:
    """LimnerError unless a network of so many inputs and outputs keeps a map's size, or makes it at most so much larger."""
    if not 0 < len(network.layers) <= MOST_LAYERS or network.inputs != inputs or outputs not in (None, network.outputs):
        raise LimnerError("the networks of an entropy path do not fit each other")
    grown = 1
    for layer in network.layers:
        side = layer.weight.shape[2]
        if (layer.stride, layer.spread, layer.padding, layer.trim) != (1, 1, side // 2, 0) or side % 2 == 0 or side > most_side:
            raise LimnerError("a network of an entropy path has odd windows, padded to keep a map's size, and no stride")
        grown *= layer.shuffle
        if max(layer.weight.shape[:2]) > MOST_INPUTS or not 1 <= layer.shuffle <= grown <= most_stride:
            raise LimnerError("a network of an entropy path has too many channels or enlarges too much")


def on_columns(network: Network, *parts: AnyIntegers) -> Integers:
    """Run a network of 1 x 1 windows on columns (c, n), stacked if there are several."""
    given: AnyIntegers = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return network(given[:, None])[:, 0]


def on_map(network: Network, x: Values, rows: int | None = None, columns: int | None = None) -> Values:
    """Run a network on a map (c, h, w) in bands; of its output keep so many rows and columns, all if None."""
    stride = stride_of(network)
    rows, columns = rows or stride * x.shape[1], columns or stride * x.shape[2]
    out = np.empty((network.outputs, rows, columns), np.int16)
    for band in tiles(x.shape[1], max(1, BAND_POSITIONS // (stride * columns)), reach(network)):
        found = network(x[:, band.low : band.high])[:, stride * (band.first - band.low) :, :columns]
        first, last = stride * band.first, min(rows, stride * band.last)
        out[:, first:last] = found[:, : last - first]
    return out


def stride_of(network: Network) -> int:
    """Positions along a side of the output for one of the input."""
    return math.prod(layer.shuffle for layer in network.layers)


def reach(network: Network) -> int:
    """How far from a position of its input a network's output there depends on others, in such positions."""
    grown, total = 1, 0.0
    for layer in network.layers:
        total += layer.padding / grown
        grown *= layer.shuffle
    return math.ceil(total)
