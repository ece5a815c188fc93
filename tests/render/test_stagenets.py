"""The models of SEDIC's decoder: opened, in other precisions and forms, and what is missing or does not go together."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytest.importorskip("transformers")

import tiny_stages  # noqa: E402
from tiny_stages import LEFT, SEED, SIZE, WORDS, distance, other, painted  # noqa: E402

from limner.errors import LimnerError, MissingError  # noqa: E402
from limner.render.machine import Machine  # noqa: E402
from limner.render.stagepainter import STAGE_PAINTERS, StagePainter  # noqa: E402
from limner.render.stages import Stages, opened  # noqa: E402

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stages.save(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def painter(models: Path) -> StagePainter:
    return tiny_stages.painter(models)


@pytest.fixture(scope="module")
def stages(painter: StagePainter) -> Stages:
    return opened(painter)


@pytest.fixture(scope="module")
def reference() -> Pixels:
    return tiny_stages.reference()


def test_each_pass_is_counted(stages: Stages, reference: Pixels) -> None:
    """Both passes of classifier-free guidance are one; words are read once a stage; a guided pass reads the object's alone."""
    passes: list[int] = []
    read: list[int] = []
    parts = stages.nets.parts
    hooks = [
        parts.unet.register_forward_pre_hook(lambda _, given: passes.append(len(given[0]))),
        parts.text_encoder.register_forward_pre_hook(lambda *_: read.append(1)),
    ]
    painted(stages, reference, [LEFT, LEFT])
    assert passes == [1, 2, 2] * 2 + [2] and len(read) == 3 * 2
    passes.clear()
    painted(other(stages, object_guidance=1.0, last_guidance=0.0, eta=0.0), reference, [LEFT])
    assert passes == [1] * 3
    for hook in hooks:
        hook.remove()


def test_a_tiny_vae_takes_the_place_of_the_large(models: Path, painter: StagePainter, reference: Pixels) -> None:
    tiny = opened(replace(painter, vae=str(models / "tiny"), scheduler="EulerDiscreteScheduler", spacing="trailing"))
    assert isinstance(tiny.nets.parts.vae, diffusers.AutoencoderTiny)
    assert tiny.nets.times(3).tolist()[0] == 999
    assert painted(tiny, reference, [LEFT])[0].shape == (48, 64, 3)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision(precision: str, painter: StagePainter, stages: Stages, reference: Pixels) -> None:
    """With guidance; the slope's scale keeps it in the range."""
    half = opened(painter, Machine(precision=precision))
    assert {parameter.dtype for model in half.nets.parts.models for parameter in model.parameters()} == {half.nets.dtype}
    one, two = (painted(each, reference, [LEFT])[0].astype(float) for each in (half, stages))
    assert 0 < np.abs(one - two).max() < 120
    with torch.no_grad():
        assert {each.dtype for each in half.before(reference, SEED)} == {half.nets.dtype}


def test_slices_and_tiles(painter: StagePainter, stages: Stages, reference: Pixels) -> None:
    """Maps are seen where attention is in slices."""
    sliced, tiled = (opened(painter, machine) for machine in (Machine(slicing=True), Machine(tiling=True)))
    assert distance(painted(sliced, reference, [LEFT])[0], painted(stages, reference, [LEFT])[0]) <= 2
    assert painted(tiled, reference, [])[0].shape == (48, 64, 3) and tiled.nets.parts.vae.use_tiling


def test_the_coarsest_latents_come_back(stages: Stages, reference: Pixels) -> None:
    """From a picture to latents and back is what the VAE does."""
    nets, vae = stages.nets, stages.nets.parts.vae
    with torch.no_grad():
        latents = nets.latents(reference)
        plain = vae.encode(nets.tensor(reference) * 2 - 1).latent_dist.mode()
        assert torch.allclose(latents, plain * 0.18215)
        decoded = (vae.decode(plain).sample / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).numpy()
        assert np.abs(nets.picture(latents) / 255 - decoded).max() < 0.51 / 255


def test_more_steps_than_a_scheduler_has(stages: Stages, reference: Pixels) -> None:
    for scheduler, steps in (("LCMScheduler", 100), ("DDIMScheduler", 1000)):
        with pytest.raises(LimnerError, match="take fewer"):
            other(stages, scheduler=scheduler, last_steps=steps).paint(reference, [], WORDS, SEED, SIZE)


def test_numbers_that_overflow_are_said(stages: Stages) -> None:
    with torch.no_grad(), pytest.raises(LimnerError, match="float32"):
        stages.nets.picture(torch.full((1, 4, 6, 8), torch.nan))


# Opening.


def test_blocks_without_cross_attention_are_refused_at_once(painter: StagePainter) -> None:
    for blocks in (("up_blocks.0",), ("mid_block", "down_blocks.7")):
        with pytest.raises(MissingError, match=blocks[-1]):
            opened(replace(painter, guided_blocks=blocks))
    assert opened(replace(painter, guided_blocks=("up_blocks.0",), eta=0.0)) is not None


def test_controls_are_not_taken_for_each_other(models: Path, painter: StagePainter) -> None:
    with pytest.raises(MissingError):
        opened(replace(painter, control_kind="tile"))
    with pytest.raises(MissingError, match="lacks"):
        opened(replace(painter, control=str(models / "tile")))


def test_all_that_is_missing_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    wanted = {"paper": "sd21 diffbir-v2", "fast": "sd-turbo diffbir-v2 taesd", "tile": "sd15 controlnet-tile-sd15"}
    for name, names in wanted.items():
        with pytest.raises(MissingError, match=f"limner weights fetch {names}$"):
            opened(STAGE_PAINTERS[name])
