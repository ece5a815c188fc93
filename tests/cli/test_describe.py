"""``limner describe`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictures import scene
from PIL import Image

from limner.cli import main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene(40, 30)).save(path)
    return path


def test_own_words_are_written_beside_the_picture(photo: Path) -> None:
    assert main(["describe", str(photo), "--caption", "a  red boat"]) == 0
    kept = json.loads(photo.with_suffix(".json").read_text("utf-8"))
    assert kept == {"size": [40, 30], "caption": "a red boat", "overall": "a red boat", "objects": []}
    assert main(["describe", str(photo), "--caption", "other words"]) == 1  # it exists
    assert main(["describe", str(photo), "--caption", "other words", "--overwrite"]) == 0


def test_a_scene_is_checked_and_cut(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"caption": "a boat", "objects": [{"name": "boat", "detail": "small and red"}] * 2}), "utf-8")
    asked = ["describe", str(photo), "-o", "-", "--scene", str(given), "--things", "1", "--detail-words", "1"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == [{"name": "boat", "detail": "small"}]
    given.write_text('{"objects": [{"name": "boat", "box": [1, 2, 400, 5]}]}', "utf-8")
    assert main(asked) == 1
    assert "objects[0].box" in capsys.readouterr().err


def test_masks_are_written_beside_the_scene(photo: Path, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    given, out = tmp_path / "given.json", tmp_path / "out" / "photo.json"
    things = [{"name": "boat", "box": [5, 5, 30, 20]}, {"name": "sky"}]
    given.write_text(json.dumps({"caption": "a boat", "overall": "a boat", "objects": things}), "utf-8")
    assert main(["describe", str(photo), "-o", str(out), "--scene", str(given), "--masks", "grabcut"]) == 0
    kept = json.loads(out.read_text("utf-8"))["objects"]
    assert [thing.get("mask") for thing in kept] == ["photo.0.png", None]
    with Image.open(out.with_name("photo.0.png")) as mask:
        assert (mask.mode, mask.size) == ("1", (40, 30)) and mask.getbbox() is not None
    out.unlink()
    out.with_name("photo.0.png").write_bytes(b"mine")
    asked = ["describe", str(photo), "-o", str(out), "--scene", str(given), "--masks", "grabcut"]
    assert main(asked) == 1 and out.with_name("photo.0.png").read_bytes() == b"mine" and not out.exists()
    assert main([*asked, "--overwrite"]) == 0
    assert main(["describe", str(photo), "-o", "-", "--scene", str(given), "--masks", "grabcut"]) == 2
    assert main(["describe", str(photo), "--scene", str(given), "--masks", "scissors"]) == 2


@pytest.mark.parametrize("more", [[], ["--caption", "a", "--endpoint", "http://localhost:9/v1"]])
def test_one_describer_is_asked_for(photo: Path, more: list[str]) -> None:
    assert main(["describe", str(photo), *more]) == 2


def test_an_address_that_is_silent_fails_the_file_alone(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("httpx2")
    assert main(["describe", str(photo), "--endpoint", "nowhere"]) == 1
    assert "does not answer" in capsys.readouterr().err
    assert not photo.with_suffix(".json").exists()
