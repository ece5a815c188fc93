"""Pieces of a picture as it was decoded -> sRGB uint8 (h, w, 3): 16 bit, grey, colour profile, transparency.

    piece -> 8 bits -> (colour, alpha) -> sRGB -> flat

Each pixel stands for itself: the pieces of a picture give what the whole of it would.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from limner.errors import ImageError
from limner.pixels.opened import FAULTS

WHITE = (255, 255, 255)
_GREY = ("1", "L", "LA", "La")
_WITH_PROFILE = ("L", "RGB", "CMYK", "LAB")


@dataclass(frozen=True)
class Colours:
    """How colours of a picture are read. profile: ICC, if it has one. background: sRGB 0..255 behind what is transparent.

    Raises ImageError for another background.
    """

    profile: bytes | None
    background: tuple[int, int, int] = WHITE

    def __post_init__(self) -> None:
        if len(self.background) != 3 or not all(0 <= value <= 255 for value in self.background):
            raise ImageError(f"a background is three values in 0..255, not {self.background}")

    def flat(self, piece: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
        """A piece in any mode as sRGB (h, w, 3); ``notes``: is added what a user should know. Raises ImageError."""
        colours, alpha = _split_alpha(_eight_bits(piece))
        shown = self._to_srgb(colours, notes)
        if alpha is not None:
            canvas = Image.new("RGB", shown.size, self.background)
            canvas.paste(shown, mask=alpha)
            shown = canvas
        return np.array(shown)

    def _to_srgb(self, image: Image.Image, notes: list[str]) -> Image.Image:
        if self.profile:
            try:
                return _through_profile(image, self.profile)
            except (ImageCms.PyCMSError, *FAULTS):
                notes.append("the colour profile cannot be used: colours are taken as sRGB")
        return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ImageError("floating-point pixels have no agreed range: convert the picture to 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image).astype(np.int32)
    if levels.min() < 0 or levels.max() > 65535:
        raise ImageError("pixels outside 0..65535: convert the picture to 8 or 16 bits")
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours, in a mode that a colour profile can be for, and the opacity, if there is any."""
    plain = "L" if image.mode in _GREY else "RGB"
    if image.has_transparency_data:
        both = image.convert("LA" if plain == "L" else "RGBA")
        return both.convert(plain), both.getchannel("A")
    return (image if image.mode in _WITH_PROFILE else image.convert(plain)), None


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(given):
        return image
    converted = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    if converted is None:
        raise ImageCms.PyCMSError("no picture came back")
    return converted
