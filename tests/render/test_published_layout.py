"""Stable Diffusion and its control nets as they are published: names, shapes and files, through the code that opens them.

At full size the files are holes behind a header, so nothing of their size is read or kept; tiny ones show that each number
comes to its place.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import full_size
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

import tiny_diffusion  # noqa: E402
from full_size_files import numbers, pickle, state, write  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from limner import fetch  # noqa: E402
from limner.catalog import CATALOG  # noqa: E402
from limner.errors import MissingError  # noqa: E402
from limner.render import ircontrol, parts  # noqa: E402
from limner.render.quiet import quiet  # noqa: E402
from limner.tensors import header, listed  # noqa: E402

SPECIAL = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
TOKENIZER = {
    "add_prefix_space": False,
    "bos_token": {"__type": "AddedToken", "content": "<|startoftext|>", **SPECIAL},
    "eos_token": {"__type": "AddedToken", "content": "<|endoftext|>", **SPECIAL},
    "unk_token": {"__type": "AddedToken", "content": "<|endoftext|>", **SPECIAL},
    "do_lower_case": True,
    "errors": "replace",
    "model_max_length": 77,
    "pad_token": "<|endoftext|>",
    "special_tokens_map_file": "./special_tokens_map.json",
    "tokenizer_class": "CLIPTokenizer",
}
"""As tokenizer_config.json of 2022 says it."""
OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def lists(name: str, part: str = "") -> tuple[str, ...]:
    """Of weights of the catalogue, or of a part of them."""
    return next(kept for pattern, kept in CATALOG[name].lists if pattern.startswith(part))


def settings(folder: Path, kept: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(kept), "utf-8")


def shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def made(kind: Any, config: dict[str, Any]) -> Any:
    with torch.device("meta"):
        return kind(**config)


# Names and shapes of the library's modules.


@pytest.mark.parametrize(
    ("name", "part", "kind", "config"),
    [
        ("sd21", "unet", "UNet2DConditionModel", full_size.UNET),
        ("sd21", "vae", "AutoencoderKL", full_size.VAE),
        ("sd15", "unet", "UNet2DConditionModel", full_size.UNET1),
        ("controlnet-tile-sd15", "", "ControlNetModel", full_size.CONTROL1),
        ("controlnet-hed-sd21", "", "ControlNetModel", full_size.CONTROL),
    ],
)
def test_modules_of_diffusers_have_the_listed_tensors(name: str, part: str, kind: str, config: dict[str, Any]) -> None:
    wanted = {tensor.names[-1]: tensor.shape for one in lists(name, part) for tensor in listed(one)}
    assert shapes(made(getattr(diffusers, kind), config)) == wanted


@pytest.mark.parametrize(("name", "config"), [("sd21", full_size.TEXT), ("sd15", full_size.TEXT1)])
def test_the_text_encoder_has_the_listed_tensors(name: str, config: dict[str, Any]) -> None:
    with torch.device("meta"):
        model = transformers.CLIPTextModel(transformers.CLIPTextConfig(**config))
    found = {re.sub(r"^text_model\.", "", each): shape for each, shape in shapes(model).items()}
    kept = [tensor for one in lists(name, "text_encoder") for tensor in listed(one) if not tensor.optional]
    assert found == {tensor.names[-1]: tensor.shape for tensor in kept}


def test_the_net_of_diffbir_has_the_listed_tensors() -> None:
    net = ircontrol.empty(made(diffusers.UNet2DConditionModel, full_size.UNET))
    assert ircontrol.names(net) == {tensor.names[0]: tensor.shape for tensor in listed("ircontrol")}


# Full size, through the code that opens them.


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sd21 as it is published, but for the numbers and the vocabulary."""
    place = tmp_path_factory.mktemp("weights")
    folder = place / "sd21"
    settings(folder / "unet", full_size.UNET)
    settings(folder / "vae", full_size.VAE)
    settings(folder / "text_encoder", full_size.TEXT | {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model"})
    write(folder / "unet" / "diffusion_pytorch_model.safetensors", state(lists("sd21", "unet")))
    write(folder / "vae" / "diffusion_pytorch_model.safetensors", state(lists("sd21", "vae")))
    write(folder / "text_encoder" / "model.safetensors", state(lists("sd21", "text"), besides="position_ids"))
    tiny_diffusion.save_tokenizer(folder / "tokenizer")
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(TOKENIZER), "utf-8")
    (folder / "tokenizer" / "special_tokens_map.json").write_text('{"pad_token": "!"}', "utf-8")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(tiny_diffusion.SCHEDULER), "utf-8")
    return place


def test_the_base_model_is_opened_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(place))
    assert fetch.checked("sd21", place / "sd21") == "1307 tensors, as published"
    with quiet():
        found = parts.base_of("sd21", "DDIMScheduler", "float32")
    counts = {part: sum(map(torch.numel, found[part].parameters())) for part in ("unet", "vae", "text_encoder")}
    assert counts == {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 340_387_840}
    assert found["tokenizer"].model_max_length == 77 and found["tokenizer"].pad_token == "!"
    assert found["scheduler"].config.timestep_spacing == "leading"


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
def test_a_control_net_is_checked_in_whichever_form_it_is_there(kind: str, tmp_path: Path) -> None:
    settings(tmp_path, full_size.CONTROL1)
    tensors = state(lists("controlnet-tile-sd15"))
    (write if kind == "safetensors" else pickle)(tmp_path / f"diffusion_pytorch_model.{kind}", tensors)
    assert fetch.checked("controlnet-tile-sd15", tmp_path) == "340 tensors, as published"
    if kind == "safetensors":
        found = parts.read("controlnet-tile-sd15", tmp_path, "ControlNetModel", "float32")
        assert sum(map(torch.numel, found.parameters())) == numbers(tensors) == 361_279_120


def test_the_file_of_diffbir_is_checked(tmp_path: Path) -> None:
    tensors = state(["ircontrol"])
    pickle(tmp_path / "v2.pth", tensors)
    assert fetch.checked("diffbir-v2", tmp_path) == "324 tensors, as published"
    pickle(tmp_path / "v2.pth", {name: tensor for name, tensor in tensors.items() if "zero_convs.3" not in name})
    with pytest.raises(MissingError, match=r"v2\.pth: lacks zero_convs\.3\.0\.weight and 1 more"):
        fetch.checked("diffbir-v2", tmp_path)


# Tiny, with numbers.


@pytest.mark.parametrize("pickled", [False, True])
def test_a_control_net_is_opened_in_whichever_form_it_is_there(pickled: bool, tmp_path: Path) -> None:
    tiny_diffusion.save_control(tmp_path, pickled=pickled)
    (tmp_path / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"not read")
    with quiet():
        found = parts.read("controlnet-tile-sd15", tmp_path, "ControlNetModel", "float32")
    assert found.conv_in.weight.abs().sum() > 0


def test_a_vae_with_the_names_of_its_time_is_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tiny_diffusion.vae().save_pretrained(tmp_path)
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    today = load_file(file)
    old = {re.sub("|".join(OLD), lambda found: OLD[found[0]], name): tensor for name, tensor in today.items()}
    assert generic(old) == generic(tensor.names[0] for tensor in listed("sd-vae"))
    save_file(old, file, {"format": "pt"})
    with quiet():
        found = parts.read("sd21", tmp_path, "AutoencoderKL", "float32").state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in today.items()) and found.keys() == today.keys()


@pytest.mark.parametrize("prefix", ["text_model.", ""])
def test_a_text_encoder_with_the_names_of_its_time_is_the_same(prefix: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    tiny_diffusion.text_encoder(514).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    plain = {name.removeprefix("text_model."): tensor for name, tensor in load_file(file).items()}
    kept = plain | {"embeddings.position_ids": torch.arange(77)[None]}
    save_file({prefix + name: tensor for name, tensor in kept.items()}, file, {"format": "pt"})
    assert generic(header(file)) == generic(tensor.names[0 if prefix else 1] for tensor in listed("sd2-text"))
    with quiet():
        found = parts.read("sd21", tmp_path, "CLIPTextModel", "float32").state_dict()
    same = {name.removeprefix("text_model."): tensor for name, tensor in found.items()}
    assert all(torch.equal(same[name], tensor) for name, tensor in plain.items())


def generic(names: Any) -> set[str]:
    return {re.sub(r"\d+", "N", name) for name in names}
