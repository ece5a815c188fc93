"""What losses need that compare the crops of a batch with each other: the rows of all processes.

Every process computes the loss of the whole batch. A row's gradient is summed over the processes and goes back to the one that
made it; since their gradients are averaged afterwards, that is the gradient of one process with the whole batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed
from torch.autograd.function import FunctionCtx


def gathered(x: Tensor) -> Tensor:
    """Rows (b ..) of this process -> those of all (n b ..), in the order of the processes, with gradients."""
    if processes() == 1:
        return x
    found: Tensor = Gathered.apply(x)  # type: ignore[no-untyped-call]
    return found


def processes() -> int:
    """How many processes train together."""
    together = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if together else 1


class Gathered(torch.autograd.Function):
    """``gathered`` over two processes or more."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        rows = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(distributed.get_world_size())]
        distributed.all_gather(rows, x.contiguous())
        return torch.cat(rows)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        summed = gradient.contiguous().clone()
        distributed.all_reduce(summed)
        return summed.chunk(distributed.get_world_size())[distributed.get_rank()]
