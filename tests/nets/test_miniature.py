"""Parts of the float networks that training leans on."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from limner.nets import miniature as nets  # noqa: E402


def test_beyond_a_bound_only_a_gradient_that_leads_back_passes() -> None:
    x = torch.tensor([-5.0, -5.0, 3.0, 3.0, 70.0, 70.0], requires_grad=True)
    held = nets.bounded(x, 0.0, 63.0)
    assert held.tolist() == [0, 0, 3, 3, 63, 63]
    held.backward(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]))
    # Descent goes against the gradient: a positive one leads down.
    assert x.grad.tolist() == [0, -1, 1, -1, 1, 0]


def test_the_index_of_a_latent_that_is_never_sent_comes_to_rest() -> None:
    index = torch.full((8,), 2.0, requires_grad=True)
    optimiser = torch.optim.SGD([index], lr=50.0)
    for _ in range(100):
        optimiser.zero_grad()
        nets.bits(torch.zeros(8), nets.sigma_of(index)).sum().backward()
        optimiser.step()
    assert index.min() > -50


def test_a_symbol_far_off_costs_a_bounded_sum_and_is_drawn_back() -> None:
    sigma = torch.tensor([0.04, 0.04, 1.0])
    residual = torch.tensor([1.0, 20.0, 1.0], requires_grad=True)
    found = nets.bits(residual, sigma)
    assert nets.ESCAPE_BITS < found[0].item() < found[1].item() < 12 * nets.ESCAPE_BITS
    # What is not far off costs what the Gaussian says: P(0.5 < N(0, 1) < 1.5) = 0.24173.
    assert found[2].item() == pytest.approx(-math.log2(0.24173), abs=1e-4)
    found.sum().backward()
    assert (residual.grad > 0).all()
