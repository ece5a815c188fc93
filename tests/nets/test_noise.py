"""Noise of a crop is its own: it follows from key, place and number, and looks like noise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from limner.nets.noise import CONTEXT, HYPER, LATENT, Noise, uniform  # noqa: E402

KEYS = st.integers(0, 2**63 - 1)


def plain(key: int, place: int, number: int) -> float:
    """The definition in Python's own integers."""
    word = 0xFFFFFFFF
    x = (number + key) & word
    x ^= x >> 16
    x = x * 0x7FEB352D & word
    x ^= (key >> 31 & word) ^ (place * (0x9E3779B9 >> 1) & 0x7FFFFFFF)
    x ^= x >> 15
    x = x * 0x846CA68B & word
    x ^= x >> 16
    return (x >> 8) / 2**24 - 0.5 + 2**-25


@settings(max_examples=60)
@given(KEYS, st.sampled_from((HYPER, LATENT, CONTEXT)), st.integers(1, 40))
def test_it_is_what_is_written_down(key: int, place: int, count: int) -> None:
    found = uniform(torch.tensor([key]), place, count)
    wanted = [plain(key, place, number) for number in range(count)]
    assert found.dtype == torch.float32 and found[0].tolist() == pytest.approx(wanted, abs=1e-7)


@settings(max_examples=30)
@given(st.lists(KEYS, min_size=2, max_size=5, unique=True))
def test_a_crop_has_the_same_noise_in_any_company(keys: list[int]) -> None:
    x = torch.zeros(len(keys), 3, 4, 5)
    together = Noise(1.0, torch.tensor(keys)).added(x, LATENT)
    alone = torch.cat([Noise(1.0, torch.tensor([key])).added(x[:1], LATENT) for key in keys])
    assert torch.equal(together, alone)
    assert torch.equal(together, Noise(1.0, torch.tensor(keys)).added(x.contiguous(memory_format=torch.channels_last), LATENT))


def test_it_is_flat_and_nothing_in_it_goes_together() -> None:
    keys = torch.randint(2**63 - 1, (64,), generator=torch.Generator().manual_seed(0))
    here, there = uniform(keys, LATENT, 4096), uniform(keys, HYPER, 4096)
    assert here.min() > -0.5 and here.max() < 0.5 and abs(here.mean()) < 2e-3 and abs(here.var() * 12 - 1) < 1e-2
    shares = torch.histc(here, 16, -0.5, 0.5) / here.numel()
    assert (shares * 16 - 1).abs().max() < 0.05
    alike = torch.corrcoef(torch.cat([here, there[:8], here[:8].roll(1, 1)]))
    assert alike.fill_diagonal_(0).abs().max() < 6 / 64  # six standard errors


def test_no_generator_is_used() -> None:
    before = torch.get_rng_state()
    Noise(1.0, torch.tensor([5])).added(torch.zeros(1, 9), CONTEXT)
    assert torch.equal(before, torch.get_rng_state())
