"""How pictures become words and sketches: the settings of an encoder of pic and pics, by name or from a file.

    light   the words are given; the edge net of the package; one candidate. Encoding needs no weights but the package's
    paper   as Text + Sketch is published: inversion by CLIP ViT-H/14, HED of BSDS500, four candidates
    fast    a captioner in place of the inversion, few steps of a distilled model and a tiny VAE; one candidate

light and paper have one painter, so a decoder does not tell them apart. A file with settings holds any others:

    {"painter": {"base": "owner/name", ...}, "words": "local:florence-2", "candidates": 2, "edges": "net", "quality": 20}

Source: Lei et al. 2023 (Text + Sketch), and the settings of its program.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.describe.answer import Limits
from limner.describe.caption import Describer
from limner.describe.edges import EdgeDetector, EdgeNet
from limner.describe.hed import Hed
from limner.describe.invert import Inverter
from limner.describe.local import Local
from limner.errors import MissingError, SceneError, WrongModelError
from limner.layers.quadtree import QUALITIES
from limner.render import painter as painters
from limner.render.painter import PAINTERS, Painter, model_id
from limner.render.settings import check_type

EDGES = ("net", "hed", "hed-bsds500")
FINDERS = ("invert", "local")
LIGHT, PAPER, FAST = "light", "paper", "fast"
MOST_BYTES = 1 << 20
MOST_PAINTED = 256

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """painter: all that the decoder must know. words: who finds them where none are given: "invert:WEIGHTS" (of CLIP),
    "local:WEIGHTS" (of a captioner), "" for nobody. edges: who draws: net (in the package), hed or hed-bsds500. candidates: how
    many are painted, 1 to 256. quality: of the sketch, 0 to 63. Raises SceneError with the field at fault.
    """

    painter: Painter
    words: str = ""
    edges: str = "net"
    candidates: int = 1
    quality: int = 20

    def __post_init__(self) -> None:
        finder, _, weights = self.words.partition(":")
        if self.words and (finder not in FINDERS or not weights):
            raise SceneError(f'is "invert:WEIGHTS", "local:WEIGHTS" or "", not {self.words!r}', field="words")
        if self.edges not in EDGES:
            raise SceneError(f"is one of {', '.join(EDGES)}, not {self.edges!r}", field="edges")
        for name, least, most in (("candidates", 1, MOST_PAINTED), ("quality", 0, QUALITIES - 1)):
            if not least <= getattr(self, name) <= most:
                raise SceneError(f"is {least} to {most}, not {getattr(self, name)}", field=name)


PRESETS: dict[tuple[str, str], Settings] = {
    (system, name): settings
    for system in ("pic", "pics")
    for name, settings in {
        LIGHT: Settings(PAINTERS[system, "paper"]),
        PAPER: Settings(PAINTERS[system, "paper"], "invert:clip-h", "hed-bsds500", 4),
        FAST: Settings(PAINTERS[system, "fast"], "local:florence-2"),
    }.items()
}


def settings_of(system: str, named: str | Path) -> Settings:
    """By the name of a preset, or from a file. SceneError for what is neither."""
    if (system, str(named)) in PRESETS:
        return PRESETS[system, str(named)]
    return from_json(file_text(named, (LIGHT, PAPER, FAST)))


def file_text(named: str | Path, presets: Iterable[str]) -> str:
    """The text of a file of settings. SceneError if there is none, with the presets that there are."""
    path = Path(named)
    if not path.is_file():
        raise SceneError(f"there are {', '.join(presets)} and files, not {named}", field="settings")
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path} cannot be read as text: {error}", field="settings") from error


def to_json(settings: Settings) -> str:
    """What ``from_json`` reads."""
    return json.dumps(asdict(settings), ensure_ascii=False, indent=1) + "\n"


def from_json(text: str) -> Settings:
    """Settings from their JSON; what is left out is as in light. SceneError with the field at fault."""
    painter, kept = parted(text, {field.name: str(field.type) for field in fields(Settings) if field.name != "painter"})
    return Settings(painters.from_json(painter), **kept)


def parted(text: str, known: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The JSON of the painter, and the other settings, which are of ``known`` names and types."""
    if len(text) > MOST_BYTES:
        raise SceneError(f"settings are at most {MOST_BYTES} letters", field="settings")
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"this is no JSON: {error}", field="settings") from error
    if not isinstance(kept, dict) or not isinstance(kept.get("painter", {}), dict):
        raise SceneError('expected is an object in braces, with the painter in it: {"painter": {...}}', field="settings")
    painter = json.dumps(kept.pop("painter", {}))
    for name, value in kept.items():
        if name not in known:
            raise SceneError(f"settings have painter, {', '.join(known)}", field=name)
        check_type(name, known[name], value)
    return painter, kept


@lru_cache(maxsize=1)
def describer_of(words: str, device: str = "cpu") -> Describer:
    """Who finds the words, as settings name them. MissingError for nobody. Kept, since opening takes gigabytes and a batch has
    many pictures."""
    finder, _, weights = words.partition(":")
    if not finder:
        raise MissingError("these settings have nobody who finds words: give a caption, or take paper or fast")
    return Inverter(weights, device) if finder == "invert" else Local(weights, device)


def words_of(settings: Settings, pixels: Pixels, device: str = "cpu") -> str:
    """The words for a picture (h, w, 3), found by whom the settings name."""
    return describer_of(settings.words, device).describe(pixels, Limits()).caption


@lru_cache(maxsize=1)
def detector_of(edges: str, device: str = "cpu") -> EdgeDetector:
    """Who draws edges, as settings name them; kept."""
    return EdgeNet() if edges == "net" else Hed(edges, device)


def painter_of(system: str, model: bytes, given: Painter | None = None) -> Painter:
    """The painter of a file: the one that is given, or the preset of that model id. WrongModelError if it is another."""
    known = [given] if given is not None else list(dict.fromkeys(PAINTERS[one] for one in PAINTERS if one[0] == system))
    for painter in known:
        if model_id(painter) == model:
            return painter
    here = ", ".join(f"{painter.base} ({model_id(painter).hex()})" for painter in known)
    message = f"made for the painter {model.hex()}; at hand are {here}: give the settings that it was made with"
    raise WrongModelError(message, offset=0, field="model")
