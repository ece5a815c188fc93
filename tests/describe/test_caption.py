"""Describers: the user's words, the sidecar, and the answers of models, strictly read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import scene as picture

from limner.describe.answer import Limits, Turn, asked, cut, prompt, scene_of, shown
from limner.describe.caption import Describer, Sidecar, Words
from limner.describe.scene import Scene, Thing
from limner.errors import SceneError

PIXELS = picture(40, 30)
GOOD = {"caption": "a dog", "overall": "a wet dog on sand", "objects": [{"name": "dog", "detail": "brown, wet, running"}]}


def test_the_users_words_are_not_cut() -> None:
    words = "  a red boat\n" + "and gulls " * 40
    describer: Describer = Words(words)
    found = describer.describe(PIXELS, Limits())
    assert found.caption == " ".join(words.split()) and found.size_px == (40, 30)


def test_a_sidecar_is_cut_and_belongs_to_its_picture(tmp_path: Path) -> None:
    path = tmp_path / "photo.json"
    path.write_text(json.dumps({**GOOD, "size": [40, 30]}), "utf-8")
    found = Sidecar(path).describe(PIXELS, Limits(detail_words=2, overall_words=3))
    assert found == Scene("a dog", "a wet dog", (Thing("dog", None, "brown, wet"),), (40, 30))
    assert Sidecar(path).describe(PIXELS, Limits(things=0)).things == ()
    path.write_text(json.dumps({**GOOD, "size": [30, 40]}), "utf-8")
    with pytest.raises(SceneError, match="size"):
        Sidecar(path).describe(PIXELS, Limits())


@pytest.mark.parametrize("form", ["{}", "```json\n{}\n```", "Here it is:\n```\n{}\n```\nIs it good?", "Sure! {} Thank you."])
def test_an_answer_is_found_in_its_wrapping(form: str) -> None:
    found = scene_of(form.replace("{}", json.dumps(GOOD)), Limits())
    assert (found.caption, found.overall, found.things[0].name) == ("a dog", "a wet dog on sand", "dog")


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ("I cannot help with that.", "answer"),
        ('{"caption": "a dog"', "answer"),
        ('{"caption": "a dog"}', "overall"),
        ('{"overall": "a dog"}', "caption"),
        (json.dumps({**GOOD, "objects": [{"detail": "no name"}]}), "objects[0].name"),
        (json.dumps({**GOOD, "objects": "dog"}), "objects"),
    ],
)
def test_answers_of_another_form_are_refused(answer: str, field: str) -> None:
    with pytest.raises(SceneError) as caught:
        scene_of(answer, Limits())
    assert caught.value.field == field


def test_a_model_is_asked_again_once() -> None:
    answers, turns = ["I see a dog.", json.dumps(GOOD), "A dog.", "Truly.", json.dumps(GOOD)], list[Sequence[Turn]]()

    def ask(said: Sequence[Turn]) -> str:
        turns.append(said)
        return answers.pop(0)

    assert asked(ask, Limits()).caption == "a dog"
    question = ("user", prompt(Limits()))
    assert turns[0] == [question] and turns[1][:2] == [question, ("assistant", "I see a dog.")]
    role, again = turns[1][2]
    assert role == "user" and "the answer holds no JSON object" in again
    with pytest.raises(SceneError, match="no JSON object"):
        asked(ask, Limits())
    assert len(answers) == 1


@pytest.mark.parametrize(("given", "size"), [((40, 30), (40, 30)), ((1024, 9), (1024, 9)), ((1500, 3000), (512, 1024))])
def test_models_are_shown_no_more_than_they_need(given: tuple[int, int], size: tuple[int, int]) -> None:
    assert shown(picture(*given)).size == size


@given(st.text())
def test_any_answer_is_a_scene_or_a_scene_error(answer: str) -> None:
    with pytest.raises(SceneError):
        scene_of(answer, Limits())


@given(st.text(), st.integers(1, 5))
def test_words_are_cut_at_their_borders(words: str, most: int) -> None:
    kept = cut(words, most)
    assert len(kept.split()) <= most and " ".join(words.split()).startswith(kept)


def test_the_prompt_says_the_limits() -> None:
    asked = prompt(Limits(2, 4, 21, 33))
    assert all(f"{number} " in asked for number in (2, 4, 21, 33))
    with pytest.raises(SceneError, match="detail_words"):
        Limits(detail_words=0)
