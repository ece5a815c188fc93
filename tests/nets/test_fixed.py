"""Conversion of trained networks: close to the floats, and the shapes of every module agree."""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import LimnerError

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from limner.nets import fixed  # noqa: E402

CHAINS = {
    "plain": lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.LeakyReLU(0.125), nn.Conv2d(8, 4, 1)),
    "strided": lambda: nn.Sequential(nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)),
    "sub-pixel": lambda: nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.PixelShuffle(2), nn.ReLU(), nn.Conv2d(4, 4, 1)),
    "transposed": lambda: nn.Sequential(nn.ConvTranspose2d(3, 8, 5, 2, 2, 1), nn.ReLU(), nn.Conv2d(8, 4, 1)),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.PixelShuffle(2)), nn.LeakyReLU(), nn.Sequential(nn.Conv2d(4, 4, 1))
    ),
    "linear": lambda: nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.25), nn.Linear(8, 4, bias=False)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_converted_is_close_to_the_floats(name: str) -> None:
    torch.manual_seed(3)
    net = CHAINS[name]()
    x = torch.randint(-256, 257, (1, 3, 8, 6)) / 128
    network = fixed.convert(net, [x], input_bits=7, output_bits=9)
    whole = network((x[0] * 128).numpy().astype(np.int32))
    current = x
    for group in fixed.groups(net):
        current = group(current)
    assert whole.shape == tuple(current.shape[1:])
    assert np.abs(whole / 512 - current[0].detach().numpy()).max() < 0.01


def test_each_output_may_have_its_own_fraction_bits() -> None:
    torch.manual_seed(4)
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.LeakyReLU(), nn.Conv2d(4, 4, 1))
    x = torch.randint(-256, 257, (1, 3, 8, 6)) / 128
    bits = np.array([7, 7, 6, 10])
    network = fixed.convert(net, [x], input_bits=7, output_bits=bits)
    whole = network((x[0] * 128).numpy().astype(np.int32))
    assert np.abs(whole / 2.0 ** bits[:, None, None] - net(x)[0].detach().numpy()).max() < 0.02
    with pytest.raises(LimnerError, match="one number for each"):
        fixed.convert(net, [x], input_bits=7, output_bits=bits[:3])


def test_large_weights_get_the_bits_that_the_output_must_have() -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.constant_(net[0].weight, 300.3)
    network = fixed.convert(net, [torch.ones(1, 1, 1, 1)], input_bits=2, output_bits=7)
    # 300.3 * 2**5 is 9609.6, and 8 quarters are 2: twice 300.3 with 7 fraction bits is 76876.8, which saturates; a half is not.
    assert network.layers[0].weight.item() == 9610
    assert network(np.full((1, 1, 1), 2, np.int32)).item() == 19220
    nn.init.constant_(net[0].weight, 3000.0)
    with pytest.raises(LimnerError, match="too large"):
        fixed.convert(net, [torch.ones(1, 1, 1, 1)], input_bits=2, output_bits=7)


@pytest.mark.parametrize(
    ("slope", "leak", "rounded"), [(0.0, -1, None), (0.125, 3, None), (0.01, None, 328), (0.2, None, 6554)]
)
def test_slopes_of_powers_of_two_are_shifts(slope: float, leak: int | None, rounded: int | None) -> None:
    assert fixed.leak_of(slope) == (leak, rounded)


def test_what_cannot_be_converted_is_refused() -> None:
    smooth, grouped = nn.Sequential(nn.GELU()), nn.Sequential(nn.Conv2d(4, 4, 3, groups=4))
    slope = nn.Sequential(nn.Conv2d(4, 4, 1), nn.LeakyReLU(1.5))
    oblong, same = nn.Sequential(nn.Conv2d(4, 4, (1, 3))), nn.Sequential(nn.Conv2d(4, 4, 3, padding="same"))
    lopsided, mirrored = (
        nn.Sequential(nn.Conv2d(4, 4, 3, (1, 2))),
        nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1, padding_mode="reflect")),
    )
    lost = nn.Sequential(nn.Conv2d(4, 4, 1))
    nn.init.constant_(lost[0].weight, float("nan"))
    for net in (smooth, grouped, slope, oblong, same, lopsided, mirrored, lost):
        with pytest.raises(LimnerError):
            fixed.convert(net, [torch.zeros(1, 4, 4, 4)], 7)
