"""TACO: ELIC whose analysis transform reads the words. They are not sent, and the decoder never sees them.

    x -> 5x5/2, blocks, 5x5/2, blocks -> Injector -> attention, 5x5/2, blocks --+--> Injector -> 5x5/2, attention -> y
                                            ^                                   v       ^
    text (b n t) ---------------------------+---------------------------> Extractor ----+  text that has seen the picture

    Injector    query: positions of the picture;  keys, values: text made as wide as the picture
                -> norm(picture) + gamma * attention;  gamma begins at 0
    Extractor   query: text;  keys, values: positions of the picture made as wide as the text
                -> norm(text) + attention

What an Injector passes on is the normalised picture, and padding of the text is attended to: so it is in the published states.

Source: Lee et al. 2024, "Neural image compression with text-guided encoding for both pixel-level and perceptual fidelity"
(TACO), section 3.2, and the shapes of its published states.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.nets.cheng2020 import Attention
from limner.nets.codec import Widths, Wrapped, conv
from limner.nets.elic import SLICES, Elic, three

HEADS = 8
TEXT_WIDTH = 512  # of CLIP ViT-B/32


class Injector(nn.Module):
    """Text into the picture: x (b c h w), text (b n t) -> (b c h w)."""

    def __init__(self, channels: int, text_width: int) -> None:
        super().__init__()
        self.text_feature_dim_proj = nn.Linear(text_width, channels)
        nn.init.kaiming_normal_(self.text_feature_dim_proj.weight)
        self.image_norm = nn.LayerNorm(channels)
        self.text_norm = nn.LayerNorm(channels)
        self.cross_attn = nn.MultiheadAttention(channels, HEADS, batch_first=True)
        self.gamma = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        image = self.image_norm(positions(x))
        words = self.text_norm(self.text_feature_dim_proj(text))
        seen = self.cross_attn(image, words, words, need_weights=False)[0]
        mixed: Tensor = image + self.gamma * seen
        return mixed.transpose(1, 2).reshape(x.shape)


class Extractor(nn.Module):
    """The picture into the text: x (b c h w), text (b n t) -> text (b n t)."""

    def __init__(self, channels: int, text_width: int) -> None:
        super().__init__()
        self.image_feature_dim_proj = nn.Linear(channels, text_width)
        nn.init.kaiming_normal_(self.image_feature_dim_proj.weight)
        self.image_norm = nn.LayerNorm(text_width)
        self.text_norm = nn.LayerNorm(text_width)
        self.cross_attn = nn.MultiheadAttention(text_width, HEADS, batch_first=True)

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        image = self.image_norm(self.image_feature_dim_proj(positions(x)))
        words: Tensor = self.text_norm(text)
        seen: Tensor = self.cross_attn(words, image, image, need_weights=False)[0]
        return words + seen


class Reading(Wrapped):
    """The analysis transform: x (b c h w), text (b n t) -> y (b M h/16 w/16)."""

    def forward(self, x: Tensor, text: Tensor | None = None) -> Tensor:
        if text is None:
            raise LimnerError("TACO's analysis reads words: give it their embeddings, or those of an empty text")
        for part in self.parts:
            if isinstance(part, Extractor):
                text = part(x, text)
            else:
                x = part(x, text) if isinstance(part, Injector) else part(x)
        return x


class Taco(Elic):
    """The codec. ``text_width``: of each vector of the text; it and N are multiples of 8."""

    def __init__(self, widths: Widths | None = None, slices: Sequence[int] = SLICES, text_width: int = TEXT_WIDTH) -> None:
        w = widths or Widths()
        if w.inner % HEADS or text_width % HEADS or text_width < 1:
            raise LimnerError(f"{HEADS} heads do not divide {w.inner} channels and texts of {text_width}")
        super().__init__(w, slices, Reading("analysis_transform", analysis(w, text_width)))
        self.text_width = text_width

    def analysis(self, x: Tensor, text: Tensor | None = None) -> Tensor:
        """Picture (b c h w, 0..1) and text (b n t) -> y. LimnerError without a text of the right width."""
        if text is not None and (text.ndim != 3 or text.shape[2] != self.text_width or len(text) != len(x)):
            raise LimnerError(f"a text for {len(x)} pictures is ({len(x)}, words, {self.text_width}), not {tuple(text.shape)}")
        y: Tensor = self.g_a(x, text)
        return y


def positions(x: Tensor) -> Tensor:
    """A map (b c h w) as one vector for each position (b hw c)."""
    return x.flatten(2).transpose(1, 2)


def analysis(w: Widths, t: int) -> list[nn.Module]:
    """The parts of the analysis in order."""
    n, m = w.inner, w.latent
    return [
        conv(w.picture, n), *three(n),
        conv(n, n), *three(n), Injector(n, t), Attention(n),
        conv(n, n), *three(n), Extractor(n, t), Injector(n, t),
        conv(n, m), Attention(m),
    ]  # fmt: skip
