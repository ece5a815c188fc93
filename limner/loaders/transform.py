"""What limner makes of a picture: encoded and decoded, as an augmentation, or to see what a task loses in so many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from PIL import Image

from limner import api
from limner.errors import EncodeError, ImageError
from limner.image import Picture, load
from limner.loaders.decoding import Pixels, tensor
from limner.loaders.workers import settle
from limner.systems.miniature import Painting

if TYPE_CHECKING:
    import torch

P = TypeVar("P", bound="Pixels | Image.Image | torch.Tensor")


@dataclass(frozen=True)
class LimnTransform:
    """A picture -> the same through a file of miniature, of the same kind and size.

    At most one of ``target_bytes``, ``bpp`` and ``quality``, as for `limner.encode`; painter and strength as for
    `limner.decode`. Raises EncodeError or ImageError for what none of them can be.
    """

    target_bytes: int | None = None
    bpp: float | None = None
    quality: int | None = None
    painter: str = "faithful"
    strength: float = 1.0

    def __post_init__(self) -> None:
        if sum(asked is not None for asked in (self.target_bytes, self.bpp, self.quality)) > 1:
            raise EncodeError("give one of target_bytes, bpp and quality, not several")
        Painting(self.painter, self.strength)

    def __call__(self, picture: P) -> P:
        """``picture``: (h, w, 3) uint8; a Pillow image, which becomes RGB; or a tensor (3, h, w), uint8 or floats 0..1.

        Raises ImageError for anything else, BudgetError for a budget that no file of it meets.
        """
        if isinstance(picture, np.ndarray):
            return cast(P, self.pixels(picture))
        if isinstance(picture, Image.Image):
            return cast(P, Image.fromarray(self.pixels(load(picture).pixels)))
        return cast(P, self._tensor(picture))

    def pixels(self, pixels: Pixels) -> Pixels:
        """(h, w, 3) uint8 sRGB -> the same."""
        settle()
        blob = api.encode(Picture(pixels).pixels, target_bytes=self.target_bytes, bpp=self.bpp, quality=self.quality)
        return api.decode(blob, painter=self.painter, strength=self.strength)

    def _tensor(self, picture: torch.Tensor) -> torch.Tensor:
        import torch

        if not isinstance(picture, torch.Tensor) or picture.ndim != 3 or picture.shape[0] != 3:
            found = f"{type(picture).__name__} {tuple(getattr(picture, 'shape', ()))}"
            raise ImageError(f"a picture is (h, w, 3) uint8, a Pillow image or a tensor (3, h, w), not {found}")
        if picture.dtype == torch.uint8:
            levels = picture
        elif picture.is_floating_point():
            levels = (picture.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
        else:
            raise ImageError(f"a tensor of a picture is uint8 or floats 0..1, not {picture.dtype}")
        made = tensor(self.pixels(np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())))
        if picture.is_floating_point():
            made = (made.float() / 255).to(picture.dtype)
        return made.to(picture.device)
