"""LPIPS: how unlike two pictures are to the features of a net that was taught to name things.

    x (b 3 h w, 0..1) -> -1..1 -> less a mean, by a spread -> trunk: five maps (b c_k h_k w_k), each after a ReLU
                                                                  |   every position's vector at length 1
    the other picture --------- the same ------------------------ difference, squared
                                                                  |   1x1, weights of at least 0, taught by people's choices
                                                                  +-> mean over positions, summed over the maps -> (b,)

The trunk's tensors have torchvision's names (features.{n}.weight|bias of alexnet and vgg16), the others those of the package
lpips (lin{k}.model.1.weight): published states load by name and shape, see ``take``.

``normalised=False`` leaves out the step to -1..1, as TACO does in training and in its tables: those figures are smaller, and no
others compare with them.

Source: Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric", equation 1; version 0.1 of
its weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from limner.errors import LimnerError

Trunk = Literal["alex", "vgg"]
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
VGG = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}  # places in the trunk whose activations count
SMALLEST_PX = {"alex": 31, "vgg": 16}
LEAST_LENGTH = 1e-10
IN_SLICE = re.compile(r"^net\.slice\d\.(\d+)\.(weight|bias)$")


class Lpips(nn.Module):
    """Two batches of pictures (b 3 h w) in 0..1 -> (b,), 0 for equal ones; sides of at least 31 px (alex) or 16 (vgg).

    Without published weights (``take``) it measures nothing. Its own weights never learn; gradients reach the pictures.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, trunk: Trunk = "alex", normalised: bool = True) -> None:
        super().__init__()
        if trunk not in get_args(Trunk):
            raise LimnerError(f"the trunk of LPIPS is one of {', '.join(get_args(Trunk))}, not {trunk!r}")
        self.trunk, self.normalised = trunk, normalised
        self.features, self.widths = alexnet() if trunk == "alex" else vgg16()
        for number, width in enumerate(self.widths):
            self.add_module(f"lin{number}", Lin(width))
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None], persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, original: Tensor, other: Tensor) -> Tensor:
        """LimnerError if the sizes differ or are too small."""
        if original.shape != other.shape or min(original.shape[2:]) < SMALLEST_PX[self.trunk]:
            raise LimnerError(
                f"LPIPS compares pictures of one size, sides of at least {SMALLEST_PX[self.trunk]} px: these are "
                f"{tuple(original.shape)} and {tuple(other.shape)}"
            )
        total = original.new_zeros(len(original))
        for number, (one, two) in enumerate(zip(self.maps(original), self.maps(other), strict=True)):
            weighed = self.get_submodule(f"lin{number}")((direction(one) - direction(two)).square())
            total = total + weighed.mean((1, 2, 3))
        return total

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """The five maps of pictures (b 3 h w)."""
        x = ((2 * x - 1 if self.normalised else x) - self.shift) / self.scale
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in TAPS[self.trunk]:
                yield x

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Take published tensors by name: a trunk's and lin's, or the whole of the package lpips's net; others are left.

        LimnerError for one that is missing or of another shape.
        """
        take(self, {ours(name): tensor for name, tensor in state.items()}, f"LPIPS with the trunk {self.trunk}")


class Lin(nn.Module):
    """Squared differences (b c h w) -> one map (b 1 h w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # A dropout stood before it while it learned.
        self.model = nn.Sequential(nn.Identity(), nn.Conv2d(width, 1, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        weighed: Tensor = self.model(x)
        return weighed


@torch.no_grad()
def take(net: nn.Module, state: Mapping[str, Tensor], called: str) -> None:
    """Fill a net with tensors of its names; others are left. LimnerError for one that is missing or of another shape."""
    for name, tensor in net.state_dict().items():
        if name not in state or state[name].shape != tensor.shape:
            found = f"has the shape {tuple(state[name].shape)}" if name in state else "is missing"
            raise LimnerError(f"no weights of {called}: {name} {tuple(tensor.shape)} {found}")
        tensor.copy_(state[name])


def direction(x: Tensor) -> Tensor:
    """Every position's vector (b c h w) at length 1; nothing stays nothing, and has a gradient."""
    length = (x.square().sum(1, keepdim=True) + LEAST_LENGTH**2).sqrt()
    return x / (length + LEAST_LENGTH)


def ours(name: str) -> str:
    """A tensor's name in the package lpips, with its trunk cut to slices, or torchvision's -> ours."""
    match = IN_SLICE.match(name)
    return f"features.{match[1]}.{match[2]}" if match else name


def alexnet() -> tuple[nn.Sequential, tuple[int, ...]]:
    """Alexnet's convolutions to the last activation, and the widths of its maps."""
    layers = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip
    return nn.Sequential(*layers), (64, 192, 384, 256, 256)


def vgg16() -> tuple[nn.Sequential, tuple[int, ...]]:
    """VGG-16's convolutions to the last activation, and the widths of its maps."""
    layers: list[nn.Module] = []
    before = 3
    for number, (width, count) in enumerate(VGG):
        layers += [nn.MaxPool2d(2)] if number else []
        for _ in range(count):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
    return nn.Sequential(*layers), tuple(width for width, _ in VGG)
