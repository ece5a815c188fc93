"""What files of a model in training would really take: its entropy path as integers, its latents through the coder.

An estimate that drifts from this is a fault of the estimate, or an activation that left its range: better seen early.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from limner.layers import latent
from limner.layers.latent import Geometry, Meter
from limner.layers.quadtree import QUALITIES
from limner.nets.miniature import Miniature
from limner.train.integers import as_input, integer_path

NEVER_LOWER = 1e9  # bits that an error is worth: all is rounded to the nearest, as in the estimate


@torch.no_grad()
def real_bits(model: Miniature, pictures: Sequence[NDArray[np.uint8]], qualities: Sequence[int]) -> float:
    """Bits that pictures (h, w, 3) take at all of some qualities, rounded to the nearest, in exact integers."""
    path = integer_path(model, pictures)
    meter = Meter()
    for picture in pictures:
        x = as_input(picture)
        for quality in qualities:
            t = torch.tensor([quality / QUALITIES])
            y = model.scaled(x, t)
            z = model.hyper_analysis(y, t)
            geometry = Geometry(x.shape[3], x.shape[2], scale=0)
            latent.fit(y[0].numpy(), z[0].numpy(), quality, geometry, path, meter, NEVER_LOWER)
    return meter.bits
