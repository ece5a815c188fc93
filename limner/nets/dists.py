"""DISTS: how unlike two pictures are in the means of a net's maps, which are texture, and in how the maps go together.

    x (b 3 h w, 0..1) --------------------------------------------------- map 0, the picture itself
      -> less ImageNet's means, by its spreads -> 2 convs (64) ---------- map 1
                      -> root of weighted mean squares, 2 convs (128) --- map 2
                      -> the same, 3 convs (256) ------------------------ map 3
                      -> the same, 3 convs (512) ------------------------ map 4
                      -> the same, 3 convs (512) ------------------------ map 5
    the other picture: the same maps
      for each of the 1475 channels    texture    l = (2 m m' + c) / (m^2 + m'^2 + c)       of the means over positions
                                       structure  s = (2 cov + c) / (var + var' + c)
    1 - sum(alpha l + beta s) -> (b,), the weights together 1

The trunk's tensors have torchvision's names (features.{n}.weight|bias of vgg16); alpha and beta are (1, 1475, 1, 1), as the
authors publish them. Pictures are taken as they are: the authors' program can make the short side 256 px first.

Source: Ding et al. 2020, "Image quality assessment: unifying structure and texture similarity", equations 3, 5, 6 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.errors import LimnerError
from limner.nets.lpips import ours as in_slices
from limner.nets.lpips import take, vgg16

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTHS = [3, 64, 128, 256, 512, 512]
TAPS = (3, 8, 15, 22, 29)  # places in the trunk whose activations count
TEXTURE, STRUCTURE = 1e-6, 1e-6
LEAST_SQUARE = 1e-12
SMALLEST_PX = 16
IN_STAGE = re.compile(r"^stage\d\.(\d+)\.(weight|bias)$")


class Dists(nn.Module):
    """Two batches of pictures (b 3 h w) in 0..1 -> (b,), 0 for equal ones; sides of at least 16 px.

    Without published weights (``take``) it measures nothing.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        trunk, _ = vgg16()
        self.features = nn.Sequential(*(RootMeanSquare() if isinstance(layer, nn.MaxPool2d) else layer for layer in trunk))
        self.alpha = nn.Parameter(torch.zeros(1, sum(WIDTHS), 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, sum(WIDTHS), 1, 1))
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD)[:, None, None], persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, original: Tensor, other: Tensor) -> Tensor:
        """LimnerError if the sizes differ or are too small."""
        if original.shape != other.shape or min(original.shape[2:]) < SMALLEST_PX:
            raise LimnerError(
                f"DISTS compares pictures of one size, sides of at least {SMALLEST_PX} px: these are "
                f"{tuple(original.shape)} and {tuple(other.shape)}"
            )
        whole = self.alpha.sum() + self.beta.sum()
        shares = zip(*(torch.split(weights / whole, WIDTHS, 1) for weights in (self.alpha, self.beta)), strict=True)
        alike = original.new_zeros(len(original))
        for one, two, (alpha, beta) in zip(self.maps(original), self.maps(other), shares, strict=True):
            texture, structure = similarities(one, two)
            alike = alike + (alpha[..., 0, 0] * texture + beta[..., 0, 0] * structure).sum(1)
        return 1 - alike

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """The picture and the five maps of it."""
        yield x
        x = (x - self.mean) / self.spread
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in TAPS:
                yield x

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take a trunk's tensors, and alpha and beta, by name; others are left. LimnerError for one that is missing."""
        take(self, {ours(name): tensor for name, tensor in state.items()}, "DISTS")


class RootMeanSquare(nn.Module):
    """Maps (b c h w) -> (b c ceil(h/2) ceil(w/2)): the root of squares averaged under a 3x3 Hann window, for VGG's maximum."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", taps[:, None] * taps, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        width = x.shape[1]
        squares = F.conv2d(x.square(), self.window.expand(width, 1, 3, 3), stride=2, padding=1, groups=width)
        return (squares + LEAST_SQUARE).sqrt()


def similarities(one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
    """Two maps (b c h w) -> texture and structure, (b c), each 1 where they are alike."""
    means = one.mean((2, 3)), two.mean((2, 3))
    spreads = one.var((2, 3), correction=0), two.var((2, 3), correction=0)
    together = (one * two).mean((2, 3)) - means[0] * means[1]
    texture = (2 * means[0] * means[1] + TEXTURE) / (means[0] ** 2 + means[1] ** 2 + TEXTURE)
    structure = (2 * together + STRUCTURE) / (spreads[0] + spreads[1] + STRUCTURE)
    return texture, structure


def ours(name: str) -> str:
    """A tensor's name in the authors' net, whose trunk is cut to stages, or in LPIPS's, or torchvision's -> ours."""
    match = IN_STAGE.match(name)
    return f"features.{match[1]}.{match[2]}" if match else in_slices(name)
