"""The README does what it says: its Python runs, its commands run, its tables are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from limner.cli import main
from limner.cli.app import EXIT_CODES

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line.partition(" #")[0].strip() for line in lines if line.startswith("limner ") and "|" not in line]


@pytest.fixture
def harbour(photo: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the README's examples are typed in."""
    (tmp_path / "photos" / "june").mkdir(parents=True)
    for name in ("harbour.jpg", "photos/boat.jpg", "photos/june/quay.jpg"):
        Image.fromarray(photo).save(tmp_path / name, quality=95)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_is_something_to_run() -> None:
    assert len(blocks("python")) >= 2
    assert len(commands()) >= 5


def test_the_python_runs(harbour: Path) -> None:
    scope: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), scope)


def test_the_commands_run(harbour: Path) -> None:
    for command in commands():
        assert main(shlex.split(command)[1:]) == 0, command


def test_the_exit_codes_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|$", README.read_text("utf-8"), flags=re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target
