"""The recipe of miniature: rate plus lambda times squared error, all rates at once, least squares only.

Every crop of a batch draws its own quality t in lowest_t..1 (below it a picture is better coded smaller). lambda(t) runs
geometrically from ``lambda_low`` to ``lambda_high`` and the network learns gains per channel for it. Losses are weighted by
lambda**-0.5, so that no rate drowns the others. The weights that count are a running average.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.nets.miniature import Miniature
from limner.train import photos


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights beside the data. ``minutes`` ends the schedule early if ``steps`` are not reached."""

    steps: int = 12_000
    minutes: float = 120.0
    batch: int = 16
    crop_px: int = 256
    learning_rate: float = 8e-4
    warm_up_steps: int = 200
    constant_part: float = 0.5
    final_part: float = 0.02
    lowest_t: float = 0.2
    shrunk_part: float = 0.5
    lambda_low: float = 4e-5
    lambda_high: float = 3e-3
    early_part: float = 0.12
    early_weight: float = 3.0
    round_from: float = 0.7
    late_noise_part: float = 0.5
    ema_decay: float = 0.998
    seed: int = 1

    def from_weights(self) -> Recipe:
        """The schedule for weights that were trained before: lower and earlier falling rate of learning, no early weight."""
        return replace(self, learning_rate=0.75 * self.learning_rate, constant_part=0.4, early_part=0.0)

    def lambda_of(self, t: Tensor) -> Tensor:
        """Weight of the squared error in 0..255 units, bits per pixel per unit."""
        return self.lambda_low * (self.lambda_high / self.lambda_low) ** t

    def rate_of_learning(self, step: int, progress: float) -> float:
        warm = min(1.0, (step + 1) / self.warm_up_steps)
        tail = max(0.0, (progress - self.constant_part) / (1 - self.constant_part))
        fall = self.final_part + (1 - self.final_part) * 0.5 * (1 + math.cos(math.pi * min(1.0, tail)))
        return self.learning_rate * warm * fall


@dataclass
class State:
    """What a checkpoint holds."""

    model: Miniature
    ema: Miniature
    optimiser: torch.optim.Optimizer
    step: int = 0
    minutes: float = 0.0


def begin(recipe: Recipe) -> State:
    torch.manual_seed(recipe.seed)
    model = Miniature().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(model).requires_grad_(False)
    return State(model, ema, torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.99), fused=True))


def save(state: State, path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(
        {
            "model": state.model.state_dict(),
            "ema": state.ema.state_dict(),
            "optimiser": state.optimiser.state_dict(),
            "step": state.step,
            "minutes": state.minutes,
        },
        partial,
    )
    os.replace(partial, path)


def resume(state: State, path: Path) -> None:
    kept = torch.load(path, weights_only=True)
    state.model.load_state_dict(kept["model"])
    state.ema.load_state_dict(kept["ema"])
    state.optimiser.load_state_dict(kept["optimiser"])
    state.step, state.minutes = kept["step"], kept["minutes"]


@dataclass(frozen=True)
class Losses:
    total: Tensor
    bpp: float
    mse: float


def losses(model: Miniature, x: Tensor, t: Tensor, recipe: Recipe, progress: float) -> Losses:
    """x (b 3 h w) in 0..1."""
    coded = model(x, t, 1.0 if progress < recipe.round_from else recipe.late_noise_part)
    bpp = (coded.latent_bits + coded.hyper_bits) / (x.shape[2] * x.shape[3])
    mse = 255**2 * (coded.picture - x).square().flatten(1).mean(1)
    weight = recipe.lambda_of(t) * (recipe.early_weight if progress < recipe.early_part else 1.0)
    balance = (recipe.lambda_of(torch.full_like(t, 0.5)) / recipe.lambda_of(t)).sqrt()
    return Losses((balance * (bpp + weight * mse)).mean(), bpp.mean().item(), mse.mean().item())


def batches(pictures: list[NDArray[np.uint8]], recipe: Recipe, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(seed)
    while True:
        x = torch.from_numpy(photos.crops(pictures, recipe.crop_px, recipe.batch, recipe.shrunk_part, rng)).permute(0, 3, 1, 2)
        # One quality from each of equal strata: every batch sees all rates.
        t = recipe.lowest_t + (1 - recipe.lowest_t) * (np.arange(recipe.batch) + rng.random(recipe.batch)) / recipe.batch
        yield x.float().div(255), torch.from_numpy(t).float()


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    say: Callable[[str], None],
    begin_from: Path | None = None,
    checkpoint_minutes: float = 4.0,
) -> None:
    """Train, resuming from ``out``/last.pt if it is there; writes last.pt (everything) every few minutes.

    ``begin_from``: a checkpoint of another run; a new run begins with its weights and moments, at step 0 of the schedule.
    """
    if begin_from is not None:
        recipe = recipe.from_weights()
    state = begin(recipe)
    out.mkdir(parents=True, exist_ok=True)
    last = out / "last.pt"
    if last.exists():
        resume(state, last)
    elif begin_from is not None:
        resume(state, begin_from)
        state.step, state.minutes = 0, 0.0
    pictures = photos.load(data)
    say(f"{len(pictures.train)} photographs, {len(pictures.held_out)} held out; from step {state.step}")
    source = batches(pictures.train, recipe, recipe.seed + state.step)
    begun, base, saved = time.monotonic(), state.minutes, time.monotonic()
    recent: list[tuple[float, float]] = []
    checks = 0
    while True:
        state.minutes = base + (time.monotonic() - begun) / 60
        progress = max(state.step / recipe.steps, state.minutes / recipe.minutes)
        if progress >= 1:
            break
        result = one_step(state, next(source), recipe, progress)
        recent.append((result.bpp, result.mse))
        if state.step % 50 == 0:
            bpp, mse = np.mean(recent, axis=0)
            recent.clear()
            say(f"step {state.step} minute {state.minutes:.1f} bpp {bpp:.4f} psnr {psnr_db(mse):.2f}")
        if time.monotonic() - saved > 60 * checkpoint_minutes:
            save(state, last)
            saved = time.monotonic()
            if (checks := checks + 1) % 4 == 0:
                say(validate(state.ema, pictures.held_out))
                # A run can go astray: what was judged is kept, so that it can be taken back.
                save(state, out / f"step-{state.step}.pt")
    save(state, last)
    say(validate(state.ema, pictures.held_out))


def one_step(state: State, batch: tuple[Tensor, Tensor], recipe: Recipe, progress: float) -> Losses:
    for group in state.optimiser.param_groups:
        group["lr"] = recipe.rate_of_learning(state.step, progress)
    x, t = batch
    result = losses(state.model, x.contiguous(memory_format=torch.channels_last), t, recipe, progress)
    state.optimiser.zero_grad(set_to_none=True)
    result.total.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    if torch.isfinite(norm):
        state.optimiser.step()
    state.step += 1
    follow(state.ema, state.model, min(recipe.ema_decay, state.step / (state.step + 10)))
    return result


@torch.no_grad()
def follow(ema: nn.Module, model: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)


@torch.no_grad()
def validate(model: Miniature, pictures: list[NDArray[np.uint8]]) -> str:
    """Rounded (not noisy) rate and PSNR on a dozen held-out pictures, one pair per quality."""
    words = []
    for quality in (6, 20, 34, 48):
        rows = [estimate(model, picture, quality) for picture in pictures[:12]]
        bpp, psnr = np.mean(rows, axis=0)
        words.append(f"q{quality} {bpp:.4f} bpp {psnr:.2f} dB")
    return "held out: " + ", ".join(words)


def estimate(model: Miniature, picture: NDArray[np.uint8], quality: int) -> tuple[float, float]:
    h, w = picture.shape[0] // 16 * 16, picture.shape[1] // 16 * 16
    x = torch.from_numpy(picture[:h, :w].copy()).permute(2, 0, 1)[None].float() / 255
    coded = model(x, torch.tensor([quality / 64]))
    mse = 255**2 * (coded.picture.clamp(0, 1) - x).square().mean().item()
    return (coded.latent_bits + coded.hyper_bits).item() / (h * w), psnr_db(mse)


def psnr_db(mse: float) -> float:
    """Peak signal to noise ratio of a mean squared error in 0..255 units."""
    return 10 * math.log10(255**2 / mse)
