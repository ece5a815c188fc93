"""What was understood of a picture: words for the whole, and things with names, boxes, words and masks.

As JSON it is the sidecar that a person or a multimodal model writes beside a photograph:

    {"size": [768, 512],                                    optional; width and height in pixels
     "caption": "a brick building with red doors",          a short sentence
     "overall": "frontal photograph of an old wall ...",    a description of the whole
     "objects": [{"name": "red door", "box": [224, 263, 315, 450], "detail": "tall double door ...",
                  "mask": "door.png", "mask_by": "grabcut"}]}

Everything but an object's name may be left out. Boxes are left, top, right, bottom in pixels; right and bottom are the first
outside. A mask is a picture of the photograph's size, white where the thing is; ``mask_by`` says who cut it. Fields of other
programs are left alone.

Source of the form: SEDIC (Song et al. 2025), section 3, which asks a multimodal model for it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limner.errors import SceneError

FIELDS = ("size", "caption", "overall", "objects")
THING_FIELDS = ("name", "box", "detail", "mask", "mask_by")
MOST_BYTES = 1 << 20
MOST_THINGS = 64
ALIKE = 0.8  # a field this like one of ours is taken for a slip

Json = dict[str, object]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Thing:
    """Something in a picture. box: left, top, right, bottom in pixels, None if unknown; mask: file of a picture, None if there
    is none; mask_by: the segmenter that made it, "" if that is unknown. Raises SceneError for an empty name or box."""

    name: str
    box: Box | None = None
    detail: str = ""
    mask: Path | None = None
    mask_by: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise SceneError("a thing has a name", field="name")
        if self.box is not None and not (0 <= self.box[0] < self.box[2] and 0 <= self.box[1] < self.box[3]):
            raise SceneError(
                f"a box is left, top, right, bottom in pixels, left < right and top < bottom, not {self.box}", field="box"
            )


@dataclass(frozen=True)
class Scene:
    """A picture in words. size_px: width and height, None if unknown. Raises SceneError for a box outside of the picture."""

    caption: str = ""
    overall: str = ""
    things: tuple[Thing, ...] = ()
    size_px: tuple[int, int] | None = field(default=None)

    def __post_init__(self) -> None:
        if len(self.things) > MOST_THINGS:
            raise SceneError(f"a scene has at most {MOST_THINGS} things, not {len(self.things)}", field="objects")
        for number, thing in enumerate(self.things):
            if self.size_px and thing.box and (thing.box[2] > self.size_px[0] or thing.box[3] > self.size_px[1]):
                raise SceneError(f"the box {thing.box} goes over the picture's {self.size_px}", field=f"objects[{number}].box")


def read(path: Path) -> Scene:
    """Read a sidecar; files of masks are sought beside it. Raises SceneError with the name of the field at fault."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path} cannot be read as text: {error}", field="file") from error
    if len(data) > MOST_BYTES:
        raise SceneError(f"{path} is over {MOST_BYTES} bytes", field="file")
    return from_json(text, path.parent)


def from_json(text: str, folder: Path) -> Scene:
    """A scene from its JSON; masks are sought in ``folder``."""
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"this is no JSON: {error}", field="file") from error
    whole = fields_of(kept, FIELDS, "")
    things = whole.get("objects", [])
    if not isinstance(things, list):
        raise SceneError("objects is a list", field="objects")
    return Scene(
        words(whole, "caption", ""),
        words(whole, "overall", ""),
        tuple(thing_of(thing, f"objects[{number}].", folder) for number, thing in enumerate(things)),
        size_of(whole),
    )


def to_json(scene: Scene) -> str:
    """The JSON of a scene; ``from_json`` reads it. Masks are named by their file's name."""
    whole: Json = {} if scene.size_px is None else {"size": list(scene.size_px)}
    whole |= {"caption": scene.caption, "overall": scene.overall, "objects": [json_of(thing) for thing in scene.things]}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def json_of(thing: Thing) -> Json:
    found: Json = {"name": thing.name}
    if thing.box is not None:
        found["box"] = list(thing.box)
    found["detail"] = thing.detail
    if thing.mask is not None:
        found["mask"] = thing.mask.name
    if thing.mask_by:
        found["mask_by"] = thing.mask_by
    return found


def thing_of(kept: object, where: str, folder: Path) -> Thing:
    """An object of the JSON; ``where``: what stands before the names of its fields in messages."""
    given = fields_of(kept, THING_FIELDS, where)
    name, mask = words(given, "name", where), words(given, "mask", where)
    try:
        return Thing(
            name,
            box_of(given.get("box"), where),
            words(given, "detail", where),
            beside(mask, folder, where),
            words(given, "mask_by", where),
        )
    except SceneError as error:
        raise error if error.field.startswith(where) else SceneError(error.message, field=where + error.field) from None


def fields_of(kept: object, known: Sequence[str], where: str) -> Json:
    """A JSON object; a field that looks like a slip of the pen is refused."""
    if not isinstance(kept, dict):
        raise SceneError("a JSON object in braces is expected here", field=where.rstrip(".") or "file")
    for name in kept:
        meant = [] if name in known else difflib.get_close_matches(name, known, 1, ALIKE)
        if meant and meant[0] not in kept:
            raise SceneError(f"there is no field of that name: {meant[0]!r} is meant?", field=where + name)
    return kept


def words(given: Json, name: str, where: str) -> str:
    """The text of a field on one line; "" if it is not there."""
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SceneError(f"text is expected, not {type(value).__name__}", field=where + name)
    return " ".join(value.split())


def size_of(whole: Json) -> tuple[int, int] | None:
    value = whole.get("size")
    if value is None:
        return None
    width_px, height_px = numbers(value, 2, "size")
    if width_px < 1 or height_px < 1:
        raise SceneError(f"a picture has at least a pixel a side, not {width_px} x {height_px}", field="size")
    return width_px, height_px


def box_of(value: object, where: str) -> Box | None:
    if value is None:
        return None
    left, top, right, bottom = numbers(value, 4, f"{where}box")
    return left, top, right, bottom


def numbers(value: object, count: int, name: str) -> list[int]:
    """So many numbers, rounded."""
    if not isinstance(value, list) or len(value) != count:
        raise SceneError(f"a list of {count} numbers is expected", field=name)
    for one in value:
        # True is a number to Python; not-a-number passes json.loads.
        if isinstance(one, bool) or not isinstance(one, int | float) or not abs(one) < 1e9:
            raise SceneError(f"a list of {count} numbers is expected, and {one!r:.40} is none", field=name)
    return [round(float(one)) for one in value]


def beside(name: str, folder: Path, where: str) -> Path | None:
    """The file of a mask, in the sidecar's folder or below it."""
    if not name:
        return None
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SceneError(f"the mask {name!r} is not in the folder of the scene", field=f"{where}mask")
    if not path.is_file():
        raise SceneError(f"there is no file {name!r} in the folder of the scene", field=f"{where}mask")
    return path
