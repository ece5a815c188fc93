"""The recipe of TACO: rate and squared error, what the eye would find unlike, and what the words mean.

    crop x, caption c -> TACO -> x^, bits        loss = lambda 255^2 MSE + bpp + k_P unlike(x, x^) + k_J joint(x, x^, c)

    part      the paper's                                  its substitute, which is taken only where it is asked for by name
    unlike    LPIPS of alexnet, pictures fed as 0..1       1 - MS-SSIM: needs no weights
    joint     CLIP's (``limner.train.joint``)              the small pair of ``limner.train.pairs``; or none
    words     CLIP's last hidden states                    MiniLM's, or those of a word encoder

Weights that are not here are an error, never a quiet substitute. Some of the captions may be left out of what the encoder reads
(``dropped_part``), so that it can do without; the joint loss is told them all the same.

Source: Lee et al. 2024 (TACO), and the command of its program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from limner.describe import texts
from limner.describe.texts import Texts
from limner.errors import LimnerError, MissingError
from limner.nets.codec import Widths
from limner.nets.elic import SLICES, Elic
from limner.nets.miniature import Coded
from limner.nets.noise import Noise
from limner.nets.taco import Taco
from limner.train import lpips, pairs
from limner.train.captioned import Source, as_bytes, as_texts, crop
from limner.train.codec import as_crops, estimate, measured, optimiser, ready
from limner.train.draws import Draw, keys
from limner.train.integers import as_input
from limner.train.joint import BETA, Pair, clip_pair, joint
from limner.train.perceptual import MsSsim
from limner.train.photos import Pixels
from limner.train.task import Batch, Check, Losses, Schedule

PERCEPTUAL = ("lpips", "ms-ssim", "none")
JOINT = ("clip", "small-pair", "none")
Unlike = Callable[[Tensor, Tensor], Tensor]
"""Pictures and others (b 3 h w) -> (b,), 0 for equal ones."""

LAMBDAS = (0.0004, 0.0008, 0.0016, 0.004, 0.009, 0.015)
EPOCHS, CONSTANT_EPOCHS = 50, 45
BATCH = 8
COCO_PICTURES = 82_783
CHECKED = 8  # held-out pictures
SHOWN = 2


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights beside the data. LimnerError for a part or a weight that there is not.

    lambda_mse: bits per pixel that a squared error of 1 (values in 0..255) is worth. perceptual_weight, joint_weight: k_P, k_J.
    inner, latent, slices: N, M and the channels of its slices. texts: as ``limner.describe.texts.opened`` takes it. adapter:
    whether the encoder reads words; without it is ELIC.
    ``late_noise_part``: how much of the rate is that of noise once the rate of learning falls; before, all of it is. muon: in
    Adam's place.
    """

    schedule: Schedule
    lambda_mse: float = LAMBDAS[0]
    perceptual_weight: float = 3.5
    joint_weight: float = 0.0025
    beta: float = BETA
    perceptual: str = "lpips"
    joint: str = "clip"
    texts: str = texts.CLIP
    inner: int = 192
    latent: int = 320
    slices: tuple[int, ...] = SLICES
    batch: int = BATCH
    crop_px: int = 256
    adapter: bool = True
    dropped_part: float = 0.0
    late_noise_part: float = 1.0
    muon: bool = False

    def __post_init__(self) -> None:
        for name, known in (("perceptual", PERCEPTUAL), ("joint", JOINT)):
            if getattr(self, name) not in known:
                raise LimnerError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")
        if min(self.lambda_mse, self.perceptual_weight, self.joint_weight, self.beta) < 0 or not 0 <= self.dropped_part <= 1:
            raise LimnerError("weights of a loss are at least 0, and a part is at most 1")

    def noise_part(self, progress: float) -> float:
        """How much of the rate is that of noise, with ``progress`` (0..1) of the run behind."""
        return 1.0 if progress < self.schedule.constant_part else self.late_noise_part


def paper(lambda_mse: float = LAMBDAS[0], pictures: int = COCO_PICTURES, processes: int = 1) -> Recipe:
    """The paper's settings, on so many pictures with 8 crops a step and process.

    The rate of learning falls to a tenth at epochs 45 and 48 of 50 there; here it falls as a cosine, between the same ends.
    There is no average of the weights.
    """
    schedule = Schedule(
        steps=EPOCHS * math.ceil(pictures / (BATCH * processes)),
        minutes=math.inf,
        learning_rate=1e-4,
        warm_up_steps=1,
        constant_part=CONSTANT_EPOCHS / EPOCHS,
        final_part=0.01,
        largest_norm=1.0,
        ema_decay=0.0,
        seed=100,
    )
    return Recipe(schedule, lambda_mse, batch=BATCH)


def compact(lambda_mse: float = LAMBDAS[0], minutes: float = 480.0) -> Recipe:
    """A narrow codec for a CPU and an evening, with substitutes that need no published weights but MiniLM's."""
    schedule = Schedule(minutes=minutes, learning_rate=1e-3, ema_decay=0.998)
    return Recipe(
        schedule,
        lambda_mse,
        perceptual="ms-ssim",
        joint="small-pair",
        texts=texts.MINILM,
        inner=64,
        latent=96,
        slices=(16, 32, 48),
        dropped_part=0.1,
        late_noise_part=0.5,
        muon=True,
    )


@dataclass(frozen=True)
class Changes:
    """What is asked for in place of a preset's; None leaves it."""

    perceptual: str | None = None
    joint: str | None = None
    texts: str | None = None
    inner: int | None = None
    slices: tuple[int, ...] | None = None
    adapter: bool = True


def changed(recipe: Recipe, changes: Changes) -> Recipe:
    """A preset with changes. LimnerError for what there is not."""
    slices = changes.slices or recipe.slices
    return replace(
        recipe,
        perceptual=changes.perceptual or recipe.perceptual,
        joint=changes.joint or recipe.joint,
        texts=changes.texts or recipe.texts,
        inner=changes.inner or recipe.inner,
        latent=sum(slices),
        slices=slices,
        adapter=changes.adapter,
    )


@dataclass(frozen=True, eq=False)
class Judges:
    """What is frozen while TACO learns: who reads words, who tells pictures apart, and the pair, where they are asked for."""

    told: Texts
    unlike: Unlike | None
    pair: Pair | None


def judges(recipe: Recipe, lpips_weights: str | None = None, pair: Path | None = None) -> Judges:
    """Open what a recipe asks for. ``lpips_weights``: a folder or file; ``pair``: a checkpoint of ``limner.train.pairs``.

    MissingError for what is not here, with what to do; nothing else is taken in its place.
    """
    clip = clip_pair() if texts.CLIP in (recipe.texts, recipe.joint) else None
    told = clip.told if clip is not None and recipe.texts == texts.CLIP else texts.opened(recipe.texts)
    return Judges(told, unlike(recipe.perceptual, lpips_weights), clip if recipe.joint == "clip" else small(recipe, pair, told))


def unlike(name: str, lpips_weights: str | None) -> Unlike | None:
    """Who tells pictures apart. MissingError without LPIPS's weights where it is asked for."""
    if name == "none":
        return None
    if name == "ms-ssim":
        similar = MsSsim()
        return lambda x, x_hat: 1 - similar.to(x.device)(x, x_hat)
    if lpips_weights is None:
        raise MissingError("LPIPS needs weights: give their folder, or ask for its substitute by its name, ms-ssim")
    net = lpips.opened(lpips_weights, "alex", normalised=False)
    return lambda x, x_hat: net.to(x.device)(x, x_hat)


def small(recipe: Recipe, checkpoint: Path | None, told: Texts) -> Pair | None:
    """The small pair where it is asked for. MissingError without its checkpoint."""
    if recipe.joint == "none":
        return None
    if checkpoint is None:
        raise MissingError("the small pair is trained first: limner train pairs; or ask for the joint loss none")
    return pairs.opened(checkpoint, told)


@dataclass(frozen=True)
class Task:
    """The recipe on captioned photographs, for ``limner.train.loop``."""

    recipe: Recipe
    photos: Source
    judges: Judges

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return self.judges.pair is not None

    def begin(self) -> Elic:
        recipe, widths = self.recipe, Widths(self.recipe.inner, self.recipe.latent)
        if not recipe.adapter:
            return ready(Elic(widths, recipe.slices))
        return ready(Taco(widths, recipe.slices, self.judges.told.width))

    def optimiser(self, model: Elic) -> torch.optim.Optimizer:
        return optimiser(model, self.schedule.learning_rate, self.recipe.muon)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Crops (b 3 h w) uint8, captions as bytes (b n), whose caption is left out (b,), and keys of noise (b,)."""
        drawn = [(self.photos.draw(one.rng), one.rng) for one in draws]
        x = np.stack([crop(one.pixels, self.recipe.crop_px, rng) for one, rng in drawn])
        dropped = torch.tensor([rng.random() < self.recipe.dropped_part for _, rng in drawn])
        return torch.from_numpy(x).permute(0, 3, 1, 2), as_bytes([one.caption for one, _ in drawn]), dropped, keys(draws)

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, packed, dropped, noisy = batch
        x, captions = as_crops(pixels), as_texts(packed)
        read = ["" if left_out else caption for caption, left_out in zip(captions, dropped.tolist(), strict=True)]
        text = self.judges.told.of(read).to(x.device)
        return self.judged(model(x, text, Noise(self.recipe.noise_part(progress), noisy)), x, captions)

    def judged(self, coded: Coded, x: Tensor, captions: Sequence[str]) -> Losses:
        """The loss of crops x (b 3 h w) in 0..1 with their captions."""
        recipe, found, zero = self.recipe, measured(coded, x), x.new_zeros(())
        other = zero if self.judges.unlike is None else self.judges.unlike(x, coded.picture).mean()
        meant = zero if self.judges.pair is None else joint(self.judges.pair, x, coded.picture, captions, recipe.beta)
        total = found.cost(recipe.lambda_mse).mean() + recipe.perceptual_weight * other + recipe.joint_weight * meant
        return Losses(total, {"loss": total, **found.figures(), "unlike": other, "joint": meant})

    def check(self, model: Elic) -> Check:
        """Rate of rounded latents, PSNR and unlikeness on held-out pictures, and the cost with other words.

        The cost leaves out the joint loss, which is one of a batch.
        """
        model.entropy_bottleneck.settle()
        some = list(self.photos.held_out)[:CHECKED]
        true = [one.captions[0] for one in some]
        ways = {"true": true, "empty": [""] * len(some), "shuffled": [*true[1:], *true[:1]]}
        kept = [one.pixels for one in some]
        looks = {way: [self.look(model, *pair) for pair in zip(kept, said, strict=True)] for way, said in ways.items()}
        means = {name: float(np.mean([getattr(look, name) for look in looks["true"]])) for name in ("bpp", "psnr_db", "unlike")}
        costs = {f"cost/{way}": float(np.mean([look.cost for look in found])) for way, found in looks.items()}
        figures = f"{means['bpp']:.4f} bpp {means['psnr_db']:.2f} dB unlike {means['unlike']:.4f}"
        said = ", ".join(f"{name.removeprefix('cost/')} {value:.5f}" for name, value in costs.items())
        pictures = {str(number): look.picture for number, look in enumerate(looks["true"][:SHOWN])}
        return Check(f"{figures}; cost by words: {said}", means | costs, pictures)

    @torch.no_grad()
    def look(self, model: Elic, pixels: Pixels, caption: str) -> Look:
        """A picture through the codec with some words."""
        found = estimate(model, pixels, self.judges.told.of([caption]))
        x = as_input(pixels)
        other = 0.0 if self.judges.unlike is None else self.judges.unlike(x, found.painted).item()
        error = self.recipe.lambda_mse * 255**2 * 10 ** (-found.psnr_db / 10)
        return Look(found.picture, found.bpp, found.psnr_db, other, found.bpp + error + self.recipe.perceptual_weight * other)


@dataclass(frozen=True)
class Look:
    """A held-out picture (h, w, 3) with some words: bits per pixel, PSNR, unlikeness, and what that costs together."""

    picture: Pixels
    bpp: float
    psnr_db: float
    unlike: float
    cost: float
