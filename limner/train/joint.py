"""TACO's joint image-text loss: a reconstruction shall mean what its caption says, and what the picture meant.

    reconstructions x^ (b 3 h w) -> eyes -> e(x^) (b d) --+-- cross entropy of the b x b likenesses with the captions, both ways
    captions -> words -> (b d), unit vectors -------------+
    pictures x -> eyes -> e(x) (b d) ---------------------+-- beta times the length of all e(x^) - e(x) together

    clip          CLIP's eyes and words (ViT-B/32), with published weights: what the paper means
    small pair    a few convolutions and a frozen sentence encoder, trained here (``limner.train.pairs``): a substitute, and
                  a weak one; it says so in its name, and what it judges compares with no published figure

The factor of the likenesses is exp(2.6592): where CLIP's own training began, not where it ended.

Source: Lee et al. 2024 (TACO); its program for the factor, for beta and for the pictures' way to CLIP.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from limner.describe import texts
from limner.describe.invert import Clip
from limner.describe.invert import opened as opened_clip
from limner.describe.texts import Texts
from limner.train.gather import gathered

LOGIT_SCALE = math.exp(2.6592)
BETA = 40.0
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Pair(Protocol):
    """Pictures and words as unit vectors of one space."""

    @property
    def name(self) -> str: ...

    def pictures(self, x: Tensor) -> Tensor:
        """x (b 3 h w) in 0..1 -> (b d), with gradients to x."""

    def words(self, captions: Sequence[str]) -> Tensor:
        """Captions -> (b d), without gradients, wherever they were computed."""


def joint(pair: Pair, x: Tensor, x_hat: Tensor, captions: Sequence[str], beta: float = BETA) -> Tensor:
    """The loss of a batch, one number: pictures and their reconstructions (b 3 h w) in 0..1, and b captions.

    The batch is that of all processes. The second part is a length over the whole of it, so it grows with the root of b.
    """
    seen = pair.pictures(x_hat)
    with torch.no_grad():
        wanted, words = pair.pictures(x), gathered(pair.words(captions).to(x.device))
    moved: Tensor = torch.linalg.vector_norm(gathered(seen - wanted))
    return contrast(words, gathered(seen), LOGIT_SCALE) + beta * moved


def contrast(words: Tensor, pictures: Tensor, scale: float | Tensor) -> Tensor:
    """Cross entropy of who belongs to whom: unit vectors (b d) and (b d), row k of one to row k of the other."""
    likeness = scale * words @ pictures.T
    own = torch.arange(len(likeness), device=likeness.device)
    return (F.cross_entropy(likeness, own) + F.cross_entropy(likeness.T, own)) / 2


@dataclass(frozen=True, eq=False)
class ClipPair:
    """CLIP as it is published. ``told``: its own words."""

    clip: Clip
    told: Texts
    name: str = "clip"

    def pictures(self, x: Tensor) -> Tensor:
        side = int(self.clip.model.config.vision_config.image_size)
        mean, std = (x.new_tensor(of)[:, None, None] for of in (CLIP_MEAN, CLIP_STD))
        found = self.clip.model.to(x.device).get_image_features(pixel_values=(middle(x, side) - mean) / std)
        return F.normalize(found.pooler_output, dim=1)

    def words(self, captions: Sequence[str]) -> Tensor:
        return self.told.sentences(captions)


def clip_pair(weights: str = texts.CLIP_WEIGHTS) -> ClipPair:
    """CLIP with published weights. MissingError with the command that fetches them."""
    clip = opened_clip(weights, "cpu", "float32")
    return ClipPair(clip, texts.clip(clip))


def middle(x: Tensor, side: int) -> Tensor:
    """x (b c h w), resized so that its short side is ``side`` -> its middle (b c side side)."""
    h, w = x.shape[2:]
    size = [max(side, round(side * edge / min(h, w))) for edge in (h, w)]
    resized = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False) if size != [h, w] else x
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    return resized[:, :, top : top + side, left : left + side]
