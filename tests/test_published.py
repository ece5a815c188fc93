"""Weights of others: found where they are, fetched only when asked for, and never missed without the command that helps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

constants = pytest.importorskip("huggingface_hub.constants")

from limner import fetch, weights  # noqa: E402
from limner.catalog import CATALOG  # noqa: E402
from limner.cli import main  # noqa: E402
from limner.errors import MissingError  # noqa: E402


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no way out."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def put(cache: Path, repository: str, files: Sequence[str] = ("config.json",)) -> Path:
    """What a fetch leaves behind."""
    root = cache / f"models--{repository.replace('/', '--')}"
    folder = root / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("0" * 40)
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("name", ["sam", "somebody/something"])
def test_what_is_missing_names_the_command(cache: Path, name: str) -> None:
    with pytest.raises(MissingError, match=f"limner weights fetch {name}"):
        weights.published(name)


def test_what_was_fetched_is_found(cache: Path) -> None:
    folder = put(cache, "somebody/something")
    assert weights.published("somebody/something") == folder
    again = put(cache, CATALOG["sd21"].repositories[-1], CATALOG["sd21"].files)
    assert weights.published("sd21") == again


def test_what_is_not_all_here_is_not_found(cache: Path) -> None:
    folder = put(cache, CATALOG["sd21"].repositories[0], CATALOG["sd21"].files[:-1])
    with pytest.raises(MissingError, match=r"all here \(there is no scheduler/scheduler_config\.json\): limner weights fetch"):
        weights.published("sd21")
    again = put(cache, CATALOG["sd21"].repositories[1], CATALOG["sd21"].files)
    assert weights.published("sd21") == again
    (again / "vae" / "config.json").write_text("")
    with pytest.raises(MissingError, match=r"there is no vae/config\.json"):
        weights.published("sd21")
    assert weights.lacking("sd21", folder) == ["scheduler/scheduler_config.json"]


@given(st.lists(st.sampled_from("abc")), st.permutations("abc"))
def test_of_several_the_first_that_is_there_is_taken(names: list[str], wanted: list[str]) -> None:
    first = next((one for one in wanted if one in names), None)
    assert weights.chosen(names, "|".join(wanted)) == [name for name in names if name == first]


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert weights.published(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["no-such-name", "a/b/c", "/"])
def test_what_is_no_name_is_said(name: str) -> None:
    if not Path(name).is_dir():
        with pytest.raises(MissingError, match="limner weights list"):
            weights.published(name)


def test_the_list_says_what_one_must_know(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = put(cache, CATALOG["sam"].repositories[0], ("model.safetensors", "config.json", "preprocessor_config.json"))
    assert main(["weights", "list"]) == 0
    said = capsys.readouterr().out
    for name, kept in CATALOG.items():
        assert f"{name}: {kept.what}; for {', '.join(kept.systems)}" in said and kept.licence in said
    assert str(folder) in said and "limner weights fetch hed" in said
    assert main(["weights", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["name"]: row["here"] for row in rows}["sam"] == str(folder)


def test_a_fetch_that_fails_is_one_line(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "sam"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the weights sam cannot be fetched (facebook/sam-vit-base") and said.count("\n") == 1


def test_only_tensors_and_settings_are_fetched() -> None:
    """Some are published as pickles of tensors alone, and are read as such."""
    kinds = {name: {Path(one).suffix for one in fetch.patterns(name)} for name in CATALOG}
    pickles = {name for name, found in kinds.items() if found & {".pth", ".bin"}}
    assert pickles == {"hed", "hed-bsds500", "controlnet-hed-sd21", "controlnet-tile-sd15", "diffbir-v2", "dists"}
    plain = [found for name, found in kinds.items() if name not in pickles]
    assert set().union(*plain) == {".safetensors", ".json", ".txt", ".model", ".jinja"}


def test_a_folder_of_the_user_goes_first(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine" / "sam").mkdir(parents=True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "mine"))
    assert weights.published("sam") == tmp_path / "mine" / "sam"
    with pytest.raises(MissingError):
        weights.published("sam2")
