"""Noise in place of rounding. Every crop has its own: the same whatever it shares a batch with, on any device, at any time.

    key of the crop, place in the network, number of the value  --integers of 32 bits, mixed-->  24 bits  ->  -1/2 .. 1/2

A run that goes on where it was stopped, or on more machines, meets the noise that it would have met.

Source: the mixing is Chris Wellons's lowbias32 ("Prospecting for hash functions", 2018), with half of the key added before it
and the other half between its two products.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

HYPER, LATENT, CONTEXT = 1, 2, 3  # places

FIRST, SECOND = 0x7FEB352D, 0x846CA68B - (1 << 32)
APART = 0x9E3779B9 >> 1  # times a place: what keeps places apart
BITS = 24


class Noise(NamedTuple):
    """How much of a rate is that of noise (0..1), and the keys (b,) of the crops, int64, at least 0."""

    part: float
    keys: Tensor

    def added(self, x: Tensor, place: int) -> Tensor:
        """x (b ..) with noise between -1/2 and 1/2."""
        return x + uniform(self.keys, place, x[0].numel()).reshape(x.shape).to(x.dtype)


def uniform(keys: Tensor, place: int, count: int) -> Tensor:
    """The first ``count`` values of every key (b,) at a place: (b count) float32, multiples of 2**-24 and a half of it."""
    low, high = keys.to(torch.int32), (keys >> 31).to(torch.int32) ^ (place * APART & 0x7FFFFFFF)
    x = torch.arange(count, dtype=torch.int32, device=keys.device) + low[:, None]
    # A shift of a signed number brings in its sign, which the mask takes out again.
    x ^= x >> 16 & 0xFFFF
    x *= FIRST
    x ^= high[:, None]
    x ^= x >> 15 & 0x1FFFF
    x *= SECOND
    x ^= x >> 16 & 0xFFFF
    return (x >> 32 - BITS & (1 << BITS) - 1).float().mul_(2.0**-BITS).sub_(0.5 - 2.0 ** -(BITS + 1))
