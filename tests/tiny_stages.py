"""SEDIC's decoder with tiny models, and small things to paint: pictures of 64 x 48, latents of 6 x 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import ldm_control
import numpy as np
import tiny_diffusion
import torch
from numpy.typing import NDArray

from limner.render.quiet import quiet
from limner.render.stagenets import spaced
from limner.render.stagepainter import StagePainter
from limner.render.stages import Counter, Stages, Thing

SIZE = (64, 48)
GRID = (6, 8)
SEED = 3
WORDS = "a red boat on a lake"
STATE = ldm_control.random_state(ldm_control.TINY)
Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def mask(rows: slice, columns: slice, grid: tuple[int, int] = GRID) -> Mask:
    found = np.zeros(grid, bool)
    found[rows, columns] = True
    return found


LEFT, RIGHT = Thing("a red boat", mask(slice(1, 4), slice(0, 3))), Thing("two trees", mask(slice(2, 6), slice(4, 8)))
OVER = Thing("a cloud", mask(slice(3, 5), slice(2, 6)))
EMPTY, FULL = Thing("nothing", mask(slice(0, 0), slice(0, 0))), Thing("everything", mask(slice(0, 6), slice(0, 8)))


def save(place: Path) -> Path:
    """Models in folders base, tile, ir and tiny."""
    tiny_diffusion.save_base(place / "base")
    tiny_diffusion.save_control(place / "tile")
    tiny_diffusion.save_tiny_vae(place / "tiny")
    (place / "ir").mkdir()
    torch.save(STATE, place / "ir" / "v2.pth")
    return place


def painter(place: Path) -> StagePainter:
    """Two steps an object, of which one is guided, and one for the whole."""
    return StagePainter(str(place / "base"), str(place / "ir"), object_steps=(2,), last_steps=1, guided_part=0.5)


def reference() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


def other(stages: Stages, **given: Any) -> Stages:
    """The same models with other settings."""
    painter = replace(stages.painter, **given)
    with quiet():
        scheduler = getattr(diffusers, painter.scheduler).from_config(stages.nets.parts.scheduler.config)
    scheduler = spaced(scheduler, painter.spacing)
    nets = replace(stages.nets, painter=painter, parts=replace(stages.nets.parts, scheduler=scheduler))
    return Stages(painter, stages.machine, nets)


def painted(stages: Stages, reference: Pixels, things: Sequence[Thing], seed: int = SEED) -> tuple[Pixels, dict[int, Pixels]]:
    """The picture, and that of each stage."""
    kept: dict[int, Pixels] = {}
    return stages.paint(reference, things, WORDS, seed, SIZE, keep=kept.__setitem__), kept


def paths(stages: Stages, reference: Pixels, things: Sequence[Thing]) -> list[list[Any]]:
    """Of the reference and of each object: the latents after each step."""
    with torch.no_grad():
        path, picture = stages.before(reference, SEED), reference
        found = [[each.clone() for each in path]]
        for number, thing in enumerate(things, 1):
            stage = stages.stage(number, thing.words, picture, stages.places(thing, reference))
            picture = stages.object(stage, path, SEED, Counter(None, 0))
            found.append([each.clone() for each in path])
    return found


def distance(one: Pixels, two: Pixels) -> int:
    return int(np.abs(one.astype(int) - two).max())


def same_bits(one: Any, two: Any) -> bool:
    return bool(torch.equal(one.contiguous().view(torch.int32), two.contiguous().view(torch.int32)))


def alphas() -> Any:
    """What is left of a picture at each time, squared."""
    return torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0)
