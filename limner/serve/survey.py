"""What is here: which systems can encode, which can paint, and what they lack."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec

from limner.errors import LimnerError
from limner.render.painter import Painter
from limner.render.stagepainter import StagePainter
from limner.serve.wire import Json
from limner.systems import levels, presets, sketches, taco
from limner.systems.miniature import PAINTERS
from limner.weights import published, sets

WHAT = {
    "miniature": "a small codec whose weights are in the package; no words",
    "pic": "words alone; diffusion paints",
    "pics": "words and a sketch; diffusion paints",
    "taco": "latents whose encoder has read the words, which are not sent",
    "sedic": "a small reference, words for the whole, words and a mask for each object; diffusion paints",
}
DIFFUSION = ("torch", "diffusers", "transformers")


def found(describer: str) -> dict[str, Json]:
    """The systems, as `limner.serve.answers.Systems` has them, without the limits of the service."""
    systems: list[Json] = [system(name) for name in WHAT]
    return {"version": version("limner"), "systems": systems, "describes": bool(describer)}


def system(name: str) -> dict[str, Json]:
    encoding, by_preset = lacking_to_encode(name), painters(name)
    least = min(by_preset.values(), key=len, default=[])
    given: list[Json] = [{"name": preset, "missing": list(missing)} for preset, missing in by_preset.items()]
    lacks: list[Json] = list(encoding)
    unpainted: list[Json] = list(least)
    return {
        "name": name,
        "what": WHAT[name],
        "encodes": not encoding,
        "missing": lacks,
        "paints": not least,
        "painter_missing": unpainted,
        "painters": list(PAINTERS) if name == "miniature" else ["faithful"],
        "diffusion": bool(by_preset),
        "presets": given,
    }


def lacking_to_encode(name: str) -> list[str]:
    """What encoding with given words, scene and preset ``light`` lacks."""
    if name == "taco":
        return [] if sets(taco.NAME) else ["weights of taco"]
    if name == "pics":
        return [] if sets(sketches.NAME) else ["weights of a sketch"]
    return lacking_packages(("cv2",)) if name == "sedic" else []


def painters(name: str) -> dict[str, list[str]]:
    """What each preset's painter lacks; empty where no diffusion paints."""
    if name == "sedic":
        return {preset: lacking(kept.painter) for preset, kept in levels.PRESETS.items()}
    return {preset: lacking(kept.painter) for (of, preset), kept in presets.PRESETS.items() if of == name}


def lacking(painter: Painter | StagePainter) -> list[str]:
    names = (painter.base, painter.control, painter.vae)
    return [*lacking_packages(DIFFUSION), *(one for one in dict.fromkeys(names) if one and not here(one))]


def lacking_packages(modules: tuple[str, ...]) -> list[str]:
    return [module for module in modules if find_spec(module) is None]


def here(name: str) -> bool:
    try:
        published(name)
    except LimnerError:
        return False
    return True
