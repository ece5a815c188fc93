"""Inception v3 as FID and KID see with it: one vector of 2048 features a picture.

    x (b 3 h w, 0..255) -> 299x299 as TensorFlow 1 resizes -> (x - 128) / 128
      -> 3 convs, max /2 -> 2 convs, max /2 -> 5b 5c 5d (35x35) -> 6a /2 -> 6b 6c 6d 6e (17x17) -> 7a /2 -> 7b 7c (8x8)
      -> mean over positions -> (b 2048)

The weights are those of 2015-12-05 that TensorFlow published and others turned into tensors, in pytorch-fid's file
pt_inception-2015-12-05-6726825d.pth and torch-fidelity's weights-inception-2015-12-05-6726825d.pth; the names are theirs. With
them, averages leave the border's zeros out, and the last block takes a maximum where its twin takes an average. torchvision's
own Inception has other weights and gives other numbers.

Sources: Szegedy et al. 2016, "Rethinking the Inception architecture", figures 5 to 7 and table 1; Heusel et al. 2017 (FID); the
resizing and the differences from torchvision as torch-fidelity describes them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limner.nets.lpips import take

FEATURES = 2048
SIDE_PX = 299
BN_EPS = 0.001

Step = tuple[str, int, tuple[int, int], int]
"""A convolution: name, channels, kernel, stride. Stride 1 keeps the size, stride 2 pads nothing."""
Branch = tuple[Step | tuple[Step, Step], ...]
"""Steps in a row; two together both see what came before and stand side by side."""


def one(name: str, width: int) -> Step:
    return name, width, (1, 1), 1


def square(name: str, width: int, side: int = 3, stride: int = 1) -> Step:
    return name, width, (side, side), stride


def row(name: str, width: int, length: int) -> Step:
    return name, width, (1, length), 1


def column(name: str, width: int, length: int) -> Step:
    return name, width, (length, 1), 1


def block_a(pooled: int) -> tuple[Branch, ...]:
    return (
        (one("branch1x1", 64),),
        (one("branch5x5_1", 48), square("branch5x5_2", 64, 5)),
        (one("branch3x3dbl_1", 64), square("branch3x3dbl_2", 96), square("branch3x3dbl_3", 96)),
        (one("branch_pool", pooled),),
    )


BLOCK_B: tuple[Branch, ...] = (
    (square("branch3x3", 384, stride=2),),
    (one("branch3x3dbl_1", 64), square("branch3x3dbl_2", 96), square("branch3x3dbl_3", 96, stride=2)),
    (),
)


def block_c(width: int) -> tuple[Branch, ...]:
    name = "branch7x7dbl"
    return (
        (one("branch1x1", 192),),
        (one("branch7x7_1", width), row("branch7x7_2", width, 7), column("branch7x7_3", 192, 7)),
        (
            *(one(f"{name}_1", width), column(f"{name}_2", width, 7), row(f"{name}_3", width, 7)),
            *(column(f"{name}_4", width, 7), row(f"{name}_5", 192, 7)),
        ),
        (one("branch_pool", 192),),
    )


BLOCK_D: tuple[Branch, ...] = (
    (one("branch3x3_1", 192), square("branch3x3_2", 320, stride=2)),
    (
        *(one("branch7x7x3_1", 192), row("branch7x7x3_2", 192, 7), column("branch7x7x3_3", 192, 7)),
        square("branch7x7x3_4", 192, stride=2),
    ),
    (),
)
BLOCK_E: tuple[Branch, ...] = (
    (one("branch1x1", 320),),
    (one("branch3x3_1", 384), (row("branch3x3_2a", 384, 3), column("branch3x3_2b", 384, 3))),
    (
        *(one("branch3x3dbl_1", 448), square("branch3x3dbl_2", 384)),
        (row("branch3x3dbl_3a", 384, 3), column("branch3x3dbl_3b", 384, 3)),
    ),
    (one("branch_pool", 192),),
)
MEAN, MAX, HALVE = "mean", "max", "halve"
BLOCKS: dict[str, tuple[tuple[Branch, ...], str]] = {
    "Mixed_5b": (block_a(32), MEAN),
    "Mixed_5c": (block_a(64), MEAN),
    "Mixed_5d": (block_a(64), MEAN),
    "Mixed_6a": (BLOCK_B, HALVE),
    "Mixed_6b": (block_c(128), MEAN),
    "Mixed_6c": (block_c(160), MEAN),
    "Mixed_6d": (block_c(160), MEAN),
    "Mixed_6e": (block_c(192), MEAN),
    "Mixed_7a": (BLOCK_D, HALVE),
    "Mixed_7b": (BLOCK_E, MEAN),
    "Mixed_7c": (BLOCK_E, MAX),
}
"""Branches of each block, the last of which sees a pooled map, and how that is pooled."""
STEM: tuple[tuple[Step, int], ...] = (
    (square("Conv2d_1a_3x3", 32, stride=2), 0),
    (square("Conv2d_2a_3x3", 32), 0),
    (square("Conv2d_2b_3x3", 64), 1),
    (one("Conv2d_3b_1x1", 80), 0),
    (square("Conv2d_4a_3x3", 192), 0),
)
"""The first convolutions and their padding."""
HALVED_BEHIND = ("Conv2d_2b_3x3", "Conv2d_4a_3x3")


class Inception(nn.Module):
    """Pictures (b 3 h w) of 0..255 -> features (b 2048) float32. Without published weights (``take``) they mean nothing."""

    def __init__(self) -> None:
        super().__init__()
        width = 3
        for (name, after, kernel, stride), padding in STEM:
            self.add_module(name, Conv(width, after, kernel, stride, (padding, padding)))
            width = after
        for name, (branches, pooling) in BLOCKS.items():
            block = Block(width, branches, pooling)
            self.add_module(name, block)
            width = block.width
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor) -> Tensor:
        x = (resized(x.float()) - 128) / 128
        for (name, *_), _ in STEM:
            x = self.get_submodule(name)(x)
            if name in HALVED_BEHIND:
                x = F.max_pool2d(x, 3, 2)
        for name in BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean((2, 3))

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take published tensors by name; the classifier is left. LimnerError for one that is missing or of another shape."""
        known = self.state_dict()
        counters = {name: tensor for name, tensor in known.items() if name.endswith("num_batches_tracked")}
        take(self, {**counters, **{ours(name): tensor for name, tensor in state.items()}}, "FID's Inception v3")


class Conv(nn.Module):
    """A convolution without a bias, normalised, and a ReLU."""

    def __init__(self, before: int, after: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=BN_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Branches that stand side by side (b c h w) -> (b width h' w')."""

    def __init__(self, before: int, branches: tuple[Branch, ...], pooling: str) -> None:
        super().__init__()
        self.branches, self.pooling, self.width = branches, pooling, 0
        for branch in branches:
            width = before
            for step in branch:
                parts = steps(step)
                for name, after, kernel, stride in parts:
                    padding = (kernel[0] // 2, kernel[1] // 2) if stride == 1 else (0, 0)
                    self.add_module(name, Conv(width, after, kernel, stride, padding))
                width = sum(part[1] for part in parts)
            self.width += width

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for branch in self.branches:
            at = pooled(x, self.pooling) if branch is self.branches[-1] else x
            for step in branch:
                at = torch.cat([self.get_submodule(part[0])(at) for part in steps(step)], 1)
            found.append(at)
        return torch.cat(found, 1)


def steps(step: Step | tuple[Step, Step]) -> tuple[Step, ...]:
    """One step or the two that stand side by side."""
    return (step,) if isinstance(step[0], str) else step


def pooled(x: Tensor, how: str) -> Tensor:
    """Each position's surroundings of 3x3: their average without what lies outside, their maximum, or that at every second."""
    if how == MEAN:
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return F.max_pool2d(x, 3, 1, 1) if how == MAX else F.max_pool2d(x, 3, 2)


def resized(x: Tensor) -> Tensor:
    """(b c h w) -> (b c 299 299) as TensorFlow 1 does: bilinear between neighbours, line i at i h / 299, no blur first."""
    for axis in (2, 3):
        length = x.shape[axis]
        at = torch.arange(SIDE_PX, dtype=torch.float32, device=x.device) * (length / SIDE_PX)
        low = at.long()
        high = (low + 1).clamp_max(length - 1)
        part = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        before, behind = x.index_select(axis, low), x.index_select(axis, high)
        x = before + (behind - before) * part
    return x


def ours(name: str) -> str:
    """A tensor's name in a file that holds the net within another -> ours."""
    return name.removeprefix("model.")
