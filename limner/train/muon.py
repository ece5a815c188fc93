"""Muon: steps whose matrix has all its directions at the same size; Adam for what is no matrix.

A convolution's weight (o, i, k, k) is a matrix (o, i k k). Its averaged gradient is brought near to the closest matrix with
orthonormal rows or columns by five Newton-Schulz steps: directions that are seldom seen learn as fast as the loud ones.
The step is scaled so that its root mean square is the rate of learning, as Adam's is at most.

Sources: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks" (steps and coefficients); Liu et al.
2025, "Muon is scalable for LLM training", section 2.2 (the scale by sqrt(max(rows, columns))).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5


class Muon(torch.optim.Optimizer):
    """Muon for the dense convolutions and linear layers of a module, Adam for all its other parameters.

    ``momentum`` is Muon's, ``betas`` are Adam's. The rate of learning is that of the groups, as in every optimiser.
    """

    def __init__(self, module: nn.Module, lr: float, momentum: float = 0.95, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        dense = set(dense_weights(module))
        others = [p for p in module.parameters() if p not in dense]
        self.momentum, self.betas = momentum, betas
        super().__init__(
            [{"params": list(dense_weights(module)), "dense": True}, {"params": others, "dense": False}], {"lr": lr}
        )

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step with the gradients that are there, or that ``closure`` makes; a parameter without one stays."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            learning = [parameter for parameter in group["params"] if parameter.grad is not None]
            if group["dense"]:
                self._muon(learning, group["lr"])
                continue
            for parameter in learning:
                self._adam(parameter, parameter.grad, self.state[parameter], group["lr"])
        return loss

    def _muon(self, parameters: Sequence[Tensor], lr: float) -> None:
        """Matrices of one shape take their step together: many small products cost more than one of many."""
        alike = defaultdict(list)
        for parameter in parameters:
            alike[len(parameter), parameter[0].numel()].append(parameter)
        for shape, some in alike.items():
            steps = orthogonal(torch.stack([self._averaged(parameter) for parameter in some]))
            for parameter, step in zip(some, steps, strict=True):
                parameter.sub_(step.reshape(parameter.shape), alpha=lr * max(shape) ** 0.5)

    def _averaged(self, parameter: Tensor) -> Tensor:
        """The gradient with momentum, as a matrix (rows, columns)."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["mean"] = torch.zeros_like(parameter)
        state["mean"].lerp_(gradient, 1 - self.momentum)
        return gradient.lerp(state["mean"], self.momentum).flatten(1)

    def _adam(self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], lr: float) -> None:
        if not state:
            state |= {"mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter), "steps": torch.tensor(0.0)}
        slow, slower = self.betas
        state["steps"] += 1
        state["mean"].lerp_(gradient, 1 - slow)
        state["square"].lerp_(gradient.square(), 1 - slower)
        steps = state["steps"].item()
        spread = (state["square"] / (1 - slower**steps)).sqrt_().add_(1e-8)
        parameter.addcdiv_(state["mean"], spread, value=-lr / (1 - slow**steps))


def dense_weights(module: nn.Module) -> Iterator[Tensor]:
    """Weights that are matrices: of linear layers and convolutions, but not of depthwise ones, whose rows do not meet.

    Nor of layers whose weight is computed from a parameter, as under a spectral norm.
    """
    for part in module.modules():
        dense = isinstance(part, nn.Linear) or (isinstance(part, nn.Conv2d | nn.ConvTranspose2d) and part.groups == 1)
        if dense and isinstance(part.weight, nn.Parameter):
            yield part.weight


def orthogonal(matrices: Tensor) -> Tensor:
    """Push the singular values of each matrix (.., rows, columns) to between about 0.7 and 1.2."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        square: Tensor = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
