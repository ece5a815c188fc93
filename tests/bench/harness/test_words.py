"""Words that go with pictures: true ones, none, another's, and "NA"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from limner.bench.harness.words import derangement, digest, given
from limner.describe.scene import Scene, Thing
from limner.errors import LimnerError

DOOR, BOAT = Thing("door", (1, 2, 3, 4), "a red door"), Thing("boat", (5, 6, 7, 8), "a small boat")
WALL = Scene("a wall", "an old brick wall", (DOOR,), (96, 64))
QUAY = Scene("a quay", "boats at a quay", (BOAT, replace(BOAT, name="ship")), (96, 64))
HILL = Scene("a hill", size_px=(96, 64))


@examples(count=st.integers(2, 60), seed=st.integers(0, 2**32 - 1))
def test_nobody_keeps_its_own(count: int, seed: int) -> None:
    order = derangement(count, seed)
    assert sorted(order) == list(range(count))
    assert all(place != other for place, other in enumerate(order))
    assert derangement(count, seed) == order


def test_seeds_differ_and_do_so_for_ever() -> None:
    assert len({tuple(derangement(8, seed)) for seed in range(20)}) > 10
    # What is written in records with a seed has to be found again.
    assert derangement(6, 0) == [5, 2, 0, 1, 3, 4]
    with pytest.raises(LimnerError, match="two pictures"):
        derangement(1, 0)


def test_true_words_stay() -> None:
    assert given([WALL, QUAY], "true", 0) == [WALL, QUAY]


def test_no_words_are_none_and_no_objects() -> None:
    for kind in ("empty", "none"):
        assert given([WALL, HILL], kind, 0) == [Scene(size_px=(96, 64))] * 2


def test_na_is_said_of_everything() -> None:
    wall, bare = given([WALL, Scene()], "na", 0)
    assert wall == Scene("NA", "NA", (Thing("NA", DOOR.box, "NA"),), (96, 64))
    assert bare == Scene("NA")


def test_shuffled_words_are_of_another_and_places_stay() -> None:
    wall, quay = given([WALL, QUAY], "shuffled", 0)
    assert (wall.caption, wall.overall) == ("a quay", "boats at a quay")
    assert wall.things == (Thing("boat", DOOR.box, "a small boat"),)
    assert [thing.name for thing in quay.things] == ["door", "door"]
    assert [thing.box for thing in quay.things] == [BOAT.box, BOAT.box]


def test_words_move_between_what_has_one_kind_and_what_has_both() -> None:
    only = Scene(overall="a long description")
    hill, other = given([HILL, only], "shuffled", 0)
    assert hill.caption == "a long description" and other.overall == "a hill" and other.caption == ""


@pytest.mark.parametrize("kind", ["true", "shuffled"])
def test_words_that_are_not_there_cannot_be_given(kind: str) -> None:
    with pytest.raises(LimnerError, match=r"1 of 2 pictures have no words.*scenes\.json.*empty, na"):
        given([WALL, Scene()], kind, 0)


def test_other_kinds_are_refused() -> None:
    with pytest.raises(LimnerError, match="true, empty, shuffled, na"):
        given([WALL], "loud", 0)


def test_other_words_have_another_digest() -> None:
    assert digest(WALL) == digest(replace(WALL)) != digest(replace(WALL, caption="a well"))
