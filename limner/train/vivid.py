"""The recipe of the vivid painter: the synthesis tuned for the eye, all else of the codec as it is.

    crop -> codec (frozen) -> latent -> faithful picture (frozen)
                                  \\---> painter (trained) ---> picture -- SSIMULACRA2, MS-SSIM and absolute error
                                                                 |      -- blurred: squared error against the crop
                                                                 +------ critic: does this detail belong there?

The critic sees the faithful picture too, and judges what was added to it. Its feature maps of crop and picture are matched.
Absolute errors, unlike squared ones, do not call for the mean of all that might be there. The blurred anchor keeps colours
and shapes where the file has them. The adversary comes in gradually.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from limner.layers.quadtree import QUALITIES
from limner.nets.discriminator import Discriminator
from limner.nets.miniature import Miniature
from limner.train import photos
from limner.train.draws import Draw, strata
from limner.train.integers import as_input
from limner.train.miniature import psnr_db
from limner.train.muon import Muon
from limner.train.perceptual import MsSsim, Ssimulacra2
from limner.train.photos import Source
from limner.train.task import Batch, Check, Losses, Schedule

CHECKED = 6  # held-out pictures
CHECKED_QUALITIES = (6, 24)


@dataclass(frozen=True)
class Recipe:
    """Weights of the losses; squared errors are of values in 0..1. ``blur_px``: what the anchor averages over."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(minutes=60.0, learning_rate=1.5e-4, warm_up_steps=30, constant_part=0.5)
    )
    batch: int = 8
    crop_px: int = 256
    shrunk_part: float = 0.5
    perceptual: float = 0.04
    anchor: float = 100.0
    structural: float = 3.0
    absolute: float = 5.0
    matching: float = 1.0
    adversarial: float = 0.05
    adversarial_from: float = 0.1
    blur_px: int = 8


class Parts(NamedTuple):
    """Losses of a batch, each one number."""

    perceptual: Tensor
    structural: Tensor
    anchor: Tensor
    absolute: Tensor
    matching: Tensor
    adversarial: Tensor
    critic: Tensor


class Vivid(nn.Module):
    """The frozen codec, the painter that begins as its synthesis, and the critic."""

    def __init__(self, codec: Miniature, blur_px: int) -> None:
        super().__init__()
        self.painter = copy.deepcopy(codec.synthesis)
        self.critic = Discriminator()
        self.codec = codec.requires_grad_(False).eval()
        self.metric = Ssimulacra2()
        self.similarity = MsSsim()
        self.blur_px = blur_px

    def forward(self, x: Tensor, t: Tensor) -> Parts:
        """x (b 3 h w) in 0..1, sides multiples of 64; t (b,)."""
        with torch.no_grad():
            latent = self.latent(x, t)
            faithful = self.codec.synthesis(latent, t).clamp(0, 1)
        picture = self.painter(latent, t).float()
        real, real_maps = self.critic(x, faithful)
        fake, _ = self.critic(picture.detach(), faithful)
        with held(self.critic):
            judged, maps = self.critic(picture, faithful)
        return Parts(
            perceptual=self.metric(x, picture).mean(),
            structural=1 - self.similarity(x, picture).mean(),
            anchor=(self.blurred(picture) - self.blurred(x)).square().mean(),
            absolute=(picture - x).abs().mean(),
            matching=torch.stack([(a - b.detach()).abs().mean() for a, b in zip(maps, real_maps, strict=True)]).mean(),
            adversarial=-judged.mean(),
            critic=(F.relu(1 - real) + F.relu(1 + fake)).mean(),
        )

    def latent(self, x: Tensor, t: Tensor) -> Tensor:
        """What a decoder has: the rounded latent, without its gain."""
        y = self.codec.scaled(x, t)
        _, found = self.codec.walk(y, self.codec.hyper_analysis(y, t).float(), t)
        return found.y_hat / self.codec.gain(t)

    def blurred(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.blur_px, stride=self.blur_px // 2)


@contextmanager
def held(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through a module, but not to its parameters."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    yield
    for parameter in module.parameters():
        parameter.requires_grad_(True)


@dataclass(frozen=True)
class Task:
    """The recipe on photographs, with the averaged weights of a checkpoint of ``limner.train.miniature``."""

    recipe: Recipe
    photos: Source
    codec: Path

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return False

    def begin(self) -> Vivid:
        codec = Miniature()
        codec.load_state_dict(torch.load(self.codec, weights_only=True, map_location="cpu")["ema"])
        return Vivid(codec, self.recipe.blur_px)

    def optimiser(self, model: Vivid) -> torch.optim.Optimizer:
        trained = nn.ModuleList([model.painter, model.critic])
        made = Muon(trained, self.schedule.learning_rate, momentum=0.9, betas=(0.5, 0.95))
        made.register_step_post_hook(lambda *given: model.critic.settle())
        return made

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Crops (b 3 h w) uint8 and a quality (b,) from each of strata that are narrower where little is known."""
        x = photos.crops(self.photos, self.recipe.crop_px, self.recipe.shrunk_part, draws)
        return torch.from_numpy(x).permute(0, 3, 1, 2), strata(draws) ** 2

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, t = batch
        recipe = self.recipe
        parts: Parts = model(pixels.float().div(255).contiguous(memory_format=torch.channels_last), t)
        grown = min(1.0, progress / recipe.adversarial_from)
        total = (
            recipe.perceptual * parts.perceptual
            + recipe.structural * parts.structural
            + recipe.anchor * parts.anchor
            + recipe.absolute * parts.absolute
            + grown * (recipe.matching * parts.matching + recipe.adversarial * parts.adversarial)
            + parts.critic
        )
        return Losses(total, {"loss": total, **parts._asdict()})

    def check(self, model: Vivid) -> Check:
        """Both painters on held-out pictures: PSNR and SSIMULACRA2 (as the loss has it: less is better)."""
        words: list[str] = []
        figures: dict[str, float] = {}
        pictures: dict[str, NDArray[np.uint8]] = {}
        for quality in CHECKED_QUALITIES:
            found = [compare(model, picture, quality) for picture in self.photos.held_out[:CHECKED]]
            for name in ("faithful", "vivid"):
                psnr, worse = (float(np.mean([one[name][i] for one in found])) for i in (0, 1))
                figures |= {f"q{quality}/{name}/psnr_db": psnr, f"q{quality}/{name}/ssimulacra2_loss": worse}
                words.append(f"q{quality} {name} {psnr:.2f} dB, {worse:.2f}")
            pictures[f"vivid/q{quality}"] = found[0]["vivid"][2]
        return Check("; ".join(words), figures, pictures)


@torch.no_grad()
def compare(model: Vivid, picture: NDArray[np.uint8], quality: int) -> dict[str, tuple[float, float, NDArray[np.uint8]]]:
    """PSNR, SSIMULACRA2 loss and pixels (h, w, 3) of both painters."""
    x, t = as_input(picture), torch.tensor([quality / QUALITIES])
    latent = model.latent(x, t)
    found = {}
    for name, painter in (("faithful", model.codec.synthesis), ("vivid", model.painter)):
        painted = painter(latent, t).clamp(0, 1)
        psnr = psnr_db(255**2 * (painted - x).square().mean().item())
        pixels = painted[0].mul(255).round().byte().permute(1, 2, 0).numpy()
        found[name] = psnr, model.metric(x, painted).item(), pixels
    return found
