"""What words are worth: every system with the true words, with none, with another picture's, and with "NA".

    scenes of a set --words, seed--> scenes with other words in them
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace

from limner.describe.scene import Scene, Thing, to_json
from limner.errors import LimnerError

TRUE, EMPTY, SHUFFLED, NA, NONE = "true", "empty", "shuffled", "na", "none"
KINDS = (TRUE, EMPTY, SHUFFLED, NA)
"""What can be asked of a system that is given words."""
NO_ANSWER = "NA"


def given(scenes: Sequence[Scene], kind: str, seed: int) -> list[Scene]:
    """The scenes of a set with the words of a kind. Raises LimnerError where there are none to give.

    Shuffled: each picture has another's, by a permutation that the seed fixes and that leaves none in its place. Objects keep
    their places in the picture; without words there are none.
    """
    if kind in (NONE, EMPTY):
        return [Scene(size_px=scene.size_px) for scene in scenes]
    if kind == NA:
        return [worded(scene, Scene(NO_ANSWER, NO_ANSWER, (Thing(NO_ANSWER, detail=NO_ANSWER),))) for scene in scenes]
    silent = sum(not spoken(scene) for scene in scenes)
    if silent:
        counted = f"{silent} of {len(scenes)} pictures have no words"
        raise LimnerError(f"{counted}: say what they show in a scenes.json beside them, or ask for other words: {EMPTY}, {NA}")
    if kind == TRUE:
        return list(scenes)
    if kind == SHUFFLED:
        return [worded(scene, scenes[other]) for scene, other in zip(scenes, derangement(len(scenes), seed), strict=True)]
    raise LimnerError(f"words are {', '.join(KINDS)}, not {kind!r}")


def derangement(count: int, seed: int) -> list[int]:
    """A permutation of 0..count-1 that is one circle, so that nobody stays in place.

    Source: Sattolo 1986, An algorithm to generate a random cyclic permutation. Raises LimnerError for fewer than two.
    """
    if count < 2:
        raise LimnerError("words of another picture need two pictures")
    order, chance = list(range(count)), random.Random(seed)
    for last in range(count - 1, 0, -1):
        other = int(chance.random() * last)
        order[last], order[other] = order[other], order[last]
    return order


def spoken(scene: Scene) -> str:
    """The words for the whole, the short ones if there are any."""
    return scene.caption or scene.overall


def worded(scene: Scene, words: Scene) -> Scene:
    """A scene's things where they are, with the words of another for them and for the whole."""
    said, caption, overall = words.things, "", ""
    if scene.caption or not scene.overall:
        caption = words.caption or words.overall
    if scene.overall:
        overall = words.overall or words.caption
    things = [renamed(thing, said[number % len(said)]) for number, thing in enumerate(scene.things) if said]
    return Scene(caption, overall, tuple(things), scene.size_px)


def renamed(thing: Thing, other: Thing) -> Thing:
    return replace(thing, name=other.name, detail=other.detail)


def digest(scene: Scene) -> str:
    """SHA-256 in hex of what is said: other words, another outcome."""
    return hashlib.sha256(to_json(scene).encode()).hexdigest()
