"""DiffBIR's control net: names from a configuration alone, and a tiny one against LDM written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

import full_size  # noqa: E402
import ldm_control  # noqa: E402
import tiny_diffusion  # noqa: E402
from ldm_control import SD21, TINY  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from limner.catalog import CATALOG  # noqa: E402
from limner.errors import MissingError  # noqa: E402
from limner.render import ircontrol  # noqa: E402

STATE = ldm_control.random_state(TINY)


@pytest.fixture(scope="module")
def unet() -> Any:
    torch.manual_seed(0)
    return tiny_diffusion.unet()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.save(STATE, tmp_path / "v2.pth")
    return tmp_path


def outputs(net: Any, given: tuple[Any, Any, int, Any]) -> list[Any]:
    x, picture, time, context = given
    down, middle = net(x, time, encoder_hidden_states=context, controlnet_cond=picture, return_dict=False)
    return [*down, middle]


def given(seed: int = 3, count: int = 2) -> tuple[Any, Any, int, Any]:
    torch.manual_seed(seed)
    return torch.randn(count, 4, 6, 8), torch.randn(count, 4, 6, 8), 321, torch.randn(count, 77, 32)


def apart(found: list[Any], expected: list[Any]) -> float:
    assert len(found) == len(expected)
    return max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True))


# Names.


def test_names_and_shapes_of_the_published_net() -> None:
    """DiffBIR v1, v2 and v2.1, without their weights."""
    with torch.device("meta"):
        base = diffusers.UNet2DConditionModel(**full_size.UNET)
    net = ircontrol.empty(base)
    assert ircontrol.names(net) == ldm_control.shapes(SD21)
    count = sum(torch.Size(shape).numel() for shape in ircontrol.names(net).values())
    assert count == sum(parameter.numel() for parameter in net.parameters()) == 363_153_280
    assert CATALOG["diffbir-v2"].size_mb == pytest.approx(4 * count / 1e6, rel=0.01)
    assert all(parameter.is_meta for parameter in net.parameters())


def test_names_of_a_tiny_one(unet: Any) -> None:
    assert ircontrol.names(ircontrol.empty(unet)) == ldm_control.shapes(TINY)


def test_some_names_by_hand() -> None:
    """As they stand in the published files."""
    shapes = ldm_control.shapes(SD21)
    assert shapes["input_blocks.0.0.weight"] == (320, 8, 3, 3)
    assert shapes["input_blocks.4.0.skip_connection.weight"] == (640, 320, 1, 1)
    assert shapes["input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight"] == (1280, 1024)
    assert shapes["input_blocks.9.0.op.bias"] == (1280,)
    assert "input_blocks.10.1.norm.weight" not in shapes and "zero_convs.11.0.bias" in shapes
    assert len(shapes) == 324


# What it computes.


def test_it_computes_what_ldm_does(folder: Path, unet: Any) -> None:
    net = ircontrol.load(str(folder), unet, "float32")
    with torch.no_grad():
        found = outputs(net, given())
    expected = ldm_control.control(STATE, TINY, *given())
    assert apart(found, expected) < 2e-5 * float(expected[-1].abs().max())
    assert not net.training and not any(parameter.requires_grad for parameter in net.parameters())


def test_the_picture_counts(folder: Path, unet: Any) -> None:
    net = ircontrol.load(str(folder), unet, "float32")
    x, picture, time, context = given()
    with torch.no_grad():
        assert apart(outputs(net, (x, picture, time, context)), outputs(net, (x, -picture, time, context))) > 0.1


@pytest.mark.parametrize("form", ["safetensors", "state_dict", "module", "whole model"])
def test_other_forms_are_the_same_net(form: str, tmp_path: Path, folder: Path, unet: Any) -> None:
    other = tmp_path / "other"
    other.mkdir()
    if form == "safetensors":
        save_file(STATE, other / "a.safetensors")
    elif form == "state_dict":
        torch.save({"state_dict": STATE}, other / "a.ckpt")
    elif form == "module":
        torch.save({f"module.{key}": value for key, value in STATE.items()}, other / "a.pt")
    else:
        whole = {f"control_model.{key}": value for key, value in STATE.items()} | {"first_stage_model.x": torch.ones(1)}
        torch.save({"state_dict": whole}, other / "a.ckpt")
    one, two = (ircontrol.load(str(place), unet, "float32").state_dict() for place in (folder, other))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_half_precision(folder: Path, unet: Any) -> None:
    net = ircontrol.load(str(folder), unet, "bfloat16")
    assert {parameter.dtype for parameter in net.parameters()} == {torch.bfloat16}


# What is refused.


class Other:
    pass


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({}, "lacks"),
        ([1, 2], "no tensors by name"),
        ({1: torch.ones(1)}, "no tensors by name"),
        ({key: value for key, value in STATE.items() if key != "middle_block_out.0.bias"}, "lacks middle_block_out.0.bias"),
        (STATE | {"input_hint_block.0.weight": torch.ones(1)}, "besides input_hint_block"),
        (STATE | {"input_blocks.0.0.weight": torch.ones(32, 4, 3, 3)}, r"input_blocks.0.0.weight is not \(32, 8, 3, 3\)"),
        (STATE | {"middle_block_out.0.bias": "text"}, "middle_block_out.0.bias"),
        (STATE | {"middle_block_out.0.bias": torch.full((64,), torch.nan)}, "finite"),
        (STATE | {"middle_block_out.0.bias": torch.ones(64, dtype=torch.int64)}, "real numbers"),
    ],
)
def test_another_state_is_refused(kept: Any, said: str, tmp_path: Path, unet: Any) -> None:
    torch.save(kept, tmp_path / "v2.pth")
    with pytest.raises(MissingError, match=said):
        ircontrol.load(str(tmp_path), unet, "float32")


@pytest.mark.parametrize("name", ["v2.pth", "a.safetensors"])
@pytest.mark.parametrize("data", [b"", b"no tensors", bytes(100)])
def test_damaged_files_are_refused(name: str, data: bytes, tmp_path: Path, unet: Any) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MissingError, match=name):
        ircontrol.load(str(tmp_path), unet, "float32")


def test_code_in_a_pickle_is_not_run(tmp_path: Path, unet: Any) -> None:
    torch.save({"x": Other()}, tmp_path / "v2.pth")
    with pytest.raises(MissingError, match="tensors alone"):
        ircontrol.load(str(tmp_path), unet, "float32")


def test_one_file_is_expected(folder: Path, unet: Any) -> None:
    (folder / "another.pth").write_bytes(b"")
    with pytest.raises(MissingError, match="there are 2"):
        ircontrol.load(str(folder), unet, "float32")


def test_of_the_catalogue_the_named_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unet: Any) -> None:
    place = tmp_path / "diffbir-v2"
    place.mkdir()
    torch.save(STATE, place / "v2.pth")
    (place / "v1_general.pth").write_bytes(b"")
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path))
    assert ircontrol.load("diffbir-v2", unet, "float32") is not None


def test_a_net_for_another_base_is_refused(folder: Path) -> None:
    wider = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=2,
        norm_num_groups=8,
        use_linear_projection=True,
    )
    with pytest.raises(MissingError, match=r"made for this base model|besides"):
        ircontrol.load(str(folder), wider, "float32")
