"""edges: where people would draw the outlines in a photograph; a small net that sees four halvings.

    x (b 3 h w, 0..1)
          | halve, blocks
       half      (32)  -----------------------------------> join, blocks -> sub-pixel shuffle -> edges (b 1 h w)
          | halve, blocks                                     ^
       quarter   (64)  -------------------> join, blocks -----+ double
          | halve, blocks                     ^
       eighth    (112) ---> join, blocks -----+ double
          | halve, blocks     ^
       sixteenth (160) -------+ double

Each scale on the way up has a side output of its own, which only training looks at.

Sources: the coarse-to-fine joining of Ronneberger et al. 2015 (U-Net); side outputs of Xie and Tu 2015 (HED).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.miniature import blocks

WIDTHS = (32, 64, 112, 160)  # channels after each halving
DOWN_BLOCKS = (1, 3, 4, 4)
UP_BLOCKS = (2, 2, 2)
MULTIPLE = 2 ** len(WIDTHS)


class Edges(nn.Module):
    """Picture (b 3 h w, 0..1; h and w multiples of 16) -> logits of a boundary at every scale, finest first: (b 1 h w), then
    (b 1 h/4 w/4), (b 1 h/8 w/8), (b 1 h/16 w/16)."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(pairwise(WIDTHS))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(fine, coarse, 3, stride=2, padding=1), *blocks(coarse, count))
            for (fine, coarse), count in zip([(3, WIDTHS[0]), *pairs], DOWN_BLOCKS, strict=True)
        )
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.join = nn.ModuleList(
            nn.Sequential(*blocks(width, count)) for (width, _), count in zip(pairs, UP_BLOCKS, strict=True)
        )
        self.last = nn.Sequential(nn.Conv2d(WIDTHS[0], 4, 3, padding=1), nn.PixelShuffle(2))
        self.side = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in WIDTHS[1:])

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        at = 2 * x - 1
        for down in self.down:
            at = down(at)
            features.append(at)
        sides: list[Tensor] = []
        for number in reversed(range(len(self.up))):
            sides.insert(0, self.side[number](at))
            at = self.join[number](features[number] + doubled(self.up[number](at)))
        return [self.last(at), *sides]


def doubled(x: Tensor) -> Tensor:
    """Twice the size, (b c h w) -> (b c 2h 2w)."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Sigmoid(nn.Module):
    """What ships: the chance of a boundary, 0..1, in place of its logits."""

    def __init__(self, net: Edges) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.net(x)[0])
