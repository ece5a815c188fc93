"""The entropy path of a learned codec with a hyperprior: integer tables and networks that say how each symbol is coded.

    z symbols (n, h/s, w/s)   coded channel by channel under ``prior``
        | * 64 + median
        v
      hyper  -->  features (f, h, w), cut to the latent's size
                     |
                     v
                  context  <-- values so far (c, h, w)       walk.py: which symbols are coded when
                     |
        for each channel of the step a scale (7 fraction bits), then for each a mean (6)
                     |
                     v
        table index = how many of the 63 thresholds the scale has reached;   mean, held to +-255

Three contexts: ``Direct``, ``Raster``, ``Slices``. Encoder and decoder compute the same numbers on every machine
(``limner.entropy.fixedpoint``).

Sources: scale hyperprior, Balle et al. 2018; mean and scale, masked context, Minnen et al. 2018; slices and checkerboard, He et
al. 2022 (ELIC), Lee et al. 2024 (TACO).
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.entropy.fixedpoint import Integers, Layer, Network
from limner.entropy.tables import GAUSSIANS, Table, gaussian_sigma, quantise
from limner.errors import LimnerError, MissingError
from limner.layers import walk
from limner.layers.contexts import (
    MOST_CHANNELS,
    MOST_LAYERS,
    MOST_SIDE,
    MOST_SLICES,
    Context,
    Direct,
    Raster,
    Slices,
    fits,
    on_map,
    stride_of,
)
from limner.layers.walk import FRACTION_BITS, MEAN_MAX, SYMBOL_MAX, Prediction, Shape, Step, Values

SCALE_BITS = 7
ALWAYS = -32768  # a threshold that every scale has reached
MOST_STRIDE = 16
MOST_BYTES = 1 << 29  # of all arrays of a file
MOST_ARRAYS = 4 * MOST_LAYERS * (2 + 4 * MOST_SLICES)
DIRECT, RASTER, SLICES = 0, 1, 2  # how a file says which context follows
NOTHING = -2  # how a file says that a layer has no leak or no slope

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Prior:
    """How hyper symbols are coded. low: least symbol. frequencies: (n, symbols) uint32, each row one table. medians: (n,) int16
    with 6 fraction bits, within +-255: what is added to the symbols of a channel.

    Raises LimnerError for tables that are none, or symbols beyond +-255.
    """

    low: int
    frequencies: NDArray[np.uint32]
    medians: Values

    def __post_init__(self) -> None:
        held, medians = self.frequencies, self.medians
        if held.dtype != np.uint32 or held.ndim != 2 or not 0 < len(held) <= MOST_CHANNELS or held.shape[1] < 1:
            raise LimnerError("the prior of hyper symbols is a row of frequencies for each channel, uint32")
        if medians.dtype != np.int16 or medians.shape != (len(held),):
            raise LimnerError("the medians of hyper symbols are one int16 for each channel")
        if int(np.abs(medians.astype(np.int32)).max()) > MEAN_MAX << FRACTION_BITS:
            raise LimnerError(f"a median of hyper symbols is beyond {MEAN_MAX}")
        if not -SYMBOL_MAX <= self.low <= self.high <= SYMBOL_MAX:
            raise LimnerError(f"hyper symbols are within +-{SYMBOL_MAX}")
        _ = self.tables

    @property
    def high(self) -> int:
        """The largest symbol."""
        return self.low + int(self.frequencies.shape[1]) - 1

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(Table(self.low, row) for row in self.frequencies)


def prior_of(probabilities: NDArray[np.floating], low: int, medians: NDArray[np.floating]) -> Prior:
    """Make a prior. probabilities: (n, symbols), a row for each channel, of any positive scale; the first is that of ``low``.
    medians: (n,). Raises LimnerError for what are no probabilities."""
    if probabilities.ndim != 2 or not np.isfinite(medians).all():
        raise LimnerError("the prior of hyper symbols is a row of probabilities and a median for each channel")
    whole = np.rint(np.clip(medians, -MEAN_MAX, MEAN_MAX) * 2**FRACTION_BITS).astype(np.int16)
    return Prior(low, np.stack([quantise(row) for row in probabilities]), whole)


def thresholds_of(least_scale: float) -> NDArray[np.int32]:
    """Scales (7 fraction bits) from which on the next table is taken: the geometric means of neighbouring standard deviations.

    ``least_scale``: the least that the network was trained to mean; all that is below gets the table of this one.
    """
    between = [math.sqrt(gaussian_sigma(index) * gaussian_sigma(index + 1)) for index in range(GAUSSIANS - 1)]
    reached = [ALWAYS if scale <= least_scale else math.ceil(scale * 2**SCALE_BITS) for scale in between]
    return np.array(reached, np.int32)


@dataclass(frozen=True, eq=False)
class HyperPath:
    """hyper: from (n, h, w), 6 fraction bits, to features (f, s h, s w). thresholds: (63,) int32, not falling, 7 fraction bits.

    Raises LimnerError for parts that do not fit each other or are over the limits.
    """

    prior: Prior
    hyper: Network
    context: Context
    thresholds: NDArray[np.int32]

    def __post_init__(self) -> None:
        if not 0 < self.context.channels <= MOST_CHANNELS:
            raise LimnerError(f"a latent has 1 to {MOST_CHANNELS} channels")
        self.context.check()
        fits(self.hyper, len(self.prior.tables), self.context.features, MOST_SIDE, MOST_STRIDE)
        rising = self.thresholds.shape == (GAUSSIANS - 1,) and bool((np.diff(self.thresholds) >= 0).all())
        if self.thresholds.dtype != np.int32 or not rising:
            raise LimnerError(f"the thresholds of scales are {GAUSSIANS - 1} int32 that do not fall")

    @property
    def stride(self) -> int:
        """Latent positions along a side of one hyper position."""
        return stride_of(self.hyper)

    def shapes(self, rows: int, columns: int) -> tuple[Shape, Shape]:
        """Of hyper latent and latent, for so many latent positions."""
        hyper = len(self.prior.tables), -(-rows // self.stride), -(-columns // self.stride)
        return hyper, (self.context.channels, rows, columns)

    def features(self, hyper: Values, rows: int, columns: int) -> Values:
        """What the hyper symbols (n, h, w) say of the latent (rows, columns): (f, rows, columns)."""
        values = (hyper.astype(np.int32) << FRACTION_BITS) + self.prior.medians[:, None, None]
        return on_map(self.hyper, values.astype(np.int16), rows, columns)

    def predictor(self, features: Values) -> walk.Predict:
        """What a walk asks, for a picture's features."""
        parameters = self.context.parameters(features)

        def predict(step: Step, values: Values) -> Prediction:
            return self.split(parameters(step, values), step.last - step.first)

        return predict

    def split(self, parameters: Integers, width: int) -> Prediction:
        """Scales and means (2 c or c, positions) of c channels as table indices and means."""
        index = np.searchsorted(self.thresholds, parameters[:width], side="right").astype(np.uint8)
        if len(parameters) == width:
            return Prediction(np.zeros(index.shape, np.int16), index)
        most = MEAN_MAX << FRACTION_BITS
        return Prediction(np.clip(parameters[width:], -most, most).astype(np.int16), index)


def dump(path: HyperPath) -> bytes:
    """Write a path as an npz archive of integer arrays.

    ``prior.low``, ``prior.frequencies``, ``prior.medians``, ``thresholds``; ``context``: which of the three, then its channels
    (for Direct also whether there are means, for Slices those of each slice); and for each network and layer ``NAME.i.weight``,
    ``NAME.i.bias``, ``NAME.i.shift``, and ``NAME.i.form``: stride, padding, spread, trim, leak, shuffle, slope.
    """
    arrays: Arrays = {
        "prior.low": np.array([path.prior.low], np.int32),
        "prior.frequencies": path.prior.frequencies,
        "prior.medians": path.prior.medians,
        "thresholds": path.thresholds,
        "context": np.array(said(path.context), np.int32),
    }
    for name, network in networks(path).items():
        for place, layer in enumerate(network.layers):
            arrays |= arrays_of(f"{name}.{place}", layer)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **{name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return stream.getvalue()


def said(context: Context) -> list[int]:
    """What a file says of a context beside its networks."""
    if isinstance(context, Direct):
        return [DIRECT, context.channels, int(context.means)]
    return [RASTER, context.channels] if isinstance(context, Raster) else [SLICES, *context.widths]


def networks(path: HyperPath) -> dict[str, Network]:
    """All networks of a path, by their names in a file."""
    context = path.context
    if isinstance(context, Direct):
        return {"hyper": path.hyper}
    if isinstance(context, Raster):
        return {"hyper": path.hyper, "context": context.context, "mix": context.mix}
    parts = {"earlier": context.earlier, "local": context.local, "anchors": context.anchors, "others": context.others}
    named = {f"{part}{place}": network for part, found in parts.items() for place, network in enumerate(found)}
    return {"hyper": path.hyper, **named}


def with_networks(path: HyperPath, found: Mapping[str, Network]) -> HyperPath:
    """The same path with other networks, by their names in a file."""
    return HyperPath(path.prior, found["hyper"], context_of(said(path.context), found), path.thresholds)


def context_of(told: list[int], found: Mapping[str, Network]) -> Context:
    """The context of which a file says so much. LimnerError or KeyError if that is nothing."""
    kind, *widths = told
    if kind == DIRECT and len(widths) == 2 and widths[1] in (0, 1):
        return Direct(widths[0], bool(widths[1]))
    if kind == RASTER and len(widths) == 1:
        return Raster(widths[0], found["context"], found["mix"])
    if kind != SLICES or not 0 < len(widths) <= MOST_SLICES:
        raise LimnerError("there is no such context")
    counts = {"earlier": len(widths) - 1, "local": len(widths), "anchors": len(widths), "others": len(widths)}
    parts = {part: tuple(found[f"{part}{place}"] for place in range(count)) for part, count in counts.items()}
    return Slices(tuple(widths), parts["earlier"], parts["local"], parts["anchors"], parts["others"])


def arrays_of(key: str, layer: Layer) -> Arrays:
    """A layer as a file has it."""
    leak, slope = (NOTHING if value is None else value for value in (layer.leak, layer.slope))
    form = (layer.stride, layer.padding, layer.spread, layer.trim, leak, layer.shuffle, slope)
    found: Arrays = {"weight": layer.weight, "bias": layer.bias, "shift": layer.shift, "form": np.array(form, np.int32)}
    return {f"{key}.{part}": array for part, array in found.items()}


def load(data: bytes) -> HyperPath:
    """Read what ``dump`` wrote; no pickle is ever read. MissingError for anything else."""
    try:
        arrays = dict(members(data))
        found = {name: Network(tuple(chain)) for name, chain in chains(arrays).items()}
        context = context_of([int(value) for value in arrays["context"]], found)
        (low,) = arrays["prior.low"]
        prior = Prior(int(low), arrays["prior.frequencies"], arrays["prior.medians"])
        path = HyperPath(prior, found["hyper"], context, arrays["thresholds"])
        if set(networks(path)) != set(found) or len(arrays) != 5 + sum(4 * len(network.layers) for network in found.values()):
            raise LimnerError("there are arrays that nothing needs")
    except LimnerError as error:
        raise MissingError(f"the entropy path is damaged ({error}): get its weights anew") from error
    except Exception as error:  # a damaged archive may raise nearly anything
        raise MissingError("the entropy path is damaged: get its weights anew") from error
    return path


def members(data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays of an npz archive by name, integers alone, of bounded size."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        kept = archive.infolist()
        if len(kept) > MOST_ARRAYS or sum(info.file_size for info in kept) > MOST_BYTES:
            raise LimnerError("it is too large")
        for info in kept:
            yield info.filename.removesuffix(".npy"), integers(archive.read(info))


def integers(member: bytes) -> NDArray[Any]:
    """One array of an archive. The size that its head declares is checked before memory is taken for it."""
    stream = io.BytesIO(member)
    head = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, columnwise, dtype = head[np.lib.format.read_magic(stream)](stream)
    if (columnwise and len(shape) > 1) or dtype.kind not in "iu" or not dtype.isnative:
        raise LimnerError("its arrays are not plain integers")
    return np.frombuffer(member, dtype, offset=stream.tell()).reshape(shape)


def chains(arrays: Mapping[str, NDArray[Any]]) -> dict[str, list[Layer]]:
    """The layers of each network of a file, in their order."""
    found: dict[str, list[Layer]] = {}
    for name in sorted({key.split(".")[0] for key in arrays if key.endswith(".form")}):
        count = sum(key.startswith(f"{name}.") and key.endswith(".form") for key in arrays)
        found[name] = [layer_of(arrays, f"{name}.{place}") for place in range(count)]
    return found


def layer_of(arrays: Mapping[str, NDArray[Any]], key: str) -> Layer:
    stride, padding, spread, trim, leak, shuffle, slope = (int(value) for value in arrays[f"{key}.form"])
    return Layer(
        weight=arrays[f"{key}.weight"],
        bias=arrays[f"{key}.bias"],
        shift=arrays[f"{key}.shift"],
        stride=stride,
        padding=padding,
        spread=spread,
        trim=trim,
        leak=None if leak == NOTHING else leak,
        shuffle=shuffle,
        slope=None if slope == NOTHING else slope,
    )
