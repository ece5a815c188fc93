"""What the recipes of full-size codecs share: rates and errors of crops, an optimiser, a look at held-out pictures.

The quantiles of a codec's prior are where its medians are, about which the hyper latent is rounded. The rate does not depend on
them, so they learn nothing; every so often they are put where they belong, which needs no second optimiser.

Source: Minnen et al. 2018 for the loss; what is called lambda there and here weighs squared errors of values in 0..255.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.codec import Codec
from limner.nets.miniature import Coded
from limner.train.integers import as_input
from limner.train.miniature import psnr_db
from limner.train.muon import Muon

SETTLED_EVERY = 100  # steps
TAKEN = "taken"  # steps, in an optimiser's first group
FEW_CHANNELS = 16  # fewer than oneDNN takes at once

Net = TypeVar("Net", bound=Codec)


@dataclass(frozen=True)
class Measured:
    """Of each crop (b,): bits per pixel of latent and hyper latent, mean squared error in 0..255 units."""

    latent_bpp: Tensor
    hyper_bpp: Tensor
    mse: Tensor

    def cost(self, lambda_mse: float) -> Tensor:
        """Rate plus lambda times squared error (b,)."""
        return self.latent_bpp + self.hyper_bpp + lambda_mse * self.mse

    def figures(self) -> dict[str, Tensor]:
        psnr_db = -10 * torch.log10(self.mse.clamp_min(1e-6) / 255**2)
        return {"latent_bpp": self.latent_bpp.mean(), "hyper_bpp": self.hyper_bpp.mean(), "psnr_db": psnr_db.mean()}


def measured(coded: Coded, x: Tensor) -> Measured:
    """What a pass over crops x (b 3 h w) in 0..1 gave."""
    px = x.shape[2] * x.shape[3]
    mse = 255**2 * (coded.picture - x).square().flatten(1).mean(1)
    return Measured(coded.latent_bits / px, coded.hyper_bits / px, mse)


def as_crops(pixels: Tensor) -> Tensor:
    """Crops (b 3 h w) uint8 as networks take them: 0..1."""
    return pixels.float().div(255).contiguous(memory_format=torch.channels_last)


class Picked(nn.Conv2d):
    """A 1x1 convolution with a stride as one without, over the positions that the stride picks. Names and results are the same.

    oneDNN writes past its memory in the gradient of the other kind where channels come last and are few: a crash on a good
    day, and wrong gradients on others.
    """

    @staticmethod
    def of(conv: nn.Conv2d) -> Picked:
        down, right = conv.stride
        made = Picked(conv.in_channels, conv.out_channels, 1, (down, right), bias=conv.bias is not None)
        made.weight, made.bias = conv.weight, conv.bias
        return made

    def forward(self, x: Tensor) -> Tensor:
        down, right = self.stride
        return F.conv2d(x[:, :, ::down, ::right], self.weight, self.bias)


def ready(codec: Net) -> Net:
    """A codec as it can be trained: its quantiles do not learn by gradients, and no convolution is one that goes astray."""
    codec.entropy_bottleneck.quantiles.requires_grad_(False)
    for part in list(codec.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.Conv2d) and astray(child):
                setattr(part, name, Picked.of(child))
    return codec


def astray(conv: nn.Conv2d) -> bool:
    """Whether it is a strided 1x1 convolution of few channels."""
    strided = conv.kernel_size == (1, 1) and conv.stride != (1, 1)
    return strided and conv.in_channels < FEW_CHANNELS and not isinstance(conv, Picked)


def optimiser(codec: Codec, learning_rate: float, muon: bool) -> torch.optim.Optimizer:
    """Adam, as all published codecs are trained with, or Muon; after every hundredth step the quantiles are settled."""
    kind = Muon(codec, learning_rate) if muon else torch.optim.Adam(codec.parameters(), learning_rate)
    kind.register_step_post_hook(settling(codec))
    return kind


def settling(codec: Codec) -> Callable[[Any, Any, Any], None]:
    """What an optimiser calls after its steps. Their number is in a group of its own, and so in its checkpoints."""

    def after_step(optimiser: torch.optim.Optimizer, given: Any, named: Any) -> None:
        first = optimiser.param_groups[0]
        first[TAKEN] = first.get(TAKEN, 0) + 1
        if first[TAKEN] % SETTLED_EVERY == 0:
            codec.entropy_bottleneck.settle()

    return after_step


@dataclass(frozen=True)
class Estimate:
    """A picture through a codec in floats: the picture (h, w, 3), estimated bits per pixel, PSNR."""

    picture: NDArray[np.uint8]
    bpp: float
    psnr_db: float
    painted: Tensor


@torch.no_grad()
def estimate(codec: Codec, picture: NDArray[np.uint8], text: Tensor | None = None) -> Estimate:
    """Rounded latents; ``picture`` is cut to whole latent positions. ``painted``: (1 3 h w), 0..1."""
    x = as_input(picture)
    coded: Coded = codec(x, text)
    painted = coded.picture.clamp(0, 1)
    mse = 255**2 * (painted - x).square().mean().item()
    pixels = painted[0].mul(255).round().byte().permute(1, 2, 0).numpy()
    bits = (coded.latent_bits + coded.hyper_bits).item()
    return Estimate(pixels, bits / math.prod(x.shape[2:]), psnr_db(max(mse, 1e-6)), painted)
