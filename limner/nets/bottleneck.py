"""The prior of a hyper latent: one learned density for each channel, the same at every position.

    z (b c h w)  ->  z - 1/2, z + 1/2  --logits-->  (lower, upper)  ->  mass = sigmoid(upper) - sigmoid(lower)

    logits, for each channel:  1 -> 3 -> 3 -> 3 -> 3 -> 1 units;  step k:  x = softplus(matrix k) x + bias k
                               and, but for the last,                      x = x + tanh(factor k) tanh(x)

Every step rises, so the logits are those of a cumulative distribution. ``quantiles`` (c 1 3) are where it has the lower tail,
one half, and the upper tail: the middle one is the median, about which z is rounded. The rate does not depend on them, so they
follow by a loss of their own, or at once by ``settle``.

Source: Ballé et al. 2018, "Variational image compression with a scale hyperprior", appendix 6.1. Names are CompressAI's.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.miniature import ESCAPE_BITS, mixed, rounded
from limner.nets.noise import HYPER, Noise

UNITS = (1, 3, 3, 3, 3, 1)
FIRST_SCALE = 10.0
TAIL_MASS = 1e-9
HALVINGS = 80
SEARCH_RADIUS = 1e6


@dataclass(frozen=True)
class Prior:
    """What a table is made of. median: (c,) float64. mass: (c, n) float64, row k of a channel the probability that z lies
    within 1/2 of median + low + k; what lies outside of all n is not in it."""

    median: NDArray[np.float64]
    mass: NDArray[np.float64]
    low: int


class EntropyBottleneck(nn.Module):
    """Densities of ``channels`` channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        steps = len(UNITS) - 1
        scale = FIRST_SCALE ** (1 / steps)
        first = [math.log(math.expm1(1 / scale / units)) for units in UNITS[1:]]
        shapes = [(channels, after, before) for before, after in pairwise(UNITS)]
        self.matrices = nn.ParameterList(torch.full(shape, value) for shape, value in zip(shapes, first, strict=True))
        self.biases = nn.ParameterList(torch.rand(channels, units, 1) - 0.5 for units in UNITS[1:])
        self.factors = nn.ParameterList(torch.zeros(channels, units, 1) for units in UNITS[1:-1])
        self.quantiles = nn.Parameter(torch.tensor([-FIRST_SCALE, 0.0, FIRST_SCALE]).repeat(channels, 1, 1))

    @property
    def medians(self) -> Tensor:
        """(1 c 1 1); no gradient passes."""
        return self.quantiles.detach()[:, 0, 1].reshape(1, -1, 1, 1)

    def quantised(self, z: Tensor) -> Tensor:
        """z (b c h w) rounded about the medians, as a decoder will have it; the gradient passes unchanged."""
        return rounded(z - self.medians) + self.medians

    def rate(self, z: Tensor, noise: Noise | None = None) -> Tensor:
        """Bits of each item of a batch (b,): of what is rounded, of noise instead, or a mean of both."""
        return mixed(self.bits, self.quantised(z), z, noise, HYPER)

    def bits(self, z: Tensor) -> Tensor:
        """Information of each value (b c h w). Beyond ``ESCAPE_BITS`` it grows as a logarithm only."""
        rows = z.transpose(0, 1).flatten(1)[:, None]
        information = -log_mass(self.logits(rows - 0.5), self.logits(rows + 0.5)) / math.log(2)
        far = information.clamp_min(ESCAPE_BITS)
        held = torch.where(information > ESCAPE_BITS, ESCAPE_BITS * (1 + torch.log(far / ESCAPE_BITS)), information)
        return held.reshape(z.shape[1], z.shape[0], *z.shape[2:]).transpose(0, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Logits of the cumulative distributions: x (c 1 n), a row of values for each channel -> (c 1 n)."""
        return logits(x, list(self.matrices), list(self.biases), list(self.factors))

    def loss(self) -> Tensor:
        """How far the logits at the quantiles are from their targets, summed; only the quantiles learn from it."""
        parts = [[tensor.detach() for tensor in some] for some in (self.matrices, self.biases, self.factors)]
        return (logits(self.quantiles, *parts) - targets().to(self.quantiles)).abs().sum()

    @torch.no_grad()
    def settle(self) -> None:
        """Put the quantiles where they belong, by halving intervals."""
        precise = copy.deepcopy(self).double()
        low = torch.full_like(precise.quantiles, -SEARCH_RADIUS)
        high = -low
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = precise.logits(middle) > targets().to(middle)
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        self.quantiles.copy_((low + high) / 2)

    @torch.no_grad()
    def prior(self, low: int, high: int) -> Prior:
        """Medians and the masses of the integers low .. high away from them, in double precision."""
        precise = copy.deepcopy(self).double().cpu()
        median = precise.quantiles[:, :, 1:2]
        at = median + torch.arange(low, high + 1, dtype=torch.float64)
        mass = torch.exp(log_mass(precise.logits(at - 0.5), precise.logits(at + 0.5)))
        return Prior(median.flatten().numpy().copy(), mass[:, 0].numpy().copy(), low)


def logits(x: Tensor, matrices: Sequence[Tensor], biases: Sequence[Tensor], factors: Sequence[Tensor]) -> Tensor:
    """The steps of a cumulative distribution: x (c 1 n) -> (c 1 n)."""
    for place, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
        x = F.softplus(matrix) @ x + bias
        if place < len(factors):
            x = x + torch.tanh(factors[place]) * torch.tanh(x)
    return x


def targets() -> Tensor:
    """Logits of half the tail's mass, of one half, and of the rest: (3,)."""
    tail = math.log(2 / TAIL_MASS - 1)
    return torch.tensor([-tail, 0.0, tail], dtype=torch.float64)


def log_mass(lower: Tensor, upper: Tensor) -> Tensor:
    """ln(sigmoid(upper) - sigmoid(lower)) where upper > lower, with a gradient in both tails."""
    # The left tail is where sigmoid keeps its precision; the right one is its mirror image.
    right = lower + upper > 0
    outer, inner = torch.where(right, -upper, lower), torch.where(right, -lower, upper)
    most, least = F.logsigmoid(inner), F.logsigmoid(outer)
    return most + torch.log(-torch.expm1((least - most).clamp_max(-1e-6)))
