"""The latent layer: quality, coded size, and the integer latents of a learned codec.

The body is one range-coded stream: scale code (uniform of 8), quality (uniform of 64), the hyper latent in four steps, then
the latent in four steps. In each step the symbols are coded by rising table index, and for equal index in order of channel,
row, column: few long runs under one table are fast to code in any language.

``walk_steps`` is the only traversal: ``fit``, ``write`` and ``read`` differ in where the symbols come from.

Source of the model: mean-scale hyperprior, Minnen et al. 2018; quadtree steps, Li et al. 2023 (DCVC-DC), section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.entropy.coder import Coder, Reader, Writer
from limner.entropy.tables import PRECISION, Table, gaussians, uniform
from limner.errors import DamagedError, EncodeError
from limner.layers.path import FRACTION_BITS, SYMBOL_MAX, Path, Prediction, Steps
from limner.layers.quadtree import HYPER_CHANNELS, LATENT_CHANNELS, QUALITIES, STEPS, group_of

LATENT_PX = 16  # one latent position per 16 x 16 coded pixels
HYPER_STRIDE = 4
CHOSEN_AT_ONCE = 1 << 18
# How many bits a squared error of 1 in a scaled latent is worth to the encoder: found on held-out pictures. Less saves more
# bits, but later steps then predict from worse neighbours.
BITS_PER_ERROR = 100.0
SIXTEENTHS = (16, 12, 8, 6, 4, 3, 2, 1)  # scale code -> sixteenths of the picture's sides that are coded

Symbols = NDArray[np.int16]


@dataclass(frozen=True)
class Geometry:
    """Sizes that follow from the picture's size and a scale code."""

    width_px: int
    height_px: int
    scale: int

    @property
    def coded_px(self) -> tuple[int, int]:
        """Width and height of the picture that is coded."""
        part = SIXTEENTHS[self.scale]
        return -(-self.width_px * part // 16), -(-self.height_px * part // 16)

    @property
    def latent(self) -> tuple[int, int, int]:
        width, height = self.coded_px
        return LATENT_CHANNELS, -(-height // LATENT_PX), -(-width // LATENT_PX)

    @property
    def hyper(self) -> tuple[int, int, int]:
        _, rows, columns = self.latent
        return HYPER_CHANNELS, -(-rows // HYPER_STRIDE), -(-columns // HYPER_STRIDE)


@dataclass(frozen=True, eq=False)
class Latent:
    """scale: 0..7; quality: 0..63; hyper: (32, h, w), symbols: (64, h, w); both int16 within +-127."""

    scale: int
    quality: int
    hyper: Symbols
    symbols: Symbols

    def __post_init__(self) -> None:
        if not (0 <= self.scale < len(SIXTEENTHS) and 0 <= self.quality < QUALITIES):
            raise EncodeError(f"scale {self.scale} or quality {self.quality} is out of range")
        for name, values in (("hyper", self.hyper), ("latent", self.symbols)):
            if values.dtype != np.int16 or values.ndim != 3 or (values.size and int(np.abs(values).max()) > SYMBOL_MAX):
                raise EncodeError(f"{name} symbols are int16 (channels, rows, columns) within +-{SYMBOL_MAX}")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Latent)
            and (self.scale, self.quality) == (other.scale, other.quality)
            and np.array_equal(self.hyper, other.hyper)
            and np.array_equal(self.symbols, other.symbols)
        )

    def __hash__(self) -> int:
        return hash((self.scale, self.quality, self.hyper.tobytes(), self.symbols.tobytes()))


@dataclass(frozen=True, eq=False)
class Run:
    """What is known of the latents that a step codes, in coding order: flat places, means (7 fraction bits), table indices."""

    places: NDArray[np.intp]
    mean: NDArray[np.int16]
    index: NDArray[np.uint8]


Choose = Callable[[Run], NDArray[np.int32]]


@dataclass(frozen=True)
class Source:
    """Where the symbols of hyper latent and latent come from."""

    hyper: Choose
    latent: Choose


@dataclass(frozen=True, eq=False)
class Walked:
    """What a walk leaves: the layer, its latents with their means added (64, h, w; 7 fraction bits), their table indices."""

    layer: Latent
    values: NDArray[np.int16]
    index: NDArray[np.uint8]


def fit(
    y: NDArray[np.float32],
    z: NDArray[np.float32],
    quality: int,
    geometry: Geometry,
    path: Path,
    coder: Coder,
    bits_per_error: float = BITS_PER_ERROR,
) -> Walked:
    """Quantise scaled latents y (64, h, w) and hyper latents z (32, h/4, w/4), about the means that the decoder will have.

    ``coder`` sees the symbols as they are chosen: a Writer has the body afterwards, a ``Meter`` its size in bits.
    ``bits_per_error``: what a squared error of 1 is worth; with a very large one all is rounded to the nearest.
    """
    outer, inner = z.reshape(-1), y.reshape(-1)

    def nearest(run: Run) -> NDArray[np.int32]:
        return np.clip(np.rint(away(outer, run)), -SYMBOL_MAX, SYMBOL_MAX).astype(np.int32)

    def choose(run: Run) -> NDArray[np.int32]:
        return worthwhile(away(inner, run), run.index, bits_per_error)

    return walk(coder, geometry, quality, Source(nearest, choose), path)


def away(values: NDArray[np.float32], run: Run) -> NDArray[np.float32]:
    """How far flat values are from the means of a run."""
    distance: NDArray[np.float32] = values[run.places] - run.mean.astype(np.float32) / 2**FRACTION_BITS
    return distance


def worthwhile(away: NDArray[np.float32], index: NDArray[np.uint8], bits_per_error: float) -> NDArray[np.int32]:
    """Round distances from the mean to symbols; one nearer to zero is taken where the bits it saves outweigh its error."""
    distance = np.abs(away)
    nearest = np.minimum(np.rint(distance), SYMBOL_MAX)
    # One less has an error of 2 (distance - nearest) + 1 more.
    saved_bits = saved_by_one_less()[index, nearest.astype(np.uint8)]
    lowered = saved_bits > bits_per_error * (2 * (distance - nearest) + 1)
    chosen: NDArray[np.int32] = np.copysign(nearest - lowered, away).astype(np.int32)
    return chosen


def write(layer: Latent, geometry: Geometry, path: Path) -> bytes:
    """Code a layer as the body of its container layer. EncodeError if its shapes are not the geometry's."""
    if layer.symbols.shape != geometry.latent or layer.hyper.shape != geometry.hyper or layer.scale != geometry.scale:
        raise EncodeError("the latent layer is not of the picture's size")
    writer = Writer()
    walk(writer, geometry, layer.quality, of_layer(layer), path)
    return writer.finish()


def of_layer(layer: Latent) -> Source:
    """Symbols that are known."""
    hyper, symbols = (given.reshape(-1).astype(np.int32) for given in (layer.hyper, layer.symbols))
    return Source(lambda run: hyper[run.places], lambda run: symbols[run.places])


def read(body: bytes, width_px: int, height_px: int, path: Path) -> Walked:
    """Read the body of a latent layer. DamagedError unless it is exactly what ``write`` makes of what was read."""
    reader = Reader(body)
    geometry, quality = read_setting(reader, width_px, height_px)
    walked = walk_symbols(reader, geometry, quality, NOTHING, path)
    reader.finish()
    return walked


def read_setting(coder: Coder, width_px: int, height_px: int) -> tuple[Geometry, int]:
    """Scale and quality of a picture of this size."""
    scale = int(coder.code(np.zeros(1, np.int32), uniform(len(SIXTEENTHS)))[0])
    quality = int(coder.code(np.zeros(1, np.int32), uniform(QUALITIES))[0])
    return Geometry(width_px, height_px, scale), quality


def unknown(run: Run) -> NDArray[np.int32]:
    """What a reader has for symbols before it has read them."""
    return np.zeros(len(run.places), np.int32)


NOTHING = Source(unknown, unknown)


def expand(values: NDArray[np.int16]) -> NDArray[np.float32]:
    """The scaled latents (64, h, w) that the synthesis transform is given: symbols plus means, in floats."""
    return values.astype(np.float32) / np.float32(2**FRACTION_BITS)


def setting(body: bytes) -> tuple[int, int]:
    """Scale code and quality of a body, read without any weights."""
    geometry, quality = read_setting(Reader(body), 1, 1)
    return geometry.scale, quality


def walk(coder: Coder, geometry: Geometry, quality: int, source: Source, path: Path) -> Walked:
    """Code a whole body: the setting, then the symbols."""
    coder.code(np.array([geometry.scale], np.int32), uniform(len(SIXTEENTHS)))
    coder.code(np.array([quality], np.int32), uniform(QUALITIES))
    return walk_symbols(coder, geometry, quality, source, path)


def walk_symbols(coder: Coder, geometry: Geometry, quality: int, source: Source, path: Path) -> Walked:
    """Code the hyper latent, then the latent."""
    _, hyper_rows, hyper_columns = geometry.hyper
    known = path.hyper_features(quality, hyper_rows, hyper_columns)
    hyper = walk_steps(coder, geometry.hyper, known, source.hyper, path.hyper_steps)
    _, rows, columns = geometry.latent
    features = path.features(hyper.values, quality, rows, columns)
    found = walk_steps(coder, geometry.latent, features, source.latent, path.latent_steps)
    return Walked(Latent(geometry.scale, quality, hyper.symbols, found.symbols), found.values, found.index)


@dataclass(frozen=True, eq=False)
class Coded:
    """What four steps leave, each (c, h, w): symbols, those with their means added (7 fraction bits), their table indices."""

    symbols: Symbols
    values: NDArray[np.int16]
    index: NDArray[np.uint8]


def walk_steps(coder: Coder, shape: tuple[int, int, int], features: NDArray[np.int16], choose: Choose, steps: Steps) -> Coded:
    """Code a latent in four steps; ``choose`` gives the symbols of a run. ``features`` are used up."""
    found = Coded(np.zeros(shape, np.int16), np.zeros(shape, np.int16), np.zeros(shape, np.uint8))
    for step in range(STEPS):
        run = in_order(steps.predict(step, features, found.values), step_places(step, *shape))
        settle(found, run, coder, choose)
        del run  # as large as the latent, and not to be there with that of the next step
    return found


def settle(found: Coded, run: Run, coder: Coder, choose: Choose) -> None:
    """Code a run, and put down what it is."""
    tables = gaussians()
    got = in_runs(coder, chosen(run, choose), np.bincount(run.index, minlength=len(tables)), tables)
    found.symbols.reshape(-1)[run.places] = got
    found.values.reshape(-1)[run.places] = (got << FRACTION_BITS) + run.mean
    found.index.reshape(-1)[run.places] = run.index


def chosen(run: Run, choose: Choose) -> NDArray[np.int32]:
    """The symbols of a run, chosen piece by piece: what choosing takes in between is many times what it gives."""
    symbols = np.empty(len(run.places), np.int32)
    for first in range(0, len(symbols), CHOSEN_AT_ONCE):
        some = slice(first, first + CHOSEN_AT_ONCE)
        symbols[some] = choose(Run(run.places[some], run.mean[some], run.index[some]))
    return symbols


def in_order(prediction: Prediction, places: NDArray[np.intp]) -> Run:
    """Sort rising places by table index; equal indices stay in the order of the places."""
    index = prediction.index.reshape(-1)[places]
    order = np.argsort(index, kind="stable")
    sorted_places = places[order]
    return Run(sorted_places, prediction.mean.reshape(-1)[sorted_places], index[order])


def in_runs(coder: Coder, symbols: NDArray[np.int32], counts: NDArray[np.intp], tables: tuple[Table, ...]) -> NDArray[np.int32]:
    """Code symbols that are sorted by table, ``counts[i]`` of them under ``tables[i]``."""
    got = np.empty_like(symbols)
    first = 0
    for table, count in zip(tables, counts, strict=True):
        got[first : first + count] = coder.code(symbols[first : first + count], table)
        first += count
    return checked(got)


def checked(symbols: NDArray[np.int32]) -> NDArray[np.int32]:
    """Refuse symbols that no writer sends.

    What a reader finds behind the end of a body is the first symbol of every table, -255: a body that is too short for
    the size that its header declares is refused here, before any large network is run for it.
    """
    if symbols.size and int(np.abs(symbols).max()) > SYMBOL_MAX:
        raise DamagedError(f"a symbol is over {SYMBOL_MAX}", offset=0, field="coded symbols")
    return symbols


def step_places(step: int, channels: int, rows: int, columns: int) -> NDArray[np.intp]:
    """Flat places in (channels, rows, columns) that a step of the quadtree codes, rising."""
    group = np.arange(channels)[:, None, None] // (channels // STEPS)
    row, column = np.arange(rows)[None, :, None], np.arange(columns)[None, None, :]
    return np.flatnonzero(group_of(step, row, column) == group)


class Meter:
    """A coder that writes nothing and adds up information."""

    def __init__(self) -> None:
        self.bits = 0.0

    def code(self, symbols: NDArray[np.int32], table: Table) -> NDArray[np.int32]:
        self.bits += table.bits(symbols)
        return symbols

    def code_bit(self, bit: int, probability: int) -> int:
        self.bits -= float(np.log2((probability if bit else 4096 - probability) / 4096))
        return bit


@cache
def cost_bits() -> NDArray[np.float64]:
    """Information of a symbol by table index and absolute value: (64, 128)."""
    span = np.arange(SYMBOL_MAX + 1)
    return np.stack([-np.log2(table.frequencies[span - table.low] / 2.0**PRECISION) for table in gaussians()])


@cache
def saved_by_one_less() -> NDArray[np.float32]:
    """What coding a symbol one nearer to zero saves, by table index and absolute value: (64, 128) bits; 0 has no nearer."""
    costs = cost_bits()
    return np.diff(costs, axis=1, prepend=np.inf).astype(np.float32)
