"""At which size a picture is painted by a model that was trained at one: integers alone, the same on every machine.

    width, height --> short side = short_px, sides to multiples --> if over area_px: by area --> at most area_px
                 \\-> by area, where there is no short_px ----------^

Source of the first way: the authors' program of Text + Sketch (Lei et al. 2023): short side 512, multiples of 64.
"""

from __future__ import annotations

from math import isqrt

Size = tuple[int, int]  # width and height


def by_short_side(width_px: int, height_px: int, short_px: int, multiple: int) -> Size:
    """The sides times short_px / the shorter, each to the nearest multiple, the even one of two; at least one multiple."""
    least = min(width_px, height_px) * multiple
    return (
        multiple * max(1, nearest(width_px * short_px, least)),
        multiple * max(1, nearest(height_px * short_px, least)),
    )


def by_area(width_px: int, height_px: int, area_px: int, multiple: int) -> Size:
    """Sides of the picture's proportions and about this area, each to the nearest multiple, the upper one of two."""
    return (
        multiple * max(1, nearest_root(area_px * width_px, height_px * multiple**2)),
        multiple * max(1, nearest_root(area_px * height_px, width_px * multiple**2)),
    )


def within(size_px: Size, area_px: int, multiple: int) -> Size:
    """The longer side is cut down to the multiple at which the area is at most area_px."""
    width_px, height_px = size_px
    if width_px * height_px <= area_px:
        return size_px
    if width_px >= height_px:
        return area_px // height_px // multiple * multiple, height_px
    return width_px, area_px // width_px // multiple * multiple


def nearest(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2))


def nearest_root(numerator: int, denominator: int) -> int:
    """The square root of a fraction, to the nearest integer: half of the root of four times it, rounded up."""
    return (isqrt(4 * numerator // denominator) + 1) // 2
