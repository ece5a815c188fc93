"""cheng2020: residual blocks of small convolutions, attention, and the raster context of mbt2018.

    x (b c h w) -> down -> block -> down -> [attention] -> block -> down -> block -> 3x3/2 -> [attention] -> y (b N h/16 w/16)
    y^ -> [attention] -> block -> up -> block -> up -> [attention] -> block -> up -> block -> 3x3 and shuffle -> picture

    down:   3x3/2, leaky, 3x3, GDN            + 1x1/2 of its input
    up:     3x3 and shuffle, leaky, 3x3, IGDN + 3x3 and shuffle of its input
    block:  3x3, leaky, 3x3, leaky            + its input

With one channel in and out and N = 192 it is the sketch codec of Text + Sketch; with N as trained, the reference of SEDIC.

Source: Cheng et al. 2020, "Learned image compression with discretized Gaussian mixture likelihoods and attention modules", with
one Gaussian in the mixture's place, as in CompressAI, whose names the parameters have.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from limner.nets.codec import Transforms, Widths, conv
from limner.nets.gdn import GDN
from limner.nets.hyperprior import Raster


class Cheng2020(Raster):
    """N = M = ``inner``. With ``attention`` it is cheng2020-attn, without it cheng2020-anchor."""

    def __init__(self, inner: int = 192, picture: int = 3, attention: bool = True) -> None:
        widths = Widths(inner, inner, picture)
        g_a, g_s = analysis(inner, picture, attention), synthesis(inner, picture, attention)
        super().__init__(widths, Transforms(g_a, g_s, hyper_analysis(inner), hyper_synthesis(inner)))


class Down(nn.Module):
    """x (b c h w) -> (b n h/2 w/2), rounded up."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = conv(before, after, 3, 2)
        self.leaky_relu = nn.LeakyReLU()
        self.conv2 = conv(after, after, 3, 1)
        self.gdn = GDN(after)
        self.skip = conv(before, after, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.gdn(self.conv2(self.leaky_relu(self.conv1(x)))) + self.skip(x)
        return y


class Up(nn.Module):
    """x (b n h w) -> (b n 2h 2w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.subpel_conv = subpel(channels, channels)
        self.leaky_relu = nn.LeakyReLU()
        self.conv = conv(channels, channels, 3, 1)
        self.igdn = GDN(channels, inverse=True)
        self.upsample = subpel(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.igdn(self.conv(self.leaky_relu(self.subpel_conv(x)))) + self.upsample(x)
        return y


class Block(nn.Module):
    """x (b n h w) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, 3, 1)
        self.leaky_relu = nn.LeakyReLU()
        self.conv2 = conv(channels, channels, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.leaky_relu(self.conv2(self.leaky_relu(self.conv1(x))))
        return change + x


class Unit(nn.Module):
    """A residual bottleneck with a ReLU behind the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*bottleneck(channels))

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.conv(x)
        return torch.relu(change + x)


class Attention(nn.Module):
    """x + a(x) sigmoid(b(x)), each branch of three units: x (b n h w) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(*(Unit(channels) for _ in range(3)))
        self.conv_b = nn.Sequential(*(Unit(channels) for _ in range(3)), conv(channels, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.conv_a(x) * torch.sigmoid(self.conv_b(x))
        return x + change


def bottleneck(channels: int) -> list[nn.Module]:
    """1x1 to half the channels, 3x3, 1x1 back."""
    half = channels // 2
    return [conv(channels, half, 1, 1), nn.ReLU(), conv(half, half, 3, 1), nn.ReLU(), conv(half, channels, 1, 1)]


def subpel(before: int, after: int) -> nn.Sequential:
    """3x3 convolution and sub-pixel shuffle to twice the size."""
    return nn.Sequential(conv(before, 4 * after, 3, 1), nn.PixelShuffle(2))


def analysis(n: int, picture: int, attention: bool) -> nn.Sequential:
    parts: list[nn.Module] = [Down(picture, n), Block(n), Down(n, n)]
    parts += [Attention(n)] * attention
    parts += [Block(n), Down(n, n), Block(n), conv(n, n, 3, 2)]
    return nn.Sequential(*parts, *([Attention(n)] * attention))


def synthesis(n: int, picture: int, attention: bool) -> nn.Sequential:
    parts: list[nn.Module] = [Attention(n)] * attention
    parts += [Block(n), Up(n), Block(n), Up(n)]
    parts += [Attention(n)] * attention
    return nn.Sequential(*parts, Block(n), Up(n), Block(n), subpel(n, picture))


def hyper_analysis(n: int) -> nn.Sequential:
    """y -> z, a quarter of its rows and columns."""
    return nn.Sequential(
        conv(n, n, 3, 1), nn.LeakyReLU(),
        conv(n, n, 3, 1), nn.LeakyReLU(),
        conv(n, n, 3, 2), nn.LeakyReLU(),
        conv(n, n, 3, 1), nn.LeakyReLU(),
        conv(n, n, 3, 2),
    )  # fmt: skip


def hyper_synthesis(n: int) -> nn.Sequential:
    """z -> features (2n), four times its rows and columns."""
    wide = n * 3 // 2
    return nn.Sequential(
        conv(n, n, 3, 1), nn.LeakyReLU(),
        subpel(n, n), nn.LeakyReLU(),
        conv(n, wide, 3, 1), nn.LeakyReLU(),
        subpel(wide, wide), nn.LeakyReLU(),
        conv(wide, 2 * n, 3, 1),
    )  # fmt: skip
