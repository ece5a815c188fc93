"""Generalised divisive normalisation: each channel is divided by a norm over all channels at its position.

    x (b c h w)  --square-->  gamma * x**2 + beta  --root-->  norm (b c h w)        GDN:  x / norm
                                                                                    IGDN: x * norm
    held:  beta (c,), gamma (c, c);  used:  max(held, bound)**2 - pedestal, so that both stay positive in training

What is held is a square root, as in the published states: sqrt(value + pedestal).

Source: Ballé, Laparra and Simoncelli 2016, "Density modeling of images using a generalized normalization transformation"; the
reparametrisation is that of CompressAI and of TensorFlow Compression.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.miniature import bounded

PEDESTAL = 2.0**-36
LEAST_BETA = 1e-6
FIRST_GAMMA = 0.1


class GDN(nn.Module):
    """x (b c h w) -> the same shape. ``inverse``: multiply by the norm, as synthesis transforms do."""

    def __init__(self, channels: int, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(held(torch.ones(channels)))
        self.gamma = nn.Parameter(held(FIRST_GAMMA * torch.eye(channels)))

    def forward(self, x: Tensor) -> Tensor:
        beta, gamma = used(self.beta, LEAST_BETA), used(self.gamma, 0.0)
        norm = torch.sqrt(F.conv2d(x * x, gamma[:, :, None, None], beta))
        return x * norm if self.inverse else x / norm


def held(values: Tensor) -> Tensor:
    """What a parameter holds for values of at least 0."""
    return torch.sqrt(values + PEDESTAL)


def used(parameter: Tensor, least: float) -> Tensor:
    """The values that a parameter stands for, at least ``least``; below it only a gradient that leads back passes."""
    return bounded(parameter, math.sqrt(least + PEDESTAL), math.inf) ** 2 - PEDESTAL
