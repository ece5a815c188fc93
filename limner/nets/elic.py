"""ELIC: slices of channels, each in two halves of a checkerboard. What TACO is built on.

    features (2M) ------------------------------+--------------------------------+
    slices before --channel_context (5x5s)------+ (none for the first slice)     |
                                                v                                |
                       entropy_parameters_anchor -> scale, mean -> anchors       |      row + column odd
                                                                     |           |
                                     local_context (5x5 of anchors) -+           |
                                                                     v           |
                                      entropy_parameters_nonanchor <-+-----------+      row + column even
                                                v
                                          scale, mean -> the other half of the slice

    g_a: 5x5/2, three blocks, 5x5/2, three blocks, attention, 5x5/2, three blocks, 5x5/2 M, attention          g_s: its mirror

The steps are ``limner.layers.walk.slices``, those of a file.

Source: He et al. 2022, "ELIC: efficient learned image compression with unevenly grouped space-channel contextual adaptive
coding", with the widths and the names of the states that TACO publishes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.layers import walk
from limner.layers.walk import Step
from limner.nets.cheng2020 import Attention, bottleneck
from limner.nets.codec import Codec, Found, Transforms, Widths, Wrapped, about, conv, deconv, scale_and_mean
from limner.nets.noise import Noise

SLICES = (16, 16, 32, 64, 192)
CHANNEL_CONTEXT = (224, 128)


class Residual(nn.Module):
    """A residual bottleneck: x (b n h w) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*bottleneck(channels))

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.branch(x)
        return x + change


class Elic(Codec):
    """The codec. ``slices``: channels of each, their sum ``widths.latent``."""

    def __init__(self, widths: Widths | None = None, slices: Sequence[int] = SLICES, g_a: nn.Module | None = None) -> None:
        w = widths or Widths()
        if sum(slices) != w.latent or min(slices, default=0) < 1:
            raise LimnerError(f"slices of {list(slices)} channels do not make a latent of {w.latent}")
        super().__init__(w, Transforms(g_a or Wrapped("analysis_transform", analysis(w)), synthesis(w), *hyper(w)))
        self.slices = tuple(slices)
        features, numbered = 2 * w.latent, list(enumerate(slices))
        # What the channel context adds to the features: nothing for the first slice.
        added = [2 * width * (place > 0) for place, width in numbered]
        self.local_context = nn.ModuleList(nn.Conv2d(width, 2 * width, 5, padding=2) for width in slices)
        self.channel_context = nn.ModuleList(
            channel_context(sum(slices[:place]), 2 * width) if place else nn.Identity() for place, width in numbered
        )
        self.entropy_parameters_anchor = nn.ModuleList(
            parameters(features + added[place], 2 * width) for place, width in numbered
        )
        self.entropy_parameters_nonanchor = nn.ModuleList(
            parameters(features + added[place] + 2 * width, 2 * width) for place, width in numbered
        )

    def context(self, features: Tensor, y: Tensor, noise: Noise | None = None) -> Found:
        known = Known(self, features, y)
        for step in walk.slices((y.shape[1], y.shape[2], y.shape[3]), self.slices):
            known.take(step, known.predict(step))
        return Found(torch.cat(known.mean, 1), torch.cat(known.scale, 1), torch.cat(known.y_hat, 1))


class Known:
    """What is known in the course of a walk in floats over y (b M h w).

    given: features (b f h w) for the slice at hand, with what the channel context adds. scale, mean, y_hat: for each slice so
    far a map (b c h w), 0 where nothing was coded.
    """

    def __init__(self, codec: Elic, features: Tensor, y: Tensor) -> None:
        self.codec, self.features, self.y = codec, features, y
        self.given = features
        self.scale: list[Tensor] = []
        self.mean: list[Tensor] = []
        self.y_hat: list[Tensor] = []

    def predict(self, step: Step) -> Tensor:
        """What the networks say of a slice (b 2c h w): scales, then means."""
        if step.group == len(self.y_hat):
            self.begin(step)
        if not step.others:
            anchors: Tensor = self.codec.entropy_parameters_anchor[step.group](self.given)
            return anchors
        local = self.codec.local_context[step.group](self.y_hat[step.group])
        others: Tensor = self.codec.entropy_parameters_nonanchor[step.group](torch.cat([local, self.given], 1))
        return others

    def begin(self, step: Step) -> None:
        """Come to the next slice: earlier slices are complete."""
        if step.group:
            earlier = self.codec.channel_context[step.group](torch.cat(self.y_hat, 1))
            self.given = torch.cat([earlier, self.features], 1)
        nothing = torch.zeros_like(self.y[:, step.first : step.last])
        for found in (self.scale, self.mean, self.y_hat):
            found.append(nothing)

    def take(self, step: Step, prediction: Tensor) -> None:
        """Code the positions of a step."""
        here = mask_of(step, self.y)
        scale, mean = (here * part for part in scale_and_mean(prediction))
        y_hat = here * about(self.y[:, step.first : step.last], mean)
        for found, new in ((self.scale, scale), (self.mean, mean), (self.y_hat, y_hat)):
            found[step.group] = found[step.group] + new


def mask_of(step: Step, y: Tensor) -> Tensor:
    """1 at the positions of a step, 0 elsewhere: (1 1 h w)."""
    mask = y.new_zeros(y.shape[2] * y.shape[3])
    mask[torch.from_numpy(step.positions).to(y.device)] = 1
    return mask.reshape(1, 1, *y.shape[2:])


def channel_context(before: int, after: int) -> Wrapped:
    """From the decoded channels of earlier slices to 2c features of a slice. The name is spelt so in the states."""
    wide, narrow = CHANNEL_CONTEXT
    return Wrapped(
        "fushion",
        [conv(before, wide, 5, 1), nn.ReLU(), conv(wide, narrow, 5, 1), nn.ReLU(), conv(narrow, after, 5, 1)],
    )


def parameters(before: int, after: int) -> Wrapped:
    """From all that is known to scale and mean."""
    wide, narrow = after * 5 // 3, after * 4 // 3
    return Wrapped(
        "fusion",
        [conv(before, wide, 1, 1), nn.ReLU(), conv(wide, narrow, 1, 1), nn.ReLU(), conv(narrow, after, 1, 1)],
    )


def three(channels: int) -> list[nn.Module]:
    return [Residual(channels) for _ in range(3)]


def analysis(w: Widths) -> list[nn.Module]:
    """Picture -> y."""
    n, m = w.inner, w.latent
    return [
        conv(w.picture, n), *three(n), conv(n, n), *three(n), Attention(n),
        conv(n, n), *three(n), conv(n, m), Attention(m),
    ]  # fmt: skip


def synthesis(w: Widths) -> Wrapped:
    """y -> picture."""
    n, m = w.inner, w.latent
    parts = [
        Attention(m), deconv(m, n), *three(n), deconv(n, n), Attention(n), *three(n),
        deconv(n, n), *three(n), deconv(n, w.picture),
    ]  # fmt: skip
    return Wrapped("synthesis_transform", parts)


def hyper(w: Widths) -> tuple[Wrapped, Wrapped]:
    """Hyper analysis, and hyper synthesis to 2M features."""
    n, m = w.inner, w.latent
    wide = m * 3 // 2
    reduction = [conv(m, n, 3, 1), nn.ReLU(), conv(n, n), nn.ReLU(), conv(n, n)]
    increase = [deconv(n, m), nn.ReLU(), deconv(m, wide), nn.ReLU(), deconv(wide, 2 * m, 3, 1)]
    return Wrapped("reduction", reduction), Wrapped("increase", increase)
