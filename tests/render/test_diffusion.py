"""Painting with tiny models of the published form: diffusers' own pipelines, seeds, noise, cancelling, what is missing."""

from __future__ import annotations

import inspect
import logging
import os
import pickle
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

import tiny_diffusion  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from limner.errors import LimnerError, MissingError, SceneError  # noqa: E402
from limner.render.diffusion import Diffusion, opened, to_uint8  # noqa: E402
from limner.render.drawn import answering, answers, drawn  # noqa: E402
from limner.render.hint import hint  # noqa: E402
from limner.render.machine import Machine  # noqa: E402
from limner.render.noise import gaussian  # noqa: E402
from limner.render.painter import PAINTERS, SCHEDULERS, Painter  # noqa: E402
from limner.render.parts import missing  # noqa: E402
from limner.render.quiet import quiet  # noqa: E402

SIZE = (64, 48)
WORDS = "a red boat on a lake"
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    tiny_diffusion.save_base(place / "base")
    tiny_diffusion.save_control(place / "control")
    tiny_diffusion.save_control(place / "pickled", pickled=True)
    tiny_diffusion.save_tiny_vae(place / "tiny")
    return place


@pytest.fixture(scope="module")
def painter(models: Path) -> Painter:
    return Painter(base=str(models / "base"), control=str(models / "control"), steps=3)


@pytest.fixture(scope="module")
def diffusion(painter: Painter) -> Diffusion:
    return opened(painter)


@pytest.fixture(scope="module")
def sketch() -> NDArray[np.float32]:
    down, right = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    return np.where(np.abs(down - right) < 4, 0.8, 0.0).astype(np.float32)


def distance(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other).max())


def own(models: Path, control: bool, scheduler: str = "DPMSolverMultistepScheduler") -> Any:
    """A pipeline as a user of diffusers opens it."""
    given = {"safety_checker": None, "requires_safety_checker": False, "local_files_only": True}
    if control:
        net = diffusers.ControlNetModel.from_pretrained(models / "control")
        pipe = diffusers.StableDiffusionControlNetPipeline.from_pretrained(models / "base", controlnet=net, **given)
    else:
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(models / "base", **given)
    pipe.scheduler = getattr(diffusers, scheduler).from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def said(painter: Painter, seeds: Sequence[int]) -> dict[str, Any]:
    """Its arguments, written out."""
    return {
        "prompt": WORDS + ", high quality",
        "negative_prompt": painter.negative,
        "width": 64,
        "height": 48,
        "num_inference_steps": 3,
        "guidance_scale": 9.0,
        "num_images_per_prompt": len(seeds),
        "latents": torch.stack([torch.from_numpy(gaussian(seed, 0, (4, 6, 8))) for seed in seeds]),
    }


# Against diffusers itself.


def test_words_alone_equal_diffusers_own(models: Path, painter: Painter, diffusion: Diffusion) -> None:
    with quiet():
        images = own(models, control=False)(**said(painter, [3, 4])).images
    for found, expected in zip(diffusion.paint(WORDS, SIZE, [3, 4]), images, strict=True):
        assert found.shape == (48, 64, 3) and found.dtype == np.uint8
        assert distance(found, np.asarray(expected)) <= 1


def test_words_and_sketch_equal_diffusers_own(
    models: Path, painter: Painter, diffusion: Diffusion, sketch: NDArray[np.float32]
) -> None:
    shown = Image.fromarray(hint(sketch, SIZE, 2.0))
    with quiet():
        images = own(models, control=True)(image=shown, **said(painter, [3, 4])).images
    for found, expected in zip(diffusion.paint(WORDS, SIZE, [3, 4], sketch), images, strict=True):
        assert distance(found, np.asarray(expected)) <= 1


def test_noise_on_the_way_equals_diffusers_own_with_that_noise(
    models: Path, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline is given the noise by another door: its scheduler's own helper."""
    draws = iter(range(1, 9))

    def tensor(shape: Sequence[int], **_: Any) -> Any:
        draw = next(draws)
        return torch.stack([torch.from_numpy(gaussian(seed, draw, (4, 6, 8))) for seed in (3, 4)])

    ancestral = "EulerAncestralDiscreteScheduler"
    found = opened(replace(painter, scheduler=ancestral)).paint(WORDS, SIZE, [3, 4])
    monkeypatch.setattr("diffusers.schedulers.scheduling_euler_ancestral_discrete.randn_tensor", tensor)
    with quiet():
        images = own(models, control=False, scheduler=ancestral)(**said(painter, [3, 4])).images
    assert all(distance(one, np.asarray(other)) <= 1 for one, other in zip(found, images, strict=True))
    assert next(draws) > 2


# Laws.


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_seed_is_a_picture(painter: Painter, scheduler: str, sketch: NDArray[np.float32]) -> None:
    """Again, alone or beside others, with torch's own generator wherever it stands; which is left there."""
    diffusion = opened(replace(painter, scheduler=scheduler, guidance=4.0))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = diffusion.paint(WORDS, SIZE, [5, 6], sketch)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = diffusion.paint(WORDS, SIZE, [5, 6], sketch)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    (alone,) = diffusion.paint(WORDS, SIZE, [6], sketch)
    assert distance(alone, first[1]) <= 2 and distance(first[0], first[1]) > 20


def test_batches_do_not_matter(painter: Painter) -> None:
    seeds = [0, 2**32 - 1, 7, 7, 9]
    ancestral = replace(painter, scheduler="EulerAncestralDiscreteScheduler")
    steps: list[tuple[int, int]] = []
    one, two = (opened(ancestral, Machine(batch=batch)) for batch in (5, 2))
    first, second = one.paint(WORDS, SIZE, seeds), two.paint(WORDS, SIZE, seeds, watch=lambda *step: steps.append(step))
    assert len(first) == len(second) == 5
    assert all(distance(*pair) <= 2 for pair in zip(first, second, strict=True))
    assert steps == [(step, 9) for step in range(1, 10)]


def test_words_sketch_and_seed_are_seen(diffusion: Diffusion, sketch: NDArray[np.float32]) -> None:
    pictures = [
        diffusion.paint(WORDS, SIZE, [1])[0],
        diffusion.paint(WORDS, SIZE, [2])[0],
        diffusion.paint("another thing", SIZE, [1])[0],
        diffusion.paint(WORDS, SIZE, [1], sketch)[0],
        diffusion.paint(WORDS, SIZE, [1], np.zeros_like(sketch))[0],
        diffusion.paint(WORDS, SIZE, [1], sketch[::-1])[0],
    ]
    assert all(distance(one, other) > 3 for place, one in enumerate(pictures) for other in pictures[:place])


def test_without_a_sketch_a_control_net_is_not_used(painter: Painter, diffusion: Diffusion) -> None:
    plain = opened(replace(painter, control=""))
    assert np.array_equal(plain.paint(WORDS, SIZE, [1])[0], diffusion.paint(WORDS, SIZE, [1])[0])
    assert plain.paint(WORDS, SIZE, []) == []


def test_guidance_has_a_say_and_may_be_none(painter: Painter) -> None:
    found = [opened(replace(painter, control="", guidance=scale)).paint(WORDS, SIZE, [1])[0] for scale in (0.0, 1.0, 9.0)]
    assert np.array_equal(found[0], found[1]) and distance(found[1], found[2]) > 3


def test_a_tiny_vae_takes_the_place_of_the_large(models: Path, painter: Painter, sketch: NDArray[np.float32]) -> None:
    tiny = opened(replace(painter, vae=str(models / "tiny")))
    (found,) = tiny.paint(WORDS, SIZE, [1], sketch)
    assert isinstance(tiny.parts.vae, diffusers.AutoencoderTiny) and found.shape == (48, 64, 3)


def test_tensors_of_a_pickle_are_the_same(models: Path, painter: Painter, diffusion: Diffusion, sketch: Any) -> None:
    pickled = opened(replace(painter, control=str(models / "pickled")))
    assert np.array_equal(pickled.paint(WORDS, SIZE, [1], sketch)[0], diffusion.paint(WORDS, SIZE, [1], sketch)[0])


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_another_machine(
    precision: str, painter: Painter, diffusion: Diffusion, sketch: Any, record_property: Any
) -> None:
    """How far apart is said, in levels of 255; with random weights it stands for nothing."""
    half = opened(painter, Machine(precision=precision))
    assert {parameter.dtype for model in half.parts.models for parameter in model.parameters()} == {getattr(torch, precision)}
    one, other = (each.paint(WORDS, SIZE, [1], sketch)[0].astype(float) for each in (half, diffusion))
    record_property("peak", float(np.abs(one - other).max()))
    record_property("rms", float(np.sqrt(np.mean((one - other) ** 2))))
    assert 0 < np.abs(one - other).max() < 100


def test_tiles_and_slices_change_little(painter: Painter, diffusion: Diffusion) -> None:
    whole = diffusion.paint(WORDS, (96, 64), [1])[0]
    assert np.array_equal(opened(painter, Machine(tiling=False)).paint(WORDS, (96, 64), [1])[0], whole)
    sliced = opened(painter, Machine(slicing=True)).paint(WORDS, (96, 64), [1])[0]
    assert distance(sliced, whole) <= 2
    tiled = opened(painter, Machine(tiling=True))
    tiles = tiled.paint(WORDS, (96, 64), [1])[0]
    assert tiled.parts.vae.use_tiling and tiles.shape == whole.shape and not np.array_equal(tiles, whole)


# Watching and cancelling.


class Enough(Exception):
    pass


@pytest.mark.parametrize("kind", [Enough, KeyboardInterrupt])
def test_what_a_watcher_raises_ends_the_painting(diffusion: Diffusion, kind: type[BaseException]) -> None:
    steps: list[tuple[int, int]] = []

    def watch(step: int, of: int) -> None:
        steps.append((step, of))
        if step == 2:
            raise kind

    before = diffusion.paint(WORDS, SIZE, [1])[0]
    with pytest.raises(kind):
        diffusion.paint(WORDS, SIZE, [1], watch=watch)
    assert steps == [(1, 3), (2, 3)]
    assert np.array_equal(diffusion.paint(WORDS, SIZE, [1])[0], before)


# Words.


def test_words_that_are_cut_are_told(diffusion: Diffusion) -> None:
    """A token for each letter here; 75 beside start and end, 12 of them for the suffix."""
    assert diffusion.fits("x" * 63) and diffusion.cut("x" * 63) == ""
    assert not diffusion.fits("x" * 64) and diffusion.cut("x" * 64) == "y"
    assert diffusion.cut("x" * 80).endswith(", high quality")
    long, longer = (diffusion.paint("x" * count, SIZE, [1])[0] for count in (90, 120))
    assert np.array_equal(long, longer)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"size_px": (60, 48)}, "size_px"),
        ({"size_px": (64, 0)}, "size_px"),
        ({"size_px": (64, -8)}, "size_px"),
        ({"seeds": [-1]}, "seeds"),
        ({"seeds": [2**32]}, "seeds"),
        ({"words": "\ud800"}, "words"),
        ({"sketch": np.zeros((64, 48), np.float32)}, "sketch"),
        ({"sketch": np.full((48, 64), 2, np.float32)}, "sketch"),
    ],
)
def test_what_cannot_be_painted(diffusion: Diffusion, given: dict[str, Any], field: str) -> None:
    usual: dict[str, Any] = {"words": WORDS, "size_px": SIZE, "seeds": [0]}
    with pytest.raises(SceneError) as caught:
        diffusion.paint(**(usual | given))
    assert caught.value.field == field


def test_a_sketch_needs_a_control_net(painter: Painter, sketch: Any) -> None:
    with pytest.raises(SceneError, match="control net"):
        opened(replace(painter, control="")).paint(WORDS, SIZE, [0], sketch)


def test_numbers_that_overflow_are_said() -> None:
    with pytest.raises(LimnerError, match="float32"):
        to_uint8(np.array([[[[np.nan, 0, 0]]]], np.float32))


# Noise.


def test_torch_is_answered_in_all_its_forms() -> None:
    with answers([4, 5]):
        found = [
            torch.randn((2, 3, 2)),
            torch.randn(2, 3, 2, dtype=torch.float16),
            torch.randn(size=(2, 3, 2)),
            torch.randn_like(torch.zeros(2, 3, 2, dtype=torch.float64)),
        ]
    for draw, each in enumerate(found, 1):
        assert torch.equal(each, drawn([4, 5], draw, (3, 2)).to(each.dtype))
    assert [each.dtype for each in found] == [torch.float32, torch.float16, torch.float32, torch.float64]
    assert np.array_equal(drawn([4, 5], 9, (3, 2))[1].numpy(), gaussian(5, 9, (3, 2)))


def test_a_scheduler_is_as_before_afterwards() -> None:
    scheduler = diffusers.DDIMScheduler()
    with pytest.raises(Enough), answering(scheduler, [1]):
        assert list(inspect.signature(scheduler.step).parameters) == list(
            inspect.signature(diffusers.DDIMScheduler().step).parameters
        )
        raise Enough
    assert "step" not in vars(scheduler)


def test_noise_that_is_not_foreseen_is_refused() -> None:
    with answers([4, 5]), pytest.raises(LimnerError, match="not foreseen"):
        torch.randn(3, 2)


# Opening.


def test_nothing_is_said_and_voices_stay(painter: Painter, capfd: pytest.CaptureFixture[str]) -> None:
    voices = (diffusers.utils.logging, transformers.utils.logging)
    before = [(voice.get_verbosity(), voice.is_progress_bar_enabled()) for voice in voices]
    diffusers.utils.logging.set_verbosity(logging.INFO)
    opened(painter, Machine(precision="float16")).paint("x" * 200, SIZE, [1])
    assert diffusers.utils.logging.get_verbosity() == logging.INFO
    diffusers.utils.logging.set_verbosity(before[0][0])
    assert [(voice.get_verbosity(), voice.is_progress_bar_enabled()) for voice in voices] == before
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.mark.usefixtures("empty")
def test_all_that_is_missing_is_said_at_once() -> None:
    painter = PAINTERS["pics", "fast"]
    names = ["sd-turbo", "controlnet-hed-sd21", "taesd"]
    assert missing(painter) == [
        (name, size, f"limner weights fetch {name}") for name, size in zip(names, (5210, 1460, 10), strict=True)
    ]
    with pytest.raises(
        MissingError, match=r"sd-turbo \(about 5210 MB\), controlnet.*: limner weights fetch sd-turbo contr.* taesd$"
    ):
        opened(painter)
    assert missing(Painter(base="somebody/model")) == [("somebody/model", None, "limner weights fetch somebody/model")]
    with pytest.raises(MissingError, match="limner weights list"):
        missing(Painter(base="no-such-folder"))


def test_what_is_here_is_not_missing(painter: Painter) -> None:
    assert missing(painter) == []


def without(place: Path, name: str) -> None:
    (shutil.rmtree if (place / name).is_dir() else os.remove)(place / name)


def cut_short(place: Path, name: str) -> None:
    (place / name).write_bytes((place / name).read_bytes()[:1000])


def less_a_tensor(place: Path, name: str) -> None:
    tensors = load_file(place / name)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, place / name, {"format": "pt"})


def nonsense(place: Path, name: str) -> None:
    (place / name).write_text('{"a": [', "utf-8")


def nothing_in_it(place: Path, name: str) -> None:
    (place / name).write_text("{}", "utf-8")


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (without, "unet"),
        (without, "unet/diffusion_pytorch_model.safetensors"),
        (without, "text_encoder/config.json"),
        (without, "tokenizer/vocab.json"),
        (without, "scheduler"),
        (cut_short, "vae/diffusion_pytorch_model.safetensors"),
        (cut_short, "text_encoder/model.safetensors"),
        (less_a_tensor, "unet/diffusion_pytorch_model.safetensors"),
        (less_a_tensor, "text_encoder/model.safetensors"),
        (nonsense, "unet/config.json"),
        (nonsense, "scheduler/scheduler_config.json"),
        (nonsense, "tokenizer/vocab.json"),
        (nothing_in_it, "vae/config.json"),
        (nothing_in_it, "tokenizer/tokenizer_config.json"),
    ],
)
def test_a_damaged_base_is_said(models: Path, tmp_path: Path, harm: Any, name: str) -> None:
    base = Path(shutil.copytree(models / "base", tmp_path / "base"))
    harm(base, name)
    with pytest.raises(MissingError):
        opened(Painter(base=str(base)))


def test_a_base_in_pickles_is_not_read(models: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(models / "base", tmp_path / "base"))
    tensors = base / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(tensors), tensors.with_suffix(".bin"))
    tensors.unlink()
    with pytest.raises(MissingError, match="unet"):
        opened(Painter(base=str(base)))


class Spoiler:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (os.environ["SPOILED"],))


def test_a_pickle_is_not_run(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOILED", str(tmp_path / "spoiled"))
    control = Path(shutil.copytree(models / "pickled", tmp_path / "control"))
    (control / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Spoiler()))
    with pytest.raises(MissingError, match="control"):
        opened(Painter(base=str(models / "base"), control=str(control)))
    assert not (tmp_path / "spoiled").exists()


def test_models_that_do_not_go_together_are_refused(models: Path, tmp_path: Path) -> None:
    other = diffusers.UNet2DConditionModel.from_pretrained(models / "base" / "unet")
    config = {key: value for key, value in other.config.items() if not key.startswith("_")}
    wide = diffusers.UNet2DConditionModel(**(config | {"cross_attention_dim": 16}))
    diffusers.ControlNetModel.from_unet(wide, conditioning_embedding_out_channels=(8, 8, 8, 16)).save_pretrained(
        tmp_path / "control"
    )
    with pytest.raises(MissingError, match="is not made for"):
        opened(Painter(base=str(models / "base"), control=str(tmp_path / "control")))
    base = Path(shutil.copytree(models / "base", tmp_path / "base"))
    wide.save_pretrained(base / "unet")
    with pytest.raises(MissingError, match="text encoder"):
        opened(Painter(base=str(base)))
    diffusers.UNet2DConditionModel(**(config | {"in_channels": 9})).save_pretrained(base / "unet")
    with pytest.raises(MissingError, match="words alone"):
        opened(Painter(base=str(base)))


def test_models_that_come_and_go_paint_the_same(
    painter: Painter, diffusion: Diffusion, sketch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the CPU and itself, with and without the control net, and after a painting that was ended."""
    pytest.importorskip("accelerate")
    monkeypatch.setattr("limner.render.diffusion.offload_of", lambda *_: "model")
    moving = opened(painter, Machine(device="cpu"))
    for shown in (None, sketch, None):
        assert np.array_equal(moving.paint(WORDS, SIZE, [1], shown)[0], diffusion.paint(WORDS, SIZE, [1], shown)[0])

        def watch(step: int, of: int) -> None:
            raise Enough

        with pytest.raises(Enough):
            moving.paint(WORDS, SIZE, [1], shown, watch)


def test_a_cpu_offloads_nothing(painter: Painter) -> None:
    with pytest.raises(LimnerError, match="offload"):
        opened(painter, Machine(device="cpu", offload="model"))
