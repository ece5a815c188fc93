"""Laws of every learned codec: what a pass in training gives, and whom it teaches."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from limner.nets.codec import Codec  # noqa: E402
from limner.nets.noise import Noise  # noqa: E402


def shaken(codec: Codec, seed: int = 0, by: float = 0.02) -> Codec:
    """The codec with no parameter at its first value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter += by * torch.randn(parameter.shape, generator=generator)
    return codec


def check_pass(codec: Codec, x: torch.Tensor, text: torch.Tensor | None = None) -> None:
    """One pass in training: shapes, positive bits, and gradients that reach every parameter."""
    codec.train()
    found = codec(x, text, Noise(0.5, torch.arange(len(x))))
    assert found.picture.shape == x.shape
    for bits in (found.latent_bits, found.hyper_bits):
        assert bits.shape == (len(x),) and (bits > 0).all()
    loss = (found.picture - x).square().sum() + found.latent_bits.sum() + found.hyper_bits.sum()
    (loss + codec.entropy_bottleneck.loss()).backward()
    for name, parameter in codec.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().sum() > 0, name


def check_sizes(codec: Codec, x: torch.Tensor, text: torch.Tensor | None = None) -> None:
    """The parts alone: y has a position for each 16 pixels begun, z one for each 4 positions of y begun."""
    rows, columns = (-(-side // 16) for side in x.shape[2:])
    y = codec.analysis(x, text)
    z = codec.hyper_analysis(y)
    assert y.shape == (len(x), codec.widths.latent, rows, columns)
    assert z.shape == (len(x), codec.widths.inner, -(-rows // 4), -(-columns // 4))
    features = codec.hyper_synthesis(z, rows, columns)
    found = codec.context(features, y)
    assert found.mean.shape == found.scale.shape == found.y_hat.shape == y.shape
    away = found.y_hat - found.mean
    assert (found.y_hat - y).abs().max() <= 0.5 + 1e-4 and (away - away.round()).abs().max() < 1e-4
    assert codec.synthesis(found.y_hat).shape == (len(x), codec.widths.picture, 16 * rows, 16 * columns)


def parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
