"""What a detector does not find is taken out of the words, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.describe.found import Checked, checked, without
from limner.describe.scene import Box, Scene, Thing
from limner.errors import SceneError

PIXELS = np.zeros((40, 60, 3), np.uint8)
BOX = (1, 2, 30, 20)
NAMES = ("dog", "red door", "door", "boats", "berry", "hot dog", "cup on table", "dog boat")
NOUNS = "dog dogs Dog door red hot boat boats cup table berry berries"
OTHERS = "a the old runs and with on under while"


class Seeing:
    """A detector that finds some names; what it was asked is written down."""

    def __init__(self, *seen: str) -> None:
        self.seen = seen
        self.asked: list[str] = []

    def boxes(self, pixels: np.ndarray, names: Sequence[str]) -> list[Box | None]:
        self.asked += names
        return [BOX if name in self.seen else None for name in names]


def words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text)


def within(few: Sequence[str], many: Sequence[str]) -> bool:
    """Whether few stand in many, in their order."""
    left = iter(many)
    return all(one in left for one in few)


SINGULAR = {"dogs": "dog", "boats": "boat", "berries": "berry"}


def places(text: str, name: str) -> list[set[int]]:
    """Where a name stands in the words of a text, the last of it in either number: the numbers of the words."""
    heard, sought = (re.findall(r"[\w'-]+|[^\w\s]", one.lower()) for one in (text, name))
    spans = [range(start, start + len(sought)) for start in range(len(heard) - len(sought) + 1)]
    one = SINGULAR.get(sought[-1], sought[-1])
    return [
        set(span)
        for span in spans
        if [heard[i] for i in span][:-1] == sought[:-1] and SINGULAR.get(heard[span[-1]], heard[span[-1]]) == one
    ]


def says(text: str, gone: Sequence[str], there: Sequence[str]) -> bool:
    safe = [place for name in there for place in places(text, name)]
    return any(not any(place <= one for one in safe) for name in gone for place in places(text, name))


clauses = st.lists(st.sampled_from(NOUNS.split()) | st.sampled_from(OTHERS.split()), min_size=1, max_size=5).map(" ".join)
texts = st.lists(st.tuples(clauses, st.sampled_from([",", ";", "."])), max_size=3).map(
    lambda parts: " ".join(clause + mark for clause, mark in parts).rstrip(",;")
)
names = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)


@given(texts, names, names)
def test_what_is_gone_is_not_said_and_the_rest_keeps_its_order(text: str, gone: list[str], there: list[str]) -> None:
    left = without(text, gone, there)
    assert not says(left, gone, there)
    assert within(words(left), words(text))
    if not says(text, gone, there):
        assert left == text


@given(texts, names)
def test_what_is_left_is_tidy(text: str, gone: list[str]) -> None:
    left = without(text, gone)
    assert left == left.strip() and "  " not in left
    assert not re.search(r"[,;.!]\s*[,;.!]|^[,;.!]|\s[,;.!]|[,;]$", left)


@given(texts, st.lists(st.sampled_from(["dog", "door", "boats", "berry"]), max_size=3, unique=True))
def test_clauses_that_do_not_say_it_are_kept(text: str, gone: list[str]) -> None:
    left = words(without(text, gone))
    kept = [clause for clause in re.split(r"[,;.!]", text) if not says(clause, gone, [])]
    told = [re.sub(r"^(?:\s*(?:and|with|while)\b)+", "", clause) for clause in kept]
    assert within([word for clause in told for word in words(clause) if word not in ("and", "with")], left)


@given(st.text(), st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=2))
def test_any_text_and_name_will_do(text: str, gone: list[str], there: list[str]) -> None:
    left = without(text, gone, there)
    assert without(left, gone, there) == left
    assert within("".join(left.split()), "".join(text.split())) or within(words(left), words(text))


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("a man, a dog and a cat", "dog", "a man, a cat"),
        ("a man, a dog and a cat.", "cat", "a man, a dog."),
        ("a plate with salmon and rice", "salmon", "a plate with rice"),
        ("an old wall with red doors and green windows, warm light", "green window", "an old wall with red doors, warm light"),
        ("A harbor with boats moored under a grey sky, with hills behind.", "boat", "A harbor, with hills behind."),
        ("a kitchen where a cat sleeps on a chair", "cat", "a kitchen"),
        ("sunset. A dog on sand. Waves", "dog", "sunset. Waves"),
        ("a man and a dog. sunset", "dog", "a man. sunset"),
        ("a wet dog on sand under a grey sky", "dog", "sand under a grey sky"),
        ("a brown dog running", "dog", "a brown running"),
        ("a wet dog, dog, a dry dog", "dog", "a wet, a dry"),
        ("a dog", "dog", ""),
        ("cherries and a bowl", "cherry", "a bowl"),
        ("churches, a box", "box", "churches"),
        ("a traffic-light, a street", "traffic light", "a street"),
        ("a boat-house, a boat", "boat", "a boat-house"),
        ("a cattle-dog, a dog", "dog", "a cattle-dog"),
        ("a dogma, a hotdog", "dog", "a dogma, a hotdog"),
        ("a man with a dog. And a cat", "dog", "a man. And a cat"),
        ("a  man,  a dog", "dog", "a man"),
        ("a dog and, a cat", "dog", "a cat"),
        ("a dog dog cat cat", "dog cat", ""),
        ("a very wet dog dog dog runs", "dog dog", "a very wet runs"),
        ("in the front, a dog; in the back, hills", "dog", "in the front, in the back, hills"),
    ],
)
def test_clauses_go_where_words_would_not_do(text: str, gone: str, left: str) -> None:
    assert without(text, [gone]) == left


def test_names_may_overlap() -> None:
    assert without("a red door dog runs fast", ["red door", "door", "door dog"]) == "runs fast"
    assert without("a red door dog runs fast", ["red door dog", "door"]) == "runs fast"


def test_what_is_found_keeps_words_that_it_shares() -> None:
    assert without("a hot dog on a plate, a dog beside", ["dog"], ["hot dog"]) == "a hot dog on a plate"
    assert without("two doors", ["doors"], ["door"]) == "two doors"


def test_things_that_are_not_found_are_left_out_and_told() -> None:
    drawn, masked = Thing("kite", (5, 5, 9, 9)), Thing("gull", mask=Path("gull.png"))
    things = (Thing("boat", detail="red, a dog in it"), Thing("dog", detail="wet"), drawn, masked, Thing("dog"), Thing("Kite"))
    detector = Seeing("boat")
    found = checked(Scene("a boat with a dog", "a boat, a dog, a kite", things, (60, 40)), PIXELS, detector)
    left = (Thing("boat", BOX, "red"), drawn, masked)
    assert found == Checked(Scene("a boat", "a boat, a kite", left, (60, 40)), ("dog",))
    assert detector.asked == ["boat", "dog", "Kite"]


boxed_things = st.builds(Thing, st.sampled_from(NAMES), st.none() | st.just((0, 0, 5, 5)), texts)
scenes = st.builds(Scene, texts, texts, st.lists(boxed_things, max_size=4).map(tuple), st.none() | st.just((60, 40)))


@given(scenes)
def test_a_scene_whose_things_are_all_found_gains_boxes_alone(scene: Scene) -> None:
    found = checked(scene, PIXELS, Seeing(*NAMES))
    assert found.hallucinated == ()
    things = tuple(Thing(thing.name, thing.box or BOX, thing.detail) for thing in scene.things)
    assert found.scene == Scene(scene.caption, scene.overall, things, scene.size_px)


@given(scenes, names)
def test_a_scene_says_nothing_that_was_not_found(scene: Scene, seen: list[str]) -> None:
    found = checked(scene, PIXELS, Seeing(*seen))
    there = [thing.name for thing in found.scene.things]
    assert set(there) | set(found.hallucinated) == {thing.name for thing in scene.things}
    for text in (found.scene.caption, found.scene.overall, *(thing.detail for thing in found.scene.things)):
        assert not says(text, found.hallucinated, there)
    assert checked(found.scene, PIXELS, Seeing()) == Checked(found.scene, ())


def test_nobody_is_asked_about_nothing() -> None:
    assert checked(Scene("a dog", "a dog"), PIXELS, Seeing()) == Checked(Scene("a dog", "a dog"), ())
    with pytest.raises(SceneError, match="size"):
        checked(Scene(size_px=(40, 60)), PIXELS, Seeing())
