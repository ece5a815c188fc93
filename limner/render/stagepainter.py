"""Everything that decides what SEDIC's decoder paints of a reference, words, masks and a seed; presets, JSON, identity.

    StagePainter --canonical JSON, folders as digests--> SHA-256 = identity; its first two bytes stand in a file (model id)
       \\--size_px(width, height)--> the size at which it paints

`paper` is Algorithm 1 of SEDIC (Song et al. 2025, section 3.2). The paper gives neither eta nor T', nor the guidance of words.
Here eta is 30 in the first fifth of the steps, which is what others take for the same energy where the noise is strong (Chen et
al. 2023, "Training-free layout control"); the guidance of words and ``negative`` are the program's; an object's stage has 20
steps, the last 50: the paper does not say how many each has, and the program has 5 to 10 and 50.
`released` is the authors' program: no energy guidance, one blend at the end of an object's stage, masks taken at the nearest
pixel, and a last stage that follows the reference and starts from the coarse of what was painted. `fast` is the algorithm with
few steps of a distilled model and a tiny VAE, without energy guidance. `tile` needs no weights of DiffBIR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from limner.errors import SceneError
from limner.render import identity as identities
from limner.render import ircontrol, settings
from limner.render.identity import ID_BYTES, PICKLES
from limner.render.settings import MOST_STEPS, SCHEDULERS, check_choice, check_range, check_sizes, check_types
from limner.render.size import Size

# The others undo what is done to a latent between two steps.
STAGE_SCHEDULERS = tuple(name for name in SCHEDULERS if name not in ("PNDMScheduler", "UniPCMultistepScheduler"))
CONTROLS = ("ircontrol", "tile")
PAPER, RELEASED = "paper", "released"
SPACINGS = ("", "leading", "linspace", "trailing")
RANGES = {
    "object_guidance": 100.0,
    "last_guidance": 100.0,
    "control_scale": 10.0,
    "eta": 10_000.0,
    "guided_part": 1.0,
}
MOST_MARGIN_PX = 1 << 13
BLOCK = re.compile(r"mid_block|(down|up)_blocks\.[0-9]")
MODELS = {"base": PICKLES, "control": ircontrol.PICKLES, "vae": PICKLES}


@dataclass(frozen=True)
class StagePainter:
    """Raises SceneError with the field at fault.

    base, control, vae: a name of the catalogue, an id of the hub ("owner/name") or a folder; vae: "" for the base model's own.
    control_kind: ircontrol (DiffBIR's: is given latents of the picture) or tile (any ControlNet: is given the picture).
    control_scale: 0 to 10. scheduler: one of STAGE_SCHEDULERS. spacing: of its times: leading, linspace, trailing, "" for the
    base model's own.

    mode: paper or released. object_steps: of the objects' stages, 1 to 1000; in mode released one number for each, the last for
    those after it, in mode paper (where each step meets that of the stage before) one for all. last_steps: of the last stage.
    object_guidance, last_guidance: of the words, 0 to 100; up to 1 there is none and ``negative`` is not used. suffix: is put
    behind all words.

    eta: of the energy guidance (equation 3), 0 to 10,000; 0: none. guided_part: of an object's steps, from the first on, those
    with t > T', 0 to 1. guided_blocks: of the U-Net, whose cross-attention maps are guided.

    margin_px: an object is painted in a window around its mask, so much wider on each side, and to ``multiple``; None: on the
    whole picture, as in the paper. In a window the nets see nothing beyond it: it is quicker, and sound where the margin holds
    what an object must fit to; light and scale of the whole are no longer seen, so it is not the default.

    short_px, area_px, multiple: the size at which is painted, see ``settings.Sizes``.
    """

    base: str = "sd21"
    control: str = "diffbir-v2"
    control_kind: str = "ircontrol"
    control_scale: float = 1.0
    vae: str = ""
    scheduler: str = "DDIMScheduler"
    spacing: str = ""
    mode: str = PAPER
    object_steps: tuple[int, ...] = (20,)
    last_steps: int = 50
    object_guidance: float = 3.5
    last_guidance: float = 7.0
    suffix: str = ""
    negative: str = "low quality, blurry, low-resolution, noisy, unsharp, weird textures"
    eta: float = 30.0
    guided_part: float = 0.2
    guided_blocks: tuple[str, ...] = ("mid_block", "up_blocks.1")
    margin_px: int | None = None
    short_px: int | None = 512
    area_px: int = 2 * 512 * 512
    multiple: int = 64

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("base", "control"):
            if not getattr(self, name):
                raise SceneError("there is always one", field=name)
        check_choice("control_kind", self.control_kind, CONTROLS)
        check_choice("scheduler", self.scheduler, STAGE_SCHEDULERS)
        check_choice("spacing", self.spacing, SPACINGS)
        check_choice("mode", self.mode, (PAPER, RELEASED))
        for name, most in RANGES.items():
            check_range(name, getattr(self, name), 0, most)
        self.check_steps()
        self.check_blocks()
        if self.margin_px is not None:
            check_range("margin_px", self.margin_px, 0, MOST_MARGIN_PX)
        check_sizes(self)

    def check_steps(self) -> None:
        for name, steps in (("last_steps", self.last_steps), *(("object_steps", steps) for steps in self.object_steps)):
            check_range(name, steps, 1, MOST_STEPS)
        if not self.object_steps or (self.mode == PAPER and len(self.object_steps) > 1):
            raise SceneError("in mode paper one number of steps is for all objects", field="object_steps")

    def check_blocks(self) -> None:
        if len(set(self.guided_blocks)) < len(self.guided_blocks) or not all(map(BLOCK.fullmatch, self.guided_blocks)):
            raise SceneError("are named once, as mid_block, down_blocks.2 or up_blocks.1", field="guided_blocks")
        if self.eta and not self.guided_blocks:
            raise SceneError("energy guidance is of some blocks: name them, or set eta to 0", field="guided_blocks")

    def steps(self, number: int) -> int:
        """Of an object's stage; the first is 1."""
        return self.object_steps[min(number, len(self.object_steps)) - 1]

    def guided(self, steps: int) -> int:
        """How many of so many steps have t > T'."""
        return int(self.guided_part * steps + 0.5) if self.eta else 0

    def size_px(self, width_px: int, height_px: int) -> Size:
        """The width and height at which a picture of this size is painted: see ``settings.size_px``."""
        return settings.size_px(self, width_px, height_px)


def to_json(painter: StagePainter) -> str:
    """All settings; ``from_json`` reads them."""
    return settings.to_json(painter)


def from_json(text: str) -> StagePainter:
    """A painter from its JSON; what is left out is as in `paper`. Raises SceneError with the field at fault."""
    return settings.from_json(StagePainter, text)


def identity(painter: StagePainter) -> bytes:
    """SHA-256 (32 bytes) of the settings: see ``limner.render.identity``. MissingError if a folder cannot be read."""
    return identities.identity(settings.values(painter), MODELS)


def model_id(painter: StagePainter) -> bytes:
    """The two bytes that a file carries."""
    return identity(painter)[:ID_BYTES]


STAGE_PAINTERS: dict[str, StagePainter] = {
    "paper": StagePainter(),
    "released": StagePainter(mode=RELEASED, scheduler="DDPMScheduler", spacing="linspace", object_steps=(5, 10), eta=0.0),
    "fast": StagePainter(
        base="sd-turbo",
        vae="taesd",
        scheduler="EulerDiscreteScheduler",
        spacing="trailing",
        object_steps=(4,),
        last_steps=4,
        object_guidance=0.0,
        last_guidance=0.0,
        negative="",
        eta=0.0,
    ),
    "tile": replace(StagePainter(), base="sd15", control="controlnet-tile-sd15", control_kind="tile"),
}
"""Presets by name."""
