"""A trained codec's entropy path as exact integers: torch modules in, a ``layers.hyperpath.HyperPath`` out.

    hyper synthesis ---- transposed convolutions become sub-pixel ones ----> Network
    masked convolution - the 12 taps that are not masked, as columns ------> Network of 1 x 1 windows     (Raster)
    local contexts ----- the 12 taps that meet anchors, as columns --------> Networks of 1 x 1 windows    (Slices)
    channel contexts, parameter networks, as they are ---------------------> Networks

Hyper synthesis, masked or local contexts and channel contexts feed the same parameter networks: all give as many fraction bits
as the largest of them allows. Parameter networks give scales with 7 fraction bits and means with 6.

Samples are latents as a decoder has them, of a few pictures that a codec is meant for: they show the size of every activation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from limner.entropy.fixedpoint import fraction_bits
from limner.errors import LimnerError
from limner.layers.contexts import Context, Direct, Raster, Slices
from limner.layers.hyperpath import SCALE_BITS, HyperPath, Prior, networks, thresholds_of, with_networks
from limner.layers.walk import ACROSS, BEFORE, FRACTION_BITS, REACH
from limner.nets import fixed
from limner.nets.codec import LEAST_SCALE

MOST_BITS = 14
SIDE = 2 * REACH + 1


@dataclass(frozen=True)
class Sample:
    """Latents of a picture as its decoder has them, means and medians added. z: (1 n h w). y: (1 c rows columns)."""

    z: Tensor
    y: Tensor


@dataclass(frozen=True)
class DirectParts:
    """Features are the scales of so many channels, or scales and means."""

    channels: int


@dataclass(frozen=True)
class RasterParts:
    """masked: 5 x 5 over the latent; what a raster scan has not passed yet is ignored, whether its weights are zero or not.
    parameters: from features, then the masked convolution's output, to scales, then means."""

    masked: nn.Conv2d
    parameters: nn.Sequential


@dataclass(frozen=True)
class SliceParts:
    """For each slice of ``widths`` channels: channel, from all earlier slices (none, or None, for the first); local, 5 x 5 over
    the slice's anchors; and from [local,] [channel,] features to scales, then means: anchors, others.

    A network of anchors may take local inputs too: they are zero, and left out.
    """

    widths: Sequence[int]
    channel: Sequence[nn.Sequential | None]
    local: Sequence[nn.Conv2d]
    anchors: Sequence[nn.Sequential]
    others: Sequence[nn.Sequential]


Parts = DirectParts | RasterParts | SliceParts


@torch.no_grad()
def hyperpath_of(
    hyper: nn.Sequential, prior: Prior, parts: Parts, samples: Sequence[Sample], least_scale: float = LEAST_SCALE
) -> HyperPath:
    """Convert the parts of an entropy path.

    hyper: from z to features, cut to y's size. ``least_scale``: what smaller scales were held to in training. Raises
    LimnerError for modules that cannot be converted, or do not fit each other.
    """
    if not samples:
        raise LimnerError("an entropy path is converted with samples of latents: give at least one")
    plain = without_transposed(hyper)
    seen = [Seen(one.y, plain(one.z)[:, :, : one.y.shape[2], : one.y.shape[3]]) for one in samples]
    context, bits = converted(parts, seen)
    network = fixed.convert(plain, [one.z for one in samples], FRACTION_BITS, bits)
    return HyperPath(prior, network, context, thresholds_of(least_scale))


@dataclass(frozen=True)
class Seen:
    """What contexts are given for a sample: latent and features, both at the latent's size."""

    y: Tensor
    features: Tensor


def converted(parts: Parts, seen: Sequence[Seen]) -> tuple[Context, fixed.Bits]:
    """A context, and the fraction bits that it wants of the features."""
    if isinstance(parts, RasterParts):
        return raster(parts, seen)
    if isinstance(parts, SliceParts):
        return slices(parts, seen)
    means = seen[0].features.shape[1] == 2 * parts.channels
    bits = parameter_bits(parts.channels)
    return Direct(parts.channels, means), bits if means else bits[: parts.channels]


def raster(parts: RasterParts, seen: Sequence[Seen]) -> tuple[Raster, int]:
    context = pointwise(parts.masked, BEFORE)
    around = [taken(one.y, BEFORE) for one in seen]
    known = [context(x) for x in around]
    bits = common_bits([one.features for one in seen], known)
    given = [torch.cat([one.features, some], 1) for one, some in zip(seen, known, strict=True)]
    channels = seen[0].y.shape[1]
    mix = fixed.convert(parts.parameters, given, bits, parameter_bits(channels))
    return Raster(channels, fixed.convert(nn.Sequential(context), around, FRACTION_BITS, bits), mix), bits


def slices(parts: SliceParts, seen: Sequence[Seen]) -> tuple[Slices, int]:
    found = list(blocks(parts, seen))
    bits = common_bits([one.features for one in seen], *(block.known for block in found), *(block.local for block in found))
    earlier, local, anchors, others = [], [], [], []
    for block in found:
        if block.earlier is not None:
            earlier.append(fixed.convert(block.earlier, block.before, FRACTION_BITS, bits))
        local.append(fixed.convert(nn.Sequential(block.context), block.around, FRACTION_BITS, bits))
        shared = [torch.cat(some, 1) for some in zip(*filter(len, [block.known, [one.features for one in seen]]), strict=True)]
        whole = [torch.cat(some, 1) for some in zip(block.local, shared, strict=True)]
        wanted = parameter_bits(block.width)
        anchors.append(fixed.convert(without_first(block.anchors, shared[0].shape[1]), shared, bits, wanted))
        others.append(fixed.convert(block.others, whole, bits, wanted))
    return Slices(tuple(parts.widths), tuple(earlier), tuple(local), tuple(anchors), tuple(others)), bits


@dataclass(frozen=True)
class Block:
    """A slice: its modules, and for each sample what they are given (before, around) and give (known, local)."""

    width: int
    earlier: nn.Sequential | None
    context: nn.Conv2d
    anchors: nn.Sequential
    others: nn.Sequential
    before: list[Tensor]
    around: list[Tensor]
    known: list[Tensor]
    local: list[Tensor]


def blocks(parts: SliceParts, seen: Sequence[Seen]) -> Iterator[Block]:
    channel = [net for net in parts.channel if net is not None]
    if [len(some) for some in (channel, parts.local, parts.anchors, parts.others)] != [
        len(parts.widths) - 1,
        *[len(parts.widths)] * 3,
    ]:
        raise LimnerError("every slice has its networks, and the first none for earlier ones")
    first = 0
    for place, width in enumerate(parts.widths):
        net, context = channel[place - 1] if place else None, pointwise(parts.local[place], ACROSS)
        before = [one.y[:, :first] for one in seen]
        around = [taken(anchors_of(one.y[:, first : first + width]), ACROSS) for one in seen]
        known, local = [net(x) for x in before] if net is not None else [], [context(x) for x in around]
        yield Block(width, net, context, parts.anchors[place], parts.others[place], before, around, known, local)
        first += width


def anchors_of(y: Tensor) -> Tensor:
    """A latent (b c h w) with zeros where row + column is even."""
    row, column = (torch.arange(side, device=y.device) for side in y.shape[2:])
    return y * ((row[:, None] + column) % 2)


def taken(y: Tensor, window: Sequence[tuple[int, int]]) -> Tensor:
    """Values of y (b c h w) around every position, channel by channel and place by place: (b c * places h w)."""
    b, c, h, w = y.shape
    around = F.unfold(y, SIDE, padding=REACH).reshape(b, c, SIDE * SIDE, h * w)
    return around[:, :, places(window)].reshape(b, -1, h, w)


def pointwise(module: nn.Conv2d, window: Sequence[tuple[int, int]]) -> nn.Conv2d:
    """The taps of a 5 x 5 convolution that lie in a window, as a convolution of what ``taken`` gives."""
    expected = ((SIDE, SIDE), (REACH, REACH), (1, 1), (1, 1), 1)
    if (module.kernel_size, module.padding, module.stride, module.dilation, module.groups) != expected:
        raise LimnerError(f"a context over the latent is a convolution of {SIDE} x {SIDE} that keeps a map's size")
    return convolution(module.weight.flatten(2)[:, :, places(window)].flatten(1)[:, :, None, None], module.bias)


def places(window: Sequence[tuple[int, int]]) -> list[int]:
    """Numbers of a window's places in the 5 x 5 square, row by row."""
    return [(row + REACH) * SIDE + column + REACH for row, column in window]


def convolution(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """A convolution (o i k k) that keeps a map's size."""
    outputs, inputs, side, _ = weight.shape
    made = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=bias is not None)
    made.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().clone())
    return made


def without_first(net: nn.Sequential, inputs: int) -> nn.Sequential:
    """The same chain, of which all inputs but the last so many are zero."""
    head, *rest = fixed.flat(net)
    if isinstance(head, nn.Conv2d) and head.in_channels > inputs:
        return nn.Sequential(convolution(head.weight[:, -inputs:], head.bias), *rest)
    return net


def without_transposed(net: nn.Sequential) -> nn.Sequential:
    """The same chain, with sub-pixel convolutions in the place of transposed ones."""
    return nn.Sequential(*(subpixel(one) if isinstance(one, nn.ConvTranspose2d) else one for one in fixed.flat(net)))


def subpixel(module: nn.ConvTranspose2d) -> nn.Sequential:
    """A transposed convolution that enlarges s times as a plain one of s * s times the channels, and a sub-pixel shuffle.

    Along a side, output s r + a is the sum over d of input r + d times weight a + padding - s d.
    """
    (s, across), (k, _), p = module.stride, module.kernel_size, int(module.padding[0])
    if k - 2 * p + int(module.output_padding[0]) != s or s != across or module.groups != 1 or module.dilation != (1, 1):
        raise LimnerError("fixed point takes transposed convolutions that make a map larger by their stride exactly")
    reach = max((s - 1 + p) // s, (k - 1 - p) // s)
    window = range(-reach, reach + 1)
    _, outputs = module.weight.shape[:2]
    weight = module.weight.new_zeros(outputs, s, s, module.in_channels, len(window), len(window))
    for a, b, down, right in product(range(s), range(s), window, window):
        u, v = a + p - s * down, b + p - s * right
        if 0 <= u < k and 0 <= v < k:
            weight[:, a, b, :, down + reach, right + reach] = module.weight[:, :, u, v].T
    bias = None if module.bias is None else module.bias.repeat_interleave(s * s)
    return nn.Sequential(convolution(weight.flatten(0, 2), bias), nn.PixelShuffle(s))


def parameter_bits(channels: int) -> NDArray[np.int64]:
    """Fraction bits of scales and means."""
    return np.repeat([SCALE_BITS, FRACTION_BITS], channels)


def common_bits(*parts: Iterable[Tensor]) -> int:
    """Fraction bits that all parts have room for."""
    largest = max(float(x.abs().max()) for part in parts for x in part)
    return fraction_bits(fixed.MARGIN * largest, most=MOST_BITS)


def on_torch(path: HyperPath, device: str = "cpu") -> HyperPath:
    """The same path, its integers computed in torch on a device."""
    found = {name: fixed.OnTorch(network.layers, device=device) for name, network in networks(path).items()}
    return with_networks(path, found)
