"""What a multimodal model is shown and asked for, and its answer as a scene.

The form is SEDIC's (Song et al. 2025, section 3): names of things, details of each, a description of the whole, each within a
number of words. It is asked for as the JSON of ``limner.describe.scene``, read strictly, and cut at word borders.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.describe.scene import Scene, Thing, from_json
from limner.errors import SceneError

Pixels = NDArray[np.uint8]
Turn = tuple[str, str]  # who says it, ``user`` or ``assistant``, and what

CAPTION_WORDS = 20
SHOWN_SIDE_PX = 1024  # the longer side of a picture that a model is shown


@dataclass(frozen=True)
class Limits:
    """How much is asked for: things (J), words of a name (l_n), of a thing's detail (l_d), of the whole (l_all).

    The paper's levels: one thing, 20 and 30 words at 0.02 to 0.03 bpp; three, 30 and 50 at 0.04 to 0.05. Raises SceneError.
    """

    things: int = 3
    name_words: int = 3
    detail_words: int = 30
    overall_words: int = 50

    def __post_init__(self) -> None:
        for name in ("things", "name_words", "detail_words", "overall_words"):
            if getattr(self, name) < (0 if name == "things" else 1):
                raise SceneError("too small", field=name)


def prompt(limits: Limits) -> str:
    """What a model is asked, beside the picture."""
    return (
        "Describe this photograph for somebody who will paint it without seeing it. Answer with a JSON object alone:\n"
        '{"caption": "...", "overall": "...", "objects": [{"name": "...", "detail": "..."}]}\n'
        f"caption: one plain sentence of at most {CAPTION_WORDS} words.\n"
        f"overall: kind of picture, what stands where, light and colours, in at most {limits.overall_words} words.\n"
        f"objects: the {limits.things} things that matter most, the most important first; fewer if there are fewer.\n"
        f"name: at most {limits.name_words} words by which the thing can be found in the picture.\n"
        f"detail: its form, colours, material and place, in at most {limits.detail_words} words.\n"
        "Say only what can be seen. Small letters, no line breaks."
    )


def shown(pixels: Pixels) -> Image.Image:
    """pixels (h, w, 3) uint8 sRGB -> a picture no larger than a model need see."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((SHOWN_SIDE_PX, SHOWN_SIDE_PX), Image.Resampling.LANCZOS)
    return picture


def asked(ask: Callable[[Sequence[Turn]], str], limits: Limits) -> Scene:
    """The scene of a model that is asked for it; asked again once, with what was wrong, if its answer is not of the form.

    ask: the turns so far, ours first and last -> the model's answer.
    Raises SceneError for a second answer of another form, and what ``ask`` raises.
    """
    question = ("user", prompt(limits))
    answer = ask([question])
    try:
        return scene_of(answer, limits)
    except SceneError as error:
        again = f"That cannot be used ({error}). Answer again with the JSON object alone."
        return scene_of(ask([question, ("assistant", answer), ("user", again)]), limits)


def scene_of(answer: str, limits: Limits) -> Scene:
    """A model's answer as a scene. Raises SceneError if it is not of the form asked for."""
    scene = from_json(json_in(answer), Path())
    if not scene.overall or not scene.caption:
        raise SceneError("the answer lacks it", field="overall" if scene.caption else "caption")
    # Boxes were not asked for: models give them in units of their own.
    return within(replace(scene, things=tuple(Thing(thing.name, detail=thing.detail) for thing in scene.things)), limits)


def json_in(answer: str) -> str:
    """The JSON object of an answer: models put it in fences, and words around it."""
    fenced = re.search(r"```(?:json)?\s*(\{.*?\})\s*```", answer, re.DOTALL)
    text = fenced[1] if fenced else answer
    start = text.find("{")
    if start < 0:
        raise SceneError("the answer holds no JSON object", field="answer")
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"the answer holds no whole JSON object: {error}", field="answer") from error
    return text[start:end]


def within(scene: Scene, limits: Limits) -> Scene:
    """A scene cut to limits at word borders; the last things are left out first."""
    things = tuple(thing_within(thing, limits) for thing in scene.things[: limits.things])
    return replace(
        scene, caption=cut(scene.caption, CAPTION_WORDS), overall=cut(scene.overall, limits.overall_words), things=things
    )


def thing_within(thing: Thing, limits: Limits) -> Thing:
    return replace(thing, name=cut(thing.name, limits.name_words), detail=cut(thing.detail, limits.detail_words))


def cut(words: str, most: int) -> str:
    """At most so many words; no comma is left at the end of what was cut."""
    kept = words.split()
    return " ".join(kept) if len(kept) <= most else " ".join(kept[:most]).rstrip(",;:- ")
