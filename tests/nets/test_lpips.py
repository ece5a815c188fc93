"""LPIPS: laws that hold for any weights, published states by name and shape, and the distance worked out another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

torch = pytest.importorskip("torch")

from limner.errors import LimnerError, MissingError  # noqa: E402
from limner.nets.lpips import Lpips, direction  # noqa: E402
from limner.train.lpips import opened, tensors  # noqa: E402

ALEX = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
}
VGG = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
WIDTHS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}


def trunk(seed: int = 0) -> dict[str, torch.Tensor]:
    """A state as torchvision publishes alexnet's, with a classifier that nobody wants."""
    source = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in ALEX.items():
        state[f"{name}.weight"] = 0.1 * torch.randn(shape, generator=source)
        state[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=source)
    return {**state, "classifier.6.weight": torch.zeros(10, 20)}


def lins(kind: str = "alex") -> dict[str, torch.Tensor]:
    """A state as the package lpips carries it."""
    source = torch.Generator().manual_seed(1)
    return {f"lin{k}.model.1.weight": torch.rand(1, w, 1, 1, generator=source) for k, w in enumerate(WIDTHS[kind])}


@pytest.fixture(scope="module")
def net() -> Lpips:
    found = Lpips("alex")
    found.take({**trunk(), **lins()})
    return found


def pair(seed: int, b: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    return torch.rand(b, 3, 40, 48, generator=source), torch.rand(b, 3, 40, 48, generator=source)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_it_is_a_distance_of_each_picture_by_itself(net: Lpips, seed: int) -> None:
    x, y = pair(seed)
    found = net(x, y)
    assert found.shape == (2,) and (found > 0).all()
    assert torch.allclose(found, net(y, x)) and net(x, x).abs().max() == 0
    assert torch.allclose(found[:1], net(x[:1], y[:1]), atol=1e-5)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), size=st.floats(1e-3, 1e3))
def test_directions_have_length_1_whatever_their_size(seed: int, size: float) -> None:
    x = torch.randn(1, 5, 3, 3, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(direction(size * x), direction(x), atol=1e-5)
    assert torch.allclose(direction(x).square().sum(1), torch.ones(1, 3, 3), atol=1e-5)


def by_hand(x: np.ndarray, y: np.ndarray, normalised: bool) -> float:
    """The distance of two pictures (3 h w) from the paper's words, in double precision and torch's functions alone."""
    state = {name: tensor.double() for name, tensor in {**trunk(), **lins()}.items()}
    shift = torch.tensor([-0.030, -0.088, -0.188], dtype=torch.float64)[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450], dtype=torch.float64)[:, None, None]
    stack = torch.from_numpy(np.stack([x, y]).astype(np.float64))
    at = ((2 * stack - 1 if normalised else stack) - shift) / scale
    total = 0.0
    convs = [("0", 4, 2), ("3", 1, 2), ("6", 1, 1), ("8", 1, 1), ("10", 1, 1)]
    for k, (name, stride, padding) in enumerate(convs):
        if k in (1, 2):
            at = torch.nn.functional.max_pool2d(at, 3, 2)
        weight, bias = state[f"features.{name}.weight"], state[f"features.{name}.bias"]
        at = torch.nn.functional.conv2d(at, weight, bias, stride, padding).clamp_min(0)
        unit = at.numpy() / (np.linalg.norm(at.numpy(), axis=1, keepdims=True) + 1e-10)
        weights = state[f"lin{k}.model.1.weight"].numpy()[0, :, 0, 0]
        total += float(np.tensordot(weights, (unit[0] - unit[1]) ** 2, 1).mean())
    return total


@pytest.mark.parametrize("normalised", [True, False])
def test_it_is_what_the_paper_says(normalised: bool) -> None:
    net = Lpips("alex", normalised)
    net.take({**trunk(), **lins()})
    x, y = (scene(48, 40, seed).transpose(2, 0, 1) / np.float32(255) for seed in (0, 1))
    found = net(torch.from_numpy(x.copy())[None], torch.from_numpy(y.copy())[None]).item()
    assert found == pytest.approx(by_hand(x, y, normalised), rel=1e-4)


def test_vgg_has_thirteen_convolutions_at_torchvisions_places() -> None:
    net = Lpips("vgg")
    names = {f"features.{place}.{part}" for place in VGG for part in ("weight", "bias")}
    assert net.state_dict().keys() == names | {f"lin{k}.model.1.weight" for k in range(5)}
    x, _ = pair(0)
    maps = [tuple(part.shape[1:]) for part in net.maps(x)]
    assert maps == [(64, 40, 48), (128, 20, 24), (256, 10, 12), (512, 5, 6), (512, 2, 3)]
    assert net.features[29] is net.features[-1] and isinstance(net.features[-1], torch.nn.ReLU)


def test_gradients_reach_the_picture_and_nothing_else(net: Lpips) -> None:
    x, y = pair(3)
    for other in (y, x.clone(), torch.zeros_like(x)):
        other.requires_grad_()
        net(x, other).sum().backward()
        assert other.grad is not None and other.grad.isfinite().all()
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_pictures_of_other_or_tiny_sizes_are_refused(net: Lpips) -> None:
    x, y = pair(0)
    for one, two in ((x, y[..., 1:]), (x[..., :30], y[..., :30])):
        with pytest.raises(LimnerError, match="at least 31 px"):
            net(one, two)
    with pytest.raises(LimnerError, match="one of alex, vgg"):
        Lpips("squeeze")  # type: ignore[arg-type]


def test_states_that_do_not_fit_are_refused_by_name() -> None:
    with pytest.raises(LimnerError, match=r"features\.0\.weight .* is missing"):
        Lpips().take(lins())
    with pytest.raises(LimnerError, match=r"lin1.* has the shape \(1, 128, 1, 1\)"):
        Lpips().take({**trunk(), **lins("vgg")})


def test_a_folder_may_hold_the_files_of_both_trunks(net: Lpips, tmp_path: Path) -> None:
    torch.save(trunk(), tmp_path / "alexnet.pth")
    for kind in ("alex", "vgg"):
        torch.save(lins(kind), tmp_path / f"{kind}.pth")
    x, y = pair(5)
    assert torch.equal(opened(str(tmp_path))(x, y), net(x, y))
    with pytest.raises(MissingError, match=r"features\.0\.weight .* is missing; put there torchvision's trunk"):
        opened(str(tmp_path), "vgg")
    torch.save(lins(), tmp_path / "older.pth")
    with pytest.raises(MissingError, match="in more than one file"):
        opened(str(tmp_path))


def test_one_file_may_be_all_of_the_package_lpips(net: Lpips, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    slices = {"0": 1, "3": 2, "6": 3, "8": 4, "10": 5}
    whole = {f"net.slice{slices[n.split('.')[1]]}.{n.partition('.')[2]}": t for n, t in trunk().items() if "features" in n}
    whole |= {**lins(), **{f"lins.{name[3:]}": tensor.clone() for name, tensor in lins().items()}}
    safetensors.save_file(whole, tmp_path / "lpips.safetensors")
    x, y = pair(6)
    assert torch.equal(opened(str(tmp_path / "lpips.safetensors"))(x, y), net(x, y))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no tensors at all", b"\x80\x02cos\nsystem\n."])
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_what_is_no_tensors_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MissingError, match="no tensors that can be read"):
        opened(str(tmp_path))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(MissingError, match="no tensors by name"):
        tensors(tmp_path / "list.pt")
    with pytest.raises(MissingError, match="nowhere"):
        opened("nowhere")
