"""The order in which a learned codec's latent is coded, and the one walk along it.

    steps ----> step ------------> predict ---> mean, table index of the step's places
                 ^                    ^                     |
                 |         values so far (c, h, w)    sort by table index
                 |                    |                     v
                 +---- symbol * 64 + mean <------------- exchange: code what is known, or read what is not

A step is a block of channels at some positions. All of a step is coded under what earlier steps gave, so that a walk is a few
large products:

    at_once   everything: nothing is known but the hyper latent
    waves     positions with equal column + 3 * row: all that a masked 5x5 window looks at lies in earlier waves
    slices    blocks of channels, in each first the anchors (row + column odd), then the others

Pure arithmetic. Sources: raster context, Minnen et al. 2018 (section 3); in waves, Li et al. 2020, "Efficient and effective
context-based convolutional entropy modeling"; checkerboard, He et al. 2021; slices of growing width, He et al. 2022 (ELIC,
section 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FRACTION_BITS = 6
SYMBOL_MAX = 255
MEAN_MAX = 255  # symbol + mean has 16 bits at 6 fraction bits
REACH = 2  # of a context's window, in positions
WAVE_ROW = REACH + 1  # how many waves a row is behind the one above it
MOST_POSITIONS = 8192  # of a step in a file: it bounds the memory that one takes

WINDOW = tuple((row, column) for row in range(-REACH, REACH + 1) for column in range(-REACH, REACH + 1))
BEFORE = tuple(place for place in WINDOW if place < (0, 0))
"""Places of the window, relative (row, column), that a raster scan has passed: 12."""
ACROSS = tuple(place for place in WINDOW if sum(place) % 2)
"""Places of the window of the checkerboard's other colour: 12."""

Values = NDArray[np.int16]
Positions = NDArray[np.intp]
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Step:
    """Channels first..last at some flat positions (row * columns + column), rising.

    group: number of the block of channels. others: whether these are the positions that have anchors around them.
    """

    first: int
    last: int
    positions: Positions
    group: int = 0
    others: bool = False


@dataclass(frozen=True, eq=False)
class Prediction:
    """For a step, each (channels of the step, positions of the step). mean: 6 fraction bits, within +-255. index: 0..63."""

    mean: NDArray[np.int16]
    index: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Run:
    """A step in coding order: flat places in (c, h, w), means (6 fraction bits), table indices, rising."""

    places: Positions
    mean: NDArray[np.int16]
    index: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Coded:
    """What a walk leaves, each (c, h, w): symbols, values with their means added (6 fraction bits), table indices."""

    symbols: Values
    values: Values
    index: NDArray[np.uint8]


Predict = Callable[[Step, Values], Prediction]
Exchange = Callable[[Run], NDArray[np.int32]]


def walk(shape: Shape, steps: Iterable[Step], predict: Predict, exchange: Exchange) -> Coded:
    """Go through the steps of a latent (c, h, w).

    ``predict`` says what a step's symbols are coded under, from the values so far. ``exchange`` gives the symbols of a run,
    within +-255: those it was told, which it codes, or those it reads.
    """
    found = Coded(np.zeros(shape, np.int16), np.zeros(shape, np.int16), np.zeros(shape, np.uint8))
    for step in steps:
        run = in_order(step, predict(step, found.values), shape[1] * shape[2])
        got = exchange(run)
        found.symbols.reshape(-1)[run.places] = got
        found.values.reshape(-1)[run.places] = (got << FRACTION_BITS) + run.mean
        found.index.reshape(-1)[run.places] = run.index
    return found


def in_order(step: Step, prediction: Prediction, positions: int) -> Run:
    """Sort by table index; equal indices by channel, then row, then column. positions: of the whole latent."""
    places = np.arange(step.first, step.last)[:, None] * positions + step.positions
    index = prediction.index.reshape(-1)
    order = np.argsort(index, kind="stable")
    return Run(places.reshape(-1)[order], prediction.mean.reshape(-1)[order], index[order])


def at_once(shape: Shape) -> Iterator[Step]:
    """The one step of a latent (c, h, w) without a context."""
    channels, rows, columns = shape
    yield Step(0, channels, np.arange(rows * columns))


def waves(shape: Shape) -> Iterator[Step]:
    """Steps of a latent (c, h, w) under a raster context: columns + 3 * (rows - 1) of them, if there are 3 columns or more."""
    channels, rows, columns = shape
    wave = (np.arange(columns) + WAVE_ROW * np.arange(rows)[:, None]).reshape(-1)
    order = np.argsort(wave, kind="stable")
    for positions in np.split(order, np.flatnonzero(np.diff(wave[order])) + 1):
        yield Step(0, channels, positions)


def slices(shape: Shape, widths: Sequence[int]) -> Iterator[Step]:
    """Steps of a latent (c, h, w) in blocks of so many channels: anchors, then others."""
    _, rows, columns = shape
    odd = (np.arange(rows)[:, None] + np.arange(columns)) % 2 == 1
    colours = [np.flatnonzero(odd), np.flatnonzero(~odd)]
    first = 0
    for group, width in enumerate(widths):
        for others, positions in enumerate(colours):
            if len(positions):  # a single position is no anchor
                yield Step(first, first + width, positions, group, bool(others))
        first += width


def cut(steps: Iterable[Step]) -> Iterator[Step]:
    """The same walk in steps of at most 8192 positions, as a file has it: what could be coded at once may also be coded in
    turn."""
    for step in steps:
        for at in range(0, len(step.positions), MOST_POSITIONS):
            yield replace(step, positions=step.positions[at : at + MOST_POSITIONS])


def neighbours(values: Values, positions: Positions, window: Sequence[tuple[int, int]]) -> Values:
    """Values (c, h, w) around flat positions (n,), channel by channel and place by place: (c * places, n); 0 outside."""
    channels, rows, columns = values.shape
    row, column = np.divmod(positions, columns)
    down, right = np.array(window).T[:, :, None]
    at_row, at_column = row + down, column + right
    inside = (at_row >= 0) & (at_row < rows) & (at_column >= 0) & (at_column < columns)
    found = values.reshape(channels, -1)[:, np.where(inside, at_row * columns + at_column, 0)]
    around: Values = (found * inside).reshape(channels * len(window), -1)
    return around
