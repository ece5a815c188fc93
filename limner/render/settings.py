"""What settings that decide a painting have in common: types, ranges, the size at which is painted, JSON both ways.

    JSON --from_json--> a frozen dataclass that checks itself --to_json--> JSON
    short_px, area_px, multiple, the picture's size --size_px--> the size at which it is painted

All raise SceneError with the field at fault.
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Protocol, TypeVar

from limner.errors import SceneError
from limner.render.size import Size, by_area, by_short_side, within

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SCHEDULERS = (
    "DDIMScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "LCMScheduler",
    "PNDMScheduler",
    "UniPCMultistepScheduler",
)
"""Classes of diffusers; each takes the settings of the base model's own."""

MOST_STEPS = 1000
MOST_LETTERS = 2000
MOST_SIDE_PX = 1 << 16  # of a picture
MOST_AREA_PX = 1 << 24
MOST_MULTIPLE_PX = 512
MOST_ITEMS = 64
VAE_PX = 8
KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "int | None": (int, type(None))}
LISTS = {"tuple[int, ...]": "int", "tuple[str, ...]": "str"}

Scalar = str | int | float | None
Value = Scalar | list[Scalar]
Kept = TypeVar("Kept", bound="DataclassInstance")


class Sizes(Protocol):
    """Settings that say at which size is painted. short_px: length of the short side, None: by area alone; area_px: the largest
    area; multiple: of the sides, in pixels, itself one of 8."""

    @property
    def short_px(self) -> int | None: ...
    @property
    def area_px(self) -> int: ...
    @property
    def multiple(self) -> int: ...


def size_px(sizes: Sizes, width_px: int, height_px: int) -> Size:
    """The width and height at which a picture of this size is painted: multiples of ``multiple``, at least one, together at
    most ``area_px``. All in integers:

    1. With a short_px each side is side * short_px / shorter, to the nearest multiple (the even one of two), at least one.
    2. Without one, or if the area of that is over area_px, each side is sqrt(area_px * side / other), to the nearest
       multiple (the upper one of two), at least one.
    3. If the area is still over area_px, the longer side (the width, if equal) becomes the longest multiple that is not.

    Raises SceneError unless both sides are 1 to 65,536.
    """
    for side_px in (width_px, height_px):
        check_range("size_px", side_px, 1, MOST_SIDE_PX)
    if sizes.short_px is not None:
        width, height = by_short_side(width_px, height_px, sizes.short_px, sizes.multiple)
        if width * height <= sizes.area_px:
            return width, height
    return within(by_area(width_px, height_px, sizes.area_px, sizes.multiple), sizes.area_px, sizes.multiple)


def check_sizes(sizes: Sizes) -> None:
    """Raise SceneError for settings that give no size."""
    check_range("multiple", sizes.multiple, VAE_PX, MOST_MULTIPLE_PX)
    if sizes.multiple % VAE_PX:
        raise SceneError(f"is a multiple of {VAE_PX}, not {sizes.multiple}", field="multiple")
    check_range("area_px", sizes.area_px, sizes.multiple**2, MOST_AREA_PX)
    if sizes.short_px is not None:
        check_range("short_px", sizes.short_px, sizes.multiple, math.isqrt(sizes.area_px))


def values(settings: DataclassInstance) -> dict[str, Value]:
    """All fields as JSON has them."""
    return {name: shortest(value) for name, value in asdict(settings).items()}


def to_json(settings: DataclassInstance) -> str:
    """All settings; ``from_json`` reads them."""
    return json.dumps(values(settings), ensure_ascii=False, indent=1) + "\n"


def from_json(kind: type[Kept], text: str) -> Kept:
    """Settings from their JSON; what is left out is as the class has it. Raises SceneError with the field at fault."""
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"this is no JSON: {error}", field="file") from error
    if not isinstance(kept, dict):
        raise SceneError("a JSON object in braces is expected here", field="file")
    known = [field.name for field in fields(kind)]
    for name in kept:
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            raise SceneError(f"a painter has {meant[0] if meant else ', '.join(known)}, and no such field", field=name)
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()})


def shortest(value: Scalar | tuple[Scalar, ...]) -> Value:
    """Whole floats as integers, tuples as lists."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_types(settings: DataclassInstance) -> None:
    """Raise SceneError unless every value is of the kind that stands in the class."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        of = LISTS.get(str(field.type))
        if of is None:
            check_type(field.name, str(field.type), value)
            continue
        if not isinstance(value, tuple) or len(value) > MOST_ITEMS:
            raise SceneError(f"a list is expected, not {value!r:.40}", field=field.name)
        for item in value:
            check_type(field.name, of, item)


def check_type(name: str, kind: str, value: object) -> None:
    """Raise SceneError unless the value is of the kind. True and false are no numbers here."""
    if isinstance(value, bool) or not isinstance(value, KINDS[kind]):
        raise SceneError(f"{kind} is expected, not {value!r:.40}", field=name)
    if isinstance(value, str) and (len(value) > MOST_LETTERS or not writable(value)):
        raise SceneError(f"at most {MOST_LETTERS} letters of Unicode on one line are expected", field=name)


def writable(text: str) -> bool:
    return not any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in text)


def check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SceneError(f"is {least} to {most}, not {value}", field=name)


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SceneError(f"is one of {', '.join(known)}, not {value!r}", field=name)
