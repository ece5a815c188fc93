"""The verbs in this process, over a small codec: outputs, exit codes, what is said and where."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from limner.atomic import write_atomic

Say = Callable[..., Any]


@pytest.fixture
def blob_file(say: Say, photo_file: Path) -> Path:
    assert say("encode", photo_file).code == 0
    return photo_file.with_suffix(".limn")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# The ordinary way


def test_encodes_and_decodes(say: Say, photo_file: Path, tmp_path: Path) -> None:
    said = say("encode", photo_file, "--target-bytes", 500)
    assert (said.code, said.out, said.err) == (0, "", "")
    said = say("decode", tmp_path / "harbour.limn", "-o", tmp_path / "again.png")
    assert (said.code, said.out, said.err) == (0, "", "")
    with Image.open(tmp_path / "again.png") as image:
        assert image.size == (144, 96)
        assert image.info["limner:system"] == "miniature"
        assert image.info["limner:bytes"] == str((tmp_path / "harbour.limn").stat().st_size)
        assert image.info["limner:detail"] == "nothing invented"


def test_a_bare_file_is_two_bytes_shorter(say: Say, blob_file: Path, photo_file: Path, tmp_path: Path) -> None:
    assert say("encode", photo_file, "--bare", "-o", tmp_path / "bare").code == 0
    assert (tmp_path / "bare").read_bytes() == blob_file.read_bytes()[2:]
    assert say("verify", tmp_path / "bare").code == 0


@pytest.mark.parametrize("name", ["x.jpg", "x.webp"])
def test_decodes_to_other_files(say: Say, blob_file: Path, tmp_path: Path, name: str) -> None:
    assert say("decode", blob_file, "-o", tmp_path / name, "--size", "20x10").code == 0
    with Image.open(tmp_path / name) as image:
        assert image.size == (20, 10)


def test_folders_keep_their_tree(say: Say, photo_file: Path, tmp_path: Path) -> None:
    deep = tmp_path / "in" / "deep"
    deep.mkdir(parents=True)
    photo_file.rename(deep / "a.png")
    assert say("encode", "-r", tmp_path / "in", "-o", tmp_path / "out").code == 0
    assert say("decode", "-r", tmp_path / "out", "-o", tmp_path / "back").code == 0
    assert names(tmp_path) == ["back/deep/a.png", "in/deep/a.png", "out/deep/a.limn"]


def test_inspect_names_every_byte(say: Say, blob_file: Path) -> None:
    said = say("inspect", blob_file)
    assert said.code == 0 and said.err == ""
    assert said.out.startswith(f"{blob_file}: miniature, 144 x 96 px, {blob_file.stat().st_size} bytes")
    line = json.loads(say("inspect", "--json", blob_file).out)
    assert sum(row["length"] for row in line["rows"]) == line["size_bytes"] == blob_file.stat().st_size


def test_verify_tells_by_its_exit_code(say: Say, blob_file: Path) -> None:
    assert say("verify", blob_file).code == 0
    data = bytearray(blob_file.read_bytes())
    data[20] ^= 1
    blob_file.write_bytes(data)
    said = say("verify", blob_file)
    assert said.code == 1
    assert said.err.startswith(f"error: {blob_file}: ") and said.err.count("\n") == 1


# Batches


def test_a_batch_goes_on_past_a_bad_file(say: Say, photo_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(photo_file.read_bytes()[:200])
    said = say("encode", bad, tmp_path / "none.png", photo_file, "-o", tmp_path / "out")
    assert said.code == 1
    assert names(tmp_path / "out") == ["harbour.limn"]
    assert [line.split(": ")[1] for line in said.err.splitlines()] == [str(bad), str(tmp_path / "none.png")]


def test_json_lines_tell_of_every_input(say: Say, photo_file: Path, tmp_path: Path) -> None:
    said = say("encode", "--json", photo_file, tmp_path / "none.png")
    done, failed = (json.loads(line) for line in said.out.splitlines())
    size = (tmp_path / "harbour.limn").stat().st_size
    assert done["status"] == "done" and done["target"] == str(tmp_path / "harbour.limn")
    assert (done["bytes"], done["width_px"], done["height_px"], done["system"]) == (size, 144, 96, "miniature")
    assert done["bpp"] == 8 * size / (144 * 96)
    assert (failed["status"], failed["error"]) == ("failed", "ImageError")
    assert "No such file" in failed["message"]


def test_existing_outputs(say: Say, photo_file: Path, blob_file: Path) -> None:
    blob_file.write_bytes(b"old")
    said = say("encode", photo_file)
    assert said.code == 1 and "--overwrite or --skip" in said.err
    assert say("encode", photo_file, "--skip").code == 0
    assert blob_file.read_bytes() == b"old"
    assert json.loads(say("encode", photo_file, "--skip", "--json").out)["status"] == "skipped"
    assert say("encode", photo_file, "--overwrite").code == 0
    assert blob_file.read_bytes() != b"old"


def test_warnings_go_to_stderr_and_into_json(say: Say, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    said = say("encode", "--json", tmp_path / "film.gif")
    assert said.code == 0
    assert said.err == f"warning: {tmp_path / 'film.gif'}: 2 frames: only the first is read\n"
    assert len(json.loads(said.out)["warnings"]) == 1


def test_a_terminal_is_told_more_than_a_pipe(
    say: Say, photo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    said = say("encode", photo_file, photo_file, "-o", tmp_path / "out")
    assert "harbour.limn: " in said.err and "bpp" in said.err
    assert "is already the output of" in said.err


# What bad input gets


def bad_inputs(photo_file: Path) -> dict[str, tuple[bytes, str]]:
    data = photo_file.read_bytes()
    return {"words.png": (b"no picture at all", "not a picture"), "cut.png": (data[: len(data) // 2], "not a")}


@pytest.mark.parametrize("name", ["words.png", "cut.png"])
def test_what_is_no_picture_gets_one_line_and_writes_nothing(say: Say, photo_file: Path, tmp_path: Path, name: str) -> None:
    data, message = bad_inputs(photo_file)[name]
    (tmp_path / name).write_bytes(data)
    before = names(tmp_path)
    said = say("encode", tmp_path / name)
    assert said.code == 1 and said.out == ""
    assert said.err.startswith(f"error: {tmp_path / name}: {message}") and said.err.count("\n") == 1
    assert names(tmp_path) == before


def test_over_the_limit_names_the_file_and_the_limit(say: Say, photo_file: Path, blob_file: Path, tmp_path: Path) -> None:
    before = names(tmp_path)
    said = say("encode", photo_file, "--max-pixels", 1000, "-o", tmp_path / "x")
    assert said.code == 1
    assert said.err == f"error: {photo_file}: 144 x 96 is 13824 pixels, over the limit of 1000: raise max-pixels to read it\n"
    for verb in ("decode", "inspect", "verify"):
        where = ["-o", tmp_path / "x.png"] if verb == "decode" else []
        said = say(verb, blob_file, "--max-pixels", 1000, *where)
        assert said.code == 1 and "1000" in said.err and said.err.count("\n") == 1
    assert names(tmp_path) == before


def test_alpha_is_flattened_on_the_chosen_colour(say: Say, tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert say("encode", tmp_path / "clear.png", "--background", "#0a141e", "-o", tmp_path / "x").code == 0
    assert say("decode", tmp_path / "x", "-o", tmp_path / "y.png").code == 0
    with Image.open(tmp_path / "y.png") as image:
        assert image.getpixel((3, 3)) == (10, 20, 30)


def test_damaged_files_tell_offset_and_field(say: Say, blob_file: Path, tmp_path: Path) -> None:
    good = blob_file.read_bytes()
    damaged = {
        "none": b"",
        "other": b"\x89PNG",
        "changed": good[:30] + bytes([good[30] ^ 4]) + good[31:],
        "cut": good[:-7],
        "behind": good + b"!",
        "version": good[:2] + bytes([good[2] ^ 0xC0]) + good[3:],
        "system": good[:2] + bytes([good[2] | 0x38]) + good[3:],
    }
    for name, data in damaged.items():
        (tmp_path / f"{name}.limn").write_bytes(data)
        for verb in ("decode", "inspect", "verify"):
            said = say(verb, "--json", tmp_path / f"{name}.limn")
            record = json.loads(said.out)
            assert said.code == 1 and record["status"] == "failed", (name, verb)
            assert isinstance(record["offset"], int) and record["field"], (name, verb)
        assert not (tmp_path / f"{name}.png").exists()


def test_a_huge_file_is_not_read_whole(say: Say, tmp_path: Path) -> None:
    path = tmp_path / "huge.limn"
    with path.open("wb") as stream:
        stream.truncate(65 * 2**20)
    said = say("decode", path)
    assert said.code == 1 and "more than 67108864 bytes" in said.err


def test_a_budget_too_small_names_the_least(say: Say, photo_file: Path) -> None:
    said = say("encode", "--json", photo_file, "--target-bytes", 9)
    assert said.code == 1 and "60 bytes" in said.err
    assert json.loads(said.out)["least_bytes"] == 60


def test_a_full_disk_leaves_the_old_file(
    say: Say, photo_file: Path, blob_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob_file.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = names(tmp_path)
    said = say("encode", photo_file, "--overwrite")
    assert said.code == 1
    assert said.err == f"error: {photo_file}: {blob_file}: No space left on device\n"
    assert blob_file.read_bytes() == b"old" and names(tmp_path) == before


def test_no_permission_leaves_the_old_file(
    say: Say, photo_file: Path, blob_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob_file.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    said = say("encode", photo_file, "--overwrite")
    assert said.code == 1 and "Permission denied" in said.err
    assert blob_file.read_bytes() == b"old"


def test_an_interrupt_leaves_the_old_file(
    say: Say, photo_file: Path, blob_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob_file.write_bytes(b"old")

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    before = names(tmp_path)
    assert say("encode", photo_file, "--overwrite").code == 130
    assert blob_file.read_bytes() == b"old" and names(tmp_path) == before


def test_devices_are_written_to(say: Say, photo_file: Path) -> None:
    assert say("encode", photo_file, "-o", os.devnull).code == 0
    assert not os.path.isfile(os.devnull)
    with pytest.raises(OSError):
        write_atomic(os.path.dirname(photo_file), b"a folder")


# Wrong usage


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["encode"], "INPUT"),
        (["encode", "PHOTO", "--target-bytes", "500", "--bpp", "0.1"], "exclude each other"),
        (["encode", "PHOTO", "--bpp", "0.1", "--quality", "0"], "exclude each other"),
        (["encode", "PHOTO", "--overwrite", "--skip"], "exclude each other"),
        (["encode", "PHOTO", "--quality", "64"], "64"),
        (["encode", "PHOTO", "--bpp", "nan"], "a rate is over 0"),
        (["encode", "PHOTO", "--target-bytes", "0"], "0"),
        (["encode", "PHOTO", "--background", "nocolour"], "nocolour"),
        (["encode", "PHOTO", "--background", "rgb(300, 0, 0)"], "rgb(300, 0, 0)"),
        (["encode", "PHOTO", "--candidates", "3"], "are of pic, pics and sedic"),
        (["encode", "PHOTO", "--level", "low"], "are of sedic"),
        (["encode", "PHOTO", "--system", "sedic", "--level", "middle"], "low or high"),
        (["encode", "PHOTO", "--system", "crayon"], "miniature or pic or pics or taco or sedic, not 'crayon'"),
        (["encode", "PHOTO", "-o", "-", "--json"], "cannot share stdout"),
        (["encode", "PHOTO", "-", "-o", "out"], "stands alone"),
        (["encode", "FOLDER"], "add -r"),
        (["decode", "PHOTO", "--size", "0x5"], "WIDTHxHEIGHT"),
        (["decode", "PHOTO", "-o", "painted.bmp"], "not 'painted.bmp'"),
        (["decode", "PHOTO", "-o", "painted"], "not 'painted'"),
        (["decode", "PHOTO", "-j", "0"], "-j"),
        (["paint", "PHOTO"], "paint"),
    ],
)
def test_wrong_usage_ends_with_2_and_does_nothing(
    say: Say, photo_file: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    places = {"PHOTO": str(photo_file), "FOLDER": str(tmp_path)}
    said = say(*(places.get(word, word) for word in words))
    assert said.code == 2 and said.out == ""
    assert message in " ".join(said.err.replace("│", " ").split())
    assert names(tmp_path) == ["harbour.png"]


def test_bytes_do_not_go_to_a_terminal(say: Say, photo_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert say("encode", photo_file, "-o", "-").code == 2
