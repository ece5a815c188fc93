"""The hyperlatent layer: coded size, and the integer latents of a codec with a hyperprior.

The body is one range-coded stream:

    scale code        uniform of 8; says how much smaller the picture is coded, as in the latent layer
    hyper symbols     channel by channel under the channel's own table, row by row within it
    symbols           step by step (walk.py), in a step by rising table index, then channel, row, column

What a body does not say, its sizes, follow from the picture's size and the path. ``walk_all`` is the only traversal: ``fit``,
``write`` and ``read`` differ in where the symbols come from.

A range coder finds symbols behind the end of a body too, many of them, as its tables have them. So a reader counts what the
symbols say, and refuses a body as soon as they say 512 bits more than it has: a short body cannot make it run large networks
over a large picture. No writer is ever that lucky.

Sources: Balle et al. 2018; Minnen et al. 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limner.entropy.coder import Coder, Reader, Writer
from limner.entropy.tables import Table, gaussians, uniform
from limner.errors import DamagedError, EncodeError
from limner.layers import walk
from limner.layers.hyperpath import HyperPath, Prior
from limner.layers.latent import SIXTEENTHS, Geometry
from limner.layers.walk import FRACTION_BITS, SYMBOL_MAX, Run, Shape, Values

LUCK_BITS = 512  # how much more symbols may say than their body has bits

Symbols = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Hyperlatent:
    """scale: 0..7. hyper: (n, h, w), symbols: (c, rows, columns), both int16 within +-255.

    Raises EncodeError for anything else.
    """

    scale: int
    hyper: Values
    symbols: Values

    def __post_init__(self) -> None:
        if not 0 <= self.scale < len(SIXTEENTHS):
            raise EncodeError(f"scale {self.scale} is not 0 to {len(SIXTEENTHS) - 1}")
        for name, values in (("hyper", self.hyper), ("latent", self.symbols)):
            if values.dtype != np.int16 or values.ndim != 3 or (values.size and not within(values)):
                raise EncodeError(f"{name} symbols are int16 (channels, rows, columns) within +-{SYMBOL_MAX}")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Hyperlatent)
            and self.scale == other.scale
            and np.array_equal(self.hyper, other.hyper)
            and np.array_equal(self.symbols, other.symbols)
        )

    def __hash__(self) -> int:
        return hash((self.scale, self.hyper.tobytes(), self.symbols.tobytes()))


@dataclass(frozen=True, eq=False)
class Walked:
    """What a walk leaves: the layer, its latents with their means added (c, rows, columns; 6 fraction bits), table indices."""

    layer: Hyperlatent
    values: Values
    index: NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """Where symbols come from. hyper: (n, h, w), nothing for a reader. latent: those of a run."""

    hyper: Symbols
    latent: Callable[[Run], Symbols]


def fit(y: Floats, z: Floats, geometry: Geometry, path: HyperPath, coder: Coder) -> Walked:
    """Round hyper latents z (n, h, w) about their medians, and latents y (c, rows, columns) about the means that the decoder
    will have.

    ``coder`` sees the symbols as they are found: a Writer has the body afterwards, a ``latent.Meter`` its size in bits. Raises
    EncodeError for latents of another shape, or that are no numbers.
    """
    given = tuple(z.shape), tuple(y.shape)
    if given != shapes(path, geometry) or not (np.isfinite(y).all() and np.isfinite(z).all()):
        raise EncodeError("the latents are not of the picture's size, or no numbers")
    inner = y.reshape(-1)

    def nearest(run: Run) -> Symbols:
        return rounded(inner[run.places] - expanded(run.mean), -SYMBOL_MAX, SYMBOL_MAX)

    prior = path.prior
    outer = rounded(z - expanded(prior.medians)[:, None, None], prior.low, prior.high)
    return walk_all(coder, geometry, path, Source(outer, nearest))


def write(layer: Hyperlatent, geometry: Geometry, path: HyperPath) -> bytes:
    """Code a layer as the body of its container layer. EncodeError if it is not of the geometry's shape, or has hyper symbols
    that the path has no probability for."""
    if (layer.hyper.shape, layer.symbols.shape) != shapes(path, geometry) or layer.scale != geometry.scale:
        raise EncodeError("the latent layer is not of the picture's size")
    writer = Writer()
    counted = Counted(writer)
    walk_all(counted, geometry, path, of_layer(layer))
    body = writer.finish()
    if counted.bits > most_bits(body):
        raise EncodeError("these symbols give a file that no reader takes")
    return body


def of_layer(layer: Hyperlatent) -> Source:
    """Symbols that are known."""
    symbols = layer.symbols.reshape(-1).astype(np.int32)
    return Source(layer.hyper.astype(np.int32), lambda run: symbols[run.places])


def read(body: bytes, width_px: int, height_px: int, path: HyperPath) -> Walked:
    """Read the body of a hyperlatent layer. DamagedError unless it is exactly what ``write`` makes of what was read."""
    reader = Reader(body)
    counted = Counted(reader, most_bits(body))
    geometry = read_setting(counted, width_px, height_px)
    hyper, _ = shapes(path, geometry)
    walked = walk_symbols(counted, geometry, path, nothing(hyper))
    reader.finish()
    return walked


def read_setting(coder: Coder, width_px: int, height_px: int) -> Geometry:
    """The scale of a picture of this size."""
    return Geometry(width_px, height_px, int(coder.code(np.zeros(1, np.int32), uniform(len(SIXTEENTHS)))[0]))


def nothing(hyper: Shape) -> Source:
    """What a reader has for symbols before it has read them. hyper: shape of the hyper latent."""
    return Source(np.zeros(hyper, np.int32), lambda run: np.zeros(len(run.places), np.int32))


def expand(walked: Walked) -> Floats:
    """The latents (c, rows, columns) that the synthesis transform is given: symbols plus means, in floats."""
    return expanded(walked.values)


def setting(body: bytes) -> int:
    """Scale code of a body, read without any weights."""
    return read_setting(Reader(body), 1, 1).scale


def shapes(path: HyperPath, geometry: Geometry) -> tuple[Shape, Shape]:
    """Of hyper latent and latent."""
    _, rows, columns = geometry.latent
    return path.shapes(rows, columns)


def walk_all(coder: Coder, geometry: Geometry, path: HyperPath, source: Source) -> Walked:
    """Code a whole body: the setting, then the symbols."""
    coder.code(np.array([geometry.scale], np.int32), uniform(len(SIXTEENTHS)))
    return walk_symbols(coder, geometry, path, source)


def walk_symbols(coder: Coder, geometry: Geometry, path: HyperPath, source: Source) -> Walked:
    """Code the hyper latent, then the latent."""
    hyper = walk_hyper(coder, path.prior, source.hyper)
    _, shape = shapes(path, geometry)
    predict = path.predictor(path.features(hyper, *shape[1:]))
    found = walk.walk(shape, path.context.steps(shape), predict, lambda run: in_runs(coder, source.latent(run), run.index))
    return Walked(Hyperlatent(geometry.scale, hyper, found.symbols), found.values, found.index)


def walk_hyper(coder: Coder, prior: Prior, symbols: Symbols) -> Values:
    """Code hyper symbols (n, h, w)."""
    got = [coder.code(channel.reshape(-1), table) for channel, table in zip(symbols, prior.tables, strict=True)]
    return np.stack(got).astype(np.int16).reshape(symbols.shape)


def in_runs(coder: Coder, symbols: Symbols, index: NDArray[np.uint8]) -> Symbols:
    """Code symbols that are sorted by table index, all of one table at once."""
    tables = gaussians()
    got = np.empty_like(symbols)
    borders = np.flatnonzero(np.diff(index, prepend=-1, append=len(tables)))
    for first, last in pairwise(borders):
        got[first:last] = coder.code(symbols[first:last], tables[index[first]])
    return got


@dataclass(eq=False)
class Counted:
    """A coder that adds up what symbols say, and refuses them when that is over ``most``."""

    coder: Coder
    most: float = np.inf
    bits: float = 0.0

    def code(self, symbols: Symbols, table: Table) -> Symbols:
        """As the coder; DamagedError over the limit."""
        got = self.coder.code(symbols, table)
        self.bits += table.bits(got)
        if self.bits > self.most:
            raise DamagedError("the body is too short for its symbols", offset=0, field="coded symbols")
        return got

    def code_bit(self, bit: int, probability: int) -> int:
        """As the coder. A body of this layer has none."""
        return self.coder.code_bit(bit, probability)


def most_bits(body: bytes) -> int:
    """The most that symbols of a body may say."""
    return 8 * len(body) + LUCK_BITS


def within(values: Values) -> bool:
    """Whether all symbols are within +-255."""
    return int(values.min()) >= -SYMBOL_MAX and int(values.max()) <= SYMBOL_MAX


def rounded(distance: Floats, low: int, high: int) -> Symbols:
    """Distances from a mean as symbols."""
    return np.clip(np.rint(distance), low, high).astype(np.int32)


def expanded(values: Values) -> Floats:
    """Numbers of 6 fraction bits in floats."""
    return values.astype(np.float32) / np.float32(2**FRACTION_BITS)
