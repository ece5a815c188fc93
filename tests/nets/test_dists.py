"""DISTS: against its authors' program, worked out another way, by its laws, and published states by name and shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

torch = pytest.importorskip("torch")

from made_weights import made  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.nets.dists import Dists, RootMeanSquare  # noqa: E402

VGG = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
CHANNELS = (3, 64, 128, 256, 512, 512)
# DISTS_pytorch 0.1 with the weights of ``made_weights.made(Dists(), 2)`` on the pairs of ``pair`` below.
GOLDEN = {0: 0.071652293, 1: 0.073295116}


@pytest.fixture(scope="module")
def net() -> Dists:
    found = Dists()
    found.take(made(found, 2))
    return found


def pair(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    one, two = (torch.from_numpy(scene(45, 38, seed + k).copy()).permute(2, 0, 1)[None] / 255 for k in (0, 5))
    return one, 0.3 * one.flip(2) + 0.7 * two


@pytest.mark.parametrize("seed", GOLDEN)
def test_it_is_that_of_its_authors(net: Dists, seed: int) -> None:
    assert net(*pair(seed)).item() == pytest.approx(GOLDEN[seed], rel=2e-4)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_it_is_a_distance_of_each_picture_by_itself(net: Dists, seed: int) -> None:
    drawn = torch.Generator().manual_seed(seed)
    x, y = torch.rand(2, 3, 33, 20, generator=drawn), torch.rand(2, 3, 33, 20, generator=drawn)
    found = net(x, y)
    assert found.shape == (2,) and (found > 0).all() and (found < 2).all()
    assert torch.allclose(found, net(y, x), atol=1e-5) and torch.allclose(net(x, x), torch.zeros(2), atol=1e-5)
    assert torch.allclose(found[:1], net(x[:1], y[:1]), atol=1e-5)


def by_hand(x: np.ndarray, y: np.ndarray, state: dict[str, torch.Tensor]) -> float:
    """Two pictures (3 h w), from the paper's words, in double precision."""
    stack = torch.from_numpy(np.stack([x, y]).astype(np.float64))
    maps = [stack.numpy()]
    mean, spread = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    at = (stack - mean) / spread
    window = np.outer([1, 2, 1], [1, 2, 1]) / 16
    for place, number in enumerate(VGG):
        if number in (5, 10, 17, 24):
            maps.append(at.numpy())
            squares = np.pad(at.numpy() ** 2, ((0, 0), (0, 0), (1, 1), (1, 1)))
            height, width = at.shape[2:]
            shifted = [
                window[i, j] * squares[:, :, i : i + height : 2, j : j + width : 2] for i in range(3) for j in range(3)
            ]
            at = torch.from_numpy(np.sqrt(sum(shifted) + 1e-12))
        weight, bias = (state[f"features.{number}.{part}"].double() for part in ("weight", "bias"))
        at = torch.nn.functional.conv2d(at, weight, bias, padding=1).clamp_min(0)
        assert place < len(VGG)
    maps.append(at.numpy())
    alpha, beta = (state[name].double().numpy().ravel() for name in ("alpha", "beta"))
    alike, first = 0.0, 0
    for found in maps:
        for channel in found.transpose(1, 0, 2, 3):
            m, n = channel[0].mean(), channel[1].mean()
            cov = ((channel[0] - m) * (channel[1] - n)).mean()
            texture = (2 * m * n + 1e-6) / (m * m + n * n + 1e-6)
            structure = (2 * cov + 1e-6) / (channel[0].var() + channel[1].var() + 1e-6)
            alike += alpha[first] * texture + beta[first] * structure
            first += 1
    assert first == sum(CHANNELS)
    return 1 - alike / (alpha.sum() + beta.sum())


def test_it_is_what_the_paper_says(net: Dists) -> None:
    x, y = (scene(31, 18, seed).transpose(2, 0, 1) / 255 for seed in (0, 1))
    one, two = (torch.from_numpy(picture)[None].float() for picture in (x, y))
    assert net(one, two).item() == pytest.approx(by_hand(x, y, made(net, 2)), rel=1e-3)


def test_a_constant_stays_under_pooling() -> None:
    pooled = RootMeanSquare()(torch.full((1, 2, 8, 9), 3.0))
    assert pooled.shape == (1, 2, 4, 5) and torch.allclose(pooled[:, :, 1:, 1:4], torch.tensor(3.0))


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        net = Dists()
    names = {f"features.{place}.{part}" for place in VGG for part in ("weight", "bias")}
    assert net.state_dict().keys() == names | {"alpha", "beta"}
    assert net.alpha.shape == net.beta.shape == (1, 1475, 1, 1)
    assert sum(tensor.numel() for name, tensor in net.state_dict().items() if name in names) == 14_714_688
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_states_are_taken_by_the_names_of_others(net: Dists) -> None:
    stages = {0: 1, 2: 1, 5: 2, 7: 2, 10: 3, 12: 3, 14: 3, 17: 4, 19: 4, 21: 4, 24: 5, 26: 5, 28: 5}
    state = made(net, 3)
    for prefix in ("stage", "net.slice"):
        theirs = {name: tensor for name, tensor in state.items() if not name.startswith("features")}
        for place, stage in stages.items():
            for part in ("weight", "bias"):
                theirs[f"{prefix}{stage}.{place}.{part}"] = state[f"features.{place}.{part}"]
        other = Dists()
        other.take({**theirs, "lin0.model.1.weight": torch.zeros(1, 64, 1, 1)})
        assert all(torch.equal(tensor, state[name]) for name, tensor in other.state_dict().items())


def test_what_does_not_fit_is_refused(net: Dists) -> None:
    state = made(net)
    with pytest.raises(LimnerError, match=r"DISTS: alpha .* is missing"):
        Dists().take({name: tensor for name, tensor in state.items() if name != "alpha"})
    x = torch.rand(1, 3, 20, 20)
    for one, two in ((x, x[..., 1:]), (x[..., :15], x[..., :15])):
        with pytest.raises(LimnerError, match="at least 16 px"):
            net(one, two)
