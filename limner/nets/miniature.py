"""miniature: a small mean-scale hyperprior codec with a quadtree context, all rates from one set of weights.

    picture x (b 3 h w, 0..1)                                     t = quality / 64, one plane
       |  analysis                                                |
       y (b 64 h/16 w/16)  -- * gain(t) -->  y'  -- hyper analysis -->  z  -- four steps -->  z^   (b 32 h/64 w/64)
                                             |                                                |
                                             |                                         hyper synthesis
                                             |   four steps, k = 0..3                         |
                                             |                                   features (b 128 h/16 w/16)
                                             |                                                v
                                             +-- round about the mean  <------------------ context k
                                             |        q = round(y' - mean)                 ^       |
                                             y^' = q + mean  (what earlier steps gave) ----+       +--> features of the next
                                             |
       picture  <--  synthesis  <--  y^' / gain(t)

The entropy path (hyper synthesis and contexts) uses convolutions, sub-pixel shuffles and leaky ReLUs of slope 1/8 alone, so
that it becomes exact integers after training (``limner.entropy.fixedpoint``). Analysis and synthesis stay in floats.

Sources: mean-scale hyperprior, Minnen et al. 2018; quadtree partition, Li et al. 2023 (DCVC-DC, section 3.3); gain units,
Cui et al. 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from limner.entropy.tables import GAUSSIANS, LEAST_SIGMA, STEPS_PER_OCTAVE
from limner.layers.quadtree import HYPER_CHANNELS, LATENT_CHANNELS, STEPS, group_of
from limner.nets.noise import HYPER, LATENT, Noise

INDEX_MAX = GAUSSIANS - 1
LEAK = 0.125
ESCAPE_BITS = 24.0  # about what a file pays for a symbol that its table has not


@dataclass(frozen=True)
class Widths:
    """Channels at 1/4, 1/8 and 1/16 of the picture, of the latent, and of the entropy path's features of latent and hyper
    latent. The format has 64 channels of the latent; others are for trials."""

    quarter: int = 48
    eighth: int = 128
    sixteenth: int = 192
    latent: int = LATENT_CHANNELS
    features: int = 128
    hyper_features: int = 48


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
            nn.Conv2d(w.sixteenth, w.latent, 1),
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
            nn.Conv2d(w.latent + 1, w.sixteenth, 3, padding=1),
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
    return nn.LeakyReLU(LEAK)


class HyperAnalysis(nn.Module):
    """Scaled latent (b 64 h w) and t -> hyper latent (b 32 ceil(h/4) ceil(w/4))."""

    def __init__(self, latent: int, width: int = 96) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(latent + 1, width, 3, padding=1), leaky(),
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


class Context(nn.Module):
    """One step over a latent of c channels: features (b f h w), phase planes (b 2 h w) and latents so far (b c h w) -> the next
    step's features, and a prediction (b 2c h w): means, then scale indices / 8.

    Features grow in reach with each step, since each looks at the neighbours' latents and at what the step before made of
    theirs. Entropy path.
    """

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.latents = nn.Conv2d(channels, features, 3, padding=1)
        self.features = nn.Conv2d(features + 2, features, 1, bias=False)
        self.mix = nn.Conv2d(features, features, 1)
        self.head = nn.Conv2d(features, 2 * channels, 1)
        with torch.no_grad():
            list(self.head.parameters())[-1][channels:] += 3.0  # begin at sigma = 0.04 * 2**(24/6), about 0.6

    def forward(self, features: Tensor, phases: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.latents(y_hat) + self.features(torch.cat([features, phases], 1))
        following = F.leaky_relu(self.mix(F.leaky_relu(seen, LEAK)), LEAK)
        return following, self.head(following)

    def chain(self) -> nn.Sequential:
        """The same features as a chain over features, phases and latents in one map (b f+2+c h w)."""
        f, channels = self.mix.in_channels, self.latents.in_channels
        first = nn.Conv2d(f + 2 + channels, f, 3, padding=1)
        with torch.no_grad():
            first.weight.zero_()
            first.weight[:, : f + 2, 1, 1] = self.features.weight[:, :, 0, 0]
            first.weight[:, f + 2 :] = self.latents.weight
            first.bias = self.latents.bias
        return nn.Sequential(first, leaky(), self.mix, leaky())


@dataclass(frozen=True)
class Walked:
    """After some steps: features of the next (b f h w); mean, scale index and rounded latent of what is coded, 0 elsewhere."""

    features: Tensor
    mean: Tensor
    index: Tensor
    y_hat: Tensor


class Steps(nn.Module):
    """The quadtree walk over a latent of c channels, in floats."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.features = features
        self.contexts = nn.ModuleList(Context(channels, features) for _ in range(STEPS))

    @property
    def typed(self) -> list[Context]:
        """The contexts, with their type."""
        return list(self.contexts)  # type: ignore[arg-type]

    def forward(self, y: Tensor, features: Tensor) -> Walked:
        """y (b c h w), features (b f h w) -> all of it coded."""
        at = self.begin(y, features)
        for step in range(STEPS):
            at = self.advance(step, y, at)
        return at

    def begin(self, y: Tensor, features: Tensor) -> Walked:
        """Nothing known of the latent."""
        nothing = torch.zeros_like(y)
        return Walked(features, nothing, nothing, nothing)

    def advance(self, step: int, y: Tensor, at: Walked) -> Walked:
        features, prediction = self.contexts[step](at.features, phase_planes(y), at.y_hat)
        mean, index = prediction.float().chunk(2, 1)
        here = step_mask(step, y)
        return Walked(
            features,
            at.mean + here * mean,
            at.index + here * 8 * index,
            at.y_hat + here * (rounded(y - mean) + mean),
        )


class Coded(NamedTuple):
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
        self.hyper_analysis = HyperAnalysis(w.latent)
        self.hyper_synthesis = hyper_synthesis(w.features)
        self.hyper_steps = Steps(HYPER_CHANNELS, w.hyper_features)
        self.latent_steps = Steps(w.latent, w.features)
        t = torch.linspace(0, 1, anchors)
        self.log_gain = nn.Parameter((1.8 * (t - 0.5))[:, None].repeat(1, w.latent))

    def between(self, anchors: Tensor, t: Tensor) -> Tensor:
        """Interpolate rows of (a c) at t (b,) in 0..1 linearly -> (b c 1 1)."""
        place = t * (len(anchors) - 1)
        low = place.floor().clamp(max=len(anchors) - 2).long()
        part = (place - low)[:, None]
        return torch.lerp(anchors[low], anchors[low + 1], part)[:, :, None, None]

    def gain(self, t: Tensor) -> Tensor:
        return torch.exp(self.between(self.log_gain, t))

    def forward(self, x: Tensor, t: Tensor, noise: Noise | None = None) -> Coded:
        """x (b 3 h w) in 0..1, sides multiples of 16; t (b,).

        The rate is that of rounded latents, or of latents with additive noise, or a mean of both with ``noise.part`` of the
        second: rounding is what a file has, but only noise draws small latents to zero.
        """
        return self.coded(self.scaled(x, t), t, noise)

    def coded(self, y: Tensor, t: Tensor, noise: Noise | None) -> Coded:
        """What a pass gives from the scaled latent on."""
        z = self.hyper_analysis(y, t).float()
        hyper, found = self.walk(y, z, t)
        hyper_bits = rate(z - hyper.mean, sigma_of(hyper.index), noise, HYPER)
        latent_bits = rate(y - found.mean, sigma_of(found.index), noise, LATENT)
        return Coded(self.synthesis(found.y_hat / self.gain(t), t), latent_bits, hyper_bits)

    def scaled(self, x: Tensor, t: Tensor) -> Tensor:
        """The latent times its gain. Whatever the transforms compute in, latents are float32."""
        y: Tensor = self.analysis(x, t).float() * self.gain(t)
        return y

    def walk(self, y: Tensor, z: Tensor, t: Tensor) -> tuple[Walked, Walked]:
        """Hyper latent and latent, coded."""
        hyper = self.hyper_steps(z, self.hyper_features(z, t))
        return hyper, self.latent_steps(y, self.features(hyper.y_hat, t, y))

    def hyper_features(self, z: Tensor, t: Tensor) -> Tensor:
        """What is known before the hyper latent: the quality, in every channel."""
        b, _, h, w = z.shape
        return t.view(-1, 1, 1, 1).to(z.dtype).expand(b, self.widths.hyper_features, h, w)

    def features(self, z_hat: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """What is known before the latent, at its positions."""
        features: Tensor = self.hyper_synthesis(with_plane(z_hat, t))[:, :, : y.shape[2], : y.shape[3]]
        return features


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


def rate(residual: Tensor, sigma: Tensor, noise: Noise | None = None, place: int = LATENT) -> Tensor:
    """Bits of each item of a batch (b,): by rounding, by noise, or a mean of both. ``place``: of ``limner.nets.noise``."""
    return mixed(lambda some: bits(some, sigma), rounded(residual), residual, noise, place)


def mixed(bits: Callable[[Tensor], Tensor], rounded: Tensor, x: Tensor, noise: Noise | None, place: int) -> Tensor:
    """What bits (b ..) a batch takes (b,): of its rounded values, of x with noise, or a mean of both."""
    if noise is None or noise.part <= 0:
        return bits(rounded).flatten(1).sum(1)
    by_noise = bits(noise.added(x, place)).flatten(1).sum(1)
    if noise.part >= 1:
        return by_noise
    return torch.lerp(bits(rounded).flatten(1).sum(1), by_noise, noise.part)


def bits(residual: Tensor, sigma: Tensor) -> Tensor:
    """Information in bits of a Gaussian N(0, sigma) integrated over one unit around the residual.

    In the log domain, so that a residual far in the tail still has a gradient. Beyond ``ESCAPE_BITS`` they grow as a
    logarithm only: a file escapes from its table there, and one such symbol would outweigh the rest of a batch.
    """
    distance = residual.abs()
    upper = torch.special.log_ndtr((0.5 - distance) / sigma)
    lower = torch.special.log_ndtr((-0.5 - distance) / sigma)
    nats: Tensor = upper + torch.log(-torch.expm1((lower - upper).clamp_max(-1e-6)))
    information = -nats / math.log(2)
    far = information.clamp_min(ESCAPE_BITS)
    return torch.where(information > ESCAPE_BITS, ESCAPE_BITS * (1 + torch.log(far / ESCAPE_BITS)), information)
