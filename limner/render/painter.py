"""Everything that decides what a diffusion paints of words, a sketch and a seed; its presets, its JSON, its identity.

    Painter --canonical JSON, folders as digests--> SHA-256 = identity; its first two bytes stand in a file (model id)
       \\--size_px(width, height)--> the size at which it paints

`paper` is Text + Sketch (Lei et al. 2023) as its authors' program has it: Stable Diffusion 2.1 base, 25 steps, guidance 9, for
PICS with the control net of HED edges. `fast` paints with few steps of a distilled model, and decodes with a tiny VAE.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from limner.errors import MissingError, SceneError
from limner.render.size import Size, by_area, by_short_side, within

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
VAE_PX = 8
IDENTITY_FILES = (".json", ".txt", ".safetensors")
PICKLES = (".bin",)  # tensors of folders without .safetensors
RANGES = {"guidance": 100.0, "conditioning_scale": 10.0, "sharpness": 10.0}
ID_BYTES = 2

Value = str | int | float | None


@dataclass(frozen=True)
class Painter:
    """Raises SceneError with the field at fault.

    base, control, vae: a name of the catalogue, an id of the hub ("owner/name") or a folder; "" for no control net, and for the
    base model's own VAE. scheduler: one of SCHEDULERS. steps: 1 to 1000. guidance: of the words, 0 to 100; up to 1 there is
    none and ``negative`` is not used. conditioning_scale: of the sketch, 0 to 10. suffix: is put behind the words. sharpness:
    of the sketch before it is used, 0 to 10; 1 leaves it as it is. short_px: length of the short side; None: by area alone.
    area_px: the largest area. multiple: of the sides, in pixels, itself one of 8.
    """

    base: str = "sd21"
    control: str = ""
    scheduler: str = "DPMSolverMultistepScheduler"
    steps: int = 25
    guidance: float = 9.0
    conditioning_scale: float = 1.0
    suffix: str = ", high quality"
    negative: str = "disfigured, deformed, low quality, lowres, b&w, blurry, Photoshop, video game, bad art"
    sharpness: float = 2.0
    vae: str = ""
    short_px: int | None = 512
    area_px: int = 2 * 512 * 512
    multiple: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            check_type(field.name, str(field.type), getattr(self, field.name))
        if not self.base:
            raise SceneError("there is always a base model", field="base")
        if self.scheduler not in SCHEDULERS:
            raise SceneError(f"is one of {', '.join(SCHEDULERS)}, not {self.scheduler!r}", field="scheduler")
        check_range("steps", self.steps, 1, MOST_STEPS)
        for name, most in RANGES.items():
            check_range(name, getattr(self, name), 0, most)
        check_range("multiple", self.multiple, VAE_PX, 512)
        if self.multiple % VAE_PX:
            raise SceneError(f"is a multiple of {VAE_PX}, not {self.multiple}", field="multiple")
        check_range("area_px", self.area_px, self.multiple**2, MOST_AREA_PX)
        if self.short_px is not None:
            check_range("short_px", self.short_px, self.multiple, math.isqrt(self.area_px))

    def size_px(self, width_px: int, height_px: int) -> Size:
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
        if self.short_px is not None:
            width, height = by_short_side(width_px, height_px, self.short_px, self.multiple)
            if width * height <= self.area_px:
                return width, height
        return within(by_area(width_px, height_px, self.area_px, self.multiple), self.area_px, self.multiple)


def to_json(painter: Painter) -> str:
    """All settings; ``from_json`` reads them."""
    return json.dumps({name: shortest(value) for name, value in asdict(painter).items()}, ensure_ascii=False, indent=1) + "\n"


def from_json(text: str) -> Painter:
    """A painter from its JSON; what is left out is as in `paper` for pic. Raises SceneError with the field at fault."""
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"this is no JSON: {error}", field="file") from error
    if not isinstance(kept, dict):
        raise SceneError("a JSON object in braces is expected here", field="file")
    known = [field.name for field in fields(Painter)]
    for name in kept:
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            raise SceneError(f"a painter has {meant[0] if meant else ', '.join(known)}, and no such field", field=name)
    return Painter(**kept)


def identity(painter: Painter) -> bytes:
    """SHA-256 (32 bytes) of the settings as ASCII JSON: names sorted, no spaces, whole numbers without a point, others as
    short as they can be told from their neighbours, what is not ASCII as \\u and four digits.

    A base, control net or VAE that is a folder counts as ``sha256:`` and its ``digest``, wherever it lies; its files are read
    whole. MissingError if they cannot be.
    """
    kept: dict[str, Value] = {name: shortest(value) for name, value in asdict(painter).items()}
    for name in ("base", "control", "vae"):
        folder = Path(str(kept[name]))
        if kept[name] and folder.is_dir():
            kept[name] = f"sha256:{digest(folder)}"
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode("ascii")).digest()


def model_id(painter: Painter) -> bytes:
    """The two bytes that a file carries."""
    return identity(painter)[:ID_BYTES]


def digest(folder: Path) -> str:
    """SHA-256 in hex over a line for each file of settings and tensors, sorted by name: its SHA-256 in hex, a space, its name
    from the folder on, with slashes, in UTF-8. Files that do not decide a painting do not count (``counted``)."""
    whole = hashlib.sha256()
    try:
        for name, path in sorted(counted(folder)):
            with path.open("rb") as file:
                whole.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()} {name}\n".encode())
    except (OSError, UnicodeEncodeError) as error:
        raise MissingError(f"{folder}: its files cannot be read ({error})") from error
    return whole.hexdigest()


def counted(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and paths of a folder's .json, .txt and .safetensors; .bin if it has no .safetensors. None that is hidden."""
    found = [path for path in folder.rglob("*") if path.is_file() and not hidden(path.relative_to(folder))]
    tensors = any(path.suffix == ".safetensors" for path in found)
    kinds = IDENTITY_FILES if tensors else IDENTITY_FILES + PICKLES
    yield from ((path.relative_to(folder).as_posix(), path) for path in found if path.suffix in kinds)


def hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def shortest(value: Value) -> Value:
    """Whole floats as integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_type(name: str, kind: str, value: object) -> None:
    """Raise SceneError unless the value is of the kind that stands in the class. True and false are no numbers here."""
    kinds = {"str": (str,), "int": (int,), "float": (int, float), "int | None": (int, type(None))}[kind]
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise SceneError(f"{kind} is expected, not {value!r:.40}", field=name)
    if isinstance(value, str) and (len(value) > MOST_LETTERS or not writable(value)):
        raise SceneError(f"at most {MOST_LETTERS} letters of Unicode on one line are expected", field=name)


def writable(text: str) -> bool:
    return not any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in text)


def check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SceneError(f"is {least} to {most}, not {value}", field=name)


FAST = Painter(
    base="sd-turbo",
    scheduler="EulerDiscreteScheduler",
    steps=4,
    guidance=0.0,
    suffix="",
    negative="",
    vae="taesd",
    short_px=None,
    area_px=512 * 512,
    multiple=8,
)
PAINTERS: dict[tuple[str, str], Painter] = {
    ("pic", "paper"): Painter(),
    ("pics", "paper"): Painter(control="controlnet-hed-sd21", scheduler="UniPCMultistepScheduler"),
    ("pic", "fast"): FAST,
    ("pics", "fast"): replace(FAST, control="controlnet-hed-sd21"),
}
"""Presets by system and name."""
