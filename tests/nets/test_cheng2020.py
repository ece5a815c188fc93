"""cheng2020: its blocks written out from their named tensors, its sizes, and what it learns."""

from __future__ import annotations

import pytest
from codec_laws import check_pass, check_sizes, parameters, shaken

torch = pytest.importorskip("torch")
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.nets.cheng2020 import Cheng2020  # noqa: E402
from limner.nets.codec import chain  # noqa: E402

N = 8
State = dict[str, Tensor]
ANALYSIS = {
    True: ("down", "block", "down", "attention", "block", "down", "block", "half", "attention"),
    False: ("down", "block", "down", "block", "down", "block", "half"),
}
SYNTHESIS = {
    True: ("attention", "block", "up", "block", "up", "attention", "block", "up", "block", "shuffle"),
    False: ("block", "up", "block", "up", "block", "up", "block", "shuffle"),
}


def conv(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], stride, weight.shape[-1] // 2)


def shuffle(state: State, name: str, x: Tensor) -> Tensor:
    """Each group of four channels becomes one of twice the size."""
    y = conv(state, f"{name}.0", x)
    b, c, h, w = y.shape
    return y.reshape(b, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(b, c // 4, 2 * h, 2 * w)


def divided(state: State, name: str, x: Tensor, power: float) -> Tensor:
    gamma = state[f"{name}.gamma"].clamp_min(2.0**-18) ** 2 - 2.0**-36
    norm = torch.einsum("ij,bjhw->bihw", gamma, x**2) + (state[f"{name}.beta"] ** 2 - 2.0**-36)[:, None, None]
    return x * norm**power


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.01 * x)


def unit(state: State, name: str, x: Tensor) -> Tensor:
    y = conv(state, f"{name}.conv.0", x).relu()
    return (conv(state, f"{name}.conv.4", conv(state, f"{name}.conv.2", y).relu()) + x).relu()


def attention(state: State, name: str, x: Tensor) -> Tensor:
    a = b = x
    for place in range(3):
        a, b = unit(state, f"{name}.conv_a.{place}", a), unit(state, f"{name}.conv_b.{place}", b)
    return x + a / (1 + torch.exp(-conv(state, f"{name}.conv_b.3", b)))


def block(state: State, name: str, x: Tensor) -> Tensor:
    return leaky(conv(state, f"{name}.conv2", leaky(conv(state, f"{name}.conv1", x)))) + x


def down(state: State, name: str, x: Tensor) -> Tensor:
    change = conv(state, f"{name}.conv2", leaky(conv(state, f"{name}.conv1", x, 2)))
    return divided(state, f"{name}.gdn", change, -0.5) + conv(state, f"{name}.skip", x, 2)


def up(state: State, name: str, x: Tensor) -> Tensor:
    change = conv(state, f"{name}.conv", leaky(shuffle(state, f"{name}.subpel_conv", x)))
    return divided(state, f"{name}.igdn", change, 0.5) + shuffle(state, f"{name}.upsample", x)


def half(state: State, name: str, x: Tensor) -> Tensor:
    return conv(state, name, x, 2)


PARTS = {"down": down, "block": block, "attention": attention, "half": half, "up": up, "shuffle": shuffle}


def applied(state: State, name: str, parts: tuple[str, ...], x: Tensor) -> Tensor:
    for place, part in enumerate(parts):
        x = PARTS[part](state, f"{name}.{place}", x)
    return x


def made(attention: bool, picture: int = 3, seed: int = 0) -> Cheng2020:
    torch.manual_seed(seed)
    codec = shaken(Cheng2020(N, picture, attention), seed)
    assert isinstance(codec, Cheng2020)
    return codec.eval()


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("picture", [1, 3])
def test_the_transforms_are_those_of_the_named_tensors(attention: bool, picture: int) -> None:
    codec = made(attention, picture)
    state = {name: value.double() for name, value in codec.state_dict().items()}
    x = torch.rand(2, picture, 48, 32)
    with torch.no_grad():
        y = codec.analysis(x)
        back = codec.synthesis(4 * y)
    wanted = applied(state, "g_a", ANALYSIS[attention], x.double())
    assert torch.allclose(y.double(), wanted, atol=1e-5)
    assert torch.allclose(back.double(), applied(state, "g_s", SYNTHESIS[attention], 4 * y.double()), atol=1e-4)


def test_the_hyper_transforms_are_those_of_the_named_tensors() -> None:
    codec = made(True)
    state = {name: value.double() for name, value in codec.state_dict().items()}
    y = 3 * torch.randn(1, N, 8, 12)
    z = y.double()
    for place, stride in ((0, 1), (2, 1), (4, 2), (6, 1), (8, 2)):
        z = conv(state, f"h_a.{place}", leaky(z) if place else z, stride)
    with torch.no_grad():
        assert torch.allclose(codec.hyper_analysis(y).double(), z, atol=1e-5)
        features = codec.hyper_synthesis(z.float(), 8, 12)
    wide = leaky(shuffle(state, "h_s.2", leaky(conv(state, "h_s.0", z))))
    wide = leaky(shuffle(state, "h_s.6", leaky(conv(state, "h_s.4", wide))))
    assert torch.allclose(features.double(), conv(state, "h_s.8", wide), atol=1e-5)


@pytest.mark.parametrize("attention", [True, False])
def test_it_learns_from_pictures_of_any_size(attention: bool) -> None:
    x = 20 * torch.rand(2, 1, 33, 50)
    check_pass(made(attention, 1), x)
    check_sizes(made(attention, 1), x)


@pytest.mark.parametrize(("n", "picture", "millions"), [(192, 1, 29.61), (128, 1, 13.17), (128, 3, 13.18)])
def test_published_sizes(n: int, picture: int, millions: float) -> None:
    with torch.device("meta"):
        assert round(parameters(Cheng2020(n, picture)) / 1e6, 2) == millions


def test_its_hyper_synthesis_is_a_chain_of_what_integers_can_do() -> None:
    names = [type(part).__name__ for part in chain(made(True).h_s)]
    assert names.count("PixelShuffle") == 2 and set(names) == {"Conv2d", "LeakyReLU", "PixelShuffle"}


def test_too_few_channels_are_refused() -> None:
    with pytest.raises(LimnerError):
        Cheng2020(1)
