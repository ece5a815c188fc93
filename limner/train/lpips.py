"""LPIPS with weights that others publish: see ``limner.nets.lpips``. Nothing is fetched here.

Two files are needed, or one that holds both: the trunk as torchvision publishes it (alexnet-owt-7be5be79.pth, or a VGG-16), and
the weights of its maps, which the package lpips carries (lpips/weights/v0.1/alex.pth, vgg.pth).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.nets.lpips import Lpips, Trunk, ours
from limner.weights import published

SUFFIXES = (".safetensors", ".pth", ".pt")


def opened(weights: str, trunk: Trunk = "alex", normalised: bool = True) -> Lpips:
    """``weights``: a folder, a file, or a name of the hub that was fetched. Only tensors are read.

    In a folder every file of tensors is looked at; one that does not fit the trunk as a whole is passed over, so that a folder
    may hold the files of both trunks. MissingError if tensors are missing or two files have the same.
    """
    net = Lpips(trunk, normalised)
    found = fitting(weights, net, ours)
    try:
        net.take(found)
    except LimnerError as error:
        wanted = f"torchvision's trunk (alexnet or vgg16) and weights/v0.1/{trunk}.pth of the package lpips"
        raise MissingError(f"{weights}: {error}; put there {wanted}") from error
    return net


def fitting(weights: str, net: nn.Module, named: Callable[[str], str]) -> dict[str, Tensor]:
    """What the files of weights hold of a net's tensors, by its names; ``named``: a published name -> the net's.

    A file in which one of them has another shape is of another net and is passed over. MissingError if two files have the same.
    """
    shapes = {name: tensor.shape for name, tensor in net.state_dict().items()}
    found: dict[str, Tensor] = {}
    for path in files_of(weights):
        part = {named(name): tensor for name, tensor in tensors(path).items() if named(name) in shapes}
        if any(tensor.shape != shapes[name] for name, tensor in part.items()):
            continue
        if twice := sorted(part.keys() & found.keys()):
            raise MissingError(f"{weights}: {twice[0]} is in more than one file, {path.name} among them: leave one there")
        found |= part
    return found


def files_of(weights: str) -> list[Path]:
    """The files of tensors of a name: itself, or those of a folder."""
    if Path(weights).is_file():
        return [Path(weights)]
    return sorted(path for path in published(weights).rglob("*") if path.suffix in SUFFIXES)


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU; nothing else of it is read. MissingError if it cannot be."""
    try:
        if path.suffix == ".safetensors":
            state = need("safetensors.torch", extra="diffusion").load_file(path)
        else:
            state = torch.load(path, weights_only=True, map_location="cpu")
    except MissingError:
        raise
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise MissingError(f"{path} holds no tensors that can be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(state, Mapping):
        raise MissingError(f"{path} holds no tensors by name")
    return {str(name): tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}
