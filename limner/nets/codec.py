"""The face that all learned picture codecs share, whatever their transforms and their context.

    x (b c h w, 0..1)  --pad to 16s-->  analysis g_a  -->  y (b M h/16 w/16)
                                                           |  hyper analysis h_a            z (b N h/64 w/64), rounded up
                                                           +----------------------------->  z
                                                           |                                |  rounded about its medians
                                                           |      hyper synthesis h_s       v
                                                           |  <---------------------------  z^     entropy_bottleneck: its bits
                                                           v    features (b f h/16 w/16), cut to y's rows and columns
                          context:  mean and scale of each symbol, from the features and what was coded before it
                                                           |
    picture  <--crop--  synthesis g_s  <--  y^ = round(y - mean) + mean

There are three kinds of context: none (``hyperprior``), raster (``hyperprior.Raster``: what is above and to the left), slices
(``elic``: earlier channels, and half of the positions). Names are those of the published states: g_a, g_s, h_a, h_s, ...

A picture is padded to multiples of 16 only; others pad to 64 and pay for it.

Sources: Ballé et al. 2018, "Variational image compression with a scale hyperprior"; Minnen et al. 2018, "Joint autoregressive
and hierarchical priors for learned image compression".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from limner.entropy.tables import GAUSSIANS, gaussian_sigma
from limner.errors import LimnerError
from limner.nets.bottleneck import EntropyBottleneck
from limner.nets.miniature import Coded, bounded, rate, rounded
from limner.nets.noise import LATENT, Noise

LATENT_PX = 16  # one position of the latent for each 16 x 16 pixels
HYPER_STRIDE = 4
# Published codecs were trained with scales held to this: what they predict below it means nothing.
LEAST_SCALE = 0.11
MOST_SCALE = gaussian_sigma(GAUSSIANS - 1)


@dataclass(frozen=True)
class Widths:
    """Channels: ``inner`` (N) of the transforms and the hyper latent, ``latent`` (M), ``picture``."""

    inner: int = 192
    latent: int = 320
    picture: int = 3

    def __post_init__(self) -> None:
        if min(self.inner, self.latent) < 2 or self.picture < 1:
            raise LimnerError(f"a codec has 2 channels or more, not {self}")


@dataclass(frozen=True)
class Transforms:
    """The four networks of a codec. h_s gives features at four times the rows and columns of z."""

    g_a: nn.Module
    g_s: nn.Module
    h_a: nn.Module
    h_s: nn.Module


@dataclass(frozen=True)
class Found:
    """Of each symbol, (b M h w): its mean, its scale (standard deviation, as predicted: may be negative), and y as decoded."""

    mean: Tensor
    scale: Tensor
    y_hat: Tensor


class Wrapped(nn.Module):
    """A chain under the name that published states have for it."""

    def __init__(self, name: str, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, nn.Sequential(*parts))

    @property
    def parts(self) -> list[nn.Module]:
        """The modules of the chain."""
        return list(self.get_submodule(self.name).children())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.get_submodule(self.name)(x)
        return y


class Codec(nn.Module):
    """A codec in floats, for training and for estimates. A kind of codec adds its ``context``."""

    def __init__(self, widths: Widths, transforms: Transforms) -> None:
        super().__init__()
        self.widths = widths
        self.g_a, self.g_s, self.h_a, self.h_s = transforms.g_a, transforms.g_s, transforms.h_a, transforms.h_s
        self.entropy_bottleneck = EntropyBottleneck(widths.inner)

    def analysis(self, x: Tensor, text: Tensor | None = None) -> Tensor:
        """Picture (b c h w, 0..1) -> y (b M ceil(h/16) ceil(w/16)). ``text`` is for those that read it; others ignore it."""
        y: Tensor = self.g_a(x)
        return y

    def hyper_analysis(self, y: Tensor) -> Tensor:
        """y (b M h w) -> z (b N ceil(h/4) ceil(w/4))."""
        z: Tensor = self.h_a(y)
        return z

    def hyper_synthesis(self, z_hat: Tensor, rows: int, columns: int) -> Tensor:
        """z as decoded -> features (b f rows columns)."""
        return cropped(self.h_s(z_hat), rows, columns)

    def context(self, features: Tensor, y: Tensor, noise: Noise | None = None) -> Found:
        """Features (b f h w) and y (b M h w) -> how each symbol is coded, and what it is decoded to. ``noise``: in training."""
        raise NotImplementedError

    def synthesis(self, y_hat: Tensor) -> Tensor:
        """y as decoded (b M h w) -> picture (b c 16h 16w), 0..1 but not clipped."""
        x: Tensor = self.g_s(y_hat)
        return x

    def forward(self, x: Tensor, text: Tensor | None = None, noise: Noise | None = None) -> Coded:
        """x (b c h w) in 0..1, of any size -> picture of that size, and bits.

        The rate is that of rounded latents, or of latents with additive noise, or a mean of both with ``noise.part`` of the
        second.
        """
        y = self.analysis(padded(x), text).float()
        z = self.hyper_analysis(y).float()
        features = self.hyper_synthesis(self.entropy_bottleneck.quantised(z), y.shape[2], y.shape[3])
        found = self.context(features, y, noise)
        latent_bits = rate(y - found.mean, bounded(found.scale, LEAST_SCALE, MOST_SCALE), noise, LATENT)
        picture = cropped(self.synthesis(found.y_hat), x.shape[2], x.shape[3])
        return Coded(picture, latent_bits, self.entropy_bottleneck.rate(z, noise))


def padded(x: Tensor) -> Tensor:
    """Grow (b c h w) to sides that are multiples of 16 by repeating the right column and the bottom row."""
    below, right = -x.shape[2] % LATENT_PX, -x.shape[3] % LATENT_PX
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x


def cropped(x: Tensor, rows: int, columns: int) -> Tensor:
    """The top left of a map (b c h w). LimnerError if it is smaller."""
    if x.shape[2] < rows or x.shape[3] < columns:
        raise LimnerError(f"a map of {x.shape[2]} x {x.shape[3]} cannot be cut to {rows} x {columns}")
    return x[:, :, :rows, :columns]


def about(y: Tensor, mean: Tensor) -> Tensor:
    """y rounded about its mean; the gradient passes to y unchanged."""
    return rounded(y - mean) + mean


def scale_and_mean(prediction: Tensor) -> tuple[Tensor, Tensor]:
    """The halves (b M h w) of what a network predicts (b 2M h w): scales come first, as in all published codecs."""
    scale, mean = prediction.float().chunk(2, 1)
    return scale, mean


def conv(before: int, after: int, kernel: int = 5, stride: int = 2) -> nn.Conv2d:
    """A convolution that gives ceil(size / stride)."""
    return nn.Conv2d(before, after, kernel, stride, kernel // 2)


def deconv(before: int, after: int, kernel: int = 5, stride: int = 2) -> nn.ConvTranspose2d:
    """A transposed convolution that gives size * stride."""
    return nn.ConvTranspose2d(before, after, kernel, stride, kernel // 2, stride - 1)


def chain(net: nn.Module) -> nn.Sequential:
    """A network of the entropy path as one flat chain, ready for ``fixed.convert``. The modules are shared, not copied."""
    return nn.Sequential(*leaves(net))


def leaves(net: nn.Module) -> Iterator[nn.Module]:
    """The modules of nested chains, in the order in which they are applied."""
    if not isinstance(net, nn.Sequential | Wrapped):
        yield net
        return
    for part in net.parts if isinstance(net, Wrapped) else net:
        yield from leaves(part)
