"""A trained miniature -> the files that ship: integers for the entropy path, ONNX for the transforms, a manifest."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.layers import path as entropy_path
from limner.layers.quadtree import LATENT_CHANNELS, QUALITIES
from limner.nets.miniature import Gated, Miniature, with_plane
from limner.train import photos
from limner.train.integers import integer_path
from limner.train.onnx_file import write_onnx
from limner.weights import at, rewrite_manifest, write_manifest

HALF_LEVELS = 127.5
DECODING = ("entropy.npz", "synthesis.onnx")
ENCODING = ("stem.onnx", "analysis.onnx", "hyper_analysis.onnx", "gains.npy", "rates.npy")


class Stem(nn.Module):
    """Picture (1 3 h w) -> features (1 c h/8 w/8), the same at every quality."""

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        unshuffle, conv, *others = model.analysis.eighth
        self.body = nn.Sequential(unshuffled(unshuffle, conv), *map(faster, others))

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(2 * x - 1)
        return features


class Analysis(nn.Module):
    """Features (1 c h/8 w/8) and quality (1,) -> latent before its gain."""

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        self.body = nn.Sequential(*map(faster, model.analysis.sixteenth))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        y: Tensor = self.body(with_plane(x, quality / QUALITIES))
        return y


class ScaledSynthesis(nn.Module):
    """Latent times its gain (1 64 h w) and quality (1,) -> levels 0..255 (1 48 4h 4w), not clipped.

    The last sub-pixel shuffle is left to the reader, who does it on bytes: channel 16 c + 4 i + j is colour c of the pixel in
    row i and column j of a cell of 4 x 4.
    """

    gains: Tensor

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        *body, last, shuffle = model.synthesis.body
        if not isinstance(shuffle, nn.PixelShuffle) or shuffle.upscale_factor != 4:
            raise LimnerError("the synthesis ends with a sub-pixel shuffle by 4")
        self.body = nn.Sequential(*map(faster, without_shuffles(body)), as_levels(last))
        self.register_buffer("gains", all_gains(model))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        levels: Tensor = self.body(with_plane(x / self.gains[quality], quality / QUALITIES))
        return levels


class HyperAnalysis(nn.Module):
    """Latent times its gain and quality (1,) -> hyper latent."""

    def __init__(self, model: Miniature) -> None:
        super().__init__()
        self.hyper_analysis = model.hyper_analysis

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        z: Tensor = self.hyper_analysis(x, quality / QUALITIES)
        return z


@torch.no_grad()
def all_gains(model: Miniature) -> Tensor:
    """Gains of every wire quality, (64 64 1 1)."""
    return model.gain(torch.arange(QUALITIES) / QUALITIES).clone()


class SplitGated(nn.Module):
    """A gated block whose value and gate come from two convolutions: onnxruntime keeps its own layout between them."""

    def __init__(self, block: Gated) -> None:
        super().__init__()
        channels = block.reduce.in_channels
        self.space, self.reduce = block.space, block.reduce
        self.value, self.gate = (nn.Conv2d(channels, channels, 1) for _ in range(2))
        for conv, part in ((self.value, slice(channels)), (self.gate, slice(channels, None))):
            conv.load_state_dict({"weight": block.expand.weight[part], "bias": block.expand.bias[part]})  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        spread = self.space(x)
        change: Tensor = self.reduce(self.value(spread) * torch.sigmoid(self.gate(spread)))
        return x + change


class Interleaved(nn.Module):
    """A 1x1 convolution and a sub-pixel shuffle by 2, its channels sorted so that rows and columns are merely interleaved."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = nn.Conv2d(conv.in_channels, conv.out_channels, 1)
        order = torch.arange(conv.out_channels).reshape(-1, 4).T.flatten()
        self.conv.load_state_dict({name: value[order] for name, value in conv.state_dict().items()})

    def forward(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        upper_left, upper_right, lower_left, lower_right = self.conv(x).chunk(4, 1)
        upper, lower = (
            torch.stack([left, right], -1).reshape(b, -1, h, 2 * w)
            for left, right in ((upper_left, upper_right), (lower_left, lower_right))
        )
        return torch.stack([upper, lower], 3).reshape(b, -1, 2 * h, 2 * w)


def faster(module: nn.Module) -> nn.Module:
    """The same function in the form that onnxruntime is fastest at."""
    return SplitGated(module) if isinstance(module, Gated) else module


def without_shuffles(modules: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """Replace every 1x1 convolution that a sub-pixel shuffle by 2 follows, and the shuffle."""
    before: nn.Module | None = None
    for module in modules:
        if isinstance(module, nn.PixelShuffle) and isinstance(before, nn.Conv2d) and before.kernel_size == (1, 1):
            yield Interleaved(before)
            before = None
            continue
        if before is not None:
            yield before
        before = module
    if before is not None:
        yield before


@torch.no_grad()
def unshuffled(unshuffle: nn.Module, conv: nn.Module) -> nn.Conv2d:
    """A pixel unshuffle and the convolution behind it as one convolution of the pixels."""
    if not isinstance(unshuffle, nn.PixelUnshuffle) or not isinstance(conv, nn.Conv2d):
        raise LimnerError("the analysis begins with a pixel unshuffle and a convolution")
    r, k = unshuffle.downscale_factor, conv.kernel_size[0]
    colours = conv.in_channels // r**2
    one = nn.Conv2d(colours, conv.out_channels, r * k, stride=r * conv.stride[0], padding=r * int(conv.padding[0]))
    # (o, c r r, k k) -> (o, c, k r, k r)
    cells = conv.weight.reshape(-1, colours, r, r, k, k).permute(0, 1, 4, 2, 5, 3)
    one.weight.copy_(cells.reshape(one.weight.shape))
    one.bias = conv.bias
    return one


@torch.no_grad()
def as_levels(last: nn.Module) -> nn.Conv2d:
    """The last convolution with its output, -1..1, in levels 0..255."""
    if not isinstance(last, nn.Conv2d) or last.bias is None:
        raise LimnerError("the synthesis ends with a convolution")
    scaled = copy.deepcopy(last)
    scaled.weight.mul_(HALF_LEVELS)
    scaled.bias = nn.Parameter(HALF_LEVELS * (last.bias + 1))
    return scaled


def export(model: Miniature, pictures: Sequence[NDArray[np.uint8]], folder: Path, name: str, system: str = "") -> None:
    """Write a set of weights. ``pictures`` (h, w, 3) show the converter how large activations get."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.eval().cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    (folder / "entropy.npz").write_bytes(entropy_path.dump(integer_path(model, pictures)))
    write_onnx(Stem(model), 3, 16, folder / "stem.onnx")
    write_onnx(Analysis(model), model.widths.eighth, 2, folder / "analysis.onnx")
    write_onnx(HyperAnalysis(model), LATENT_CHANNELS, 1, folder / "hyper_analysis.onnx")
    write_onnx(ScaledSynthesis(model), LATENT_CHANNELS, 1, folder / "synthesis.onnx")
    np.save(folder / "gains.npy", all_gains(model).reshape(QUALITIES, LATENT_CHANNELS).numpy(), allow_pickle=False)
    # Every channel alike, until ``limner.train.typical`` has seen what they cost.
    np.save(folder / "rates.npy", np.full(LATENT_CHANNELS, 1 / LATENT_CHANNELS, np.float32), allow_pickle=False)
    write_manifest(folder, name, DECODING, ENCODING, system)


def from_checkpoint(checkpoint: Path, data: Path, folder: Path, name: str, count: int = 12) -> None:
    """Export the averaged weights of a checkpoint, calibrated on the first held-out pictures of ``data``."""
    model = Miniature()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["ema"])
    export(model, photos.load(data).held_out[:count], folder, name)


def add_vivid(checkpoint: Path, folder: Path) -> None:
    """Write the averaged painter of a checkpoint of ``limner.train.vivid`` into the set of weights that it was trained for.

    LimnerError if the set is of another codec.
    """
    kept = torch.load(checkpoint, weights_only=True)["ema"]
    model = Miniature()
    model.load_state_dict(part_of(kept, "codec."))
    weights = at(folder)
    gains = np.load(io.BytesIO(weights.read("gains.npy")), allow_pickle=False)
    if not np.allclose(gains, all_gains(model).reshape(gains.shape).numpy()):
        raise LimnerError(f"{checkpoint} was not trained for the weights in {folder}")
    model.synthesis.load_state_dict(part_of(kept, "painter."))
    model.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    write_onnx(ScaledSynthesis(model), LATENT_CHANNELS, 1, folder / "vivid.onnx")
    rewrite_manifest(folder, "vivid.onnx")


def part_of(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
