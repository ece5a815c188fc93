"""From a trained torch network to exact integers, and the same integers computed by torch.

``convert`` takes a chain of convolutions (plain, strided, transposed, sub-pixel), linear layers and ReLU-like activations, also
chains within the chain, and gives a ``fixedpoint.Network``. Weights get as many fraction bits as ten bits allow, per output
channel; activations, of 16 bits, as many as the samples' largest value leaves with a margin of four. ``run`` computes a Network
in torch, on CPU or CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from limner.entropy.fixedpoint import ACTIVATION_MAX, SLOPE_BITS, SLOPE_REACH, Integers, Layer, Network, fraction_bits
from limner.errors import LimnerError

MARGIN = 4.0
# Weights could have 16 bits. With fewer most sums are proved to stay below 2**24, where float32 is exact and twice as fast.
WEIGHT_MAX = 383
LARGEST_WEIGHT = 32767
Linear = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Bits = int | NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """A linear module with what follows it: sub-pixel factor and slope below zero (None: no activation)."""

    linear: Linear
    shuffle: int
    slope: float | None

    def __call__(self, x: Tensor) -> Tensor:
        x = linear(self.linear, x)
        if self.shuffle > 1:
            x = F.pixel_shuffle(x, self.shuffle)
        return x if self.slope is None else F.leaky_relu(x, self.slope)


def linear(module: Linear, x: Tensor) -> Tensor:
    """Apply a convolution, or a linear layer to the channels of a map."""
    if isinstance(module, nn.Linear):
        return F.conv2d(x, module.weight[:, :, None, None], module.bias)
    y: Tensor = module(x)
    return y


def groups(net: nn.Sequential) -> Iterator[Group]:
    """Split a chain into its linear modules, each with its sub-pixel shuffle and activation in either order."""
    modules = list(flat(net))
    while modules:
        head = modules.pop(0)
        if not isinstance(head, Linear):
            raise LimnerError(f"{type(head).__name__} cannot start a fixed-point layer")
        shuffle, slope = 1, None
        while modules and isinstance(modules[0], nn.PixelShuffle | nn.ReLU | nn.LeakyReLU):
            follower = modules.pop(0)
            if isinstance(follower, nn.PixelShuffle):
                shuffle = follower.upscale_factor
            else:
                slope = float(getattr(follower, "negative_slope", 0.0))
        yield Group(head, shuffle, slope)


def flat(net: nn.Sequential) -> Iterator[nn.Module]:
    """The modules of a chain, those of chains within it in their place."""
    for module in net:
        if isinstance(module, nn.Sequential):
            yield from flat(module)
        elif not isinstance(module, nn.Identity):
            yield module


@torch.no_grad()
def convert(net: nn.Sequential, samples: Sequence[Tensor], input_bits: int, output_bits: Bits | None = None) -> Network:
    """Convert a chain to integers.

    samples: float inputs (b c h w) that show the size of every activation. Inputs are taken as integers of ``input_bits``
    fraction bits; the output has ``output_bits`` if given, one number or one for each of its channels. Raises LimnerError for
    modules it cannot convert.
    """
    layers: list[Layer] = []
    chain = list(groups(net))
    current, bits = list(samples), input_bits
    for place, group in enumerate(chain):
        current = [group(x) for x in current]
        largest = MARGIN * max(x.abs().max().item() for x in current)
        last = place == len(chain) - 1
        wanted = output_bits if last and output_bits is not None else fraction_bits(largest, most=14)
        layer, bits = integers(group, bits, wanted, exact=last and output_bits is not None)
        layers.append(layer)
    return Network(tuple(layers))


def integers(group: Group, input_bits: int, output_bits: Bits, exact: bool) -> tuple[Layer, int]:
    """One group as a Layer, and the fraction bits of its output (the least, if they differ)."""
    weight, spread, stride, padding, trim = geometry(group.linear)
    bias_module = group.linear.bias
    bias = np.zeros(len(weight)) if bias_module is None else bias_module.detach().double().cpu().numpy()
    weight_bits = bits_of(weight, WEIGHT_MAX)
    if exact:
        output_bits = by_output(output_bits, len(weight), group.shuffle)
        weight_bits = enough(weight_bits, output_bits - input_bits, weight)
    else:
        output_bits = np.minimum(output_bits, input_bits + int(weight_bits.min()))
    weight_bits = np.minimum(weight_bits, 48 + output_bits - input_bits)
    whole = np.rint(np.ldexp(weight, weight_bits[:, None, None, None])).astype(np.int16)
    sums_bits = weight_bits + input_bits
    leak, slope = leak_of(group.slope)
    layer = Layer(
        weight=whole,
        bias=np.rint(np.ldexp(bias, sums_bits)).astype(np.int64),
        shift=(sums_bits - output_bits).astype(np.int8),
        stride=stride,
        padding=padding,
        spread=spread,
        trim=trim,
        leak=leak,
        shuffle=group.shuffle,
        slope=slope,
    )
    return layer, int(np.min(output_bits))


def bits_of(weight: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Most fraction bits of the weights of each output that stay within the limit."""
    return np.array([fraction_bits(value, limit) for value in np.abs(weight).reshape(len(weight), -1).max(1)])


def by_output(bits: Bits, outputs: int, shuffle: int) -> NDArray[np.int64]:
    """Fraction bits of each output before the sub-pixel shuffle."""
    each = np.repeat(bits, shuffle**2) if np.ndim(bits) else np.full(outputs, bits)
    if each.shape != (outputs,):
        raise LimnerError("the fraction bits asked of the output are not one number for each channel")
    return each.astype(np.int64)


def enough(weight_bits: NDArray[np.int64], least: NDArray[np.int64], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give weights more bits than usual where fewer would leave the output less than it must have."""
    if (least > bits_of(weight, LARGEST_WEIGHT)).any():
        raise LimnerError("the weights are too large for the fraction bits asked of the output")
    return np.maximum(weight_bits, least)


def geometry(module: Linear) -> tuple[NDArray[np.float64], int, int, int, int]:
    """Weights as of a plain convolution (o i k k) float64, then spread, stride, padding, trim."""
    weight = module.weight.detach().double().cpu()
    if not weight.isfinite().all() or (module.bias is not None and not module.bias.isfinite().all()):
        raise LimnerError("a network whose weights are no numbers cannot be converted")
    if isinstance(module, nn.Linear):
        return weight[:, :, None, None].numpy(), 1, 1, 0, 0
    if not isinstance(module.padding, tuple) or module.padding_mode != "zeros":
        raise LimnerError("fixed point takes convolutions that are padded with a number of zeros")
    stride, padding, k = module.stride[0], int(module.padding[0]), weight.shape[-1]
    sides = {weight.shape[2:], module.stride, module.padding, module.dilation}
    if module.groups != 1 or module.dilation != (1, 1) or any(one != other for one, other in sides):
        raise LimnerError("fixed point takes square convolutions without groups or dilation")
    if isinstance(module, nn.ConvTranspose2d):
        # Zeros between the inputs, then a plain convolution with the kernel turned round.
        turned = weight.flip(2, 3).transpose(0, 1).contiguous()
        return turned.numpy(), stride, 1, k - 1 - padding, int(module.output_padding[0])
    return weight.numpy(), 1, stride, padding, 0


def leak_of(slope: float | None) -> tuple[int | None, int | None]:
    """A layer's leak and slope for the slope of an activation below zero (None: no activation)."""
    if slope is None:
        return None, None
    if slope == 0:
        return -1, None
    leaks = {2.0**-leak: leak for leak in range(16)}
    if slope in leaks:
        return leaks[slope], None
    rounded = round(slope * (1 << SLOPE_BITS)) if 0 < slope < 1 else 0
    if not 1 <= rounded < 1 << SLOPE_BITS:
        raise LimnerError(f"the slope {slope} of a leaky ReLU is not between 2**-15 and 1")
    return None, rounded


@dataclass(frozen=True, eq=False)
class OnTorch(Network):
    """A network that computes its integers in torch, on ``device``: the same ones."""

    device: str = "cpu"

    def __call__(self, x: Integers) -> Integers:
        return run(self, torch.from_numpy(x.astype(np.float64)).to(self.device)).cpu().numpy().astype(np.int32)


def run(network: Network, x: Tensor) -> Tensor:
    """Compute the network's integers in torch: x (channels, rows, columns), integer values in float64, on any device.

    Matrix products of unfolded inputs only: a library's convolution may choose a Fourier or Winograd method, which is not
    exact.
    """
    for layer in network.layers:
        x = run_layer(layer, x)
    return x


def run_layer(layer: Layer, x: Tensor) -> Tensor:
    outputs, inputs, k, _ = layer.weight.shape
    if layer.spread > 1:
        c, h, w = x.shape
        s, t = layer.spread, layer.trim
        wide = x.new_zeros(c, (h - 1) * s + 1 + t, (w - 1) * s + 1 + t)
        wide[:, : (h - 1) * s + 1 : s, : (w - 1) * s + 1 : s] = x
        x = wide
    x = F.pad(x, [layer.padding] * 4)
    rows, columns = ((n - k) // layer.stride + 1 for n in x.shape[1:])
    unfolded = x.unfold(1, k, layer.stride).unfold(2, k, layer.stride).permute(0, 3, 4, 1, 2)
    weight = torch.from_numpy(layer.weight.astype(np.float64)).to(x.device).reshape(outputs, -1)
    sums = weight @ unfolded.reshape(inputs * k * k, rows * columns)
    shift = layer.shift.astype(np.int64)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    sums = sums + torch.from_numpy((layer.bias + half).astype(np.float64)).to(x.device)[:, None]
    values = torch.floor(sums * torch.from_numpy(np.ldexp(1.0, -shift)).to(x.device)[:, None])
    if layer.leak is not None:
        below = torch.zeros_like(values) if layer.leak < 0 else torch.floor(values * 2.0**-layer.leak)
        values = torch.where(values < 0, below, values)
    if layer.slope is not None:
        held = values.clamp(min=-SLOPE_REACH)
        values = torch.where(values < 0, torch.floor((held * layer.slope + 2.0 ** (SLOPE_BITS - 1)) * 2.0**-SLOPE_BITS), values)
    values = values.clamp(-ACTIVATION_MAX, ACTIVATION_MAX).reshape(outputs, rows, columns)
    return F.pixel_shuffle(values, layer.shuffle) if layer.shuffle > 1 else values
