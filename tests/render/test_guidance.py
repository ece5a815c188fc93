"""Equations 2 and 3: by hand, against a U-Net with its maps written out, and in a painting."""

from __future__ import annotations

import os
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

import tiny_diffusion  # noqa: E402
import tiny_stages  # noqa: E402
from tiny_stages import GRID, LEFT, RIGHT, SEED, SIZE, WORDS, mask, other  # noqa: E402

from limner.errors import LimnerError, MissingError  # noqa: E402
from limner.render import guidance  # noqa: E402
from limner.render.guidance import Guide, energy, guide, guided, watched  # noqa: E402
from limner.render.regions import covered  # noqa: E402
from limner.render.stagenets import Nets  # noqa: E402
from limner.render.stages import Stages, opened  # noqa: E402

Pixels = NDArray[np.uint8]
BLOCKS = ("mid_block", "up_blocks.1")


@pytest.fixture(scope="module")
def unet() -> Any:
    torch.manual_seed(0)
    return tiny_diffusion.unet().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return opened(tiny_stages.painter(tiny_stages.save(tmp_path_factory.mktemp("models"))))


def given_to(unet: Any) -> tuple[Any, Any]:
    """Latents, and who runs the U-Net on some."""
    torch.manual_seed(1)
    latents, words = torch.randn(1, 4, *GRID), torch.randn(1, 77, 32)
    return latents, lambda each: unet(each, 500, words).sample


# Equation 2.


def test_the_energy_by_hand() -> None:
    maps = torch.tensor([[1.0, 0.0], [1.0, 2.0], [2.0, 2.0]])
    assert float(energy(maps, torch.tensor([1.0, 0.0, 0.0]))) == pytest.approx(((3 / 4) ** 2 + 1) / 2)
    assert float(energy(maps, torch.tensor([0.0, 0.5, 1.0]))) == pytest.approx(((1 - 2.5 / 4) ** 2 + (1 - 3 / 4) ** 2) / 2)
    assert float(energy(maps, torch.ones(3))) == 0


@given(st.lists(st.floats(0.125, 1, width=32), min_size=6, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_energy_is_a_share(values: list[float], inside: list[bool]) -> None:
    """0 to 1; with what is outside it is 1 by their roots."""
    maps, share = torch.tensor(values)[:, None], torch.tensor(inside).float()
    one, two = float(energy(maps, share)), float(energy(maps, 1 - share))
    assert 0 <= one <= 1 and one**0.5 + two**0.5 == pytest.approx(1, abs=1e-5)


# Maps.


def test_maps_are_those_of_the_attention_itself(unet: Any) -> None:
    """Its parts are caught by hooks, and its softmax is written out."""
    latents, forward = given_to(unet)
    layers = guided(unet, BLOCKS)
    assert [layer.level for layer in layers] == [1, 0, 0]
    assert [layer.grid(GRID) for layer in layers] == [(3, 4), (6, 8), (6, 8)]
    made: dict[int, list[Any]] = {number: [] for number in range(3)}
    hooks = [
        part.register_forward_hook(lambda _, __, found, number=number: made[number].append(found))
        for number, layer in enumerate(layers)
        for part in (layer.module.to_q, layer.module.to_k)
    ]
    with torch.no_grad():
        forward(latents)
    for hook in hooks:
        hook.remove()
    tower = guide(unet, BLOCKS, LEFT.mask, 5, 1.0)
    assert tower is not None
    expected = []
    for (query, key), layer in zip(made.values(), layers, strict=True):
        heads = layer.module.heads
        q, k = (each[0].reshape(each.shape[1], heads, -1).transpose(0, 1) for each in (query, key))
        maps = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1).mean(0)[:, 1:6].numpy()
        share = covered(LEFT.mask, layer.grid(GRID)).reshape(-1, 1)
        expected.append(np.mean((1 - (share * maps).sum(0) / maps.sum(0)) ** 2))
    with torch.no_grad():
        assert float(tower.energy(latents, forward)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_an_attention_that_is_watched_computes_the_same(unet: Any) -> None:
    latents, forward = given_to(unet)
    modules = [layer.module for layer in guided(unet, ("down_blocks.0",))]
    before = [module.processor for module in modules]
    with torch.no_grad():
        expected = forward(latents)
        # One more is waited for than there is: nothing ends the pass.
        with watched(modules) as maps:
            for module in modules:
                module.processor.wanted += 1
            found = forward(latents)
    assert torch.equal(found, expected) and [tuple(each.shape) for each in maps] == [(48, 77)]
    assert torch.allclose(maps[0].sum(1), torch.ones(48))
    assert [module.processor for module in modules] == before


def test_a_pass_ends_with_the_last_map(unet: Any) -> None:
    latents, forward = given_to(unet)
    seen: list[int] = []
    hook = unet.up_blocks[0].register_forward_pre_hook(lambda *_: seen.append(1))
    with torch.no_grad():
        middle = guide(unet, ("mid_block",), LEFT.mask, 3, 1.0)
        assert middle is not None and 0 < float(middle.energy(latents, forward)) < 1 and not seen
        forward(latents)
    hook.remove()
    assert seen == [1]


def test_blocks_are_taken_in_the_order_of_their_use(unet: Any) -> None:
    down, middle, up = (guided(unet, (name,)) for name in ("down_blocks.0", "mid_block", "up_blocks.1"))
    found = guided(unet, ("up_blocks.1", "down_blocks.0", "mid_block"))
    assert [layer.module for layer in found] == [layer.module for layer in (*down, *middle, *up)]
    with pytest.raises(MissingError, match=r"up_blocks\.0"):
        guided(unet, ("mid_block", "up_blocks.0"))


def test_where_there_is_nothing_to_guide(unet: Any) -> None:
    empty, full = mask(slice(0, 0), slice(0, 0)), mask(slice(0, 6), slice(0, 8))
    assert (
        guide(unet, BLOCKS, empty, 5, 1.0)
        is guide(unet, BLOCKS, full, 5, 1.0)
        is guide(unet, BLOCKS, LEFT.mask, 0, 1.0)
        is None
    )


# Equation 3.


@given(st.lists(st.booleans(), min_size=48, max_size=48), st.integers(1, 75))
@settings(max_examples=8, deadline=None)
def test_a_small_step_lowers_the_energy(unet: Any, inside: list[bool], tokens: int) -> None:
    latents, forward = given_to(unet)
    found = guide(unet, BLOCKS, np.array(inside).reshape(GRID), tokens, 30.0)
    if found is not None:
        with torch.no_grad():
            before, after = (float(found.energy(each, forward)) for each in (latents, latents - found.moved(latents, forward)))
        assert after < before


def test_the_slope_is_that_of_the_energy(unet: Any) -> None:
    """Along a direction, against a difference in float64."""
    unet = unet.double()
    torch.manual_seed(1)
    latents, words = torch.randn(1, 4, *GRID).double(), torch.randn(1, 77, 32).double()
    found = guide(unet, BLOCKS, LEFT.mask, 5, 2.0)
    assert found is not None
    forward = lambda each: unet(each, 500, words).sample  # noqa: E731
    way = torch.randn(1, 4, *GRID).double()
    with torch.no_grad():
        down = found.moved(latents, forward).double()
        # Maps are summed in float32, so the difference is not small.
        rise = (found.energy(latents + 0.02 * way, forward) - found.energy(latents - 0.02 * way, forward)) / 0.04
    unet.float()
    assert float((down * way).sum()) == pytest.approx(2 * float(rise), rel=0.01)


def test_a_slope_that_is_no_number_is_said(unet: Any) -> None:
    latents, forward = given_to(unet)
    found = guide(unet, BLOCKS, LEFT.mask, 5, 1.0)
    assert found is not None
    with pytest.raises(LimnerError, match="float32"):
        found.moved(latents * torch.nan, forward)


# In a painting.


@pytest.mark.parametrize("scheduler", ["DDIMScheduler", "EulerDiscreteScheduler", "DPMSolverMultistepScheduler"])
def test_guidance_lowers_the_energy_at_each_step(scheduler: str, stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    plain = Guide.moved

    def moved(self: Guide, latents: Any, forward: Any) -> Any:
        found = plain(self, latents, forward)
        with torch.no_grad():
            seen.append((float(self.energy(latents, forward)), float(self.energy(latents - found, forward))))
        return found

    monkeypatch.setattr(Guide, "moved", moved)
    every = other(stages, scheduler=scheduler, guided_part=1.0)
    every.paint(tiny_stages.reference(), [LEFT, RIGHT], WORDS, 0, SIZE)
    # At each step of the objects; the last stage has none.
    assert len(seen) == 2 * 2 and all(after < before for before, after in seen)


def test_what_is_moved_is_what_the_net_sees(stages: Stages) -> None:
    """Where a scheduler scales latents, equation 3 holds for the scaled ones."""
    euler = other(stages, scheduler="EulerDiscreteScheduler", eta=100.0)
    nets, reference = euler.nets, tiny_stages.reference()
    stage = euler.stage(1, LEFT.words, reference, LEFT.mask)
    towards = euler.guide(stage)
    assert towards is not None
    with torch.no_grad():
        time = nets.times(2)[0]
        z = euler.start(stage, 0, time)
        embedded, condition = nets.embedded(LEFT.words, 1.0), nets.condition(reference)
        after = euler.moved(z, time, embedded, condition, towards)
        scale = (nets.parts.scheduler.sigmas[0] ** 2 + 1) ** 0.5
        down = towards.moved(z / scale, lambda free: nets.told(free, time, embedded, condition))
    assert scale > 2 and torch.allclose(after / scale, z / scale - down, atol=1e-6)


def test_a_guided_pass_reads_the_objects_words(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """And follows the same picture as the step behind it."""
    seen: list[tuple[Any, Any]] = []
    plain = Nets.told

    def told(self: Nets, scaled: Any, time: Any, embedded: Any, condition: Any) -> Any:
        seen.append((embedded, condition))
        return plain(self, scaled, time, embedded, condition)

    monkeypatch.setattr(Nets, "told", told)
    stages.paint(tiny_stages.reference(), [LEFT], WORDS, SEED, SIZE, stages=1)
    with torch.no_grad():
        own = stages.nets.embedded(LEFT.words, 1.0)
    (guided_words, guided_picture), (both, picture), _ = seen
    assert torch.allclose(guided_words, own, atol=1e-5) and torch.equal(guided_words, both[1:])
    assert not torch.allclose(both[0], both[1], atol=0.01) and guided_picture is picture


def test_guidance_is_seen_and_can_be_none(stages: Stages) -> None:
    given: list[dict[str, float]] = [{"eta": 3000.0}, {"eta": 0.0}, {"guided_part": 0.0}]
    reference = tiny_stages.reference()
    found = [other(stages, **each).paint(reference, [LEFT], WORDS, SEED, SIZE, stages=1) for each in given]
    assert np.array_equal(found[1], found[2]) and not np.array_equal(found[0], found[1])


def test_no_slopes_and_maps_are_kept(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    maps: list[weakref.ref[Any]] = []
    plain_energy, plain_step = guidance.energy, Nets.stepped

    def noted(each: Any, share: Any) -> Any:
        maps.append(weakref.ref(each))
        assert each.requires_grad
        return plain_energy(each, share)

    def stepped(self: Nets, latents: Any, *given: Any) -> Any:
        assert not torch.is_grad_enabled() and not latents.requires_grad
        assert all(each() is None for each in maps)
        return plain_step(self, latents, *given)

    monkeypatch.setattr(guidance, "energy", noted)
    monkeypatch.setattr(Nets, "stepped", stepped)
    stages.paint(tiny_stages.reference(), [LEFT], WORDS, 0, SIZE, stages=1)
    # Of the middle and of two layers above it, at one step.
    assert len(maps) == 3 and torch.is_grad_enabled()
