"""Weights of others: what a system needs, room for it, a fetch from a hub on this machine, and the check of what has come."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

constants = pytest.importorskip("huggingface_hub.constants")

from full_size_files import State, data_bytes, header, write  # noqa: E402
from hub_stand_in import serving  # noqa: E402

from limner import fetch, tensors, weights  # noqa: E402
from limner.catalog import CATALOG, RECIPES, Published  # noqa: E402
from limner.cli import main  # noqa: E402
from limner.errors import MissingError  # noqa: E402
from limner.tensors import Found  # noqa: E402

SMALL: State = {"a.weight": Found((3, 2), "F32"), "a.bias": Found((3,), "F32")}
OTHER: State = {"a.weight": Found((2, 3), "F32"), "a.bias": Found((3,), "F32")}
LIST = "# small\n[a]\nweight 3x2\nbias 3\n"
Usage = namedtuple("Usage", "total used free")
Say = Callable[..., tuple[int, str, str]]


def file_of(state: State) -> bytes:
    text = header(state)
    return len(text).to_bytes(8, "little") + text + bytes(data_bytes(state))


def repository(state: State = SMALL, **others: bytes) -> dict[str, bytes]:
    """What lies on the hub: what is wanted and what is not."""
    files = {"model.safetensors": file_of(state), "config.json": b"{}", "README.md": b"# read me", "model.onnx": b"large"}
    return files | {name.replace("__", "."): data for name, data in others.items()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, Mapping[str, bytes]], list[str]]]:
    """Repositories that can be put there, and what was fetched of them; `small` lies at two places, `either` in two forms."""
    small = Published(("first/small", "second/small"), "CC0-1.0", 1, ("sedic",), "small", lists=(("*", ("small",)),))
    either = replace(small, repositories=("first/either",), files=("one.safetensors|one.bin", "config.json"), more=(), lists=())
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "small.txt").write_text(LIST, "utf-8")
    monkeypatch.setattr(tensors, "LISTS", tmp_path / "lists")
    monkeypatch.setitem(CATALOG, "small", small)
    monkeypatch.setitem(CATALOG, "either", either)
    monkeypatch.setitem(RECIPES, "tinysystem", ("small", "either"))
    repositories: dict[str, Mapping[str, bytes]] = {}
    with serving(repositories) as (address, fetched):
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("LIMNER_WEIGHTS", raising=False)
        yield repositories, fetched


Hub = tuple[dict[str, Mapping[str, bytes]], list[str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str) -> tuple[int, str, str]:
        code = main(["weights", *arguments])
        out, err = capsys.readouterr()
        return code, out, "".join(line for line in err.splitlines(keepends=True) if line.startswith("error"))

    return said


# A fetch.


def test_what_was_fetched_is_found_and_as_published(hub: Hub) -> None:
    repositories, fetched = hub
    repositories["first/small"] = repository()
    folder = fetch.fetch("small")
    assert sorted(fetched) == ["first/small/config.json", "first/small/model.safetensors"]
    # The hub knows that there is more in the repository than was asked for.
    assert weights.published("small") == folder
    assert fetch.checked("small", folder) == "2 tensors, as published"
    assert fetch.wanted(["small"])[0].folder == folder


def test_the_next_place_is_tried(hub: Hub) -> None:
    repositories, fetched = hub
    with pytest.raises(MissingError, match=r"first/small: .*; second/small: "):
        fetch.fetch("small")
    repositories["first/small"] = {"config.json": b"{}"}
    repositories["second/small"] = repository()
    assert "second--small" in str(fetch.fetch("small")) and not any("first" in name for name in fetched)
    assert "second--small" in str(weights.published("small"))


def test_whichever_form_is_there_is_taken_and_the_better_one_of_two(hub: Hub) -> None:
    repositories, fetched = hub
    for files, taken in (({"one.bin"}, "one.bin"), ({"one.bin", "one.safetensors", "one.fp16.bin"}, "one.safetensors")):
        fetched.clear()
        shutil.rmtree(constants.HF_HUB_CACHE, ignore_errors=True)
        repositories["first/either"] = {"config.json": b"{}"} | dict.fromkeys(files, b"1")
        fetch.fetch("either")
        assert sorted(fetched) == ["first/either/config.json", f"first/either/{taken}"]
        assert weights.published("either").is_dir()
    repositories["first/either"] = {"config.json": b"{}", "one.fp16.bin": b"1"}
    shutil.rmtree(constants.HF_HUB_CACHE)
    with pytest.raises(MissingError, match=r"there is no one\.safetensors\|one\.bin"):
        fetch.fetch("either")


def test_a_fetch_that_was_broken_off_is_not_taken_for_whole(hub: Hub) -> None:
    repositories, fetched = hub
    repositories["first/small"] = repository()
    lost = fetch.fetch("small") / "model.safetensors"
    lost.resolve().unlink()
    lost.unlink()
    with pytest.raises(MissingError, match=r"are not all here \(there is no \*\.safetensors\): limner weights fetch small"):
        weights.published("small")
    fetched.clear()
    assert fetch.fetch("small") == lost.parent == weights.published("small")
    assert fetched == ["first/small/model.safetensors"]


def test_into_a_folder_of_ones_own(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repositories, _ = hub
    repositories["first/small"] = repository()
    place = tmp_path / "mine"
    assert fetch.fetch("small", place) == place / "small"
    assert weights.files_in(place / "small") == ["config.json", "model.safetensors"]
    assert fetch.wanted(["small"], place)[0].folder == place / "small" and fetch.wanted(["small"])[0].folder is None
    monkeypatch.setenv("LIMNER_WEIGHTS", str(place))
    assert weights.published("small") == place / "small"


def test_an_id_of_the_hub_has_tensors(hub: Hub) -> None:
    repositories, fetched = hub
    repositories["somebody/something"] = repository(vocab__txt=b"a", tokenizer__model=b"b", script__py=b"c")
    folder = fetch.fetch("somebody/something")
    assert {Path(name).name for name in fetched} == {"model.safetensors", "config.json", "vocab.txt", "tokenizer.model"}
    assert fetch.checked("somebody/something", folder) == "its files are here and whole"
    (folder / "model.safetensors").unlink()
    assert fetch.wanted(["somebody/something"])[0].folder is None
    with pytest.raises(MissingError, match=r"there is no \*\.safetensors"):
        fetch.checked("somebody/something", folder)
    repositories["somebody/pickles"] = {"model.bin": b"1", "config.json": b"{}"}
    with pytest.raises(MissingError, match=r"no \*\.safetensors"):
        fetch.fetch("somebody/pickles")


# Room.


def room(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> list[Path]:
    asked: list[Path] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda place: (asked.append(Path(place)), Usage(0, 0, free_bytes))[1])
    return asked


def test_room_is_looked_for_where_it_is_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = room(monkeypatch, 10 * fetch.MB)
    fetch.make_room(10 * fetch.MB, tmp_path / "not" / "there")
    assert asked == [tmp_path]
    with pytest.raises(MissingError, match=r"^11 MB are to be fetched and 10 MB are free in .*there: make room"):
        fetch.make_room(11 * fetch.MB, tmp_path / "not" / "there")


def test_what_does_not_fit_is_not_begun(hub: Hub, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    repositories, fetched = hub
    repositories["first/small"] = repository()
    room(monkeypatch, fetch.MB)
    code, out, err = say("fetch", "tinysystem")
    assert code == 1 and "about 2 MB; 1 MB are free in" in out and "error: 2 MB are to be fetched and 1 MB are free" in err
    # Though the catalogue says little, the hub says more.
    room(monkeypatch, 10)
    with pytest.raises(MissingError, match="0 MB are free"):
        fetch.fetch("small")
    assert not fetched


# What is checked.


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model.safetensors": file_of(OTHER)}, r"model\.safetensors: a\.weight is \(2, 3\), not \(3, 2\)"),
        ({"model.safetensors": file_of({})}, "lacks a.weight and 1 more"),
        ({"model.safetensors": file_of(SMALL)[:-1]}, r"model\.safetensors has \d+ bytes where its header says"),
        ({"model.safetensors": b"1"}, r"model\.safetensors is no file of safetensors"),
        ({"config.json": b""}, r"there is no config\.json"),
    ],
)
def test_a_fetch_is_checked(files: dict[str, bytes], said: str, hub: Hub, say: Say) -> None:
    repositories, _ = hub
    repositories["first/small"] = repository() | files
    code, _, err = say("fetch", "small")
    assert code == 1 and err.count("\n") == 1 and err.startswith("error: the weights small in")
    assert re.search(said, err)


def test_files_without_a_list_are_whole(tmp_path: Path) -> None:
    write(tmp_path / "model.safetensors", SMALL)
    (tmp_path / "config.json").write_text("{}")
    assert fetch.checked("blip", tmp_path) == "its files are here and whole"
    (tmp_path / "model.safetensors").write_bytes(b"12345678")
    with pytest.raises(MissingError, match=r"blip .* are not as published: model"):
        fetch.checked("blip", tmp_path)


def test_shards_are_one(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    write(tmp_path / "model-1.safetensors", {"a.weight": SMALL["a.weight"]})
    write(tmp_path / "model-2.safetensors", {"a.bias": SMALL["a.bias"]})
    assert fetch.checked("small", tmp_path) == "2 tensors, as published"


def test_without_torch_pickles_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v2.pth").write_bytes(b"no pickle")
    monkeypatch.setattr(fetch, "has_torch", lambda: False)
    assert fetch.checked("diffbir-v2", tmp_path) == "its files are here; to look into them, torch is wanted"


# The command.


def test_a_system_is_fetched_past_what_fails(hub: Hub, say: Say) -> None:
    repositories, fetched = hub
    repositories["first/either"] = {"config.json": b"{}", "one.bin": b"1"}
    code, out, err = say("fetch", "tinysystem")
    assert code == 1 and "small: about 1 MB, CC0-1.0\n" in out and "to be fetched: 2, about 2 MB;" in out
    assert "either: /" in out and err.startswith("error: the weights small cannot be fetched (first/small: ")
    assert err.endswith("error: 1 of 2 failed: small\n")
    repositories["second/small"] = repository()
    fetched.clear()
    code, out, err = say("fetch", "tinysystem")
    assert code == 0 and not err and "either: about 1 MB, CC0-1.0, here\n" in out and "2 tensors, as published" in out
    assert all(name.startswith("second/small") for name in fetched)
    fetched.clear()
    code, out, err = say("fetch", "tinysystem")
    assert code == 0 and not fetched and "to be fetched" not in out


def test_check_says_what_is_here(hub: Hub, say: Say, tmp_path: Path) -> None:
    repositories, _ = hub
    code, _, err = say("check", "tinysystem")
    assert code == 1 and "error: the weights small are not here: limner weights fetch small" in err
    repositories["first/small"] = repository()
    assert say("fetch", "small", "--to", str(tmp_path / "mine"))[0] == 0
    assert say("check", "small", "--to", str(tmp_path / "mine"))[0] == 0
    code, _, err = say("check", "small", "--to", str(tmp_path))
    assert code == 1 and "there is no *.safetensors" in err


def test_a_system_of_its_own_weights_is_told_so(say: Say) -> None:
    code, out, err = say("fetch", "taco")
    assert (code, out, err) == (0, "taco needs no weights of others by default: its own are in the package\n", "")


@pytest.mark.parametrize("verb", ["fetch", "check"])
def test_a_name_that_means_nothing_is_said(verb: str, say: Say) -> None:
    code, _, err = say(verb, "sedic", "no-such-name")
    assert code == 1 and err.startswith("error: there are no weights 'no-such-name'")


def test_the_list_of_a_system(hub: Hub, say: Say) -> None:
    code, out, _ = say("list", "--system", "sedic", "--json")
    rows = [json.loads(line)["name"] for line in out.splitlines()]
    assert code == 0 and set(rows[:5]) == set(RECIPES["sedic"]) and {"sam2", "sd15", "small"} <= set(rows[5:])
    assert "clip-h" not in rows
    _, out, _ = say("list", "--system", "sedic")
    assert out.count("; needed by default") == 5
    assert say("list", "--system", "nothing")[0] == 2


def test_a_mirror_is_asked_in_place_of_the_hub(tmp_path: Path) -> None:
    """The command itself, in a process of its own, with the environment that its page names."""
    with serving({"somebody/something": repository()}) as (address, fetched):
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
        environment.pop("HF_HUB_OFFLINE", None)
        command = [sys.executable, "-m", "limner", "weights", "fetch", "somebody/something"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert f"somebody/something: {tmp_path}" in done.stdout and len(fetched) == 2


# Nobody who needs weights is silent about the command.


def test_whoever_misses_weights_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("torch", "diffusers", "transformers"):
        pytest.importorskip(module)
    from pictures import scene as picture

    from limner.describe.answer import Limits
    from limner.describe.grounding import GroundingDino, detector
    from limner.describe.local import Local
    from limner.describe.sam import Sam
    from limner.render import stagenets
    from limner.render.machine import Machine
    from limner.render.stagepainter import STAGE_PAINTERS

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    pixels = picture(20, 20)
    asked: dict[str, Callable[[], object]] = {
        "sd21 diffbir-v2": lambda: stagenets.opened(STAGE_PAINTERS["paper"], Machine("cpu")),
        "sd15 controlnet-tile-sd15": lambda: stagenets.opened(STAGE_PAINTERS["tile"], Machine("cpu")),
        "qwen3-vl": lambda: Local().describe(pixels, Limits()),
        "grounding-dino": lambda: GroundingDino().boxes(pixels, ["dog"]),
        "sam": lambda: Sam().mask(pixels, (1, 1, 9, 9)),
    }
    for names, use in asked.items():
        with pytest.raises(MissingError, match=f"limner weights fetch {names}$"):
            use()
    with pytest.raises(MissingError, match="limner weights fetch grounding-dino"):
        detector()
