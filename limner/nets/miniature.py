"""miniature: a small mean-scale hyperprior codec with a quadtree context, all rates from one set of weights.

    picture x (b 3 h w, 0..1)                                     t = quality / 64, one plane
       |  analysis                                                |
       y (b 64 h/16 w/16)  -- * gain(t) -->  y'  -- hyper analysis -->  z  -- round -->  z^   (b 32 h/64 w/64)
                                             |                                           |
                                             |                                    hyper synthesis
                                             |   four steps, k = 0..3                    |
                                             +-- round about the mean  <-- context k <-- features (b 128 h/16 w/16)
                                             |        q = round(y' - mean)     ^
                                             y^' = q + mean  ------------------+  (what earlier steps gave)
                                             |
       picture  <--  synthesis  <--  y^' / gain(t)

The entropy path (hyper synthesis and contexts) uses convolutions, sub-pixel shuffles and leaky ReLUs of slope 1/8 alone, so
that it becomes exact integers after training (``limner.entropy.fixedpoint``). Analysis and synthesis stay in floats.

Sources: mean-scale hyperprior, Minnen et al. 2018; quadtree partition, Li et al. 2023 (DCVC-DC, section 3.3); gain units,
Cui et al. 2021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from limner.entropy.tables import GAUSSIANS, LEAST_SIGMA, STEPS_PER_OCTAVE
from limner.layers.quadtree import HYPER_CHANNELS, LATENT_CHANNELS, STEPS, group_of

INDEX_MAX = GAUSSIANS - 1


@dataclass(frozen=True)
class Widths:
    """Channels at 1/4, 1/8 and 1/16 of the picture, and of the entropy path's features."""

    quarter: int = 48
    eighth: int = 128
    sixteenth: int = 192
    features: int = 128


class Gated(nn.Module):
    """Residual block: depthwise 3x3, then a gated pointwise pair; the last convolution starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.space = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.reduce = nn.Conv2d(channels, channels, 1)
        for tensor in self.reduce.parameters():
            nn.init.zeros_(tensor)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.expand(self.space(x)).chunk(2, 1)
        change: Tensor = self.reduce(value * torch.sigmoid(gate))
        return x + change


def blocks(channels: int, count: int) -> list[nn.Module]:
    return [Gated(channels) for _ in range(count)]


def with_plane(x: Tensor, t: Tensor) -> Tensor:
    """Append the quality as one constant plane: x (b c h w), t (b,) in 0..1."""
    return torch.cat([x, t.view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:]).to(x.dtype)], 1)


class Analysis(nn.Module):
    """Picture (b 3 h w, 0..1; h and w multiples of 16) and quality t (b,) -> latent (b 64 h/16 w/16)."""

    def __init__(self, w: Widths) -> None:
        super().__init__()
        self.eighth = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, w.eighth, 3, stride=2, padding=1), *blocks(w.eighth, 2))
        self.sixteenth = nn.Sequential(
            nn.Conv2d(w.eighth + 1, w.sixteenth, 3, stride=2, padding=1),
            *blocks(w.sixteenth, 4),
            nn.Conv2d(w.sixteenth, LATENT_CHANNELS, 1),
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.latent(self.stem(x), t)

    def stem(self, x: Tensor) -> Tensor:
        """The part that does not depend on the quality: features (b c h/8 w/8)."""
        features: Tensor = self.eighth(2 * x - 1)
        return features

    def latent(self, features: Tensor, t: Tensor) -> Tensor:
        y: Tensor = self.sixteenth(with_plane(features, t))
        return y


class Synthesis(nn.Module):
    """Latent (b 64 h w) and quality t (b,) -> picture (b 3 16h 16w), 0..1 but not clipped."""

    def __init__(self, w: Widths) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS + 1, w.sixteenth, 3, padding=1),
            *blocks(w.sixteenth, 6),
            nn.Conv2d(w.sixteenth, 4 * w.eighth, 1),
            nn.PixelShuffle(2),
            *blocks(w.eighth, 4),
            nn.Conv2d(w.eighth, 4 * w.quarter, 1),
            nn.PixelShuffle(2),
            *blocks(w.quarter, 2),
            nn.Conv2d(w.quarter, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        x: Tensor = self.body(with_plane(y, t))
        return x / 2 + 0.5


def leaky() -> nn.Module:
    return nn.LeakyReLU(0.125)


class HyperAnalysis(nn.Module):
    """Scaled latent (b 64 h w) and t -> hyper latent (b 32 ceil(h/4) ceil(w/4))."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS + 1, width, 3, padding=1), leaky(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), leaky(),
            nn.Conv2d(width, HYPER_CHANNELS, 3, stride=2, padding=1),
        )  # fmt: skip

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        z: Tensor = self.body(with_plane(y, t))
        return z


def hyper_synthesis(features: int, width: int = 64) -> nn.Sequential:
    """Hyper latent and plane (b 33 h w) -> features (b f 4h 4w). Entropy path."""
    return nn.Sequential(
        nn.Conv2d(HYPER_CHANNELS + 1, 4 * width, 3, padding=1), nn.PixelShuffle(2), leaky(),
        nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), leaky(),
        nn.Conv2d(width, features, 3, padding=1), leaky(),
    )  # fmt: skip


def context(features: int) -> nn.Sequential:
    """Features, phase planes and latents so far (b f+2+64 h w) -> means, then scale indices / 8 (b 128 h w). Entropy path."""
    return nn.Sequential(
        nn.Conv2d(features + 2 + LATENT_CHANNELS, features, 3, padding=1), leaky(),
        nn.Conv2d(features, features, 1), leaky(),
        nn.Conv2d(features, 2 * LATENT_CHANNELS, 1),
    )  # fmt: skip


@dataclass(frozen=True)
class Coded:
    """What one pass gives: picture (b 3 h w) and estimated bits of latent and hyper latent, each (b,)."""

    picture: Tensor
    latent_bits: Tensor
    hyper_bits: Tensor


class Miniature(nn.Module):
    """The whole codec in floats, for training and for estimates."""

    def __init__(self, widths: Widths | None = None, anchors: int = 9) -> None:
        super().__init__()
        self.widths = w = widths or Widths()
        self.analysis = Analysis(w)
        self.synthesis = Synthesis(w)
        self.hyper_analysis = HyperAnalysis()
        self.hyper_synthesis = hyper_synthesis(w.features)
        self.contexts = nn.ModuleList(context(w.features) for _ in range(STEPS))
        for net in self.contexts:
            with torch.no_grad():
                list(net.parameters())[-1][LATENT_CHANNELS:] += 3.0  # begin at sigma = 0.04 * 2**(24/6), about 0.6
        t = torch.linspace(0, 1, anchors)
        self.log_gain = nn.Parameter((1.8 * (t - 0.5))[:, None].repeat(1, LATENT_CHANNELS))
        self.hyper_index = nn.Parameter(torch.full((anchors, HYPER_CHANNELS), 28.0))

    def between(self, anchors: Tensor, t: Tensor) -> Tensor:
        """Interpolate rows of (a c) at t (b,) in 0..1 linearly -> (b c 1 1)."""
        place = t * (len(anchors) - 1)
        low = place.floor().clamp(max=len(anchors) - 2).long()
        part = (place - low)[:, None]
        return torch.lerp(anchors[low], anchors[low + 1], part)[:, :, None, None]

    def gain(self, t: Tensor) -> Tensor:
        return torch.exp(self.between(self.log_gain, t))

    def forward(self, x: Tensor, t: Tensor, noise_part: float = 0.0) -> Coded:
        """x (b 3 h w) in 0..1, sides multiples of 16; t (b,).

        The rate is that of rounded latents, or of latents with additive noise, or a mean of both with ``noise_part`` of the
        second: rounding is what a file has, but only noise draws small latents to zero.
        """
        gain = self.gain(t)
        y = self.analysis(x, t) * gain
        z = self.hyper_analysis(y, t)
        z_index = self.between(self.hyper_index, t).expand_as(z)
        z_hat = rounded(z)
        hyper_bits = rate(z, sigma_of(z_index), noise_part)
        features = self.hyper_synthesis(with_plane(z_hat, t))[:, :, : y.shape[2], : y.shape[3]]
        mean, index, y_hat = self.walk(y, torch.cat([features, phase_planes(y)], 1))
        latent_bits = rate(y - mean, sigma_of(index), noise_part)
        return Coded(self.synthesis(y_hat / gain, t), latent_bits, hyper_bits)

    def walk(self, y: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quadtree steps in floats -> mean, scale index and rounded latent, each like y."""
        mean, index, y_hat = torch.zeros_like(y), torch.zeros_like(y), torch.zeros_like(y)
        for step, net in enumerate(self.contexts):
            here = step_mask(step, y)
            step_mean, step_index = net(torch.cat([features, y_hat], 1)).chunk(2, 1)
            mean = mean + here * step_mean
            index = index + here * 8 * step_index
            y_hat = y_hat + here * (rounded(y - step_mean) + step_mean)
        return mean, index, y_hat


def step_mask(step: int, y: Tensor) -> Tensor:
    """1 where the quadtree codes channel c at (row, column) in this step: (1 c h w)."""
    _, c, h, w = y.shape
    group = torch.arange(c, device=y.device)[:, None, None] // (c // 4)
    row = torch.arange(h, device=y.device)[None, :, None]
    column = torch.arange(w, device=y.device)[None, None, :]
    here: Tensor = group_of(step, row, column) == group
    return here.to(y.dtype)[None]


def phase_planes(y: Tensor) -> Tensor:
    """Row parity and column parity as two planes (b 2 h w): the contexts must know which step codes what."""
    b, _, h, w = y.shape
    row = (torch.arange(h, device=y.device) % 2).to(y.dtype)
    column = (torch.arange(w, device=y.device) % 2).to(y.dtype)
    return torch.stack([row[:, None].expand(h, w), column[None, :].expand(h, w)]).expand(b, 2, h, w)


def rounded(x: Tensor) -> Tensor:
    """Round to integers; the gradient passes unchanged."""
    return x + (torch.round(x) - x).detach()


def disturbed(x: Tensor) -> Tensor:
    return x + torch.rand_like(x) - 0.5


def sigma_of(index: Tensor) -> Tensor:
    """Scale index (real) -> standard deviation 0.04 * 2**(index/6), index held in 0..63 with gradients that can return."""
    return LEAST_SIGMA * torch.exp2(bounded(index, 0.0, float(INDEX_MAX)) / STEPS_PER_OCTAVE)


def bounded(x: Tensor, low: float, high: float) -> Tensor:
    """Clamp; beyond a bound only a gradient that leads back passes.

    With none, an index would be stuck there. With all, that of a latent which is never coded would be pushed on for ever, until
    it drowns what it shares a network with.
    """
    held: Tensor = Bounded.apply(x, low, high)  # type: ignore[no-untyped-call]
    return held


class Bounded(torch.autograd.Function):
    """The clamp of ``bounded``."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x < low, x > high)
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        below, above = ctx.saved_tensors  # type: ignore[attr-defined]
        leads_out = (below & (gradient > 0)) | (above & (gradient < 0))
        return gradient.masked_fill(leads_out, 0), None, None


def rate(residual: Tensor, sigma: Tensor, noise_part: float) -> Tensor:
    """Bits of each item of a batch (b,): by rounding, by noise, or a mean of both."""
    by_rounding = bits(rounded(residual), sigma).flatten(1).sum(1) if noise_part < 1 else residual.new_zeros(len(residual))
    by_noise = bits(disturbed(residual), sigma).flatten(1).sum(1) if noise_part > 0 else by_rounding
    return torch.lerp(by_rounding, by_noise, noise_part)


def bits(residual: Tensor, sigma: Tensor) -> Tensor:
    """Information in bits of a Gaussian N(0, sigma) integrated over one unit around the residual.

    In the log domain, so that a residual far in the tail still has a gradient.
    """
    distance = residual.abs()
    upper = torch.special.log_ndtr((0.5 - distance) / sigma)
    lower = torch.special.log_ndtr((-0.5 - distance) / sigma)
    nats: Tensor = upper + torch.log(-torch.expm1((lower - upper).clamp_max(-1e-6)))
    return -nats / math.log(2)
