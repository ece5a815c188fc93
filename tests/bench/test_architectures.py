"""Every variant of the comparison runs, counts its bits, and paints a picture of the right size."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from limner.bench.architectures import VARIANTS, Outcome, at_rate, page  # noqa: E402
from limner.nets.noise import Noise  # noqa: E402


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_codes_pictures_of_odd_sizes(name: str) -> None:
    torch.manual_seed(0)
    model = VARIANTS[name]()
    picture, latent_bits, hyper_bits = model(torch.rand(2, 3, 80, 112), torch.tensor([0.2, 0.8]), Noise(1.0, torch.arange(2)))
    assert picture.shape == (2, 3, 80, 112)
    assert (latent_bits > 0).all() and (hyper_bits > 0).all()
    (latent_bits.sum() + picture.square().sum()).backward()
    assert model.log_gain.grad is not None


def test_a_rate_between_two_points_is_interpolated_and_one_beyond_is_not() -> None:
    points = [(0.01, 20.0), (0.04, 22.0), (0.16, 26.0)]
    assert at_rate(points, 0.02) == pytest.approx(21.0)
    assert at_rate(points, 0.08) == pytest.approx(24.0)
    assert at_rate(points, 0.2) is None


def test_the_page_has_a_line_for_each_variant() -> None:
    text = page([Outcome("as shipped", 3_000_000, 500, (21.5, None))], 8, [0.1, 0.2], "the command")
    assert "| as shipped | 3,000,000 | 500 | 21.50 | – |" in text and "the command" in text
