"""The three codecs from which all others descend: a scale hyperprior, a mean-scale hyperprior, and one with a raster context.

                   g_a: 5x5/2 N, GDN, 5x5/2 N, GDN, 5x5/2 N, GDN, 5x5/2 M              g_s: its mirror, with inverse GDN

    bmshj2018-hyperprior   h_a of |y|   h_s -> scale (M)                                  mean 0
    mbt2018-mean           h_a of y     h_s -> scale, mean (2M)
    mbt2018                h_a of y     h_s -> features (2M) --+
                                                               +-- entropy_parameters (1x1s) -> scale, mean (2M)
                           y^ so far -> masked 5x5 (2M) -------+

    The masked convolution at a place sees        o o o o o
    what was coded before it:                     o o o o o
                                                  o o x . .

Sources: Ballé et al. 2018 (scale hyperprior); Minnen et al. 2018 (sections 3 and 4). Parameters are named as in CompressAI.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.layers import walk
from limner.nets.codec import Codec, Found, Transforms, Widths, about, conv, deconv, scale_and_mean
from limner.nets.gdn import GDN
from limner.nets.miniature import rounded
from limner.nets.noise import CONTEXT as CONTEXT_NOISE
from limner.nets.noise import Noise

CONTEXT = 5  # rows and columns that a context looks at


class ScaleHyperprior(Codec):
    """bmshj2018-hyperprior: every mean is 0."""

    def __init__(self, widths: Widths) -> None:
        n, m = widths.inner, widths.latent
        h_a = nn.Sequential(conv(m, n, 3, 1), nn.ReLU(), conv(n, n), nn.ReLU(), conv(n, n))
        h_s = nn.Sequential(deconv(n, n), nn.ReLU(), deconv(n, n), nn.ReLU(), conv(n, m, 3, 1), nn.ReLU())
        super().__init__(widths, Transforms(*normalising(widths), h_a, h_s))

    def hyper_analysis(self, y: Tensor) -> Tensor:
        return super().hyper_analysis(y.abs())

    def context(self, features: Tensor, y: Tensor, noise: Noise | None = None) -> Found:
        return Found(torch.zeros_like(y), features.float(), rounded(y))


class MeanScaleHyperprior(Codec):
    """mbt2018-mean."""

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths, Transforms(*normalising(widths), *hyper(widths)))

    def context(self, features: Tensor, y: Tensor, noise: Noise | None = None) -> Found:
        scale, mean = scale_and_mean(features)
        return Found(mean, scale, about(y, mean))


class Masked(nn.Conv2d):
    """A convolution that sees what comes before its centre in raster order, and not the centre."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, CONTEXT, padding=CONTEXT // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.seen_weight(), self.bias, padding=self.padding)

    def seen_weight(self) -> Tensor:
        """The weights (o i 5 5) with zeros at the centre and behind it."""
        places = torch.arange(CONTEXT**2, device=self.weight.device).reshape(CONTEXT, CONTEXT)
        return self.weight * (places < CONTEXT**2 // 2)

    @torch.no_grad()
    def plain(self) -> nn.Conv2d:
        """A plain convolution that computes the same."""
        made = nn.Conv2d(self.in_channels, self.out_channels, CONTEXT, padding=CONTEXT // 2)
        made.load_state_dict({"weight": self.seen_weight(), "bias": self.bias})
        return made


class Raster(Codec):
    """A codec whose context is what was coded above and to the left. h_s gives 2M features."""

    def __init__(self, widths: Widths, transforms: Transforms) -> None:
        super().__init__(widths, transforms)
        m = widths.latent
        self.context_prediction = Masked(m, 2 * m)
        self.entropy_parameters = nn.Sequential(
            nn.Conv2d(4 * m, m * 10 // 3, 1), nn.LeakyReLU(),
            nn.Conv2d(m * 10 // 3, m * 8 // 3, 1), nn.LeakyReLU(),
            nn.Conv2d(m * 8 // 3, 2 * m, 1),
        )  # fmt: skip

    def context(self, features: Tensor, y: Tensor, noise: Noise | None = None) -> Found:
        """All positions at once: the context sees y with noise where there is some, as in training, and y rounded otherwise.

        A file's symbols are rounded about means that depend on each other in raster order; the difference is small.
        """
        scale, mean = self.predict(features, rounded(y) if noise is None else noise.added(y, CONTEXT_NOISE))
        return Found(mean, scale, about(y, mean))

    @torch.no_grad()
    def in_order(self, features: Tensor, y: Tensor) -> Found:
        """As a file is coded: each symbol is rounded about a mean that follows from what was decoded before it. Slow."""
        mean, scale, y_hat = (torch.zeros_like(y).flatten(2) for _ in range(3))
        for step in walk.waves((y.shape[1], y.shape[2], y.shape[3])):
            at = torch.from_numpy(step.positions)
            found = self.predict(features, y_hat.reshape(y.shape))
            scale[..., at], mean[..., at] = (one.flatten(2)[..., at] for one in found)
            y_hat[..., at] = about(y.flatten(2)[..., at], mean[..., at])
        return Found(*(one.reshape(y.shape) for one in (mean, scale, y_hat)))

    def predict(self, features: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and mean (b M h w) of every symbol, from features (b 2M h w) and what is seen of y (b M h w)."""
        return scale_and_mean(self.entropy_parameters(torch.cat([features, self.context_prediction(seen)], 1)))


class JointAutoregressive(Raster):
    """mbt2018."""

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths, Transforms(*normalising(widths), *hyper(widths)))


def normalising(widths: Widths) -> tuple[nn.Sequential, nn.Sequential]:
    """Analysis and synthesis with divisive normalisation."""
    n, m, c = widths.inner, widths.latent, widths.picture
    g_a = nn.Sequential(conv(c, n), GDN(n), conv(n, n), GDN(n), conv(n, n), GDN(n), conv(n, m))
    g_s = nn.Sequential(
        deconv(m, n), GDN(n, inverse=True),
        deconv(n, n), GDN(n, inverse=True),
        deconv(n, n), GDN(n, inverse=True),
        deconv(n, c),
    )  # fmt: skip
    return g_a, g_s


def hyper(widths: Widths) -> tuple[nn.Sequential, nn.Sequential]:
    """Hyper analysis and synthesis to 2M features."""
    n, m = widths.inner, widths.latent
    between = m * 3 // 2
    h_a = nn.Sequential(conv(m, n, 3, 1), nn.LeakyReLU(), conv(n, n), nn.LeakyReLU(), conv(n, n))
    h_s = nn.Sequential(deconv(n, m), nn.LeakyReLU(), deconv(m, between), nn.LeakyReLU(), conv(between, 2 * m, 3, 1))
    return h_a, h_s
