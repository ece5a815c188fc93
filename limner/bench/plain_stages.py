"""SEDIC's Algorithm 1 as one would write it down first: what ``limner.render.stages`` is measured against.

    each step: control net and U-Net with the words, then the same without; for the energy once more, all of it, with slopes
    each stage: the whole picture, whatever its mask

The same noise, blends and settings, so it paints the same picture, but for rounding. Mode paper alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner import image
from limner.extras import need
from limner.render import guidance
from limner.render.guidance import Guide, Watcher
from limner.render.regions import Mask, whole
from limner.render.stagenets import Nets
from limner.render.stages import Stages, Thing

Pixels = NDArray[np.uint8]


def paint(
    stages: Stages, reference: Pixels, things: Sequence[Thing], words: str, seed: int, size_px: tuple[int, int]
) -> Pixels:
    """A picture (h, w, 3) of size_px (width, height), as ``Stages.paint`` gives it."""
    torch = need("torch", extra="diffusion")
    nets, painter = stages.nets, stages.painter
    shown = picture = image.resize(reference, *size_px)
    with torch.no_grad():
        path: list[Any] = stages.before(shown, seed)
        for number, thing in enumerate(things, 1):
            mask = stages.places(thing, shown)
            towards = guidance.guide(nets.parts.unet, painter.guided_blocks, mask, nets.tokens(thing.words), painter.eta)
            steps, scale = painter.steps(number), painter.object_guidance
            path = denoised(nets, picture, thing.words, (seed, number), steps, scale, mask, path, towards)
            picture = nets.picture(path[-1])
        path = denoised(nets, picture, words, (seed, 0), painter.last_steps, painter.last_guidance)
        return nets.picture(path[-1])


def denoised(
    nets: Nets,
    picture: Pixels,
    words: str,
    drawn: tuple[int, int],
    steps: int,
    scale: float,
    mask: Mask | None = None,
    before: Sequence[Any] = (),
    towards: Guide | None = None,
) -> list[Any]:
    """A stage: the latents after each step. drawn: seed and number of the stage. scale: of classifier-free guidance."""
    torch, scheduler = need("torch", extra="diffusion"), nets.parts.scheduler
    condition = nets.condition(picture)
    worded, plain = (nets.embedded(text, 1) for text in (words, nets.painter.negative))
    grid = picture.shape[0] // nets.parts.vae_px, picture.shape[1] // nets.parts.vae_px
    times = nets.times(steps)
    z = nets.noise(*drawn, whole(grid), picture.shape).to(nets.device, nets.dtype) * scheduler.init_noise_sigma
    inside = None if mask is None else torch.from_numpy(mask).to(nets.device)
    found = []
    for step, time in enumerate(times):
        if towards is not None and step < nets.painter.guided(steps):
            z = (z.float() - slope(nets, z, time, worded, condition, towards)).to(z.dtype)
        scaled = scheduler.scale_model_input(z, time)
        told, untold = (nets.told(scaled, time, each, condition) for each in (worded, plain))
        z = scheduler.step(untold + scale * (told - untold), time, z, return_dict=False)[0]
        if inside is not None:
            z = torch.where(inside, z, before[step])
        found.append(z)
    return found


def slope(nets: Nets, z: Any, time: Any, worded: Any, condition: Any, towards: Guide) -> Any:
    """eta times the slope of equation 2, through all of the U-Net."""
    torch = need("torch", extra="diffusion")
    with torch.enable_grad():
        free = z.detach().requires_grad_()
        with watched(towards) as maps:
            nets.told(nets.parts.scheduler.scale_model_input(free, time), time, worded, condition)
        pairs = zip(maps, towards.shares, strict=True)
        energy = torch.stack([guidance.energy(each[:, 1 : 1 + towards.tokens], share) for each, share in pairs]).mean()
        (found,) = torch.autograd.grad(energy, free)
    return found.float() * towards.eta


@contextmanager
def watched(towards: Guide) -> Iterator[list[Any]]:
    """Inside, each guided attention leaves its map, and the U-Net goes on to its end."""
    maps: list[Any] = []
    modules = [layer.module for layer in towards.layers]
    before = [module.processor for module in modules]
    try:
        for module in modules:
            module.set_processor(Watcher(module.processor, maps, len(modules) + 1))
        yield maps
    finally:
        for module, processor in zip(modules, before, strict=True):
            module.set_processor(processor)
