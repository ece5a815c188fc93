"""The factorised prior against its formula written out for one value, and the tables' masses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from limner.nets.bottleneck import EntropyBottleneck, log_mass, targets  # noqa: E402
from limner.nets.noise import Noise  # noqa: E402

CHANNELS = 3


def trained(seed: int) -> EntropyBottleneck:
    torch.manual_seed(seed)
    made = EntropyBottleneck(CHANNELS)
    with torch.no_grad():
        for parameter in (*made.matrices, *made.biases, *made.factors):
            parameter += 0.4 * torch.randn_like(parameter)
        made.quantiles += torch.randn_like(made.quantiles)
    return made


def cumulative(made: EntropyBottleneck, channel: int, value: float) -> float:
    """P(z < value) of a channel, in plain numbers from the named tensors."""
    state = {name: value.double().numpy() for name, value in made.state_dict().items()}
    x = np.array([value])
    for step in range(5):
        x = np.log1p(np.exp(state[f"matrices.{step}"][channel])) @ x + state[f"biases.{step}"][channel, :, 0]
        if step < 4:
            x = x + np.tanh(state[f"factors.{step}"][channel, :, 0]) * np.tanh(x)
    return float(1 / (1 + np.exp(-x[0])))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), value=st.floats(-8, 8))
def test_bits_are_those_of_the_formula(seed: int, value: float) -> None:
    made = trained(seed)
    got = made.bits(torch.full((2, CHANNELS, 1, 1), value))
    for channel in range(CHANNELS):
        mass = cumulative(made, channel, value + 0.5) - cumulative(made, channel, value - 0.5)
        if mass > 1e-6:
            assert got[1, channel, 0, 0].item() == pytest.approx(-math.log2(mass), rel=1e-3, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_logits_rise(seed: int) -> None:
    found = trained(seed).logits(torch.linspace(-40, 40, 200).expand(CHANNELS, 1, -1))
    assert (found.diff(dim=2) > 0).all()


@settings(max_examples=40, deadline=None)
@given(lower=st.floats(-200, 200), width=st.floats(1e-3, 50))
def test_a_mass_is_that_of_its_mirror_image(lower: float, width: float) -> None:
    one, other = torch.tensor([lower, lower + width], dtype=torch.float64)
    assert log_mass(one, other).item() == pytest.approx(log_mass(-other, -one).item(), rel=1e-9)
    # Whatever the sign, far out it is about the nearer end's distance.
    if min(abs(lower), abs(lower + width)) > 40 and lower * (lower + width) > 0:
        near = -min(abs(lower), abs(lower + width))
        assert log_mass(one, other).item() == pytest.approx(near + math.log(-math.expm1(-width)), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_masses_are_what_the_rate_says_and_sum_to_one(seed: int) -> None:
    made = trained(seed)
    found = made.prior(-60, 80)
    assert found.mass.shape == (CHANNELS, 141) and found.mass.dtype == found.median.dtype == np.float64
    assert found.mass.min() > 0 and np.abs(found.mass.sum(1) - 1).max() < 1e-2
    assert np.array_equal(found.median, made.medians.flatten().double().numpy())
    k = 3
    bits = made.bits(made.medians + k).flatten().detach().numpy()
    assert np.allclose(-np.log2(found.mass[:, k - found.low]), bits, atol=1e-4)


def test_symbols_are_rounded_about_the_medians() -> None:
    made = trained(1)
    z = (5 * torch.randn(2, CHANNELS, 3, 2)).requires_grad_()
    found = made.quantised(z)
    away = found - made.medians
    assert torch.allclose(away, away.round(), atol=1e-5) and (found - z).abs().max() <= 0.5 + 1e-5
    found.sum().backward()
    assert z.grad is not None and torch.equal(z.grad, torch.ones_like(z))


def test_settling_puts_the_quantiles_where_the_targets_are() -> None:
    made = trained(2)
    before = made.loss().item()
    made.settle()
    assert made.loss().item() < 1e-2 < before
    assert (made.quantiles.diff(dim=2) > 0).all()
    for channel in range(CHANNELS):
        assert cumulative(made, channel, made.medians[0, channel, 0, 0].item()) == pytest.approx(0.5, abs=1e-5)
    assert targets().tolist() == [-targets()[2].item(), 0.0, math.log(2e9 - 1)]


def test_the_rate_teaches_the_density_and_its_own_loss_the_quantiles() -> None:
    made = trained(3)
    z = 3 * torch.randn(4, CHANNELS, 2, 2)
    rate = made.rate(z, Noise(0.5, torch.arange(4)))
    assert rate.shape == (4,) and (rate > 0).all()
    rate.sum().backward()
    assert made.quantiles.grad is None
    assert all(part.grad.abs().sum() > 0 for some in (made.matrices, made.biases, made.factors) for part in some)
    made.zero_grad()
    made.loss().backward()
    assert made.quantiles.grad.abs().min() > 0
    assert all(part.grad is None for some in (made.matrices, made.biases, made.factors) for part in some)


def test_a_value_far_off_costs_a_bounded_sum_and_is_drawn_back() -> None:
    z = torch.full((1, CHANNELS, 1, 1), 3000.0, requires_grad=True)
    found = trained(4).bits(z)
    assert found.max() < 400 and found.min() > 24
    found.sum().backward()
    assert z.grad is not None and (z.grad > 0).all()


def test_a_rate_is_a_mean_of_both() -> None:
    made = trained(5)
    z = torch.randn(2, CHANNELS, 2, 2)
    keys = torch.arange(2)
    noise = made.rate(z, Noise(1.0, keys))
    assert torch.allclose(made.rate(z, Noise(0.25, keys)), torch.lerp(made.rate(z, None), noise, 0.25))
