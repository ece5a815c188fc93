"""HED: holistically nested edges, the first five scales of VGG-16 with an outline drawn at each.

    x (b 3 h w) -> 2 convs (64) -> halve, 2 convs (128) -> halve, 3 convs (256) -> halve, 3 (512) -> halve, 3 (512)
                        |                  |                       |                  |                  |
                       1x1                1x1                     1x1                1x1                1x1
                        +------------------+-----------------------+------------------+------------------+
                        five maps at the picture's size, joined by a 1x1 convolution, sigmoid -> edges (b 1 h w)

Two sets of weights are published, with other names, colours and joinings:

    ControlNet's    RGB less ``norm``; joined by their mean    norm, block{1..5}.convs.{i}, block{1..5}.projection
    of BSDS500      BGR less its means; a learned joining      module{VggOne..VggFiv}.{n}, module{ScoreOne..}, moduleCombine.0

Sources: Xie and Tu 2015 (the net); Zhang et al. 2023 (ControlNet, which publishes the first); Lei et al. 2023 use the second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCKS = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))
ORDINALS = ("One", "Two", "Thr", "Fou", "Fiv")
BGR_MEANS = (104.00698793, 116.66876762, 122.67891434)
IN_MODULE = re.compile(r"^(?:module|net)(Vgg|Score)(One|Two|Thr|Fou|Fiv)(?:\.(\d+))?\.(weight|bias)$")


class Block(nn.Module):
    """Convolutions of one scale, and the outline that it draws."""

    def __init__(self, before: int, width: int, count: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(width if k else before, width, 3, padding=1) for k in range(count))
        self.projection = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for conv in self.convs:
            x = F.relu(conv(x))
        return x, self.projection(x)


class Hed(nn.Module):
    """Picture (b 3 h w, 0..255 RGB) -> edges (b 1 h w), 0..1. A state of either set's tensors is taken by ``take``."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))
        for number, (before, width, count) in enumerate(BLOCKS, 1):
            self.add_module(f"block{number}", Block(before, width, count))
        # The mean, until a learned one is taken.
        self.combine = nn.Conv2d(len(BLOCKS), 1, 1)
        nn.init.constant_(self.combine.weight, 1 / len(BLOCKS))
        nn.init.zeros_(self.combine.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        x = x - self.norm
        maps = []
        for number in range(len(BLOCKS)):
            x, drawn = self.get_submodule(f"block{number + 1}")(F.max_pool2d(x, 2) if number else x)
            maps.append(F.interpolate(drawn, size, mode="bilinear", align_corners=False))
        return torch.sigmoid(self.combine(torch.cat(maps, 1)))

    @torch.no_grad()
    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take published tensors by name. Raises KeyError or RuntimeError if they are not such a net's."""
        self.load_state_dict(self.ours(state) if "norm" in state else bsds500(state))

    def ours(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """ControlNet's tensors and the mean."""
        return {**state, **{f"combine.{name}": value for name, value in self.combine.state_dict().items()}}


def bsds500(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The other set's tensors under our names; its first convolution, for BGR, is turned to RGB."""
    found = {}
    for name, value in state.items():
        match = IN_MODULE.match(name)
        if match:
            kind, ordinal, place, part = match.groups()
            block = ORDINALS.index(ordinal) + 1
            # In its scales activations and poolings are counted too: 0 2, then 1 3, then 1 3 5.
            layer = f"convs.{int(place) // 2}" if kind == "Vgg" else "projection"
            found[f"block{block}.{layer}.{part}"] = value
        else:
            found["combine." + name.rpartition(".")[2]] = value
    found["block1.convs.0.weight"] = found["block1.convs.0.weight"].flip(1)
    found["norm"] = torch.tensor(BGR_MEANS[::-1]).reshape(1, 3, 1, 1)
    return found
