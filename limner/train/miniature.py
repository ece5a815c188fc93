"""The recipe of miniature: rate plus lambda times squared error, all rates at once.

Every crop of a batch draws its own quality t in 0..1. lambda(t) runs geometrically from ``lambda_low`` to ``lambda_high``
and the network learns gains per channel for it. Losses are weighted by lambda**-0.5, so that no rate drowns the others. What
is lost of MS-SSIM can be made to count as squared error (``Recipe.similarity``).
The weights that count are a running average.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.layers.quadtree import QUALITIES
from limner.nets.miniature import Coded, Miniature
from limner.nets.noise import Noise
from limner.train import photos
from limner.train.draws import Draw, keys, strata
from limner.train.integers import as_input
from limner.train.muon import Muon
from limner.train.perceptual import MsSsim
from limner.train.photos import Source
from limner.train.real import real_bits
from limner.train.task import Batch, Check, Losses, Schedule

CHECKED = 12  # held-out pictures
CHECKED_QUALITIES = (6, 20, 34, 48)
WRITTEN = 3  # held-out pictures whose real bits are counted
SHOWN = 2  # held-out pictures put on the board


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights beside the data.

    lambda: weight of the squared error in 0..255 units, bits per pixel per unit. ``shrunk_part`` of the crops are taken
    larger and scaled down. While the rate of learning falls, the rate is the mean of that of rounded latents and of latents
    with additive noise, with ``late_noise_part`` of the second; before, that of noise alone. ``similarity``: the squared error
    that 1 - MS-SSIM counts as; 0 leaves it out.
    """

    schedule: Schedule = field(default_factory=Schedule)
    batch: int = 16
    crop_px: int = 256
    shrunk_part: float = 0.5
    lambda_low: float = 1.5e-4
    lambda_high: float = 6e-3
    late_noise_part: float = 0.5
    similarity: float = 0.0

    def lambda_of(self, t: Tensor) -> Tensor:
        return self.lambda_low * (self.lambda_high / self.lambda_low) ** t

    def noise_part(self, progress: float) -> float:
        """How much of the rate is that of noise, with ``progress`` (0..1) of the run behind."""
        return 1.0 if progress < self.schedule.constant_part else self.late_noise_part

    def judged(self, coded: Coded, x: Tensor, t: Tensor) -> Losses:
        """Rate plus lambda times distortion of crops x (b 3 h w) in 0..1 at qualities t (b,)."""
        px = x.shape[2] * x.shape[3]
        latent_bpp, hyper_bpp = coded.latent_bits / px, coded.hyper_bits / px
        mse = 255**2 * (coded.picture - x).square().flatten(1).mean(1)
        weight = self.lambda_of(t)
        balance = (self.lambda_of(torch.full_like(t, 0.5)) / weight).sqrt()
        unlike = 1 - MsSsim().to(x.device)(x, coded.picture) if self.similarity else torch.zeros_like(mse)
        total = (balance * (latent_bpp + hyper_bpp + weight * (mse + self.similarity * unlike))).mean()
        figures = {
            "loss": total,
            "unlike": unlike.mean(),
            "latent_bpp": latent_bpp.mean(),
            "hyper_bpp": hyper_bpp.mean(),
            "psnr_db": -10 * torch.log10(mse / 255**2).mean(),
        }
        return Losses(total, figures)


@dataclass(frozen=True)
class Task:
    """The recipe on photographs, for ``limner.train.loop``."""

    recipe: Recipe
    photos: Source
    net: Callable[[], Miniature] = Miniature

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return False

    def begin(self) -> Miniature:
        return self.net()

    def optimiser(self, model: Miniature) -> torch.optim.Optimizer:
        return Muon(model, self.schedule.learning_rate)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Crops (b 3 h w) uint8, a quality (b,) from each of equal strata (every batch sees all rates), keys of noise (b,)."""
        x = photos.crops(self.photos, self.recipe.crop_px, self.recipe.shrunk_part, draws)
        return torch.from_numpy(x).permute(0, 3, 1, 2), strata(draws), keys(draws)

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, t, noisy = batch
        x = pixels.float().div(255).contiguous(memory_format=torch.channels_last)
        coded: Coded = model(x, t, Noise(self.recipe.noise_part(progress), noisy))
        return self.recipe.judged(coded, x, t)

    def check(self, model: Miniature) -> Check:
        """What is estimated, and by how much files are really larger."""
        found, more = self.estimated(model), self.really_more(model, self.photos.held_out)
        return replace(
            found, words=f"{found.words}, written {100 * more:+.1f} %", figures=found.figures | {"written_more": more}
        )

    def estimated(self, model: Miniature) -> Check:
        """Rounded (not noisy) rate and PSNR on held-out pictures at some qualities, and a few pictures."""
        words: list[str] = []
        figures: dict[str, float] = {}
        pictures: dict[str, NDArray[np.uint8]] = {}
        held_out = self.photos.held_out[:CHECKED]
        for quality in CHECKED_QUALITIES:
            found = [estimate(model, picture, quality) for picture in held_out]
            bpp, psnr = float(np.mean([one.bpp for one in found])), float(np.mean([one.psnr_db for one in found]))
            words.append(f"q{quality} {bpp:.4f} bpp {psnr:.2f} dB")
            figures |= {f"q{quality}/bpp": bpp, f"q{quality}/psnr_db": psnr}
            figures[f"q{quality}/hyper_share"] = float(np.mean([one.hyper_share for one in found]))
            pictures |= {f"{number}/q{quality}": one.picture for number, one in enumerate(found[:SHOWN])}
        return Check(", ".join(words), figures, pictures)

    def really_more(self, model: Miniature, held_out: Sequence[NDArray[np.uint8]]) -> float:
        """By which part what is written is more than estimated: summed over a few pictures and all checked qualities."""
        some = held_out[:WRITTEN]
        estimated = sum(estimate(model, picture, quality).bits for picture in some for quality in CHECKED_QUALITIES)
        written: float = real_bits(model, some, CHECKED_QUALITIES)
        return float(written / estimated) - 1


@dataclass(frozen=True)
class Estimate:
    """A picture through the networks in floats: the picture (h, w, 3), estimated bits."""

    picture: NDArray[np.uint8]
    bits: float
    hyper_share: float
    psnr_db: float

    @property
    def bpp(self) -> float:
        return 3 * self.bits / self.picture.size


@torch.no_grad()
def estimate(model: Miniature, picture: NDArray[np.uint8], quality: int) -> Estimate:
    x = as_input(picture)
    coded = model(x, torch.tensor([quality / QUALITIES]))
    painted = coded.picture.clamp(0, 1)
    mse = 255**2 * (painted - x).square().mean().item()
    bits = (coded.latent_bits + coded.hyper_bits).item()
    pixels = painted[0].mul(255).round().byte().permute(1, 2, 0).numpy()
    return Estimate(pixels, bits, coded.hyper_bits.item() / bits, psnr_db(mse))


def psnr_db(mse: float) -> float:
    """Peak signal to noise ratio of a mean squared error in 0..255 units."""
    return 10 * math.log10(255**2 / mse)
