"""How pictures become references, words and masks: the settings of sedic's encoder; how much is sent.

    light      miniature codes the reference; the scene is given, objects are cut out of their boxes by GrabCut
    paper      as SEDIC is published: cheng2020-attn, a multimodal model, Grounding DINO and SAM
    released   the same, painted as the authors' program does
    fast       as light, painted in few steps of a distilled model
    tile       as light, painted without the weights of DiffBIR

light and paper have one painter. The paper's levels: low is one object, 20 words of it and 30 of the whole, at 0.02 to 0.03
bpp; high is three objects, 30 and 50 words, at 0.04 to 0.05 bpp. A file of JSON holds any other settings:

    {"painter": {"base": "owner/name", ...}, "reference": "miniature", "words": "local:qwen3-vl",
     "find": "grounding-dino", "masks": "sam", "cell_px": 8}

Source: Song et al. 2025 (SEDIC), sections 3.1 and 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

from limner.describe.answer import Limits
from limner.errors import SceneError, WrongModelError
from limner.render import stagepainter
from limner.render.settings import check_choice
from limner.render.stagepainter import STAGE_PAINTERS, StagePainter, model_id
from limner.systems import references
from limner.systems.presets import LIGHT, PAPER, file_text, parted

LOW, HIGH = "low", "high"


@dataclass(frozen=True)
class Level:
    """limits: objects, words of each and of the whole. bpp: bits per pixel of the file, for a reference that has all rates."""

    limits: Limits
    bpp: float


# The middle of the paper's ranges.
LEVELS = {
    LOW: Level(Limits(things=1, detail_words=20, overall_words=30), 0.025),
    HIGH: Level(Limits(things=3, detail_words=30, overall_words=50), 0.045),
}
BOX = "box"
MASKS = (BOX, "grabcut", "sam", "sam2")
CELLS_PX = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Settings:
    """painter: all that the decoder must know. reference: whose codec it is, one of ``references.NAMES``. words: who describes
    where no scene is given: "local:WEIGHTS", "" for nobody. find: who looks for objects by their names, and takes out of the
    words what is not there: the weights of a detector, "" for nobody. masks: who cuts objects out of their boxes; "box":
    nobody. cell_px: of the masks' grid. Raises SceneError.
    """

    painter: StagePainter
    reference: str = references.MINIATURE
    words: str = ""
    find: str = ""
    masks: str = "grabcut"
    cell_px: int = 8

    def __post_init__(self) -> None:
        finder, _, weights = self.words.partition(":")
        if self.words and (finder != "local" or not weights):
            raise SceneError(f'is "local:WEIGHTS" or "", not {self.words!r}', field="words")
        check_choice("reference", self.reference, references.NAMES)
        check_choice("masks", self.masks, MASKS)
        if self.cell_px not in CELLS_PX:
            raise SceneError(f"is one of {', '.join(map(str, CELLS_PX))}, not {self.cell_px}", field="cell_px")


BY_MODELS = Settings(STAGE_PAINTERS["paper"], "reference", words="local:qwen3-vl", find="grounding-dino", masks="sam")
PRESETS: dict[str, Settings] = {
    LIGHT: Settings(STAGE_PAINTERS["paper"]),
    PAPER: BY_MODELS,
    "released": replace(BY_MODELS, painter=STAGE_PAINTERS["released"]),
    "fast": Settings(STAGE_PAINTERS["fast"]),
    "tile": Settings(STAGE_PAINTERS["tile"]),
}


def settings_of(named: str | Path) -> Settings:
    """By the name of a preset, or from a file. SceneError for what is neither."""
    found = PRESETS.get(str(named))
    return from_json(file_text(named, PRESETS)) if found is None else found


def from_json(text: str) -> Settings:
    """Settings from their JSON; what is left out is as in light. SceneError with the field at fault."""
    painter, kept = parted(text, {field.name: str(field.type) for field in fields(Settings) if field.name != "painter"})
    return Settings(stagepainter.from_json(painter), **kept)


def level_of(name: str) -> Level:
    """How much is sent. SceneError for another name."""
    check_choice("level", name, tuple(LEVELS))
    return LEVELS[name]


def painter_of(model: bytes, given: StagePainter | None = None) -> StagePainter:
    """The painter of a file: the one that is given, or the preset of that model id. WrongModelError if it is another."""
    known = [given] if given is not None else list(STAGE_PAINTERS.values())
    for one in known:
        if model_id(one) == model:
            return one
    here = ", ".join(f"{one.base} ({model_id(one).hex()})" for one in known)
    message = f"made for the painter {model.hex()}; at hand are {here}: give the settings that it was made with"
    raise WrongModelError(message, offset=0, field="painter")
