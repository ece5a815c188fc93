"""Butteraugli: what the program is asked and what it says, with a stand-in, and for real where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from measure_laws import faults, noisy
from pictures import scene
from PIL import Image

from limner.bench.measures import MEASURES, butteraugli, measured
from limner.bench.measures.butteraugli import distances
from limner.errors import ImageError, LimnerError, MissingError

NAMES = ("butteraugli", "butteraugli_3norm")
Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program of that name that keeps what it is given and says what it is told to say."""
    butteraugli._distances.cache_clear()

    def says(script: str) -> None:
        path = tmp_path / "butteraugli_main"
        keep = f'cp "$1" {tmp_path}/one.png\ncp "$2" {tmp_path}/two.png\necho "$3 $4" >> {tmp_path}/asked\n'
        path.write_text(f"#!/bin/sh\n{keep}{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return says


def test_both_numbers_come_of_one_run(program: Program, tmp_path: Path) -> None:
    program("echo 6.0759429932\necho '3-norm: 2.633644'")
    one, two = scene(20, 16), scene(20, 16, 1)
    assert measured(one, two, names=NAMES) == ({"butteraugli": 6.0759429932, "butteraugli_3norm": 2.633644}, {})
    assert (tmp_path / "asked").read_text() == "--intensity_target 80\n"
    assert np.array_equal(np.asarray(Image.open(tmp_path / "one.png")), one)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "two.png")), two)


@pytest.mark.parametrize("script", ["echo nothing", "echo 1.5", "echo 1.5\necho '3-norm: 1'\nexit 1", "echo no >&2; exit 2"])
def test_a_program_that_fails_is_said(program: Program, script: str) -> None:
    program(script)
    with pytest.raises(LimnerError, match="butteraugli_main failed"):
        distances(scene(9, 9), scene(9, 9))
    figures, absent = measured(scene(9, 9), scene(9, 9), names=NAMES)
    assert figures == {} and all("failed" in why for why in absent.values())


def test_without_the_program_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    butteraugli._distances.cache_clear()
    monkeypatch.setenv("PATH", "")
    figures, absent = measured(scene(9, 9), scene(9, 9), names=NAMES)
    assert figures == {} and set(absent) == set(NAMES) and "libjxl-devtools" in absent["butteraugli"]
    with pytest.raises(MissingError, match="not installed"):
        distances(scene(9, 9), scene(9, 9))


def test_pictures_of_different_shapes_are_not_compared() -> None:
    with pytest.raises(ImageError, match="compared"):
        distances(scene(9, 9), scene(9, 10))


@pytest.mark.skipif(not shutil.which("butteraugli_main"), reason="butteraugli_main is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_it_obeys_the_laws(name: str) -> None:
    assert faults(MEASURES[name], 60) == set()
    picture = scene(60, 60)
    assert distances(picture, picture) == (0, 0)
    largest, norm = distances(picture, noisy(picture, 20))
    assert largest > norm > 1
