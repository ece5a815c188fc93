"""Soft edges by HED with published weights, through torch: see ``limner.nets.hed``."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limner.describe.edges import SHORT_SIDE_PX, Floats, Pixels, planes, resized, shrunk
from limner.errors import MissingError
from limner.extras import need
from limner.weights import published

if TYPE_CHECKING:
    from limner.nets.hed import Hed as Net


@dataclass(frozen=True, eq=False)
class Hed:
    """weights: a name of the catalogue (hed, hed-bsds500), folder or file; opened at the first picture. device: of torch."""

    weights: str = "hed"
    device: str = "cpu"
    short_side_px: int = SHORT_SIDE_PX

    @cached_property
    def net(self) -> Net:
        """The net with its weights; only tensors are read. MissingError if they are not here or no HED's."""
        torch = need("torch", extra="diffusion")
        from limner.nets.hed import Hed as Net

        path = file_of(self.weights)
        net = Net()
        try:
            net.take(torch.load(path, weights_only=True, map_location="cpu"))
        except (OSError, RuntimeError, KeyError, AttributeError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise MissingError(f"{path} holds no weights of HED: {' '.join(str(error).split())[:200]}") from error
        return net.float().to(self.device).eval()

    def edges(self, pixels: Pixels) -> Floats:
        """pixels (h, w, 3) uint8 sRGB -> (h, w), 0 to 1."""
        torch = need("torch", extra="diffusion")
        height_px, width_px = pixels.shape[:2]
        small = shrunk(pixels, self.short_side_px)
        h, w = small.shape[:2]
        with torch.no_grad():
            found = self.net(torch.from_numpy(planes(small))[None].to(self.device))[0, 0].cpu().numpy()
        return resized(np.ascontiguousarray(found[:h, :w]), width_px, height_px)


def file_of(weights: str) -> Path:
    """The file of the weights: itself, or the one of its kind in a folder."""
    if Path(weights).is_file():
        return Path(weights)
    folder = published(weights)
    files = sorted(folder.rglob("*.pth"))
    if len(files) != 1:
        raise MissingError(f"one file of weights (*.pth) is expected in {folder}, and there are {len(files)}")
    return files[0]
