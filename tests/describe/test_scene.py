"""The sidecar: what is read is what was written, and every fault is named by its field."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.describe import scene
from limner.describe.scene import Scene, Thing
from limner.errors import LimnerError, SceneError

lines = st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: " ".join(text.split()))
boxes = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(51, 99)] * 2)
things = st.builds(Thing, lines.filter(bool), st.none() | boxes, lines, st.none(), lines)
scenes = st.builds(Scene, lines, lines, st.lists(things, max_size=3).map(tuple), st.none() | st.just((100, 100)))


@given(scenes)
def test_a_scene_comes_back(given: Scene) -> None:
    assert scene.from_json(scene.to_json(given), Path()) == given


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda part: (
            st.lists(part, max_size=4)
            | st.dictionaries(st.sampled_from([*scene.FIELDS, *scene.THING_FIELDS]), part, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_scene_or_a_scene_error(kept: object) -> None:
    try:
        scene.from_json(json.dumps(kept), Path())
    except SceneError as error:
        assert error.field and str(error).startswith(error.field)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "file"),
        ("[]", "file"),
        ("[" * 100_000, "file"),
        ('{"caption": 3}', "caption"),
        ('{"captoin": "a dog"}', "captoin"),
        ('{"size": [0, 4]}', "size"),
        ('{"size": [10]}', "size"),
        ('{"objects": {}}', "objects"),
        ('{"objects": ["dog"]}', "objects[0]"),
        ('{"objects": [{"name": " "}]}', "objects[0].name"),
        ('{"objects": [{"name": "a"}, {"name": "dog", "box": [1, 2, 3]}]}', "objects[1].box"),
        ('{"objects": [{"name": "dog", "box": [1, 2, 3, NaN]}]}', "objects[0].box"),
        ('{"objects": [{"name": "dog", "box": [1, 2, 3, true]}]}', "objects[0].box"),
        ('{"objects": [{"name": "dog", "box": [5, 2, 3, 4]}]}', "objects[0].box"),
        ('{"size": [9, 9], "objects": [{"name": "dog", "box": [1, 2, 10, 4]}]}', "objects[0].box"),
        ('{"objects": [{"name": "dog", "mask": "none.png"}]}', "objects[0].mask"),
        ('{"objects": [{"name": "dog", "mask": "../../etc/passwd"}]}', "objects[0].mask"),
        ('{"objects": [{"name": "dog", "details": "wet"}]}', "objects[0].details"),
    ],
)
def test_faults_are_named_by_their_field(text: str, field: str, tmp_path: Path) -> None:
    with pytest.raises(SceneError) as caught:
        scene.from_json(text, tmp_path)
    assert caught.value.field == field


def test_fields_of_other_programs_are_left_alone() -> None:
    assert scene.from_json('{"caption": "a dog", "caption_ofa": "dog", "model": 3}', Path()).caption == "a dog"


def test_a_sidecar_is_read_with_its_masks(tmp_path: Path) -> None:
    (tmp_path / "dog.png").write_bytes(b"")
    path = tmp_path / "photo.json"
    path.write_text('\ufeff{"objects": [{"name": "dog", "box": [1.4, 2, 3, 4], "mask": "dog.png"}]}', "utf-8")
    (thing,) = scene.read(path).things
    assert thing == Thing("dog", (1, 2, 3, 4), "", tmp_path / "dog.png")
    assert json.loads(scene.to_json(Scene(things=(thing,))))["objects"][0]["mask"] == "dog.png"
    for bad in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(SceneError, match="cannot be read"):
            scene.read(bad)


def test_the_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(SceneError("no", field="size")))
    assert isinstance(error, LimnerError) and (error.message, error.field) == ("no", "size")
