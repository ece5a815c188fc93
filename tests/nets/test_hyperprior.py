"""The three hyperprior codecs: written out from their named tensors, causal, and ready to learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from codec_laws import check_pass, check_sizes, parameters, shaken
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.layers import walk  # noqa: E402
from limner.nets.codec import LEAST_SCALE, Codec, Widths, chain, cropped, padded  # noqa: E402
from limner.nets.hyperprior import (  # noqa: E402
    JointAutoregressive,
    Masked,
    MeanScaleHyperprior,
    Raster,
    ScaleHyperprior,
)
from limner.nets.noise import Noise  # noqa: E402

KINDS = (ScaleHyperprior, MeanScaleHyperprior, JointAutoregressive)
SMALL = Widths(8, 12)
State = dict[str, torch.Tensor]


def made(kind: type[Codec], seed: int = 0, widths: Widths = SMALL) -> Codec:
    torch.manual_seed(seed)
    return shaken(kind(widths), seed).eval()


def conv(state: State, name: str, x: torch.Tensor, stride: int) -> torch.Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], stride, weight.shape[-1] // 2)


def deconv(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    return F.conv_transpose2d(x, state[f"{name}.weight"], state[f"{name}.bias"], 2, 2, 1)


def divided(state: State, name: str, x: torch.Tensor, power: float) -> torch.Tensor:
    beta, gamma = (state[f"{name}.{part}"] for part in ("beta", "gamma"))
    norm = F.conv2d(x**2, (gamma.clamp_min(2.0**-18) ** 2 - 2.0**-36)[:, :, None, None], beta**2 - 2.0**-36)
    return x * norm**power


def by_hand(state: State, x: torch.Tensor, kind: type[Codec]) -> dict[str, torch.Tensor]:
    """A pass without noise, layer by layer, from named tensors alone."""
    y = x
    for layer in (0, 2, 4, 6):
        y = conv(state, f"g_a.{layer}", y, 2)
        y = divided(state, f"g_a.{layer + 1}", y, -0.5) if layer < 6 else y
    slope = 0.0 if kind is ScaleHyperprior else 0.01
    z = conv(state, "h_a.0", y.abs() if kind is ScaleHyperprior else y, 1)
    z = conv(state, "h_a.4", F.leaky_relu(conv(state, "h_a.2", F.leaky_relu(z, slope), 2), slope), 2)
    median = state["entropy_bottleneck.quantiles"][:, 0, 1][:, None, None]
    features = (z - median).round() + median
    for layer in (0, 2):
        features = F.leaky_relu(deconv(state, f"h_s.{layer}", features), slope)
    features = conv(state, "h_s.4", features, 1)[:, :, : y.shape[2], : y.shape[3]]
    if kind is ScaleHyperprior:
        scale, mean = features.relu(), torch.zeros_like(y)
    elif kind is MeanScaleHyperprior:
        scale, mean = features.chunk(2, 1)
    else:
        mask = torch.ones(5, 5)
        mask[2, 2:], mask[3:] = 0, 0
        weight = state["context_prediction.weight"] * mask
        seen = F.conv2d(y.round(), weight, state["context_prediction.bias"], padding=2)
        both = torch.cat([features, seen], 1)
        for layer in (0, 2):
            both = F.leaky_relu(conv(state, f"entropy_parameters.{layer}", both, 1), 0.01)
        scale, mean = conv(state, "entropy_parameters.4", both, 1).chunk(2, 1)
    y_hat = (y - mean).round() + mean
    picture = y_hat
    for layer in (0, 2, 4, 6):
        picture = deconv(state, f"g_s.{layer}", picture)
        picture = divided(state, f"g_s.{layer + 1}", picture, 0.5) if layer < 6 else picture
    return {"y": y, "z": z, "scale": scale, "mean": mean, "picture": picture}


def gaussian_bits(away: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    upper, lower = ((edge - away.abs()) / scale / math.sqrt(2) for edge in (0.5, -0.5))
    return -((torch.erfc(-upper) - torch.erfc(-lower)) / 2).log2()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_a_pass_is_that_of_the_named_tensors(kind: type[Codec], seed: int) -> None:
    codec = made(kind, seed)
    x = 4 * torch.rand(2, 3, 64, 96)
    state = {name: value.double() for name, value in codec.state_dict().items()}
    wanted = by_hand(state, x.double(), kind)
    with torch.no_grad():
        found = codec(x)
        y = codec.analysis(x)
        z = codec.hyper_analysis(y)
    assert torch.allclose(y.double(), wanted["y"], atol=1e-5)
    assert torch.allclose(z.double(), wanted["z"], atol=1e-5)
    assert torch.allclose(found.picture.double(), wanted["picture"], atol=1e-4)
    away = (wanted["y"] - wanted["mean"]).round()
    bits = gaussian_bits(away, wanted["scale"].clamp_min(LEAST_SCALE)).flatten(1).sum(1)
    assert torch.allclose(found.latent_bits.double(), bits, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns(kind: type[Codec]) -> None:
    # Brighter than pictures are: small untrained codecs would round them to nothing.
    check_pass(made(kind, 3), 20 * torch.rand(2, 3, 33, 50))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (33, 50)])
def test_pictures_have_any_size(kind: type[Codec], size: tuple[int, int]) -> None:
    check_sizes(made(kind, 3), 20 * torch.rand(2, 3, *size))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), row=st.integers(0, 4), column=st.integers(0, 5))
def test_raster_predictions_do_not_look_ahead(seed: int, row: int, column: int) -> None:
    codec = made(JointAutoregressive, seed % 3)
    assert isinstance(codec, Raster)
    y, features = (3 * torch.randn(1, channels, 5, 6) for channels in (12, 24))
    other = y.clone()
    other.flatten(2)[:, :, row * 6 + column :] += 2 + 3 * torch.rand(1)
    one, two = (codec.context(features, some) for some in (y, other))
    before = slice(0, row * 6 + column + 1)  # the place itself may not see itself
    for name in ("mean", "scale"):
        assert torch.equal(getattr(one, name).flatten(2)[..., before], getattr(two, name).flatten(2)[..., before])
    last = row * 6 + column == 29
    assert last or not torch.equal(one.mean, two.mean)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_without_a_context_nothing_depends_on_the_latent(kind: type[Codec]) -> None:
    codec = made(kind)
    features = torch.randn(1, 12 if kind is ScaleHyperprior else 24, 3, 3)
    one, two = (codec.context(features, 5 * torch.randn(1, 12, 3, 3)) for _ in range(2))
    assert torch.equal(one.mean, two.mean) and torch.equal(one.scale, two.scale)


def test_the_masked_convolution_sees_what_the_integer_walk_gathers() -> None:
    torch.manual_seed(5)
    net = Masked(3, 4)
    values = torch.randint(-9, 10, (1, 3, 4, 5)).float()
    around = walk.neighbours(values[0].numpy().astype(np.int16), np.arange(20), walk.BEFORE)
    weight = torch.stack([net.weight[:, :, 2 + row, 2 + column] for row, column in walk.BEFORE], 2).reshape(4, -1)
    wanted = (weight @ torch.from_numpy(around).float() + net.bias[:, None]).reshape(1, 4, 4, 5)
    assert torch.allclose(net(values), wanted, atol=1e-5)
    assert torch.allclose(net.plain()(values), wanted, atol=1e-5)


def test_the_context_sees_noise_where_there_is_noise() -> None:
    codec = made(JointAutoregressive)
    y, features = torch.randn(1, 12, 3, 3), torch.randn(1, 24, 3, 3)
    assert torch.equal(codec.context(features, y).mean, codec.context(features, y).mean)
    one, other = (codec.context(features, y, Noise(1.0, torch.tensor([key]))).mean for key in (1, 2))
    assert not torch.equal(one, codec.context(features, y).mean) and not torch.equal(one, other)


def test_noise_and_rounding_mix() -> None:
    codec, x = made(MeanScaleHyperprior), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        rounded, noisy = codec(x), codec(x, noise=Noise(1.0, torch.tensor([7])))
    assert torch.equal(rounded.picture, noisy.picture) and not torch.equal(rounded.latent_bits, noisy.latent_bits)


def test_published_sizes() -> None:
    # CompressAI's lower and higher qualities.
    with torch.device("meta"):
        found = [round(parameters(kind(Widths(n, 192))) / 1e6, 2) for kind, n in zip(KINDS, (128, 128, 192), strict=True)]
    assert found == [5.08, 7.03, 14.13]


def test_padding_repeats_the_border_and_cropping_undoes_it() -> None:
    x = torch.rand(1, 2, 17, 31)
    wide = padded(x)
    assert wide.shape == (1, 2, 32, 32) and torch.equal(cropped(wide, 17, 31), x)
    assert torch.equal(wide[:, :, 16:17].expand(-1, -1, 16, -1), wide[:, :, 16:])
    assert padded(wide) is wide
    with pytest.raises(LimnerError):
        cropped(x, 18, 31)


def test_a_chain_is_flat() -> None:
    assert [type(part).__name__ for part in chain(made(MeanScaleHyperprior).h_s)] == [
        "ConvTranspose2d", "LeakyReLU", "ConvTranspose2d", "LeakyReLU", "Conv2d",
    ]  # fmt: skip


@pytest.mark.parametrize("widths", [(1, 8, 3), (8, 1, 3), (8, 8, 0)])
def test_widths_check_themselves(widths: tuple[int, int, int]) -> None:
    with pytest.raises(LimnerError):
        Widths(*widths)
