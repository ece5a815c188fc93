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


def test_what_cannot_be_converted_is_refused() -> None:
    smooth, grouped = nn.Sequential(nn.GELU()), nn.Sequential(nn.Conv2d(4, 4, 3, groups=4))
    slope = nn.Sequential(nn.Conv2d(4, 4, 1), nn.LeakyReLU(0.1))
    for net in (smooth, grouped, slope):
        with pytest.raises(LimnerError):
            fixed.convert(net, [torch.zeros(1, 4, 4, 4)], 7)
