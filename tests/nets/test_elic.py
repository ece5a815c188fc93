"""ELIC: its walk written out from the named tensors, causal in slices and halves, and ready to learn."""

from __future__ import annotations

import pytest
from codec_laws import check_pass, check_sizes, parameters, shaken
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.layers import walk  # noqa: E402
from limner.nets.codec import Widths, chain  # noqa: E402
from limner.nets.elic import SLICES, Elic, mask_of  # noqa: E402

SMALL, WIDTHS = (2, 3, 7), Widths(16, 12)
State = dict[str, Tensor]


def made(seed: int = 0) -> Elic:
    torch.manual_seed(seed)
    codec = shaken(Elic(WIDTHS, SMALL), seed)
    assert isinstance(codec, Elic)
    return codec.eval()


def conv(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], stride, weight.shape[-1] // 2)


def deconv(state: State, name: str, x: Tensor, stride: int = 2) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv_transpose2d(x, weight, state[f"{name}.bias"], stride, weight.shape[-1] // 2, stride - 1)


def relus(state: State, name: str, x: Tensor) -> Tensor:
    """Three convolutions with ReLUs between them."""
    return conv(state, f"{name}.4", conv(state, f"{name}.2", conv(state, f"{name}.0", x).relu()).relu())


def attention(state: State, name: str, x: Tensor) -> Tensor:
    a = b = x
    for place in range(3):
        a = (relus(state, f"{name}.conv_a.{place}.conv", a) + a).relu()
        b = (relus(state, f"{name}.conv_b.{place}.conv", b) + b).relu()
    return x + a * conv(state, f"{name}.conv_b.3", b).sigmoid()


def applied(state: State, name: str, kinds: str, x: Tensor) -> Tensor:
    """c: 5x5/2, d: transposed 5x5/2, r: residual bottleneck, a: attention."""
    for place, kind in enumerate(kinds):
        at = f"{name}.{place}"
        if kind in "cd":
            x = conv(state, at, x, 2) if kind == "c" else deconv(state, at, x)
        else:
            x = x + relus(state, f"{at}.branch", x) if kind == "r" else attention(state, at, x)
    return x


def walked(state: State, features: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scale, mean and decoded y, slice by slice, each position set on its own."""
    h, w = y.shape[2:]
    scale, mean, y_hat = (torch.zeros_like(y) for _ in range(3))
    first = 0
    for place, width in enumerate(SMALL):
        mine = slice(first, first + width)
        known = features
        if place:
            known = torch.cat([relus(state, f"channel_context.{place}.fushion", y_hat[:, :first]), features], 1)
        for parity, name in ((1, "anchor"), (0, "nonanchor")):
            given = known
            if not parity:
                given = torch.cat([conv(state, f"local_context.{place}", y_hat[:, mine]), known], 1)
            out = relus(state, f"entropy_parameters_{name}.{place}.fusion", given)
            for row in range(h):
                for column in range(w):
                    if (row + column) % 2 == parity:
                        scale[:, mine, row, column] = out[:, :width, row, column]
                        mean[:, mine, row, column] = out[:, width:, row, column]
                        away = (y[:, mine, row, column] - out[:, width:, row, column]).round()
                        y_hat[:, mine, row, column] = away + out[:, width:, row, column]
        first += width
    return scale, mean, y_hat


@pytest.mark.parametrize("size", [(3, 5), (1, 1), (4, 1)])
def test_the_walk_is_that_of_the_named_tensors(size: tuple[int, int]) -> None:
    codec = made()
    state = {name: value.double() for name, value in codec.state_dict().items()}
    features, y = torch.randn(2, 24, *size), 4 * torch.randn(2, 12, *size)
    with torch.no_grad():
        found = codec.context(features, y)
    scale, mean, y_hat = walked(state, features.double(), y.double())
    for got, wanted in ((found.scale, scale), (found.mean, mean), (found.y_hat, y_hat)):
        assert torch.allclose(got.double(), wanted, atol=1e-5)


def test_the_transforms_are_those_of_the_named_tensors() -> None:
    codec = made(1)
    state = {name: value.double() for name, value in codec.state_dict().items()}
    x = torch.rand(1, 3, 64, 80)
    with torch.no_grad():
        y = codec.analysis(x)
        z = codec.hyper_analysis(y)
        features = codec.hyper_synthesis(z, 4, 5)
        back = codec.synthesis(y)
    assert torch.allclose(y.double(), applied(state, "g_a.analysis_transform", "crrrcrrracrrrca", x.double()), atol=1e-5)
    assert torch.allclose(back.double(), applied(state, "g_s.synthesis_transform", "adrrrdarrrdrrrd", y.double()), atol=1e-4)
    hyper = conv(state, "h_a.reduction.0", y.double()).relu()
    hyper = conv(state, "h_a.reduction.4", conv(state, "h_a.reduction.2", hyper, 2).relu(), 2)
    assert torch.allclose(z.double(), hyper, atol=1e-5)
    wide = deconv(state, "h_s.increase.2", deconv(state, "h_s.increase.0", hyper).relu()).relu()
    wide = deconv(state, "h_s.increase.4", wide, 1)
    assert torch.allclose(features.double(), wide[:, :, :4, :5], atol=1e-5)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), at=st.integers(0, 5))
def test_no_step_looks_at_itself_or_ahead(seed: int, at: int) -> None:
    codec, shape = made(seed % 3), (12, 4, 5)
    steps = list(walk.slices(shape, SMALL))
    features, y = 2 * torch.randn(1, 24, 4, 5), 3 * torch.randn(1, *shape)
    later = torch.zeros_like(y)
    for step in steps[at:]:
        later[:, step.first : step.last] += mask_of(step, y)
    with torch.no_grad():
        one = codec.context(features, y)
        two = codec.context(features, y + later * (2 + 5 * torch.rand(shape)))
    coded = 1 - later
    coded[:, steps[at].first : steps[at].last] += mask_of(steps[at], y)  # what the step itself is coded under
    for name in ("mean", "scale"):
        assert torch.equal(coded * getattr(one, name), coded * getattr(two, name))
    assert at == len(steps) - 1 or not torch.equal(one.mean, two.mean)


def test_every_position_of_every_channel_is_coded_once() -> None:
    y = torch.zeros(1, 12, 3, 4)
    for step in walk.slices((12, 3, 4), SMALL):
        y[:, step.first : step.last] += mask_of(step, y)
    assert torch.equal(y, torch.ones_like(y))


def test_it_learns() -> None:
    check_pass(made(2), 20 * torch.rand(2, 3, 33, 50))


@pytest.mark.parametrize("size", [(1, 1), (16, 32), (33, 50)])
def test_pictures_have_any_size(size: tuple[int, int]) -> None:
    check_sizes(made(2), 20 * torch.rand(2, 3, *size))


def test_published_size() -> None:
    with torch.device("meta"):
        assert round(parameters(Elic()) / 1e6, 2) == 36.93
    assert sum(SLICES) == Widths().latent


def test_its_hyper_synthesis_is_a_flat_chain() -> None:
    names = [type(part).__name__ for part in chain(made().h_s)]
    assert names == ["ConvTranspose2d", "ReLU", "ConvTranspose2d", "ReLU", "ConvTranspose2d"]


@pytest.mark.parametrize("slices", [(2, 3), (), (0, 12), (13, -1)])
def test_slices_must_make_the_latent(slices: tuple[int, ...]) -> None:
    with pytest.raises(LimnerError):
        Elic(WIDTHS, slices)
