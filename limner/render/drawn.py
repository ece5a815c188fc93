"""The specified noise as tensors: what a diffusion starts from, and what a scheduler asks torch for on its way.

    seeds (n) --gaussian(seed, 0)--> latents (n, c, h, w)
    torch.randn, torch.randn_like of the scheduler, the k-th time --gaussian(seed, k)--> (n, c, h, w)

Schedulers draw by ``torch.randn``, for all candidates at once. Within their steps that call is given the specified noise; the
state of torch's own generators is neither used nor changed. The networks run outside of it, for it makes each call of torch
slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any

import numpy as np

from limner.errors import LimnerError
from limner.extras import need
from limner.render.noise import gaussian

Shape = tuple[int, ...]


def drawn(seeds: Sequence[int], draw: int, shape: Shape) -> Any:
    """A float32 tensor (n, *shape) on the CPU."""
    torch = need("torch", extra="diffusion")
    return torch.from_numpy(np.stack([gaussian(seed, draw, shape) for seed in seeds]))


@contextmanager
def answering(scheduler: Any, seeds: Sequence[int], start: int = 0) -> Iterator[None]:
    """Inside, a scheduler of diffusers draws the noise of these seeds, from the draw after ``start`` on; afterwards it is as it
    was."""
    mode, plain = answers(seeds, start), scheduler.step

    # Pipelines look at the signature, which is kept.
    @wraps(plain)
    def step(*args: Any, **given: Any) -> Any:
        with mode:
            return plain(*args, **given)

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step


def answers(seeds: Sequence[int], start: int = 0) -> AbstractContextManager[Any]:
    """While it is on, the k-th call of torch.randn or torch.randn_like gets draw ``start`` + k of every seed, counted over all
    times that it is on. Such a call has as many rows as there are seeds, else LimnerError is raised."""
    torch = need("torch", extra="diffusion")
    from torch.overrides import TorchFunctionMode

    class Answering(TorchFunctionMode):
        draws = start

        def __torch_function__(
            self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            given = kwargs or {}
            if func is torch.randn:
                return self.normal(shape_of(args, given), given.get("device"), given.get("dtype"))
            if func is torch.randn_like:
                like = args[0] if args else given["input"]
                return self.normal(tuple(like.shape), given.get("device") or like.device, given.get("dtype") or like.dtype)
            return func(*args, **given)

        def normal(self, shape: Shape, device: Any, dtype: Any) -> Any:
            if shape[0] != len(seeds):
                raise LimnerError(f"the scheduler draws noise of {shape} for {len(seeds)} candidates, which is not foreseen")
            self.draws += 1
            return drawn(seeds, self.draws, shape[1:]).to(device=device, dtype=dtype or torch.get_default_dtype())

    mode: AbstractContextManager[Any] = Answering()
    return mode


def shape_of(args: Any, given: dict[str, Any]) -> Shape:
    """Of torch.randn's arguments: one row of sides, or each by itself."""
    sides = args or (given["size"],)
    return tuple(int(side) for side in (sides if isinstance(sides[0], int) else sides[0]))
