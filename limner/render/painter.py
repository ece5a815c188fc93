"""Everything that decides what a diffusion paints of words, a sketch and a seed; its presets, its JSON, its identity.

    Painter --canonical JSON, folders as digests--> SHA-256 = identity; its first two bytes stand in a file (model id)
       \\--size_px(width, height)--> the size at which it paints

`paper` is Text + Sketch (Lei et al. 2023) as its authors' program has it: Stable Diffusion 2.1 base, 25 steps, guidance 9, for
PICS with the control net of HED edges. `fast` paints with few steps of a distilled model, and decodes with a tiny VAE.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from limner.errors import SceneError
from limner.render import identity as identities
from limner.render import settings
from limner.render.identity import ID_BYTES, PICKLES
from limner.render.settings import MOST_STEPS, SCHEDULERS, check_choice, check_range, check_sizes, check_types
from limner.render.size import Size

RANGES = {"guidance": 100.0, "conditioning_scale": 10.0, "sharpness": 10.0}
MODELS = {"base": PICKLES, "control": PICKLES, "vae": PICKLES}


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
        check_types(self)
        if not self.base:
            raise SceneError("there is always a base model", field="base")
        check_choice("scheduler", self.scheduler, SCHEDULERS)
        check_range("steps", self.steps, 1, MOST_STEPS)
        for name, most in RANGES.items():
            check_range(name, getattr(self, name), 0, most)
        check_sizes(self)

    def size_px(self, width_px: int, height_px: int) -> Size:
        """The width and height at which a picture of this size is painted: see ``settings.size_px``."""
        return settings.size_px(self, width_px, height_px)


def to_json(painter: Painter) -> str:
    """All settings; ``from_json`` reads them."""
    return settings.to_json(painter)


def from_json(text: str) -> Painter:
    """A painter from its JSON; what is left out is as in `paper` for pic. Raises SceneError with the field at fault."""
    return settings.from_json(Painter, text)


def identity(painter: Painter) -> bytes:
    """SHA-256 (32 bytes) of the settings: see ``limner.render.identity``. MissingError if a folder cannot be read."""
    return identities.identity(settings.values(painter), MODELS)


def model_id(painter: Painter) -> bytes:
    """The two bytes that a file carries."""
    return identity(painter)[:ID_BYTES]


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
