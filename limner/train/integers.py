"""A model's entropy path as integers, calibrated on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.entropy.fixedpoint import Network
from limner.layers.path import FRACTION_BITS, Path, Steps
from limner.layers.quadtree import QUALITIES, STEPS
from limner.nets import fixed
from limner.nets import miniature as nets
from limner.nets.miniature import Miniature, phase_planes, with_plane

CALIBRATED_QUALITIES = (4, 32, 63)


@torch.no_grad()
def integer_path(model: Miniature, pictures: Sequence[NDArray[np.uint8]]) -> Path:
    """Convert a model's entropy path, calibrated on what it sees of the pictures at low, middle and high quality."""
    seen = [inputs(model, picture, quality) for picture in pictures for quality in CALIBRATED_QUALITIES]
    hyper = convert(model.hyper_synthesis, [one.hyper for one in seen])
    return Path(
        integer_steps(model.hyper_steps, [one.hyper_steps for one in seen]),
        hyper,
        integer_steps(model.latent_steps, [one.latent_steps for one in seen]),
    )


def integer_steps(steps: nets.Steps, seen: Sequence[list[tuple[Tensor, Tensor]]]) -> Steps:
    """``seen``: for each picture what each step's context and head are given."""
    contexts, heads = [], []
    for step, net in enumerate(steps.typed):
        contexts.append(convert(net.chain(), [one[step][0] for one in seen]))
        heads.append(convert(nn.Sequential(net.head), [one[step][1] for one in seen]))
    return Steps(tuple(contexts), tuple(heads))


def convert(net: nn.Sequential, samples: Sequence[Tensor]) -> Network:
    return fixed.convert(net, samples, FRACTION_BITS, FRACTION_BITS)


@dataclass(frozen=True)
class Inputs:
    """What the networks are given for a picture: hyper synthesis (1 33 h w), and each step's context and head."""

    hyper_steps: list[tuple[Tensor, Tensor]]
    hyper: Tensor
    latent_steps: list[tuple[Tensor, Tensor]]


def inputs(model: Miniature, picture: NDArray[np.uint8], quality: int) -> Inputs:
    x, t = as_input(picture), torch.tensor([quality / QUALITIES])
    y = model.scaled(x, t)
    z = model.hyper_analysis(y, t)
    z_hat, outer = walked(model.hyper_steps, z, model.hyper_features(z, t))
    _, inner = walked(model.latent_steps, y, model.features(z_hat, t, y))
    return Inputs(outer, with_plane(z_hat, t), inner)


def walked(steps: nets.Steps, y: Tensor, features: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """The rounded latent, and what each step's context (1 f+2+c h w) and head (1 f h w) were given."""
    at = steps.begin(y, features)
    seen = []
    for step in range(STEPS):
        context = torch.cat([at.features, phase_planes(y), at.y_hat], 1)
        at = steps.advance(step, y, at)
        seen.append((context, at.features))
    return at.y_hat, seen


def as_input(picture: NDArray[np.uint8]) -> Tensor:
    """A picture (h, w, 3), cut to whole latent positions, as (1 3 h w) in 0..1."""
    h, w = picture.shape[0] // 16 * 16, picture.shape[1] // 16 * 16
    return torch.from_numpy(picture[:h, :w].copy()).permute(2, 0, 1)[None].float() / 255
