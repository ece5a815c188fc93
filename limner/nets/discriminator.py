"""A patch discriminator that sees the picture beside the faithful one: does this detail belong there?

    picture, faithful (b 6 h w)
        |  3x3 / 1  -> 32       h   w
        |  4x4 / 2  -> 64       h/2 w/2
        |  4x4 / 2  -> 96       h/4 w/4
        |  4x4 / 2  -> 128      h/8 w/8
        |  3x3 / 1  -> 1        one judgement for each 8 x 8 pixels

Spectral norms bound its slope: ``settle`` follows them. Beside the judgement it gives its feature maps, to be matched.

Source: patch discriminator, Isola et al. 2017; spectral norm, Miyato et al. 2018; conditioning on the decoder's own estimate in
the spirit of Agustsson et al. 2023 (multi-realism).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (32, 64, 96, 128)
LEAK = 0.2
ITERATIONS = 3  # of the power method, a step


class Discriminator(nn.Module):
    """Pictures (b 3 h w), 0..1, and the faithful ones -> judgements (b 1 h/8 w/8), higher for real, and feature maps."""

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        first, *others = widths
        convs = [nn.Conv2d(6, first, 3, padding=1)]
        convs += [nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in zip(widths, others, strict=False)]
        self.convs = nn.ModuleList(spectral_norm(conv) for conv in convs)
        self.judge = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))
        self.eval()

    def forward(self, picture: Tensor, faithful: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = torch.cat([2 * (picture - faithful), 2 * faithful - 1], 1)
        maps = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), LEAK)
            maps.append(x)
        return self.judge(x), maps

    @torch.no_grad()
    def settle(self) -> None:
        """Find anew how much each layer stretches: once a step, and not as often as it judges."""
        self.train()
        for conv in (*self.convs, self.judge):
            for _ in range(ITERATIONS):
                _ = conv.weight
        self.eval()
