"""``limner describe`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

from limner.cli import describers, main
from limner.describe import scene as scene_file


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


class Knows:
    """A detector that finds one name, wherever it is asked."""

    def boxes(self, pixels: object, names: list[str]) -> list[tuple[int, int, int, int] | None]:
        return [(5, 5, 30, 20) if name == "boat" else None for name in names]


class Says:
    """A segmenter of phrases that finds one name."""

    def named(self, pixels: np.ndarray, name: str) -> np.ndarray | None:
        return pixels[..., 0] > 100 if name == "boat" else None


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "given.json"
    things = [{"name": "boat", "detail": "small"}, {"name": "gull", "detail": "white"}]
    path.write_text(json.dumps({"caption": "a boat, a gull", "overall": "a boat", "objects": things}), "utf-8")
    return path


def test_what_is_not_found_is_taken_out(
    photo: Path, given: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(describers, "detector", lambda name, device: Knows())
    assert main(["describe", str(photo), "--scene", str(given), "--find", "grounding-dino"]) == 0
    assert "taken out of the words: gull" in capsys.readouterr().err
    kept = json.loads(photo.with_suffix(".json").read_text("utf-8"))
    assert kept["caption"] == "a boat"
    assert kept["objects"] == [{"name": "boat", "box": [5, 5, 30, 20], "detail": "small"}]


def test_masks_of_names_need_no_boxes(photo: Path, given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describers, "phrase_segmenter", lambda name, device: Says())
    assert main(["describe", str(photo), "--scene", str(given), "--masks", "clipseg"]) == 0
    boat, gull = json.loads(photo.with_suffix(".json").read_text("utf-8"))["objects"]
    assert (boat["mask"], boat["mask_by"]) == ("photo.0.png", "clipseg") and "mask" not in gull


def test_edges_are_drawn_beside_the_scene(photo: Path, tmp_path: Path) -> None:
    asked = ["describe", str(photo), "--caption", "a boat", "--edges", "net"]
    assert main(asked) == 0
    with Image.open(tmp_path / "photo.edges.png") as drawn:
        assert (drawn.mode, drawn.size) == ("L", (40, 30))
    photo.with_suffix(".json").unlink()
    assert main(asked) == 1  # the edges exist
    assert not photo.with_suffix(".json").exists()
    assert main([*asked, "-o", "-"]) == 2
    assert main(["describe", str(photo), "--caption", "a boat", "--edges", "charcoal"]) == 2


def test_masks_of_a_scene_go_where_it_goes(photo: Path, given: Path, tmp_path: Path) -> None:
    Image.new("L", (40, 30), 255).save(tmp_path / "mine.bmp")
    given.write_text(json.dumps({"objects": [{"name": "boat", "mask": "mine.bmp", "mask_by": "hand"}]}), "utf-8")
    out = tmp_path / "out" / "photo.json"
    assert main(["describe", str(photo), "--scene", str(given), "-o", str(out)]) == 0
    (boat,) = scene_file.read(out).things
    assert boat.mask == out.with_name("photo.0.png") and boat.mask_by == "hand"
    (tmp_path / "mine.bmp").write_bytes(b"no picture")
    assert main(["describe", str(photo), "--scene", str(given), "-o", str(out), "--overwrite"]) == 1


@pytest.mark.parametrize("more", [["--local", "somebody/model"], ["--invert", "somebody/clip"]])
def test_models_that_are_not_here_name_the_command(
    photo: Path, more: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["describe", str(photo), *more]) == 1
    assert f"limner weights fetch {more[1]}" in capsys.readouterr().err


def test_inspect_tells_of_a_scene(photo: Path, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    things = [{"name": "boat", "box": [5, 5, 30, 20]}]
    given.write_text(json.dumps({"caption": "a boat", "objects": things}), "utf-8")
    assert main(["describe", str(photo), "--scene", str(given), "--masks", "grabcut"]) == 0
    capsys.readouterr()
    assert main(["inspect", str(photo.with_suffix(".json"))]) == 0
    page = capsys.readouterr().out
    assert "photo.0.png (GrabCut" in page and "no weights" in page
    assert main(["inspect", "--json", str(photo.with_suffix(".json"))]) == 0
    assert json.loads(capsys.readouterr().out)["scene"]["objects"][0]["mask_by"] == "grabcut"
    given.write_text("{", "utf-8")
    assert main(["inspect", str(given)]) == 1


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "CPU;rm", ""])
def test_a_device_that_is_not_there_is_said(photo: Path, device: str) -> None:
    pytest.importorskip("torch")
    assert main(["describe", str(photo), "--caption", "a boat", "--device", device]) == 2
