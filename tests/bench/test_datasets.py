"""Data sets: named, held against hashes, pinned, with what is told of their pictures."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pictures import scene
from PIL import Image

from limner.bench.datasets import SHIPPED, DataSet, digest, opened, pin
from limner.bench.sources import SOURCES, Source
from limner.describe.scene import Thing
from limner.errors import ImageError, LimnerError, SceneError

Pixels = NDArray[np.uint8]


def write(folder: Path, *names: str) -> Path:
    """A folder of small pictures, each another."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(24, 16, number)).save(path)
    return folder


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of three pictures that is known by name, and where it lies."""
    source = Source("three hills", "https://example.org/", 3, "24x16", ())
    monkeypatch.setitem(SOURCES, "three", source)
    return write(tmp_path / "three", "b.png", "a.png", "c.png")


# Folders.


def test_a_folder_is_read_with_those_below_sorted_without_hidden_ones(tmp_path: Path) -> None:
    write(tmp_path / "mine", "z.png", "a/y.JPG", "a/b/x.webp", ".hidden.png", ".git/w.png")
    (tmp_path / "mine" / "notes.txt").write_text("no picture")
    found = opened(str(tmp_path / "mine"))
    assert (found.name, found.checked) == ("mine", "not checked")
    assert [item.name for item in found.pictures] == ["a/b/x.webp", "a/y.JPG", "z.png"]
    assert np.array_equal(found.pixels(found.pictures[2]), scene(24, 16, 0))


def test_what_is_no_set_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="kodak, clic2020-test, clic2020-professional"):
        opened("clic")
    with pytest.raises(ImageError, match="holds no pictures"):
        opened(str(tmp_path))
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path))
    with pytest.raises(ImageError, match="limner bench data fetch kodak"):
        opened("kodak")
    with pytest.raises(ImageError, match="no preparation"):
        opened(str(write(tmp_path, "a.png")), "768")


def test_a_folder_that_is_called_like_a_set_is_not_taken_for_it(tmp_path: Path) -> None:
    assert opened(str(write(tmp_path / "kodak", "kodim01.png"))).name == "kodak-folder"


def test_a_file_that_is_no_picture_is_an_error_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    found = opened(str(tmp_path))
    with pytest.raises(ImageError, match=r"a\.png"):
        found.pixels(found.pictures[0])


# Known sets.


def test_a_known_set_is_found_by_its_name(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [item.name for item in opened("three", root=three).pictures] == ["a.png", "b.png", "c.png"]
    monkeypatch.setenv("LIMNER_DATA", str(three.parent))
    found = opened("three", "short512")
    assert found.folder == three and found.pixels(found.pictures[0]).shape == (512, 768, 3)


def test_a_part_of_a_set_is_not_the_set(three: Path) -> None:
    (three / "a.png").unlink()
    with pytest.raises(ImageError, match="holds 2 pictures, and three"):
        opened("three", root=three)
    write(three, "a.png", "d.png")
    with pytest.raises(ImageError, match="holds 4 pictures"):
        opened("three", root=three)


def test_of_a_larger_archive_the_first_by_name_are_the_set(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "two", Source("two of three", "https://example.org/", 2, "24x16", (), first=2))
    pin(opened("two", root=three))
    found = opened("two", root=three)
    assert [item.name for item in found.pictures] == ["a.png", "b.png"] and found.checked.startswith("pinned on 2")


def test_kodak_ships_hashes_of_its_24_pictures(tmp_path: Path) -> None:
    kept = json.loads((SHIPPED / "kodak.json").read_text())
    names = [f"kodim{number:02}.png" for number in range(1, 25)]
    assert list(kept["pictures"]) == names and kept["checked"] == "published hashes"
    assert all(re.fullmatch("[0-9a-f]{64}", one[key]) for one in kept["pictures"].values() for key in ("file", "pixels"))
    assert len({one["file"] for one in kept["pictures"].values()}) == 24
    found = opened("kodak", root=write(tmp_path, *names))
    assert found.checked == "published hashes"
    with pytest.raises(ImageError, match=r"kodim03\.png is not the picture of the data set"):
        found.pixels(found.pictures[2])
    (tmp_path / "kodim24.png").rename(tmp_path / "kodim25.png")
    with pytest.raises(ImageError, match=r"kodim24\.png is missing, 2 differences"):
        opened("kodak", root=tmp_path)


# Pins.


def test_what_was_pinned_is_held_against_it(three: Path) -> None:
    before = opened("three", root=three)
    assert before.checked == "not checked"
    before.check()
    path = pin(before, "as somebody gave it")
    after = opened("three", root=three)
    assert re.fullmatch(r"pinned on \d{4}-\d\d-\d\d, as somebody gave it", after.checked)
    after.check()
    assert json.loads(path.read_text())["pictures"]["a.png"]["pixels"] == digest(scene(24, 16, 1))
    with pytest.raises(ImageError, match="there already"):
        pin(after)

    other = scene(24, 16, 1)
    other[3, 3, 2] ^= 1
    Image.fromarray(other).save(three / "a.png")
    with pytest.raises(ImageError, match="not the picture"):
        after.pixels(after.pictures[0])
    with pytest.raises(ImageError, match="not the picture"):
        opened("three", root=three).check()


def test_the_same_pixels_in_another_file_are_the_same_picture(three: Path) -> None:
    pin(opened("three", root=three))
    Image.fromarray(scene(24, 16, 1)).save(three / "a.png", compress_level=0)
    opened("three", root=three).check()


def test_a_picture_that_was_not_pinned_is_refused(tmp_path: Path) -> None:
    pin(opened(str(write(tmp_path, "a.png"))))
    write(tmp_path, "a.png", "b.png")
    with pytest.raises(ImageError, match=r"b\.png is none of its pictures, 1 differences"):
        opened(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", '{"limner_data": 2}', '{"limner_data": 1, "checked": "x", "pictures": {"a": {}}}'])
def test_a_damaged_pin_is_an_error_with_what_to_do(tmp_path: Path, text: str) -> None:
    write(tmp_path, "a.png")
    (tmp_path / "limner-data.json").write_text(text)
    with pytest.raises(ImageError, match="delete it and pin the set anew"):
        opened(str(tmp_path))


def test_a_digest_by_hand() -> None:
    picture = np.arange(18, dtype=np.uint8).reshape(3, 2, 3)
    assert digest(picture) == hashlib.sha256(b"2 3\n" + bytes(range(18))).hexdigest()
    assert digest(picture) != digest(picture.reshape(2, 3, 3))


# Scenes.


def test_scenes_beside_the_pictures_are_read(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "in/b.png", "c.png")
    thing = {"name": "hill", "box": [0, 4, 24, 16]}
    kept = {"a.png": {"caption": "a hill", "objects": [thing], "caption_ofa": "hill"}, "b.png": {"caption": "two"}}
    (tmp_path / "scenes.json").write_text(json.dumps(kept))
    found = opened(str(tmp_path))
    assert [item.words for item in found.pictures] == ["a hill", "", "two"]
    assert found.pictures[0].scene.things == (Thing("hill", (0, 4, 24, 16)),)
    assert found.words_of_others(found.pictures[0]) == ("two",)
    other = tmp_path / "other.json"
    other.write_text('{"in/b.png": {"caption": "another"}}')
    assert opened(str(tmp_path), scene_file=other).pictures[2].words == "another"


@pytest.mark.parametrize(
    ("text", "error"),
    [("no JSON", ImageError), ("[]", ImageError), ('{"a.png": {"captoin": "x"}}', SceneError), ('{"a.png": 5}', SceneError)],
)
def test_scenes_that_cannot_be_used_are_said(tmp_path: Path, text: str, error: type[LimnerError]) -> None:
    write(tmp_path, "a.png")
    (tmp_path / "scenes.json").write_text(text)
    with pytest.raises(error):
        opened(str(tmp_path))


def test_a_set_without_pictures_is_none() -> None:
    with pytest.raises(ImageError, match="holds no pictures"):
        DataSet("x", Path("x"), ())
