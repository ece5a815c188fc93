"""Writing that reads otherwise and things that are gone: by hand, with a stand-in for program and detector, and for real."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import scene
from PIL import Image, ImageDraw, ImageFont

from limner.bench.measures import MEASURES, Told, measured, semantic
from limner.bench.measures.semantic import Finder, error_rate, sure, words_in
from limner.describe import grounding
from limner.errors import LimnerError, MissingError

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"
Pixels = np.ndarray


def table(*words: tuple[str, float]) -> str:
    lines = [f"5\t1\t1\t1\t1\t{n}\t0\t0\t9\t9\t{sure_of}\t{word}" for n, (word, sure_of) in enumerate(words)]
    return "\n".join([HEAD, "1\t1\t0\t0\t0\t0\t0\t0\t640\t480\t-1\t", *lines]) + "\n"


Program = Callable[[str], None]


@pytest.fixture
def tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program of that name that takes a picture and says what it is told to say; what was read before is forgotten."""
    semantic._words_in.cache_clear()

    def says(script: str) -> None:
        path = tmp_path / "tesseract"
        path.write_text(f"#!/bin/sh\ncat > {tmp_path}/shown.png\necho \"$@\" > {tmp_path}/asked\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return says


@given(st.text("ab ", max_size=9), st.text("ab ", max_size=9))
def test_error_rates(said: str, read: str) -> None:
    if not said:
        with pytest.raises(LimnerError, match="no writing"):
            error_rate(said, read)
        return
    rate = error_rate(said, read)
    assert (rate == 0) == (said == read)
    edits = round(rate * len(said))
    assert rate * len(said) == pytest.approx(edits)
    assert abs(len(said) - len(read)) <= edits <= max(len(said), len(read))
    if read:
        assert round(error_rate(read, said) * len(read)) == edits
    assert error_rate("x" + said, "x" + read) == pytest.approx(edits / (len(said) + 1))


def test_error_rates_by_hand() -> None:
    assert error_rate("kitten", "sitting") == pytest.approx(3 / 6)
    assert error_rate("stop", "") == 1 and error_rate("stop", "stop here now") == pytest.approx(9 / 4)
    assert error_rate(("stop", "here"), ("stop", "there")) == 0.5


def test_only_words_that_are_sure_are_read() -> None:
    assert sure(table(("STOP,", 96.2), ("|", 99), ("ab", 99), ("maybe", 79.9), ("Weg-5", 80))) == ["STOP", "Weg5"]
    assert sure(table()) == []
    with pytest.raises(LimnerError, match="no table"):
        sure("nothing of the kind")
    with pytest.raises(LimnerError, match="no table"):
        sure("")


def test_what_is_read_is_compared(tesseract: Program, tmp_path: Path) -> None:
    original, painted = (np.full((8, 8, 3), value, np.uint8) for value in (10, 200))
    (tmp_path / "first").write_text(table(("STOP", 95), ("HERE", 95)))
    (tmp_path / "second").write_text(table(("STOP", 95), ("THERE", 95)))
    Image.fromarray(original).save(tmp_path / "original.png", compress_level=1)
    tesseract(f"cd {tmp_path}; if cmp -s shown.png original.png; then cat first; else cat second; fi")
    figures, absent = measured(original, painted, names=["ocr_cer", "ocr_wer"])
    assert absent == {} and figures == {"ocr_cer": pytest.approx(1 / 9), "ocr_wer": pytest.approx(1 / 2)}
    assert (tmp_path / "asked").read_text().split() == ["stdin", "stdout", "-l", "eng", "--psm", "11", "tsv"]
    back, _ = measured(painted, original, names=["ocr_cer"])
    assert back["ocr_cer"] == pytest.approx(1 / 10)  # the other one is the original now


def test_without_writing_it_is_absent(tesseract: Program, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(table(("=", 92)))
    tesseract(f"cat {tmp_path}/said")
    picture = scene(20, 20)
    assert measured(picture, picture, names=["ocr_cer"]) == ({}, {"ocr_cer": "no writing is read in the original"})


def test_a_program_that_fails_is_said(tesseract: Program) -> None:
    tesseract("echo 'no such language' >&2; exit 3")
    _, absent = measured(scene(20, 20), scene(20, 20), names=["ocr_wer"])
    assert absent == {"ocr_wer": "tesseract failed (exit code 3): no such language\n"}


def test_without_the_program_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    semantic._words_in.cache_clear()
    picture = scene(20, 20)
    _, absent = measured(picture, picture, names=["ocr_cer"])
    assert absent == {"ocr_cer": "the program tesseract is not installed: Debian has it in tesseract-ocr"}
    with pytest.raises(MissingError, match="not installed"):
        words_in(picture)


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_writing_is_read() -> None:
    semantic._words_in.cache_clear()
    canvas = Image.new("RGB", (480, 160), (240, 240, 230))
    ImageDraw.Draw(canvas).text((30, 40), "HARBOUR CLOSED", (20, 20, 30), ImageFont.load_default(48))
    original = np.asarray(canvas)
    assert words_in(original) == ("HARBOUR", "CLOSED")
    blank = np.full_like(original, 240)
    assert measured(original, original, names=["ocr_cer"])[0] == {"ocr_cer": 0}
    assert measured(original, blank, names=["ocr_cer", "ocr_wer"])[0] == {"ocr_cer": 1, "ocr_wer": 1}


class Seer:
    """A detector that finds what it is told is in a picture of that brightness."""

    def __init__(self) -> None:
        self.asked = list[tuple[int, tuple[str, ...]]]()
        self.parts = (None, None)

    def boxes(self, pixels: Pixels, names: Sequence[str]) -> list[tuple[int, int, int, int] | None]:
        light = int(pixels[0, 0, 0])
        self.asked.append((light, tuple(names)))
        assert pixels.flags.writeable
        here = {10: ("dog", "door", "hat"), 20: ("dog",), 30: ("dog", "door", "hat", "cat")}[light]
        return [(0, 0, 1, 1) if name in here else None for name in names]


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Finder, Seer]:
    pytest.importorskip("torch")
    seer = Seer()
    monkeypatch.setattr(grounding, "detector", lambda weights, device: seer)
    return Finder("cpu", str(tmp_path)), seer


def plain(light: int) -> np.ndarray:
    return np.full((4, 6, 3), light, np.uint8)


def test_things_that_are_gone_are_counted(finder: tuple[Finder, Seer]) -> None:
    found, seer = finder
    names = ("dog", "door", "hat", "cat")
    assert found.lost(plain(10), plain(20), names) == 2
    assert found.lost(plain(10), plain(30), names) == 0
    # The original is looked through once, for all; the painted ones for what is in it.
    assert seer.asked == [(10, names), (20, names[:3]), (30, names[:3])]
    assert found.lost(plain(20), plain(10), names) == 0
    with pytest.raises(LimnerError, match="none of the things"):
        found.lost(plain(20), plain(10), ("cat",))


def test_without_names_or_weights_it_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = scene(20, 20)
    assert measured(picture, picture, "a dog", ["things_lost"])[1] == {"things_lost": "nobody told what things are in it"}
    pytest.importorskip("torch")
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("LIMNER_WEIGHTS", "")
    _, absent = measured(picture, picture, Told("", ("dog",)), ["things_lost"])
    assert absent["things_lost"].endswith("limner weights fetch grounding-dino") and MEASURES["things_lost"].needs == "things"


def test_weights_of_something_else_are_said(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(MissingError, match="no detector"):
        _ = Finder("cpu", str(tmp_path)).detector
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text('{"model_type": "grounding-dino"}')
    with pytest.raises(MissingError):
        _ = Finder("cpu", str(tmp_path)).detector
