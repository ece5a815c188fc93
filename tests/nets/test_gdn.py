"""Divisive normalisation against sums written out, and its reparametrisation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from limner.nets.gdn import GDN  # noqa: E402

CHANNELS = 4


def trained(seed: int, inverse: bool) -> GDN:
    torch.manual_seed(seed)
    layer = GDN(CHANNELS, inverse)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return layer


def by_hand(layer: GDN, x: torch.Tensor) -> torch.Tensor:
    """The sums of one position after the other, in double precision, from the named tensors."""
    state = {name: value.double() for name, value in layer.state_dict().items()}
    pedestal = 2.0**-36
    beta = state["beta"].clamp_min((1e-6 + pedestal) ** 0.5) ** 2 - pedestal
    gamma = state["gamma"].clamp_min(pedestal**0.5) ** 2 - pedestal
    norm = (beta[:, None, None] + torch.einsum("ij,bjhw->bihw", gamma, x.double() ** 2)).sqrt()
    return x * norm if layer.inverse else x / norm


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), inverse=st.booleans(), size=st.floats(1e-3, 1e3))
def test_it_is_the_formula(seed: int, inverse: bool, size: float) -> None:
    layer = trained(seed, inverse)
    x = size * torch.randn(2, CHANNELS, 3, 2)
    wanted = by_hand(layer, x).float()
    assert torch.allclose(layer(x), wanted, rtol=1e-5, atol=1e-6 * float(wanted.detach().abs().max()))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_normalising_and_its_inverse_multiply_to_the_square(seed: int) -> None:
    x = torch.randn(1, CHANNELS, 2, 2)
    assert torch.allclose(trained(seed, False)(x) * trained(seed, True)(x), x * x, rtol=1e-4)


def test_it_begins_as_published() -> None:
    layer = GDN(CHANNELS)
    x = torch.randn(1, CHANNELS, 2, 2)
    assert torch.allclose(layer(x), x / (1 + 0.1 * x * x).sqrt(), rtol=1e-5)
    assert {name: tuple(value.shape) for name, value in layer.state_dict().items()} == {"beta": (4,), "gamma": (4, 4)}


def test_what_is_held_below_its_bound_can_only_come_back() -> None:
    layer = GDN(1)
    with torch.no_grad():
        layer.beta.fill_(-1.0)
    x = torch.full((1, 1, 1, 1), 2.0)
    layer(x).sum().backward()  # a larger beta makes the output smaller, so descent would raise it
    assert torch.isfinite(layer(x)).all()
    assert layer.beta.grad is not None and layer.beta.grad.item() < 0
    layer.beta.grad = None
    (-layer(x)).sum().backward()
    assert layer.beta.grad is not None and layer.beta.grad.item() == 0
