"""A small image-text pair, trained here: a stand-in for CLIP where its weights are not. It is weak, and its name says so.

    picture (b 3 h w, 0..1) -> middle at 128 px -> five strided convolutions -> mean over positions -> linear -> (b 128)
                                                                                                                    |
                                     likenesses (b b), cross entropy both ways ------------------------------------+
                                                                                                                    |
    caption -> frozen sentence encoder (b s) ----------------------------------------> linear -> (b 128), unit vectors

Some 0.8 million weights from some thousand photographs: it knows a beach from a crowd, and little more. The check tells how
often a held-out photograph finds its own caption among the others, and what chance would.

Source: Radford et al. 2021 (CLIP), figure 3, for the loss; Reimers and Gurevych 2019 for sentence encoders.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from limner.describe.texts import Texts
from limner.errors import MissingError
from limner.train.captioned import Kept, Source, as_bytes, as_texts, crop
from limner.train.draws import Draw
from limner.train.gather import gathered
from limner.train.joint import contrast, middle
from limner.train.photos import Pixels
from limner.train.task import Batch, Check, Losses, Schedule

NAME = "small pair"
SIDE_PX = 128
WIDTHS = (32, 64, 128, 192, 256)
SPACE = 128
GROUPS = 8
FIRST_SCALE = 14.3  # of the likenesses, learned from there
LARGEST_SCALE = 100.0
CHECKED = 100  # held-out pictures
SIDED = re.compile(r"\b(left|right)", re.IGNORECASE)


class Seen(NamedTuple):
    """Unit vectors of pictures and of words, each (b 128), and the factor of their likenesses."""

    pictures: Tensor
    words: Tensor
    scale: Tensor


class Eyes(nn.Module):
    """Pictures (b 3 h w) in 0..1 and sentences (b s) -> unit vectors of one space."""

    def __init__(self, sentence_width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(GROUPS, after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1], SPACE)
        self.said = nn.Linear(sentence_width, SPACE)
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))

    def forward(self, x: Tensor, sentences: Tensor) -> Seen:
        return Seen(self.pictures(x), self.words(sentences), self.log_scale.exp().clamp(max=LARGEST_SCALE))

    def pictures(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.body(2 * middle(x, SIDE_PX) - 1).mean((2, 3)))
        return F.normalize(found, dim=1)

    def words(self, sentences: Tensor) -> Tensor:
        found: Tensor = self.said(sentences)
        return F.normalize(found, dim=1)


@dataclass(frozen=True, eq=False)
class SmallPair:
    """Trained eyes and what reads the captions for them."""

    eyes: Eyes
    told: Texts
    name: str = NAME

    def pictures(self, x: Tensor) -> Tensor:
        return self.eyes.to(x.device).pictures(x)

    @torch.no_grad()
    def words(self, captions: Sequence[str]) -> Tensor:
        sentences = self.told.sentences(captions)
        return self.eyes.words(sentences.to(self.eyes.log_scale.device))


def opened(checkpoint: Path, told: Texts) -> SmallPair:
    """The averaged weights of a run; ``told``: what read its captions. MissingError if the file holds no such weights."""
    eyes = Eyes(told.sentence_width)
    try:
        eyes.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["ema"])
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise MissingError(
            f"{checkpoint} holds no {NAME} for words of width {told.sentence_width}: limner train pairs makes one"
        ) from error
    return SmallPair(eyes.requires_grad_(False).eval(), told)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights beside the data.

    A picture is cut to a square whose side is ``least_part`` of the short side or more: what a caption tells of is still there,
    as a rule.
    """

    schedule: Schedule = field(default_factory=lambda: Schedule(minutes=30.0, ema_decay=0.99))
    batch: int = 64
    least_part: float = 0.6
    weight_decay: float = 0.1


@dataclass(frozen=True)
class Task:
    """The recipe on captioned photographs, for ``limner.train.loop``."""

    recipe: Recipe
    photos: Source
    told: Texts

    @property
    def schedule(self) -> Schedule:
        return self.recipe.schedule

    @property
    def crops(self) -> int:
        return self.recipe.batch

    @property
    def compares(self) -> bool:
        return True

    def begin(self) -> Eyes:
        return Eyes(self.told.sentence_width)

    def optimiser(self, model: Eyes) -> torch.optim.Optimizer:
        return torch.optim.AdamW(model.parameters(), self.schedule.learning_rate, weight_decay=self.recipe.weight_decay)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        """Squares (b 3 128 128) uint8 and their captions as bytes (b n)."""
        drawn = [(self.photos.draw(one.rng), one.rng) for one in draws]
        x = np.stack([looked_at(one.pixels, one.caption, self.recipe.least_part, rng) for one, rng in drawn])
        return torch.from_numpy(x).permute(0, 3, 1, 2), as_bytes([one.caption for one, _ in drawn])

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        pixels, captions = batch
        sentences = self.told.sentences(as_texts(captions)).to(pixels.device)
        seen: Seen = model(pixels.float().div(255), sentences)
        words, pictures = gathered(seen.words), gathered(seen.pictures)
        total = contrast(words, pictures, seen.scale)
        found = (words @ pictures.T).argmax(0) == torch.arange(len(words), device=pixels.device)
        return Losses(total, {"loss": total, "found": found.float().mean(), "scale": seen.scale})

    def check(self, model: Eyes) -> Check:
        """How often a held-out photograph's own caption is the likeliest of all, and among the five likeliest."""
        some = list(self.photos.held_out)[:CHECKED]
        places = found_at(SmallPair(model, self.told), some)
        first, five = float(np.mean(places < 1)), float(np.mean(places < 5))
        words = f"{NAME}: own caption first {100 * first:.0f} %, in five {100 * five:.0f} % of {len(some)}"
        by_chance = f"by chance {100 / len(some):.0f} and {100 * min(1.0, 5 / len(some)):.0f} %"
        return Check(f"{words}; {by_chance}", {"first": first, "in_five": five})


@torch.no_grad()
def found_at(pair: SmallPair, some: Sequence[Kept]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each photograph how many of the others' captions are likelier than its own (n,)."""
    words = pair.words([one.captions[0] for one in some])
    seen = [pair.pictures(torch.from_numpy(one.pixels.copy()).permute(2, 0, 1)[None].float() / 255) for one in some]
    likeness = torch.cat(seen) @ words.T
    places: np.ndarray[tuple[int], np.dtype[np.int64]] = (likeness > likeness.diagonal()[:, None]).sum(1).numpy()
    return places


def looked_at(photo: Pixels, caption: str, least_part: float, rng: np.random.Generator) -> Pixels:
    """A random square of a photograph at 128 px, mirrored half the time unless the caption tells left from right."""
    short = min(photo.shape[:2])
    side = int(rng.integers(math.ceil(least_part * short), short + 1))
    piece = Image.fromarray(crop(photo, side, rng)).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    pixels = np.asarray(piece)
    return pixels[:, ::-1] if rng.random() < 0.5 and not SIDED.search(caption) else pixels
