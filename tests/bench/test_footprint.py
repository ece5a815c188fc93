"""What an installation takes: wheels are weighed, and what has none is named. Nothing is fetched here."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from limner.bench import footprint
from limner.bench.footprint import Part
from limner.errors import LimnerError


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, data in files.items():
            archive.writestr(inner, data)
    return path


def test_a_wheel_is_weighed(tmp_path: Path) -> None:
    name = "a_b-1.2-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl"
    made = wheel(tmp_path, name, {"a/x": b"1" * 5000, "a/y": b"2"})
    found = footprint.weighed(made)
    assert (found.name, found.version, found.made_for) == ("a_b", "1.2", "manylinux_2_28_aarch64")
    assert found.installed_bytes == 5001 and found.fetched_bytes == made.stat().st_size < 5000


def test_other_files_are_no_wheels(tmp_path: Path) -> None:
    for path in (tmp_path / "a-1-py3-none-any.whl", wheel(tmp_path, "a.whl", {})):
        path.touch()
        with pytest.raises(LimnerError, match="not a wheel"):
            footprint.weighed(path)


def test_the_package_is_weighed_without_bytecode(tmp_path: Path) -> None:
    folder = tmp_path / "limner"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "a.py").write_bytes(b"a" * 1000)
    (folder / "__pycache__" / "a.pyc").write_bytes(b"b" * 1000)
    assert footprint.own(folder).installed_bytes == 1000


def test_needs_are_those_without_extras() -> None:
    for machine, coder in (("x86_64", ["constriction"]), ("aarch64", [])):
        found = [line.partition(">")[0].partition("<")[0] for line in footprint.needs(machine)]
        assert sorted(found) == [*coder, "numpy", "onnxruntime", "pillow", "rich", "threadpoolctl", "typer"]


def test_tags_go_down_from_the_newest() -> None:
    found = footprint.platforms("aarch64", 19)
    assert found == ["manylinux_2_19_aarch64", "manylinux_2_18_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"]


def test_the_page_adds_up() -> None:
    parts = [Part("a", "1", "any", 1_000_000, 3_000_000), Part("b", "2", "any", 500_000, 250_000), Part("c", "", "none", 0, 0)]
    page = footprint.page(parts)
    assert "| a | 1 | any | 1.00 | 3.00 |" in page
    assert "| c |  | none | - | - |" in page
    assert "| all |  |  | 1.50 | 3.25 |" in page


def test_what_has_no_wheel_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fetch(requirement: str, folder: Path, tags: object, python: str) -> bool:
        if requirement == "constriction":
            return False
        wheel(folder, f"{requirement}-1-py3-none-any.whl", {"x": b"x" * 100_000})
        return True

    monkeypatch.setattr(footprint, "fetch", fetch)
    monkeypatch.setattr(footprint, "own", lambda: Part("limner", "this copy", "any", 1, 1))
    monkeypatch.setattr(footprint, "needs", lambda machine: ["numpy", "constriction", "rich"])
    assert footprint.main([]) == 1
    said = capsys.readouterr().out
    assert "| constriction |  | none | - | - |" in said and "| numpy | 1 | any |" in said
    monkeypatch.setattr(footprint, "needs", lambda machine: ["numpy"])
    assert footprint.main([]) == 0


def test_pip_is_asked_and_its_answer_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pip")
    for variable in ("PIP_NO_INDEX", "PIP_DISABLE_PIP_VERSION_CHECK"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    tags, python = footprint.platforms("aarch64", 36), f"{sys.version_info.major}.{sys.version_info.minor}"
    assert not footprint.fetch("no-such-thing", tmp_path, tags, python)
    with pytest.raises(LimnerError, match="pip: "):
        footprint.fetch("not a requirement!", tmp_path, tags, python)
