"""Weights that nobody learned, the same on every machine: for nets whose published ones are elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn


def made(net: nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """A state of a net's names and shapes, scaled so that activations neither die nor grow."""
    drawn = np.random.default_rng(seed)
    state = {}
    for name, tensor in net.state_dict().items():
        if not tensor.dtype.is_floating_point:
            state[name] = torch.zeros_like(tensor)
            continue
        values = drawn.standard_normal(tuple(tensor.shape), dtype=np.float32)
        if tensor.ndim == 4 and tensor.shape[0] > 1:
            values *= np.float32((2 / np.prod(tensor.shape[1:])) ** 0.5)
        elif tensor.ndim == 4:  # weights of a judge, none below 0
            values = np.abs(values)
        elif name.endswith(("running_var", "bn.weight")):
            values = 1 + np.abs(values) * np.float32(0.1)
        else:
            values *= np.float32(0.1)
        state[name] = torch.from_numpy(values)
    return state


def save(net: nn.Module, path: Path, seed: int = 0) -> dict[str, torch.Tensor]:
    """Write such a state as a file of tensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = made(net, seed)
    torch.save(state, path)
    return state
