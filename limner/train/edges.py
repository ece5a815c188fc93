"""The recipe of the edge net: what part of the annotators draw near a pixel, as a chance, from photographs turned and scaled.

Drawings of one boundary differ by a pixel or two, so their mean is spread over neighbours: the share that is learned is the
sum over 3 x 3 pixels, at most 1. Cross entropy, boundaries weighing more than the rest; coarser scales learn their maxima.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from limner.errors import LimnerError
from limner.nets.edges import MULTIPLE, Edges, Sigmoid
from limner.train.boundaries import Drawn
from limner.train.draws import Draw
from limner.train.integers import as_input
from limner.train.muon import Muon
from limner.train.onnx_file import write_onnx
from limner.train.photos import Pixels
from limner.train.task import Batch, Check, Losses, Schedule
from limner.weights import write_manifest

HELD_OUT_EVERY = 10  # of the pictures that are trained on; they are looked at and never learned
SHOWN = 2
SPREAD_PX = 3
FILE = "edges.onnx"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights beside the data.

    boundary_weight: how much a drawn pixel weighs beside one that nobody drew. side_weight: of the coarser scales together,
    beside the finest. A crop is turned by any angle and taken 1 / ``largest_scale`` to 1 / ``least_scale`` of its size.
    """

    schedule: Schedule = field(default_factory=lambda: Schedule(minutes=80.0, ema_decay=0.999))
    batch: int = 8
    crop_px: int = 256
    boundary_weight: float = 4.0
    side_weight: float = 0.5
    least_scale: float = 0.6
    largest_scale: float = 1.6
    colour: float = 0.3

    def judged(self, scales: list[Tensor], share: Tensor) -> Tensor:
        """Mean cross entropy of logits at every scale with the share of the finest (b 1 h w)."""
        finest, *coarser = scales
        total = self.entropy(finest, share)
        for logits in coarser:
            share = F.max_pool2d(share, share.shape[-1] // logits.shape[-1])
            total = total + self.side_weight / len(coarser) * self.entropy(logits, share)
        return total

    def entropy(self, logits: Tensor, share: Tensor) -> Tensor:
        """Weighted over the pixels of a crop, then a mean over the crops: no crop's weight depends on what is beside it."""
        weight = 1 + (self.boundary_weight - 1) * share
        weighted = weight * F.binary_cross_entropy_with_logits(logits, share, reduction="none")
        return (weighted.sum((1, 2, 3)) / weight.sum((1, 2, 3))).mean()


@dataclass(frozen=True)
class Task:
    """The recipe on drawn photographs, for ``limner.train.loop``."""

    recipe: Recipe
    drawn: list[Drawn]

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @cached_property
    def learned(self) -> list[Drawn]:
        return [spread(one) for number, one in enumerate(self.drawn) if number % HELD_OUT_EVERY]

    @cached_property
    def held_out(self) -> list[Drawn]:
        return [spread(one) for one in self.drawn[::HELD_OUT_EVERY]]

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return False

    def begin(self) -> Edges:
        return Edges()

    def optimiser(self, model: Edges) -> torch.optim.Optimizer:
        return Muon(model, self.schedule.learning_rate)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Crops (b 3 h w) and shares (b 1 h w), both uint8."""
        drawn = self.learned
        pairs = [crop(drawn[one.rng.integers(len(drawn))], self.recipe, one.rng) for one in draws]
        pixels, shares = (torch.from_numpy(np.stack(list(part))) for part in zip(*pairs, strict=True))
        return pixels.permute(0, 3, 1, 2), shares[:, None]

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, share = (part.float().div(255) for part in batch)
        logits: list[Tensor] = model(pixels.contiguous(memory_format=torch.channels_last))
        total = self.recipe.judged(logits, share)
        return Losses(total, {"loss": total})

    def check(self, model: Edges) -> Check:
        """Cross entropy on held-out pictures, and a few of them drawn."""
        losses, pictures = [], {}
        for number, one in enumerate(self.held_out):
            logits = model(as_input(one.pixels))[0]
            h, w = logits.shape[2:]
            share = torch.from_numpy(one.share[:h, :w] / np.float32(255))[None, None]
            losses.append(self.recipe.entropy(logits, share).item())
            if number < SHOWN:
                grey = (255 * torch.sigmoid(logits[0, 0])).round().byte().numpy()
                pictures[str(number)] = np.repeat(grey[..., None], 3, 2)
        mean = float(np.mean(losses))
        return Check(f"cross entropy {mean:.4f}", {"cross_entropy": mean}, pictures)


def spread(one: Drawn) -> Drawn:
    """The share of annotators that drew a pixel or a neighbour of it."""
    share = torch.from_numpy(one.share.astype(np.float32))[None, None]
    near = F.avg_pool2d(share, SPREAD_PX, 1, SPREAD_PX // 2, divisor_override=1).clamp(max=255)
    return Drawn(one.name, one.pixels, near[0, 0].round().byte().numpy())


def crop(one: Drawn, recipe: Recipe, rng: np.random.Generator) -> tuple[Pixels, NDArray[np.uint8]]:
    """A turned, scaled, mirrored and recoloured square (side, side, 3) and its share (side, side); edges are mirrored out."""
    side = recipe.crop_px
    scale = math.exp(rng.uniform(math.log(recipe.least_scale), math.log(recipe.largest_scale)))
    angle = rng.uniform(0, 2 * math.pi)
    mirrored = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    h, w = one.share.shape
    # The middle of the square may lie where most of it is within the picture.
    reach = min(0.5, side / scale / 3 / min(h, w))
    x0, y0 = (size * rng.uniform(reach, 1 - reach) for size in (w, h))
    a, b, d, e = mirrored * cos, -sin, mirrored * sin, cos
    affine = (a, b, x0 - (a + b) * side / 2, d, e, y0 - (d + e) * side / 2)
    return recoloured(taken(one.pixels, affine, side), recipe.colour, rng), taken(one.share, affine, side)


def taken(picture: NDArray[np.uint8], affine: tuple[float, ...], side: int) -> NDArray[np.uint8]:
    """A square of a picture through an affine map from its pixels to the picture's; the picture is mirrored at its sides."""
    pad = side
    beyond = ((pad, pad), (pad, pad), (0, 0))[: picture.ndim]
    image = Image.fromarray(np.pad(picture, beyond, mode="symmetric"))
    moved = (affine[0], affine[1], affine[2] + pad, affine[3], affine[4], affine[5] + pad)
    found = image.transform((side, side), Image.Transform.AFFINE, moved, Image.Resampling.BILINEAR)
    return np.asarray(found)


def recoloured(pixels: Pixels, most: float, rng: np.random.Generator) -> Pixels:
    """Other contrast, brightness and balance of colours."""
    gain = np.exp(rng.uniform(-most, most) + rng.uniform(-most, most, 3) / 3).astype(np.float32)
    middle = np.float32(128 * (1 + rng.uniform(-most, most)))
    found: Pixels = np.clip((pixels - np.float32(128)) * gain + middle, 0, 255).astype(np.uint8)
    return found


def export(checkpoint: Path, folder: Path, name: str) -> None:
    """Write the averaged weights of a checkpoint as a set. LimnerError if the checkpoint is of another net."""
    kept = torch.load(checkpoint, weights_only=True, map_location="cpu")["ema"]
    net = Edges()
    try:
        net.load_state_dict(kept)
    except RuntimeError as error:
        raise LimnerError(f"{checkpoint} is no checkpoint of the edge net") from error
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(Sigmoid(net), 3, MULTIPLE, folder / FILE)
    write_manifest(folder, name, (FILE,), ())
