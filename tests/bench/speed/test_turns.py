"""What is measured is what the package does: the same files, the same pictures, with every second charged to a stage."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from made_samples import powercap
from numpy.typing import NDArray

from limner import api, image
from limner.bench.speed import turns
from limner.bench.speed.clock import (
    ANALYSIS,
    ENTROPY_DECODING,
    ENTROPY_ENCODING,
    PACKING,
    PICTURE,
    PNG,
    RESIZE,
    REST,
    SCALING,
    SYNTHESIS,
    UNPACKING,
    WEIGHTS,
    WORDS,
    Clock,
)
from limner.bench.speed.request import FILE, Report, Request
from limner.bench.speed.request import PICTURE as PICTURE_FILE
from limner.bench.speed.rows import DECODE, ENCODE
from limner.bench.speed.tasks import Task, tasks
from limner.errors import BudgetError

ENCODING = {PICTURE, ANALYSIS, ENTROPY_ENCODING, PACKING, REST}
DECODING = {UNPACKING, ENTROPY_DECODING, SYNTHESIS, PNG, REST}
OURS = tasks("miniature", 20, 200)
Photo = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one with a picture."""
    image.save(photo, tmp_path / PICTURE_FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def request(task: Task, system: str = "miniature", weights: str = "", **changed: object) -> Request:
    asked = {"caption": "", "warm_ups": 0, "turns": 1, "patience_s": 60.0, "powercap": "none"} | changed
    return Request(system, task, weights, **asked)  # type: ignore[arg-type]


def done(asked: Request) -> Report:
    return turns.carried_out(asked, Clock())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("task", [one for one in OURS if one.verb == ENCODE], ids=lambda one: one.setting)
def test_miniature_encodes_as_ever(task: Task, photo: Photo) -> None:
    blob = api.encode(photo, target_bytes=task.target_bytes, quality=task.quality)
    report = done(request(task))
    assert (report.bytes, report.sha256) == (len(blob), sha256(blob))
    assert set(report.turns[0].stages_s) == ENCODING | {SCALING, WEIGHTS}


@pytest.mark.parametrize("task", [one for one in OURS if one.verb == DECODE], ids=lambda one: one.setting)
def test_miniature_decodes_as_ever(task: Task, photo: Photo) -> None:
    blob = api.encode(photo, target_bytes=task.target_bytes, quality=task.quality)
    Path(FILE).write_bytes(blob)
    report = done(request(task))
    assert (report.bytes, report.sha256) == (len(blob), sha256(api.decode(blob, painter=task.painter).tobytes()))
    assert set(report.turns[0].stages_s) == DECODING | {RESIZE, WEIGHTS}


@pytest.mark.parametrize("target_bytes", [None, 2000])
def test_taco_codes_as_ever(taco_set: Path, photo: Photo, target_bytes: int | None) -> None:
    words = {"system": "taco", "weights": str(taco_set), "caption": "a harbour"}
    blob = api.encode(photo, target_bytes=target_bytes, system="taco", caption="a harbour", weights=taco_set)
    report = done(request(Task(ENCODE, target_bytes=target_bytes), **words))
    assert report.sha256 == sha256(blob)
    assert set(report.turns[0].stages_s) == ENCODING | {WORDS, WEIGHTS}
    Path(FILE).write_bytes(blob)
    report = done(request(Task(DECODE, target_bytes=target_bytes), **words))
    assert report.sha256 == sha256(api.decode(blob, weights=taco_set).tobytes())
    assert set(report.turns[0].stages_s) == DECODING | {WEIGHTS}


def test_tasks_of_a_system() -> None:
    assert [f"{one.verb} {one.setting}" for one in tasks("miniature", 32, 1500)] == [
        *("encode quality=32", "encode target_bytes=1500"),
        *("decode quality=32", "decode quality=32 painter=vivid"),
        *("decode target_bytes=1500", "decode target_bytes=1500 painter=vivid"),
    ]
    assert [f"{one.verb} {one.setting}" for one in tasks("taco", 32, 9)] == [
        *("encode default", "encode target_bytes=9", "decode default", "decode target_bytes=9")
    ]


def test_warm_turns_open_no_weights_and_each_has_its_energy(folder: Path) -> None:
    asked = request(Task(ENCODE, quality=20), warm_ups=1, turns=3, powercap=str(powercap(folder / "powercap")))
    report = done(asked)
    assert len(report.turns) == 3 and all(WEIGHTS not in turn.stages_s for turn in report.turns)
    assert [turn.energy_j for turn in report.turns] == [0.0, 0.0, 0.0]
    assert all(turn.stages_s.keys() == turn.stages_cpu_s.keys() for turn in report.turns)
    assert Report.from_json(report.to_json()) == report


def test_patience_ends_the_turns_but_one_is_always_counted() -> None:
    report = done(request(Task(ENCODE, quality=5), turns=100, patience_s=1e-6))
    assert len(report.turns) == 1 and report.turns[0].energy_j is None


def test_a_request_is_read_as_it_was_written(folder: Path) -> None:
    asked = request(Task(DECODE, target_bytes=100, painter="vivid"))
    (folder / "request.json").write_text(asked.to_json())
    assert Request.read(folder / "request.json") == asked


def test_a_size_that_cannot_be_had_is_an_error() -> None:
    with pytest.raises(BudgetError):
        done(request(Task(ENCODE, target_bytes=9)))
