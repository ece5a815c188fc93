"""Nets that measures see with: opened from published weights, and known by a digest of their tensors.

    name of the catalogue, id of the hub, or folder -> files of tensors -> net on a device -> pictures in, numbers out

Nothing is fetched. What is missing is said with the command that helps. This file needs torch: ``deep`` and ``sets`` open it
where it is wanted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.describe import invert
from limner.describe.invert import Clip
from limner.errors import LimnerError, MissingError
from limner.image import Pixels
from limner.nets.dists import Dists
from limner.nets.dists import ours as dists_name
from limner.nets.inception import Inception, resized
from limner.nets.inception import ours as inception_name
from limner.nets.lpips import Lpips, Trunk
from limner.train import lpips

Opened = TypeVar("Opened")

COMMAND = "limner weights fetch"
DIGITS = 16
BATCH = 16
CLIP, DISTS, INCEPTION = "clip-b32", "dists", "inception-fid"
LPIPS: dict[Trunk, str] = {"alex": "lpips-alex", "vgg": "lpips-vgg"}


@dataclass(frozen=True, eq=False)
class Pairwise:
    """LPIPS or DISTS: a net that compares two batches of pictures in 0..1."""

    net: Lpips | Dists
    device: str

    @cached_property
    def digest(self) -> str:
        return digest_of(self.net)

    @torch.inference_mode()
    def of(self, original: Pixels, painted: Pixels) -> float:
        """Two pictures (h, w, 3) uint8 sRGB -> a distance. LimnerError if they are too small for the net."""
        one, two = (tensor(pixels).to(self.device) / 255 for pixels in (original, painted))
        return float(self.net(one, two))


@dataclass(frozen=True, eq=False)
class ClipJudge:
    """Cosines of CLIP's directions."""

    clip: Clip

    @cached_property
    def digest(self) -> str:
        return digest_of(self.clip.model)

    def of_pictures(self, original: Pixels, painted: Pixels) -> float:
        """Cosine of two pictures, -1..1: of their middles, resized as CLIP does."""
        return float(self.clip.of_picture(original) @ self.clip.of_picture(painted))

    def of_words(self, painted: Pixels, words: str) -> float:
        """Cosine of a picture and a text, cut to what CLIP reads."""
        return self.clip.similarity(self.clip.read(words), self.clip.of_picture(painted))


@dataclass(frozen=True, eq=False)
class Features:
    """Inception's features of many pictures."""

    net: Inception
    device: str

    @cached_property
    def digest(self) -> str:
        return digest_of(self.net)

    @torch.inference_mode()
    def of(self, pictures: Iterable[Pixels]) -> NDArray[np.float64]:
        """Pictures (h, w, 3) uint8 sRGB of any sizes -> (n, 2048)."""
        found = [self.net(torch.cat(batch).to(self.device)).double().cpu().numpy() for batch in batches(pictures)]
        return np.concatenate(found) if found else np.zeros((0, 0))


def batches(pictures: Iterable[Pixels]) -> Iterator[list[Tensor]]:
    """So many pictures at a time, (1 3 299 299) each, 0..255."""
    sized = (resized(tensor(picture)) for picture in pictures)
    while batch := list(islice(sized, BATCH)):
        yield batch


def tensor(pixels: Pixels) -> Tensor:
    """(h, w, 3) uint8 -> (1 3 h w) float32 in 0..255."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()


def digest_of(net: nn.Module) -> str:
    """The first digits of the SHA-256 of a net's tensors, by name."""
    found = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        found.update(f"{name} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:DIGITS]


def lpips_judge(trunk: Trunk, device: str) -> Pairwise:
    """LPIPS 0.1. MissingError if its weights are not here."""
    name = LPIPS[trunk]
    return Pairwise(advised(lambda: lpips.opened(name, trunk), name).to(device), device)


def dists_judge(device: str) -> Pairwise:
    """DISTS: alpha and beta, with the trunk beside them or that of LPIPS's vgg. MissingError if one is not here."""
    net = Dists()
    state = lpips.fitting(DISTS, net, dists_name)
    if not any(name.startswith("features.") for name in state):
        state |= lpips.fitting(LPIPS["vgg"], net, dists_name)
    advised(lambda: net.take(state), DISTS, LPIPS["vgg"])
    return Pairwise(net.to(device), device)


def clip_judge(device: str) -> ClipJudge:
    """MissingError if its weights are not here."""
    return ClipJudge(advised(lambda: invert.opened(CLIP, device, "float32"), CLIP))


def features(device: str) -> Features:
    """MissingError if Inception's weights are not here."""
    net = Inception()
    state = lpips.fitting(INCEPTION, net, inception_name)
    advised(lambda: net.take(state), INCEPTION)
    return Features(net.to(device), device)


def advised(open_it: Callable[[], Opened], *names: str) -> Opened:
    """What ``open_it`` gives. MissingError with the command that fetches what it lacks."""
    try:
        return open_it()
    except LimnerError as error:
        said = str(error)
        raise MissingError(said if COMMAND in said else f"{said}; or {COMMAND} {' '.join(names)}") from error
