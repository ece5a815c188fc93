"""Equations 2 and 3 of SEDIC: a latent is moved so that the U-Net looks for a thing's words where its mask is.

    z (1, 4, r, c) --U-Net up to the last guided block--> A_l (heads, places, 77) of each guided cross-attention l
    A_l --mean over heads, tokens k of the thing--> A_m,k

                      sum of A_m,k over m in M   2
    E(A, M, k) = (1 - ------------------------- )        (2), mean over k and l
                      sum of A_m,k over all m

    z <- z - eta * dE/dz                                 (3)

Where a map is coarser than the latents, a place that is partly in the mask counts by its part. Maps are held for one pass, and
no pass goes further than they are.

Source: Song et al. 2025 (SEDIC), section 3.2; the energy is that of Chen et al. 2023, "Training-free layout control".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.render.regions import Grid, Mask, covered

Forward = Callable[[Any], object]
"""Runs the nets on a latent."""
SLOPE_SCALE = 2.0**10
"""Slopes are small: times a power of two they stay in the range of half precision."""


class Seen(Exception):
    """All maps are there: what would follow is not needed."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A cross-attention. level: how often the latents were halved before it."""

    module: Any
    level: int

    def grid(self, latents: Grid) -> Grid:
        """Rows and columns of its map."""
        rows, columns = (-(-side // 2**self.level) for side in latents)
        return rows, columns


@dataclass(frozen=True, eq=False)
class Guide:
    """Moves latents towards a thing. layers: in the order in which the U-Net comes to them. shares: of each map's places
    (places,), float32, what part is in the mask. tokens: how many of the words' there are, after that of the start."""

    layers: Sequence[Layer]
    shares: Sequence[Any]
    tokens: int
    eta: float

    def moved(self, latents: Any, forward: Forward) -> Any:
        """eta times the slope of the energy, float32, of the shape of ``latents``: what they are to be lessened by.

        forward: is given the latents as the nets see them; is left before its end. LimnerError if the slope is no number.
        """
        torch = need("torch", extra="diffusion")
        with torch.enable_grad():
            free = latents.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.energy(free, forward) * SLOPE_SCALE, free)
        if not torch.isfinite(slope).all():
            raise LimnerError("the energy's slope overflows in this precision: use float32 or bfloat16")
        return slope.float() * (self.eta / SLOPE_SCALE)

    def energy(self, latents: Any, forward: Forward) -> Any:
        """Equation 2, 0 to 1: a float32 tensor of one number."""
        torch = need("torch", extra="diffusion")
        with watched([layer.module for layer in self.layers]) as maps, suppress(Seen):
            forward(latents)
        found = [energy(each[:, 1 : 1 + self.tokens], share) for each, share in zip(maps, self.shares, strict=True)]
        return torch.stack(found).mean()


def guide(unet: Any, blocks: Sequence[str], mask: Mask, tokens: int, eta: float) -> Guide | None:
    """Towards a mask on the latents' grid. None where there is nothing to guide: no words, no mask, or all of the picture."""
    if not tokens or mask.all() or not mask.any():
        return None
    torch = need("torch", extra="diffusion")
    layers = guided(unet, blocks)
    rows, columns = mask.shape
    shares = [torch.from_numpy(covered(mask, layer.grid((rows, columns)))).float().flatten() for layer in layers]
    return Guide(layers, shares, tokens, eta)


def guided(unet: Any, blocks: Sequence[str]) -> list[Layer]:
    """Cross-attentions in blocks by their names in diffusers, as ``mid_block`` or ``up_blocks.1``, in the order of their use.
    MissingError for a block that has none."""
    found = []
    for name in sorted(blocks, key=order):
        layers = [module for path, module in unet.named_modules() if path.startswith(f"{name}.") and path.endswith(".attn2")]
        if not layers:
            raise MissingError(f"this base model has no cross-attention in {name}: name other guided_blocks")
        found += [Layer(layer, level(name, len(unet.config.block_out_channels) - 1)) for layer in layers]
    return found


def order(name: str) -> tuple[int, int]:
    """Down, middle, up."""
    kind, _, number = name.partition(".")
    return ("down_blocks", "mid_block", "up_blocks").index(kind), int(number or 0)


def level(name: str, lowest: int) -> int:
    """How often latents are halved before a block."""
    kind, number = order(name)
    return (number, lowest, lowest - number)[kind]


def energy(maps: Any, share: Any) -> Any:
    """Equation 2, mean over tokens. maps: (places, tokens), float32; share: (places,), of each place what is in the mask."""
    return ((1 - (share.to(maps.device)[:, None] * maps).sum(0) / maps.sum(0)) ** 2).mean()


@contextmanager
def watched(modules: Sequence[Any]) -> Iterator[list[Any]]:
    """Inside, each of these attentions leaves its map (places, 77), float32, the mean over heads; the last one raises Seen."""
    maps: list[Any] = []
    before = [module.processor for module in modules]
    try:
        for module in modules:
            module.set_processor(Watcher(module.processor, maps, len(modules)))
        yield maps
    finally:
        for module, processor in zip(modules, before, strict=True):
            module.set_processor(processor)


class Watcher:
    """An attention processor that does what another one does, and leaves the map beside it."""

    def __init__(self, plain: Any, maps: list[Any], wanted: int) -> None:
        self.plain, self.maps, self.wanted = plain, maps, wanted

    def __call__(self, attn: Any, hidden_states: Any, encoder_hidden_states: Any = None, attention_mask: Any = None) -> Any:
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))
        self.maps.append(attn.get_attention_scores(query, key).float().mean(0))
        if len(self.maps) == self.wanted:
            raise Seen
        return self.plain(attn, hidden_states, encoder_hidden_states, attention_mask)
