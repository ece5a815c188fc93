"""HED: both published sets are taken by name, and give what their own arithmetic gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import scene

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from limner.describe.edges import EdgeDetector  # noqa: E402
from limner.describe.hed import Hed  # noqa: E402
from limner.errors import MissingError  # noqa: E402
from limner.nets.hed import BLOCKS  # noqa: E402

State = dict[str, torch.Tensor]
PLACES = {"One": (0, 2), "Two": (1, 3), "Thr": (1, 3, 5), "Fou": (1, 3, 5), "Fiv": (1, 3, 5)}
"""Where the convolutions of the set of BSDS500 stand among activations and poolings."""


def tensors(names: dict[str, tuple[int, ...]]) -> State:
    """Random weights that neither die nor blow up."""
    draw = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=draw) * (2 / np.prod(shape[1:])) ** 0.5
        if len(shape) > 1
        else torch.randn(shape, generator=draw) * 0.1
        for name, shape in names.items()
    }


def controlnet() -> State:
    names: dict[str, tuple[int, ...]] = {}
    for number, (before, width, count) in enumerate(BLOCKS, 1):
        for place in range(count):
            names[f"block{number}.convs.{place}.weight"] = (width, width if place else before, 3, 3)
            names[f"block{number}.convs.{place}.bias"] = (width,)
        names |= {f"block{number}.projection.weight": (1, width, 1, 1), f"block{number}.projection.bias": (1,)}
    return {"norm": torch.tensor([100.0, 110.0, 120.0]).reshape(1, 3, 1, 1), **scaled(tensors(names))}


def bsds500() -> State:
    names: dict[str, tuple[int, ...]] = {}
    for (ordinal, places), (before, width, _) in zip(PLACES.items(), BLOCKS, strict=True):
        for turn, place in enumerate(places):
            names[f"moduleVgg{ordinal}.{place}.weight"] = (width, width if turn else before, 3, 3)
            names[f"moduleVgg{ordinal}.{place}.bias"] = (width,)
        names |= {f"moduleScore{ordinal}.weight": (1, width, 1, 1), f"moduleScore{ordinal}.bias": (1,)}
    return scaled(tensors({**names, "moduleCombine.0.weight": (1, 5, 1, 1), "moduleCombine.0.bias": (1,)}))


def scaled(state: State) -> State:
    """The first convolution meets levels of 0 to 255."""
    first = next(iter(state))
    return {**state, first: state[first] / 60}


def layer(state: State, name: str, x: torch.Tensor) -> torch.Tensor:
    weight = state[name + ".weight"]
    return F.conv2d(x, weight, state[name + ".bias"], padding=weight.shape[-1] // 2)


def drawn(state: State, x: torch.Tensor, convs: list[list[str]], outlines: list[str]) -> torch.Tensor:
    """The five maps (1 5 h w), straight from named tensors."""
    size, maps = x.shape[2:], []
    for names, outline in zip(convs, outlines, strict=True):
        if maps:
            x = nn.MaxPool2d(2, 2)(x)
        for name in names:
            x = torch.relu(layer(state, name, x))
        maps.append(F.interpolate(layer(state, outline, x), size, mode="bilinear", align_corners=False))
    return torch.cat(maps, 1)


def saved(state: State, path: Path) -> str:
    torch.save(state, path)
    return str(path)


@torch.no_grad()
def test_the_set_of_controlnet(tmp_path: Path) -> None:
    state, pixels = controlnet(), scene(48, 32)
    assert len(state) == 37 and sum(value.numel() for value in state.values()) == 14_716_168
    detector: EdgeDetector = Hed(saved(state, tmp_path / "ControlNetHED.pth"))
    x = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float()[None] - state["norm"]
    convs = [[f"block{n}.convs.{k}" for k in range(count)] for n, (_, _, count) in enumerate(BLOCKS, 1)]
    maps = drawn(state, x, convs, [f"block{n}.projection" for n in range(1, 6)])
    wanted = torch.sigmoid(maps.mean(1))[0].numpy()
    assert np.ptp(wanted) > 0.1
    assert np.allclose(detector.edges(pixels), wanted, atol=1e-4)


@torch.no_grad()
def test_the_set_of_bsds500_reads_blue_first(tmp_path: Path) -> None:
    state, pixels = bsds500(), scene(48, 32)
    assert len(state) == 38
    folder = tmp_path / "annotator" / "ckpts"
    folder.mkdir(parents=True)
    saved(state, folder / "network-bsds500.pth")
    means = torch.tensor([104.00698793, 116.66876762, 122.67891434]).reshape(1, 3, 1, 1)
    x = torch.from_numpy(pixels[..., ::-1].transpose(2, 0, 1).copy()).float()[None] - means
    convs = [[f"moduleVgg{ordinal}.{place}" for place in places] for ordinal, places in PLACES.items()]
    maps = drawn(state, x, convs, [f"moduleScore{ordinal}" for ordinal in PLACES])
    wanted = torch.sigmoid(layer(state, "moduleCombine.0", maps))[0, 0].numpy()
    assert np.ptp(wanted) > 0.1
    assert np.allclose(Hed(str(tmp_path)).edges(pixels), wanted, atol=1e-4)


def test_any_size_is_drawn(tmp_path: Path) -> None:
    detector = Hed(saved(controlnet(), tmp_path / "hed.pth"), short_side_px=32)
    for width_px, height_px in ((1, 1), (17, 33), (90, 40)):
        found = detector.edges(scene(width_px, height_px))
        assert found.shape == (height_px, width_px) and found.min() >= 0 and found.max() <= 1


def test_what_is_no_hed_is_refused(tmp_path: Path) -> None:
    whole = controlnet()
    less = {name: value for name, value in whole.items() if "block5" not in name}
    for number, content in enumerate((less, {"norm": 1}, {"moduleCombine.0.weight": torch.zeros(1)}, [1, 2], {})):
        path = tmp_path / f"{number}.pth"
        torch.save(content, path)
        with pytest.raises(MissingError, match="holds no weights of HED"):
            Hed(str(path)).edges(scene(16, 16))
    (tmp_path / "empty.pth").write_bytes(b"")
    with pytest.raises(MissingError, match="holds no weights of HED"):
        Hed(str(tmp_path / "empty.pth")).edges(scene(16, 16))
    with pytest.raises(MissingError, match="one file of weights"):
        Hed(str(tmp_path)).edges(scene(16, 16))


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingError, match="limner weights fetch somebody/hed"):
        Hed("somebody/hed").edges(scene(16, 16))
