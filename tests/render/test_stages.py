"""SEDIC's decoder with tiny models: against diffusers and written-out nets, masks of all kinds, noise, memory, cancelling."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytest.importorskip("transformers")

import ldm_control  # noqa: E402
import tiny_stages  # noqa: E402
from PIL import Image  # noqa: E402
from tiny_stages import (  # noqa: E402
    EMPTY,
    FULL,
    GRID,
    LEFT,
    OVER,
    RIGHT,
    SEED,
    SIZE,
    STATE,
    WORDS,
    alphas,
    distance,
    mask,
    other,
    painted,
    paths,
    same_bits,
)

from limner import image  # noqa: E402
from limner.errors import LimnerError, SceneError  # noqa: E402
from limner.render import drawn as drawn_of  # noqa: E402
from limner.render.lowpass import lowpass  # noqa: E402
from limner.render.noise import gaussian  # noqa: E402
from limner.render.quiet import quiet  # noqa: E402
from limner.render.stagenets import DRAWS, Nets  # noqa: E402
from limner.render.stagepainter import STAGE_PAINTERS, STAGE_SCHEDULERS  # noqa: E402
from limner.render.stages import Counter, Stages, Thing, opened  # noqa: E402

Pixels = NDArray[np.uint8]
HALF_A_LEVEL = 0.51 / 255


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stages.save(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def stages(models: Path) -> Stages:
    return opened(tiny_stages.painter(models))


@pytest.fixture(scope="module")
def reference() -> Pixels:
    return tiny_stages.reference()


@pytest.fixture(scope="module")
def pipe(models: Path) -> Any:
    """A pipeline as a user of diffusers opens it."""
    net = diffusers.ControlNetModel.from_pretrained(models / "tile")
    given = {"safety_checker": None, "requires_safety_checker": False, "local_files_only": True}
    with quiet():
        found = diffusers.StableDiffusionControlNetPipeline.from_pretrained(models / "base", controlnet=net, **given)
    found.set_progress_bar_config(disable=True)
    return found


def noise(draw: int, seed: int = SEED) -> Any:
    return torch.from_numpy(gaussian(seed, draw, (4, *GRID)))[None]


# The last stage alone is the plain pipeline.


@pytest.fixture(scope="module")
def tile(models: Path) -> Stages:
    return opened(replace(tiny_stages.painter(models), control=str(models / "tile"), control_kind="tile"))


@pytest.mark.parametrize(
    ("scheduler", "guidance"),
    [("DDIMScheduler", 7.0), ("DDIMScheduler", 0.0), ("DDPMScheduler", 7.0), ("EulerDiscreteScheduler", 7.0)],
)
def test_without_objects_it_is_the_plain_pipeline(
    scheduler: str, guidance: float, tile: Stages, reference: Pixels, pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The noise on the way is given to it by another door: its scheduler's own helper."""
    found = other(tile, scheduler=scheduler, last_guidance=guidance, last_steps=3).paint(reference, [], WORDS, SEED, SIZE)
    draws = iter(range(1, 9))
    if scheduler == "DDPMScheduler":
        place = "diffusers.schedulers.scheduling_ddpm.randn_tensor"
        monkeypatch.setattr(place, lambda *_, **__: noise(next(draws)))
    pipe.scheduler = getattr(diffusers, scheduler).from_config(pipe.scheduler.config)
    with quiet():
        expected = pipe(
            prompt=WORDS,
            negative_prompt=tile.painter.negative,
            image=Image.fromarray(reference),
            num_inference_steps=3,
            guidance_scale=guidance,
            latents=noise(0),
            output_type="np",
        ).images[0]
    assert np.abs(found / 255 - expected).max() < HALF_A_LEVEL
    assert (next(draws) > 2) == (scheduler == "DDPMScheduler")


def test_without_objects_ircontrol_is_as_written_out(stages: Stages, reference: Pixels, pipe: Any) -> None:
    """DiffBIR's net in LDM's own form, DDIM by its formula."""
    with torch.no_grad(), quiet():
        both = torch.cat(pipe.encode_prompt(WORDS, "cpu", 1, True, stages.painter.negative)[::-1])
        shown = torch.from_numpy(reference.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1
        condition = pipe.vae.encode(shown).latent_dist.mode() * 0.18215
        z, left = noise(0), alphas()
        for time, then in ((501, left[1]), (1, left[0])):
            two = torch.cat([z, z])
            *down, middle = ldm_control.control(STATE, ldm_control.TINY, two, torch.cat([condition] * 2), time, both)
            given = {"down_block_additional_residuals": tuple(down), "mid_block_additional_residual": middle}
            plain, worded = pipe.unet(two, time, both, **given).sample.chunk(2)
            told, now = plain + 7 * (worded - plain), left[time]
            z = then.sqrt() * (z - (1 - now).sqrt() * told) / now.sqrt() + (1 - then).sqrt() * told
        expected = (pipe.vae.decode(z / 0.18215).sample / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    found = other(stages, last_steps=2).paint(reference, [], WORDS, SEED, SIZE)
    assert np.abs(found / 255 - expected).max() < HALF_A_LEVEL


# Equation 4.


@pytest.mark.parametrize("scheduler", STAGE_SCHEDULERS)
def test_outside_of_a_mask_nothing_changes_at_any_step(scheduler: str, stages: Stages, reference: Pixels) -> None:
    things = [LEFT, OVER]
    eta = 1000.0 if scheduler == "DDIMScheduler" else 0.0
    found = paths(other(stages, scheduler=scheduler, eta=eta), reference, things)
    for (before, after), thing in zip(pairwise(found), things, strict=True):
        there = torch.from_numpy(thing.mask)
        assert len(before) == len(after) == 2
        for one, two in zip(before, after, strict=True):
            assert same_bits(one[..., ~there], two[..., ~there])
            assert (one[..., there] != two[..., there]).float().mean() > 0.9


def test_each_step_goes_on_from_what_was_blended(stages: Stages, reference: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    plain = Nets.stepped

    def stepped(self: Nets, latents: Any, *given: Any) -> Any:
        seen.append(latents.clone())
        return plain(self, latents, *given)

    monkeypatch.setattr(Nets, "stepped", stepped)
    _, path = paths(other(stages, eta=0.0, object_steps=(3,)), reference, [LEFT])
    assert len(seen) == 3 and same_bits(seen[0], noise(DRAWS))
    assert all(same_bits(one, two) for one, two in zip(seen[1:], path, strict=False))


def test_before_the_first_object_is_the_reference_at_its_times(stages: Stages, reference: Pixels) -> None:
    three = other(stages, object_steps=(3,))
    with torch.no_grad():
        latents = three.nets.latents(reference)
        (before,) = paths(three, reference, [])
    assert three.nets.times(3).tolist() == [667, 334, 1] and len(before) == 3
    for found, left in zip(before, alphas()[[334, 1]], strict=False):
        assert torch.allclose(found, left.sqrt() * latents + (1 - left).sqrt() * noise(DRAWS), atol=1e-5)
    assert torch.equal(before[-1], latents)


@given(st.lists(st.lists(st.integers(0, 1), min_size=48, max_size=48), min_size=1, max_size=3))
@settings(max_examples=6, deadline=None)
def test_what_is_under_no_mask_stays_the_reference(stages: Stages, reference: Pixels, drawn: list[list[int]]) -> None:
    things = [Thing("x", np.array(bits, bool).reshape(GRID)) for bits in drawn]
    one_step = other(stages, object_steps=(1,), eta=0.0)
    found = paths(one_step, reference, [thing for thing in things if thing.mask.any()])
    free = ~torch.from_numpy(np.any([thing.mask for thing in things], axis=0))
    assert same_bits(found[0][-1][..., free], found[-1][-1][..., free])


# Masks.


def test_an_empty_mask_is_passed_over(stages: Stages, reference: Pixels) -> None:
    steps: list[tuple[int, int]] = []
    kept: dict[int, Pixels] = {}
    things = [EMPTY, LEFT, EMPTY]
    found = stages.paint(reference, things, WORDS, SEED, SIZE, watch=lambda *step: steps.append(step), keep=kept.__setitem__)
    assert steps == [(step, 3) for step in range(1, 4)]
    assert np.array_equal(kept[1], reference) and np.array_equal(kept[2], kept[3]) and np.array_equal(kept[4], found)
    assert list(kept) == [1, 2, 3, 4] and distance(kept[1], kept[2]) > 3
    # Those after it have the noise of their own number.
    assert not np.array_equal(painted(stages, reference, [LEFT])[1][1], kept[2])


def test_nothing_but_empty_masks_is_no_object(stages: Stages, reference: Pixels) -> None:
    assert np.array_equal(painted(stages, reference, [EMPTY, EMPTY])[0], painted(stages, reference, [])[0])
    assert np.array_equal(stages.paint(reference, [EMPTY], WORDS, SEED, SIZE, stages=1), reference)


def test_a_full_mask_is_a_stage_of_its_own(stages: Stages, reference: Pixels) -> None:
    """Nothing is blended and nothing guided: as if there were no mask."""
    *_, path = paths(stages, reference, [FULL])
    stage = stages.stage(1, FULL.words, reference, FULL.mask)
    with torch.no_grad():
        alone = stages.run(replace(stage, mask=None), [], SEED, Counter(None, 0))
    assert stages.guide(stage) is None and same_bits(path[-1], alone)


def test_of_overlapping_masks_the_later_one_is_on_top(stages: Stages, reference: Pixels) -> None:
    _, first, second = paths(stages, reference, [LEFT, OVER])
    both, only = torch.from_numpy(LEFT.mask & OVER.mask), torch.from_numpy(LEFT.mask & ~OVER.mask)
    assert both.any() and not torch.equal(first[-1][..., both], second[-1][..., both])
    assert same_bits(first[-1][..., only], second[-1][..., only])


@pytest.mark.parametrize("factor", [8, 1, 3])
def test_a_mask_may_be_of_any_size(factor: int, stages: Stages, reference: Pixels) -> None:
    large = Thing(LEFT.words, np.kron(LEFT.mask, np.ones((factor, factor), bool)))
    assert np.array_equal(stages.places(large, reference), LEFT.mask)


# Number of objects.


def test_stages_follow_one_another(stages: Stages, reference: Pixels) -> None:
    """None to three objects; what is painted is the same whether others follow or not."""
    quick = other(stages, object_steps=(1,), eta=0.0)
    things = [LEFT, RIGHT, OVER]
    kept = painted(quick, reference, things)[1]
    assert list(kept) == [1, 2, 3, 4]
    assert all(distance(one, two) > 3 for one, two in pairwise([reference, *kept.values()]))
    for count in range(3):
        found, fewer = painted(quick, reference, things[:count])
        assert found.shape == (48, 64, 3) and found.dtype == np.uint8 and np.array_equal(fewer[count + 1], found)
        assert all(np.array_equal(fewer[number], kept[number]) for number in range(1, count + 1))
    assert np.array_equal(quick.paint(reference, things, WORDS, SEED, SIZE, stages=2), kept[2])


def test_eight_objects(stages: Stages, reference: Pixels) -> None:
    few = other(stages, object_steps=(1,), eta=0.0)
    things = [Thing(f"thing {number}", mask(slice(0, 6), slice(number, number + 1))) for number in range(8)]
    steps: list[tuple[int, int]] = []
    kept: dict[int, Pixels] = {}
    few.paint(reference, things, WORDS, 0, SIZE, watch=lambda *step: steps.append(step), keep=kept.__setitem__)
    assert steps == [(step, 9) for step in range(1, 10)] and len({value.tobytes() for value in kept.values()}) == 9


def test_memory_does_not_grow_with_objects(stages: Stages, reference: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all latents that are made, those that are still there after a step."""
    made: list[weakref.ref[Any]] = []

    def noted(plain: Callable[..., Any]) -> Callable[..., Any]:
        def found(self: Any, *given: Any) -> Any:
            result = plain(self, *given)
            made.append(weakref.ref(result))
            return result

        return found

    for name in ("stepped", "noised", "latents", "noise"):
        monkeypatch.setattr(Nets, name, noted(getattr(Nets, name)))
    three = other(stages, object_steps=(3,), eta=0.0)
    most = []
    for count in (1, 2, 4):
        made.clear()
        alive: list[int] = []

        def watch(*_: int, alive: list[int] = alive) -> None:
            alive.append(sum(each() is not None for each in made))

        three.paint(reference, [LEFT, RIGHT] * 2, WORDS, 0, SIZE, count, watch)
        most.append(max(alive))
        assert len(made) == 4 + 5 * count
    # One for each step, the condition, and what is at work.
    assert most[0] == most[1] == most[2] <= 3 + 3


# Noise.


@pytest.mark.parametrize("scheduler", ["DDIMScheduler", "EulerAncestralDiscreteScheduler", "LCMScheduler"])
def test_a_seed_is_a_picture(scheduler: str, stages: Stages, reference: Pixels) -> None:
    each = other(stages, scheduler=scheduler)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = painted(each, reference, [LEFT])[0]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert np.array_equal(painted(each, reference, [LEFT])[0], first)
    assert distance(painted(each, reference, [LEFT], SEED + 1)[0], first) > 20


def test_each_stage_has_draws_of_its_own(stages: Stages, reference: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, tuple[int, ...]]] = []

    def noted(seed: int, draw: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        seen.append((seed, draw, shape))
        return gaussian(seed, draw, shape)

    monkeypatch.setattr(drawn_of, "gaussian", noted)
    painted(other(stages, scheduler="EulerAncestralDiscreteScheduler", eta=0.0), reference, [LEFT, EMPTY, RIGHT], seed=9)
    # First the reference's, which is that of the first object.
    first, third = [DRAWS, DRAWS, DRAWS + 1, DRAWS + 2], [3 * DRAWS, 3 * DRAWS + 1, 3 * DRAWS + 2]
    assert [draw for _, draw, _ in seen] == [*first, *third, 0, 1]
    assert {(seed, shape) for seed, _, shape in seen} == {(9, (4, *GRID))}


# Windows.


def test_a_window_that_holds_everything_is_the_whole(stages: Stages, reference: Pixels) -> None:
    wide = other(stages, margin_px=64)
    assert np.array_equal(*(each.paint(reference, [LEFT], WORDS, SEED, SIZE, stages=1) for each in (wide, stages)))


def test_an_object_can_be_painted_in_a_window(stages: Stages, reference: Pixels) -> None:
    small = Thing("a bird", mask(slice(4, 5), slice(6, 7)))
    near = other(stages, margin_px=5, multiple=16)
    stage = near.stage(2, small.words, reference, small.mask)
    # One place, one more on each side, to a multiple of two.
    assert stage.window == (slice(2, 6), slice(4, 8)) and stage.mask is not None and stage.mask.sum() == 1
    sizes: list[tuple[int, ...]] = []
    hook = stages.nets.parts.unet.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[2:])))
    _, first, second = paths(near, reference, [FULL, small])
    hook.remove()
    there = torch.from_numpy(small.mask)
    assert sizes == [GRID] * 2 + [(4, 4)] * 3
    assert same_bits(first[-1][..., ~there], second[-1][..., ~there])
    assert not torch.equal(first[-1][..., there], second[-1][..., there])
    with torch.no_grad():
        assert same_bits(near.start(stage, SEED, near.nets.times(2)[0]), noise(2 * DRAWS)[..., 2:6, 4:8])


# As the program has it.


@pytest.fixture(scope="module")
def released(stages: Stages) -> Stages:
    given = STAGE_PAINTERS["released"]
    named = {"mode": given.mode, "scheduler": given.scheduler, "spacing": given.spacing, "eta": given.eta}
    return other(stages, **named, object_steps=(1, 2), last_steps=2)


def test_released_blends_once_with_the_picture(released: Stages, reference: Pixels) -> None:
    nets = released.nets
    _, kept = painted(released, reference, [LEFT, RIGHT])
    picture = reference
    for number, thing in enumerate([LEFT, RIGHT], 1):
        assert released.painter.steps(number) == number
        stage = released.stage(number, thing.words, picture, thing.mask)
        with torch.no_grad():
            alone = released.run(replace(stage, mask=None), [], SEED, Counter(None, 0))
            picture = nets.picture(torch.where(torch.from_numpy(thing.mask), alone, nets.latents(picture)))
        assert np.array_equal(picture, kept[number])


def test_released_ends_from_the_coarse_of_it(released: Stages, reference: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Pixels] = []
    plain = Nets.condition

    def condition(self: Nets, picture: Pixels) -> Any:
        shown.append(picture)
        return plain(self, picture)

    monkeypatch.setattr(Nets, "condition", condition)
    _, kept = painted(released, reference, [LEFT])
    assert np.array_equal(shown[-1], reference)
    with torch.no_grad():
        first = released.nets.times(2)[0]
        start = released.start(released.last(WORDS, kept[1], reference), SEED, first)
        coarse = released.nets.latents(lowpass(kept[1]))
    left = alphas()[999]
    assert int(first) == 999 and float(left.sqrt()) == pytest.approx(0.068, abs=0.001)
    assert torch.allclose(start, left.sqrt() * coarse + (1 - left).sqrt() * noise(0), atol=1e-5)


def test_released_takes_masks_at_the_nearest_pixel(released: Stages, stages: Stages, reference: Pixels) -> None:
    thin, wide = np.zeros((2, 48, 64), bool)
    thin[:, 4] = True  # an eighth of the first places, and through their middle
    wide[:, [0, 1, 2, 3, 5]] = True
    assert released.places(Thing("x", thin), reference).sum() == 6
    assert not released.places(Thing("x", wide), reference).any() and stages.places(Thing("x", wide), reference).sum() == 6


# Watching and cancelling.


class Enough(Exception):
    pass


def enough(*_: Any) -> None:
    raise Enough


def test_it_can_be_cancelled_and_used_again(stages: Stages, reference: Pixels) -> None:
    unet = stages.nets.parts.unet
    before, expected = dict(unet.attn_processors), painted(stages, reference, [LEFT])[0]
    with pytest.raises(Enough):
        stages.paint(reference, [LEFT], WORDS, SEED, SIZE, watch=enough)
    with pytest.raises(Enough):
        stages.paint(reference, [LEFT], WORDS, SEED, SIZE, keep=enough)
    hook = unet.mid_block.register_forward_pre_hook(enough)  # while it is guided
    with pytest.raises(Enough):
        stages.paint(reference, [LEFT], WORDS, SEED, SIZE)
    hook.remove()
    assert "step" not in vars(stages.nets.parts.scheduler) and torch.is_grad_enabled()
    assert dict(unet.attn_processors) == before
    assert np.array_equal(painted(stages, reference, [LEFT])[0], expected)


def test_memory_that_is_not_enough_is_said(stages: Stages, reference: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Nets, "told", full)
    with pytest.raises(LimnerError, match="offload"):
        stages.paint(reference, [LEFT], WORDS, SEED, SIZE)


# What is seen and what is refused.


def test_reference_words_and_things_are_seen(stages: Stages, reference: Pixels) -> None:
    quick = other(stages, object_steps=(1,), eta=0.0)
    pictures = [
        painted(quick, reference, [LEFT])[0],
        painted(quick, 255 - reference, [LEFT])[0],
        painted(quick, reference, [Thing("another", LEFT.mask)])[0],
        painted(quick, reference, [Thing(LEFT.words, RIGHT.mask)])[0],
        quick.paint(reference, [LEFT], "another whole", SEED, SIZE),
        painted(quick, reference, [])[0],
    ]
    assert all(not np.array_equal(one, two) for place, one in enumerate(pictures) for two in pictures[:place])


def test_the_reference_may_be_of_any_size(stages: Stages, reference: Pixels) -> None:
    large, odd = np.kron(reference, np.ones((2, 2, 1), np.uint8)), reference[:31, :17]
    assert np.array_equal(painted(stages, large, [])[0], painted(stages, reference, [])[0])
    assert np.array_equal(painted(stages, odd, [])[0], painted(stages, image.resize(odd, *SIZE), [])[0])


def test_words_may_be_none_or_too_many(stages: Stages, reference: Pixels) -> None:
    assert stages.nets.tokens("") == 0 and stages.guide(stages.stage(1, "", reference, LEFT.mask)) is None
    assert stages.nets.tokens("ab cd") == 4 and stages.nets.tokens("x" * 200) == 75
    for words in ("", "x" * 200):
        found = stages.paint(reference, [Thing(words, LEFT.mask)], WORDS, SEED, SIZE, stages=1)
        assert found.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"size_px": (60, 48)}, "size_px"),
        ({"size_px": (64, 0)}, "size_px"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"words": "\ud800"}, "words"),
        ({"reference": np.zeros((48, 64), np.uint8)}, "reference"),
        ({"reference": np.zeros((48, 64, 3), np.float32)}, "reference"),
        ({"reference": np.zeros((0, 64, 3), np.uint8)}, "reference"),
        ({"stages": 0}, "stages"),
        ({"stages": 2}, "stages"),
        ({"things": [], "stages": 1}, "stages"),
        ({"things": [LEFT] * 9}, "things"),
    ],
)
def test_what_cannot_be_painted(stages: Stages, reference: Pixels, given: dict[str, Any], field: str) -> None:
    usual: dict[str, Any] = {"reference": reference, "things": [LEFT], "words": WORDS, "seed": 0, "size_px": SIZE}
    with pytest.raises(SceneError) as caught:
        stages.paint(**(usual | given))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("words", "value", "field"),
    [
        ("x", np.zeros((6, 8), np.uint8), "mask"),
        ("x", np.zeros((6, 8, 1), bool), "mask"),
        ("x", np.zeros((0, 8), bool), "mask"),
        ("\udc00", np.zeros((6, 8), bool), "words"),
    ],
)
def test_what_is_no_thing(words: str, value: Any, field: str) -> None:
    with pytest.raises(SceneError) as caught:
        Thing(words, value)
    assert caught.value.field == field
