"""Seconds and memory of sedic: a plain loop that paints the same, and the page of a run with tiny models."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")
pytest.importorskip("skimage")
pytest.importorskip("cv2")

from pictures import scene  # noqa: E402

from limner.bench import plain_stages, random_models, staging  # noqa: E402
from limner.bench.random_models import FORMS  # noqa: E402
from limner.bench.staging import OURS, PLAIN, WINDOWS, Cell  # noqa: E402
from limner.render.machine import Machine  # noqa: E402
from limner.render.stages import Stages  # noqa: E402

SIZE = (64, 48)
PICTURE = scene(*SIZE)
WORDS = "a red boat on a lake"


@pytest.fixture(scope="module")
def models() -> Stages:
    return random_models.stages(FORMS["tiny"], staging.painter_of(5, SIZE), Machine("cpu"))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_plain_loop_paints_the_same(models: Stages, count: int) -> None:
    things = staging.things_of(SIZE, count)
    ours, plain = models.paint(PICTURE, things, WORDS, 3, SIZE), plain_stages.paint(models, PICTURE, things, WORDS, 3, SIZE)
    assert ours.shape == plain.shape == (48, 64, 3)
    assert np.abs(ours.astype(int) - plain).max() <= 2
    if count:
        other = models.paint(PICTURE, things[:-1], WORDS, 3, SIZE)
        assert np.abs(ours.astype(int) - other).max() > 2


def test_the_energy_moves_the_plain_loop_too(models: Stages) -> None:
    things, free = staging.things_of(SIZE, 1), staging.with_settings(models, replace(models.painter, eta=0.0))
    guided = plain_stages.paint(models, PICTURE, things, WORDS, 3, SIZE)
    assert not (guided == plain_stages.paint(free, PICTURE, things, WORDS, 3, SIZE)).all()


def test_ours_runs_the_nets_half_as_often(models: Stages) -> None:
    """5 steps of an object, of which one is guided, and 5 of the whole; guided passes of ours end before the U-Net does."""
    runs: list[int] = []
    hook = models.nets.parts.unet.register_forward_pre_hook(lambda module, args: runs.append(len(args[0])))
    try:
        things = staging.things_of(SIZE, 1)
        models.paint(PICTURE, things, WORDS, 3, SIZE)
        assert sorted(runs) == [1] + [2] * 10
        runs.clear()
        plain_stages.paint(models, PICTURE, things, WORDS, 3, SIZE)
        assert runs == [1] * 21
    finally:
        hook.remove()


def test_models_are_drawn_alike_and_their_processors_are_left_in_place(models: Stages) -> None:
    other = random_models.stages(FORMS["tiny"], models.painter, Machine("cpu"))
    states = [stages.nets.parts.unet.state_dict() for stages in (models, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    before = [type(one) for one in other.nets.parts.unet.attn_processors.values()]
    plain_stages.paint(other, PICTURE, staging.things_of(SIZE, 1), WORDS, 3, SIZE)
    assert [type(one) for one in other.nets.parts.unet.attn_processors.values()] == before


def test_words_fill_what_the_tokenizer_takes(models: Stages) -> None:
    assert models.nets.tokens(staging.WHOLE) == random_models.TOKENS - 2
    assert models.nets.tokens("red") == 3


def test_full_size_is_as_published() -> None:
    """On no device, so without memory; the counts are those of the published files."""
    parts = random_models.parts_of(FORMS["sd21"], "DDIMScheduler", "meta", "float16", 0)
    counts = [sum(one.numel() for one in model.parameters()) for model in (parts.unet, parts.vae, parts.text_encoder)]
    assert counts == [865_910_724, 83_653_863, 340_387_840]
    assert parts.control.controlnet_cond_embedding.weight.shape == (320, 4, 3, 3)
    assert all(tensor.dtype == torch.float16 for tensor in parts.unet.parameters())


def test_boxes_are_a_tenth_and_apart() -> None:
    for thing in staging.things_of((768, 512), 3):
        assert 0.09 < thing.mask.mean() < 0.12


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = ["--models", "tiny", "--size", 64, 48, "--steps", 1, "--objects", 0, 1, "--turns", 1, "--device", "cpu"]
    assert staging.main([*map(str, asked), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "staging.md").read_text("utf-8")
    assert capsys.readouterr().out == page
    found = [json.loads(line) for line in (tmp_path / "staging.jsonl").read_text("utf-8").splitlines()]
    assert [(one["way"], one["objects"]) for one in found] == [(way, n) for n in (0, 1) for way in (OURS, WINDOWS, PLAIN)]
    assert all(one["seconds"] > 0 and one["peak_mb"] is None for one in found)
    assert "| J = 1, 1 steps |" in page and "| masks of 3 boxes by GrabCut |" in page
    assert "| decode 50 | 4.994 ± 0.003 |" in page


def test_ways_stand_beside_each_other() -> None:
    found = [Cell(OURS, 20, 3, 2.0, 100.0), Cell(WINDOWS, 20, 3, 1.0, 90.0), Cell(PLAIN, 20, 3, 5.0, 300.0)]
    assert "| J = 3, 20 steps | 2.000 | 1.000 | 5.000 | 2.50 | 100 | 90 | 300 |" in staging.cells_table(found)
