"""What papers do to pictures before they are coded, by name.

    picture -> short side to N px -> centre crop -> what is coded and measured against

Resizing is Pillow's ``resize`` with LANCZOS on 8-bit sRGB, channel by channel, the other side rounded to the nearest pixel (a
half up); a picture whose short side fits already is not resized. A crop starts at half of what is over, rounded down. For
8-bit channels Pillow works in integers, with weights that it rounds from floats: the pixels of a prepared picture have been the
same wherever that was compared, and their SHA-256 is in every record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from limner.describe.scene import Box, Scene
from limner.errors import ImageError
from limner.image import Pixels

FILTER = Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Preparation:
    """short_px: length that the short side is brought to, None to leave it. crop_px: side of the centre square, None for the
    whole. Raises ImageError."""

    name: str
    short_px: int | None = None
    crop_px: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if any(side_px is not None and side_px < 1 for side_px in (self.short_px, self.crop_px)):
            raise ImageError(f"the preparation {self.name} leaves no pixels")
        if self.short_px is not None and self.crop_px is not None and self.crop_px > self.short_px:
            raise ImageError(f"the preparation {self.name} cuts {self.crop_px} px out of {self.short_px}")

    def resized_px(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height after resizing."""
        short_px = min(width_px, height_px)
        if self.short_px in (None, short_px):
            return width_px, height_px
        return scaled(width_px, self.short_px, short_px), scaled(height_px, self.short_px, short_px)

    def corner_px(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Left and top of the crop in a resized picture. ImageError if it is too small."""
        if self.crop_px is None:
            return 0, 0
        if min(width_px, height_px) < self.crop_px:
            raise ImageError(f"{self.name}: a square of {self.crop_px} px does not fit into {width_px} x {height_px}")
        return (width_px - self.crop_px) // 2, (height_px - self.crop_px) // 2

    def size_px(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height of what is coded."""
        resized_px = self.resized_px(width_px, height_px)
        self.corner_px(*resized_px)
        return resized_px if self.crop_px is None else (self.crop_px, self.crop_px)


def scaled(side_px: int, to_px: int, of_px: int) -> int:
    """A side as its picture goes from ``of_px`` to ``to_px``, to the nearest pixel, a half up."""
    return max(1, (2 * side_px * to_px + of_px) // (2 * of_px))


PREPARATIONS = {
    one.name: one
    for one in (
        Preparation("none"),
        Preparation("short768crop", 768, 768, "SEDIC, CDC"),
        Preparation("short512", 512),
        Preparation("512", 512, 512, "PerCo, CoD on Kodak and COCO"),
        Preparation("256", 256, 256),
        Preparation("crop512", None, 512),
    )
}


def named(name: str) -> Preparation:
    """A preparation. ImageError for a name that is not known."""
    if name not in PREPARATIONS:
        raise ImageError(f"there is no preparation {name!r}: there are {', '.join(PREPARATIONS)}")
    return PREPARATIONS[name]


def prepared(pixels: Pixels, name: str) -> Pixels:
    """(h, w, 3) uint8 sRGB -> the same, prepared. ImageError for an unknown name or a picture that is too small."""
    how, size_px = named(name), (pixels.shape[1], pixels.shape[0])
    resized_px = how.resized_px(*size_px)
    if resized_px != size_px:
        pixels = np.array(Image.fromarray(pixels).resize(resized_px, FILTER))
    if how.crop_px is None:
        return pixels
    left, top = how.corner_px(*resized_px)
    return np.ascontiguousarray(pixels[top : top + how.crop_px, left : left + how.crop_px])


def prepared_scene(scene: Scene, size_px: tuple[int, int], name: str) -> Scene:
    """A scene of a picture of ``size_px`` (width, height) -> of the prepared one: boxes moved with the pixels.

    What a crop leaves nothing of is left out. Masks are of the whole picture and are left out where it changes.
    """
    how = named(name)
    inside_px = how.size_px(*size_px)
    if inside_px == size_px:
        return scene
    things = []
    for thing in scene.things:
        box = None if thing.box is None else moved(thing.box, size_px, how)
        if thing.box is None or box is not None:
            things.append(replace(thing, box=box, mask=None, mask_by=""))
    return replace(scene, things=tuple(things), size_px=inside_px)


def moved(box: Box, size_px: tuple[int, int], how: Preparation) -> Box | None:
    """A box in the prepared picture, None where nothing of it is left."""
    resized_px = how.resized_px(*size_px)
    left, top = how.corner_px(*resized_px)
    inside_px = how.size_px(*size_px)
    columns = span_px(box[0], box[2], resized_px[0], size_px[0], left, inside_px[0])
    rows = span_px(box[1], box[3], resized_px[1], size_px[1], top, inside_px[1])
    return None if columns is None or rows is None else (columns[0], rows[0], columns[1], rows[1])


def span_px(start: int, end: int, to_px: int, of_px: int, cut_px: int, most_px: int) -> tuple[int, int] | None:
    """A stretch of a side ``of_px`` long after it became ``to_px`` and lost ``cut_px`` in front, within 0..``most_px``."""
    first, last = start * to_px // of_px - cut_px, -(-end * to_px // of_px) - cut_px
    first, last = max(first, 0), min(last, most_px)
    return (first, last) if first < last else None
