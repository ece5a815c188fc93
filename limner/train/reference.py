"""The recipe of SEDIC's reference codec: cheng2020-attn at a tenth of the lowest published rate.

    crops -> cheng2020-attn -> rate + lambda * squared error        lambda = 0.00018, a tenth of CompressAI's lowest, 0.0018

SEDIC goes on from CompressAI's weights of its lowest rate (N = 128): ``begin_with``. Without them it begins from nothing, which
takes far longer. How long SEDIC's own was trained is not told; the schedule is ours.

Source: Song et al. 2025 (SEDIC), section 4.1; Cheng et al. 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from limner.errors import LimnerError
from limner.nets import published
from limner.nets.cheng2020 import Cheng2020
from limner.nets.noise import Noise
from limner.train import photos
from limner.train.codec import as_crops, estimate, measured, optimiser, ready
from limner.train.draws import Draw, keys
from limner.train.photos import Source
from limner.train.task import Batch, Check, Losses, Schedule

LAMBDA = 0.00018
CHECKED = 8  # held-out pictures
SHOWN = 2


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights beside the data; as it stands it is the paper's, as far as that is told.

    lambda_mse: bits per pixel that a squared error of 1 (values in 0..255) is worth. inner: N. ``late_noise_part``: how much of
    the rate is that of noise once the rate of learning falls; before, all of it is. muon: in Adam's place.
    """

    schedule: Schedule = field(default_factory=lambda: Schedule(minutes=720.0, learning_rate=1e-4, ema_decay=0.999))
    batch: int = 8
    crop_px: int = 256
    lambda_mse: float = LAMBDA
    inner: int = 128
    late_noise_part: float = 1.0
    muon: bool = False

    def noise_part(self, progress: float) -> float:
        """How much of the rate is that of noise, with ``progress`` (0..1) of the run behind."""
        return 1.0 if progress < self.schedule.constant_part else self.late_noise_part


def compact(inner: int = 64, lambda_mse: float = LAMBDA) -> Recipe:
    """A narrower codec from nothing, for a CPU and an evening."""
    schedule = Schedule(minutes=480.0, learning_rate=1e-3, ema_decay=0.998)
    return Recipe(schedule, lambda_mse=lambda_mse, inner=inner, late_noise_part=0.5, muon=True)


@dataclass(frozen=True)
class Task:
    """The recipe on photographs, for ``limner.train.loop``. ``begin_with``: a published checkpoint, or none."""

    recipe: Recipe
    photos: Source
    begin_with: Path | None = None

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return False

    def begin(self) -> Cheng2020:
        """LimnerError if ``begin_with`` is another codec's or of another width."""
        fresh = Cheng2020(self.recipe.inner)
        if self.begin_with is None:
            return ready(fresh)
        found = published.load(self.begin_with)
        if {name: t.shape for name, t in found.state_dict().items()} != {n: t.shape for n, t in fresh.state_dict().items()}:
            raise LimnerError(f"{self.begin_with} is no cheng2020-attn with N = {self.recipe.inner}")
        fresh.load_state_dict(found.state_dict())
        return ready(fresh)

    def optimiser(self, model: Cheng2020) -> torch.optim.Optimizer:
        return optimiser(model, self.schedule.learning_rate, self.recipe.muon)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Crops (b 3 h w) uint8, and keys of their noise (b,)."""
        x = photos.crops(self.photos, self.recipe.crop_px, 0.0, draws)
        return torch.from_numpy(x).permute(0, 3, 1, 2), keys(draws)

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, noisy = batch
        x = as_crops(pixels)
        found = measured(model(x, None, Noise(self.recipe.noise_part(progress), noisy)), x)
        total = found.cost(self.recipe.lambda_mse).mean()
        return Losses(total, {"loss": total, **found.figures()})

    def check(self, model: Cheng2020) -> Check:
        """Rate of rounded latents and PSNR on held-out pictures."""
        model.entropy_bottleneck.settle()
        found = [estimate(model, picture) for picture in self.photos.held_out[:CHECKED]]
        bpp, psnr = (float(np.mean([getattr(one, name) for one in found])) for name in ("bpp", "psnr_db"))
        pictures = {str(number): one.picture for number, one in enumerate(found[:SHOWN])}
        return Check(f"{bpp:.4f} bpp {psnr:.2f} dB", {"bpp": bpp, "psnr_db": psnr}, pictures)
