"""FID's Inception v3: against torch-fidelity, its resizing by hand, and published states by name and shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene

torch = pytest.importorskip("torch")

from made_weights import made  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.nets.inception import BLOCKS, Inception, resized  # noqa: E402

# torch-fidelity 0.4.0, inception-v3-compat, with the weights of ``made_weights.made(Inception())``, on scene(75, 310, 1):
# features 0, 1, 2, 1000 and 2047, their mean and deviation.
GOLDEN = [0.338967, 0.0, 0.214343, 0.293942, 0.017871, 1.019662, 1.329625]
PLACES = [0, 1, 2, 1000, 2047]


@pytest.fixture(scope="module")
def net() -> Inception:
    found = Inception()
    found.take(made(found))
    return found


def batch(*seeds: int) -> torch.Tensor:
    return torch.stack([torch.from_numpy(scene(75, 310, seed).copy()).permute(2, 0, 1) for seed in seeds])


def test_features_are_those_of_torch_fidelity(net: Inception) -> None:
    found = net(batch(1))[0]
    assert found.shape == (2048,) and found.dtype == torch.float32
    assert [*found[PLACES].tolist(), found.mean().item(), found.std().item()] == pytest.approx(GOLDEN, rel=1e-3, abs=1e-5)


def test_a_batch_is_its_pictures(net: Inception) -> None:
    together = net(batch(1, 2))
    assert torch.allclose(together[1], net(batch(2))[0], rtol=1e-4, atol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.01


def test_names_and_shapes_are_the_published_ones() -> None:
    """Of torchvision's Inception v3 without its side branch and its classifier: 23,834,568 parameters less 2,049,000."""
    with torch.device("meta"):
        net = Inception()
    state = net.state_dict()
    assert sum(parameter.numel() for parameter in net.parameters()) == 23_834_568 - 2_049_000
    assert len(state) == 94 * 6 and sum(name.endswith("conv.weight") for name in state) == 94
    shapes = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Conv2d_4a_3x3.bn.running_var": (192,),
        "Mixed_5b.branch_pool.conv.weight": (32, 192, 1, 1),
        "Mixed_5d.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6c.branch7x7dbl_4.conv.weight": (160, 160, 7, 1),
        "Mixed_6e.branch7x7_3.conv.weight": (192, 192, 7, 1),
        "Mixed_7a.branch7x7x3_2.conv.weight": (192, 192, 1, 7),
        "Mixed_7b.branch3x3_2b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch1x1.conv.weight": (320, 2048, 1, 1),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert [net.get_submodule(name).width for name in BLOCKS] == [256, 288, 288, *[768] * 5, 1280, 2048, 2048]


def test_states_with_a_classifier_a_prefix_or_without_counters_are_taken(net: Inception) -> None:
    state = {name: tensor for name, tensor in made(net, 1).items() if not name.endswith("num_batches_tracked")}
    for prefix in ("", "model."):
        other = Inception()
        other.take({**{prefix + name: tensor for name, tensor in state.items()}, "fc.weight": torch.zeros(1008, 2048)})
        assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in state.items())
    with pytest.raises(LimnerError, match=r"FID's Inception v3: Mixed_7c\.branch1x1\.conv\.weight .* is missing"):
        Inception().take({name: tensor for name, tensor in state.items() if not name.startswith("Mixed_7c.branch1x1")})


@settings(max_examples=20)
@given(st.integers(1, 700), st.integers(1, 700))
def test_it_resizes_as_tensorflow_1_does(height: int, width: int) -> None:
    """Line i of the result lies at i h / 299 of the h lines: between two neighbours, the last line beyond the last."""
    picture = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width)).astype(np.float64)
    found = resized(torch.from_numpy(picture)[None, None].float())[0, 0].numpy()
    down, right = np.arange(299) * height / 299, np.arange(299) * width / 299
    rows, columns = np.clip(down, 0, height - 1), np.clip(right, 0, width - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    bottom, end = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    y, x = (rows - top)[:, None], (columns - left)[None]
    upper = picture[top][:, left] * (1 - x) + picture[top][:, end] * x
    lower = picture[bottom][:, left] * (1 - x) + picture[bottom][:, end] * x
    assert np.abs(found - (upper * (1 - y) + lower * y)).max() < 0.05


def test_what_has_the_size_stays() -> None:
    picture = torch.randint(0, 256, (1, 3, 299, 299), generator=torch.Generator().manual_seed(0)).float()
    assert torch.equal(resized(picture), picture)
