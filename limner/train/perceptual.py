"""SSIMULACRA2 and MS-SSIM as losses: differentiable, on crops.

SSIMULACRA2: the weighted sum that the metric is a function of.

    sRGB -> linear -> XYB, over six scales:   1 - structural similarity,   edges too many,   edges lost
                                              each as a mean and a mean of fourth powers, weighted and added

The smaller the better; 0 for equal pictures. Borders are left out where the metric mirrors or pads them.

Source: Sneyers 2023, SSIMULACRA 2.1. Its 108 weights are those of the Python package ssimulacra2. MS-SSIM: Wang, Simoncelli and
Bovik 2003, as ``limner.bench.metrics`` has it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from ssimulacra2.ssimulacra2 import weights as published
from torch import Tensor, nn
from torch.nn import functional as F

SCALES = 6
SMALLEST_PX = 8
SIGMA_PX, RADIUS_PX = 1.5, 5
C2 = 0.0009
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_C1, MS_SSIM_C2 = 0.01**2, 0.03**2
OPSIN = ((0.30, 0.622, 0.078), (0.23, 0.692, 0.078), (0.24342268924547819, 0.20476744424496821, 0.5518098665095536))
OPSIN_BIAS = 0.0037930732552754493


class Ssimulacra2(nn.Module):
    """Two batches of pictures (b 3 h w) in 0..1, sides of at least 256 for all six scales -> (b,)."""

    opsin: Tensor
    window: Tensor
    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("opsin", torch.tensor(OPSIN)[:, :, None, None])
        self.register_buffer("window", gaussian())
        # (channel, scale, norm, (similarity, edges too many, edges lost)), as the metric's own loops go
        self.register_buffer("weights", torch.tensor(published, dtype=torch.float32).reshape(3, SCALES, 2, 3))

    def forward(self, original: Tensor, other: Tensor) -> Tensor:
        total = original.new_zeros(len(original))
        for scale, pair in enumerate(self.scales(linear(original), linear(other))):
            total = total + (self.weights[:, scale] * self.terms(*pair)).sum((1, 2, 3))
        return total

    def scales(self, one: Tensor, other: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        for scale in range(SCALES):
            if scale:
                one, other = F.avg_pool2d(one, 2), F.avg_pool2d(other, 2)
            if min(one.shape[2:]) < SMALLEST_PX:
                return
            yield self.xyb(one), self.xyb(other)

    def xyb(self, x: Tensor) -> Tensor:
        """Linear RGB to XYB, shifted and stretched to positive values as the metric wants them."""
        mixed = (F.conv2d(x, self.opsin) + OPSIN_BIAS).clamp_min(1e-6) ** (1 / 3) - OPSIN_BIAS ** (1 / 3)
        first, second, third = mixed.unbind(1)
        x_, y = (first - second) / 2, (first + second) / 2
        return torch.stack([14 * x_ + 0.42, y + 0.01, third - y + 0.55], 1)

    def terms(self, one: Tensor, other: Tensor) -> Tensor:
        """The six averages of each channel: (b, 3, 2 norms, 3 terms)."""
        mean_one, mean_other = self.blurred(one), self.blurred(other)
        variances = self.blurred(one * one) - mean_one**2 + self.blurred(other * other) - mean_other**2
        covariance = self.blurred(one * other) - mean_one * mean_other
        similarity = (1 - (mean_one - mean_other) ** 2) * (2 * covariance + C2) / (variances.clamp_min(0) + C2)
        edges = (1 + (other - mean_other).abs()) / (1 + (one - mean_one).abs()) - 1
        maps = torch.stack([(1 - similarity).clamp_min(0), edges.clamp_min(0), (-edges).clamp_min(0)], 2)
        means = maps.mean((3, 4))
        # Fourth roots have no gradient at zero.
        fourth = (maps.square().square().mean((3, 4)) + 1e-16) ** 0.25
        return torch.stack([means, fourth], 2)

    def blurred(self, x: Tensor) -> Tensor:
        padded = F.pad(x, [RADIUS_PX] * 4, mode="reflect" if min(x.shape[2:]) > RADIUS_PX else "replicate")
        across = F.conv2d(padded, self.window, groups=3)
        return F.conv2d(across, self.window.transpose(2, 3), groups=3)


def linear(x: Tensor) -> Tensor:
    """sRGB 0..1 to linear light."""
    x = x.clamp(0, 1)
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


class MsSsim(nn.Module):
    """Two batches of pictures (b 3 h w) in 0..1, sides of at least 161 for all five scales -> (b,), 1 for equal ones.

    Smaller pictures have fewer scales, whose exponents are then scaled up to the same sum.
    """

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", gaussian())

    def forward(self, original: Tensor, other: Tensor) -> Tensor:
        fitting = sum(min(original.shape[2:]) >> scale > 2 * RADIUS_PX for scale in range(len(MS_SSIM_WEIGHTS)))
        weights = [weight / sum(MS_SSIM_WEIGHTS[:fitting]) for weight in MS_SSIM_WEIGHTS[:fitting]]
        total = original.new_ones(original.shape[:2])
        for scale, weight in enumerate(weights):
            if scale:
                original, other = F.avg_pool2d(original, 2), F.avg_pool2d(other, 2)
            whole, contrast = self.terms(original, other)
            term = whole if scale == len(weights) - 1 else contrast
            # Roots have no gradient at zero.
            total = total * term.clamp_min(1e-4) ** weight
        return total.mean(1)

    def terms(self, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Means of SSIM and of its contrast-structure part, each (b 3)."""
        mean_one, mean_other = self.blurred(one), self.blurred(other)
        variances = self.blurred(one * one) - mean_one**2 + self.blurred(other * other) - mean_other**2
        covariance = self.blurred(one * other) - mean_one * mean_other
        contrast = (2 * covariance + MS_SSIM_C2) / (variances + MS_SSIM_C2)
        luminance = (2 * mean_one * mean_other + MS_SSIM_C1) / (mean_one**2 + mean_other**2 + MS_SSIM_C1)
        return (luminance * contrast).mean((2, 3)), contrast.mean((2, 3))

    def blurred(self, x: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(x, self.window, groups=3), self.window.transpose(2, 3), groups=3)


def gaussian() -> Tensor:
    """A row of the window of both metrics, for each of three channels: (3 1 1 11), of sum 1."""
    steps = torch.arange(-RADIUS_PX, RADIUS_PX + 1)
    window = torch.exp(-0.5 * (steps / SIGMA_PX) ** 2)
    return (window / window.sum()).repeat(3, 1, 1, 1)
