"""Words in the encoder: a small encoder of captions, and an analysis that looks at them. The decoder never sees them.

    caption -> ids of its words -> table -> one layer of attention -> vectors of the words (b n 128) -> mean -> sentence (b 384)
                                                                          |
    picture -> stem -> 1/16: block, look, block, look, ... -> latent      +--> keys and values of every look

Sources: text adapter by cross attention, Lee et al. 2024 (TACO, section 3.2); zero-initialised so that training begins at the
codec without words.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.miniature import Analysis, Coded, Miniature, with_plane
from limner.nets.noise import Noise
from limner.nets.wordids import ENTRIES, MOST_WORDS, NOTHING, rows_of

WIDTH, SENTENCE, LOOK = 128, 384, 64


def ids_of(texts: Sequence[str]) -> Tensor:
    """Word ids (b 33), as ``limner.nets.wordids`` gives them."""
    return torch.tensor(rows_of(texts))


class WordEncoder(nn.Module):
    """Word ids (b n) -> vectors of the words (b n 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(ENTRIES, WIDTH, padding_idx=NOTHING)
        self.places = nn.Parameter(torch.zeros(1 + MOST_WORDS, WIDTH))
        self.layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.sentence = nn.Linear(WIDTH, SENTENCE)

    def forward(self, ids: Tensor) -> Tensor:
        vectors: Tensor = self.layer(self.table(ids) + self.places, src_key_padding_mask=ids == NOTHING)
        return vectors

    def sentences(self, ids: Tensor) -> Tensor:
        """Unit vectors (b 384), to be near those of a sentence encoder."""
        there = (ids != NOTHING).float()[..., None]
        mean = (self(ids) * there).sum(1) / there.sum(1)
        return F.normalize(self.sentence(mean), dim=1)


class Look(nn.Module):
    """Features (b c h w) look at words (b n 128); what they find is added. Begins with nothing found."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.asked = nn.Conv2d(channels, LOOK, 1)
        self.offered = nn.Linear(WIDTH, 2 * LOOK)
        self.found = nn.Conv2d(LOOK, channels, 1)
        for tensor in self.found.parameters():
            nn.init.zeros_(tensor)

    def forward(self, x: Tensor, words: Tensor, there: Tensor) -> Tensor:
        keys, values = self.offered(words).chunk(2, 2)
        asked = self.asked(x).flatten(2).transpose(1, 2)
        read = F.scaled_dot_product_attention(asked, keys, values, attn_mask=there[:, None, :])
        change: Tensor = self.found(read.transpose(1, 2).reshape(len(x), LOOK, *x.shape[2:]))
        return x + change


class Worded(nn.Module):
    """A trained codec whose analysis looks at words; the looks and the second part of the analysis are trained, no more."""

    def __init__(self, codec: Miniature, words: WordEncoder) -> None:
        super().__init__()
        self.codec = codec.requires_grad_(False)
        self.words = words.requires_grad_(False)
        self.codec.analysis.sixteenth.requires_grad_(True)
        self.looks = nn.ModuleList(Look(codec.widths.sixteenth) for _ in self.blocks(codec.analysis))

    @staticmethod
    def blocks(analysis: Analysis) -> Sequence[nn.Module]:
        return list(analysis.sixteenth)[1:-1]

    def forward(self, x: Tensor, t: Tensor, ids: Tensor, noise: Noise | None = None) -> Coded:
        """x (b 3 h w) in 0..1, t (b,), ids (b n)."""
        return self.codec.coded(self.latent(x, t, ids) * self.codec.gain(t), t, noise)

    def latent(self, x: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        analysis = self.codec.analysis
        words, there = self.words(ids), ids != NOTHING
        first, *_, last = analysis.sixteenth
        features = first(with_plane(analysis.stem(x), t))
        for block, look in zip(self.blocks(analysis), self.looks, strict=True):
            features = look(block(features), words, there)
        y: Tensor = last(features)
        return y.float()
