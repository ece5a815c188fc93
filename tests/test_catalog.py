"""The catalogue: what systems need, and what is fetched of the repositories as they are published."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from limner import fetch
from limner.catalog import CATALOG, RECIPES

# What a system needs.


def test_no_name_is_of_weights_and_of_a_system() -> None:
    assert not RECIPES.keys() & CATALOG.keys()
    assert {system for kept in CATALOG.values() for system in kept.systems} >= RECIPES.keys()


def test_recipes_name_weights_of_their_system() -> None:
    for system, names in RECIPES.items():
        assert all(system in CATALOG[name].systems for name in names)


def test_a_recipe_is_what_the_defaults_ask_for() -> None:
    from limner.describe.grounding import GroundingDino
    from limner.describe.local import Local
    from limner.describe.sam import Sam
    from limner.render.painter import PAINTERS
    from limner.render.stagepainter import STAGE_PAINTERS

    painter = STAGE_PAINTERS["paper"]
    assert RECIPES["sedic"] == (painter.base, painter.control, Local().weights, GroundingDino().weights, Sam().weights)
    for system in ("pic", "pics"):
        painted = PAINTERS[system, "paper"]
        assert RECIPES[system] == tuple(filter(None, (painted.base, painted.control, painted.vae)))


def test_names_of_systems_stand_for_their_recipes() -> None:
    assert fetch.names(["pic", "sam", "sedic", "somebody/something"]) == [
        "sd21", "sam", "diffbir-v2", "qwen3-vl", "grounding-dino", "somebody/something",
    ]  # fmt: skip
    assert fetch.names(["taco"]) == []


# What of the published repositories is fetched.

WORDS = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")
LISTINGS: dict[str, tuple[set[str], set[str]]] = {
    "sd21": (
        {
            "model_index.json",
            "feature_extractor/preprocessor_config.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
        },
        {
            "v2-1_512-ema-pruned.ckpt",
            "v2-1_512-ema-pruned.safetensors",
            "text_encoder/model.fp16.safetensors",
            "text_encoder/pytorch_model.bin",
            "unet/diffusion_pytorch_model.bin",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "vae/diffusion_pytorch_model.fp16.bin",
        },
    ),
    "diffbir-v2": ({"v2.pth"}, {"v1_general.pth", "v1_face.pth", "DiffBIR_v2.1.pt", "sd2.1-base-zsnr-laionaes5.ckpt"}),
    "qwen3-vl": (
        {"model.safetensors", "config.json", "generation_config.json", "chat_template.json", *WORDS}
        | {"preprocessor_config.json", "video_preprocessor_config.json"},
        {".gitattributes"},
    ),
    "grounding-dino": (
        {"model.safetensors", "config.json", "preprocessor_config.json", "special_tokens_map.json", "added_tokens.json"}
        | {"tokenizer.json", "tokenizer_config.json", "vocab.txt"},
        {"pytorch_model.bin"},
    ),
    "sam": ({"model.safetensors", "config.json", "preprocessor_config.json"}, {"pytorch_model.bin", "tf_model.h5"}),
    "controlnet-tile-sd15": ({"diffusion_pytorch_model.bin", "config.json"}, {"images/original.png", "control_net_tile.py"}),
    "controlnet-softedge-sd15": (
        {"diffusion_pytorch_model.safetensors", "config.json"},
        {"diffusion_pytorch_model.bin", "diffusion_pytorch_model.fp16.bin", "diffusion_pytorch_model.fp16.safetensors"},
    ),
}
"""The files of the published repositories: what is wanted, and what lies beside it."""


@pytest.mark.parametrize("name", LISTINGS)
def test_of_a_published_repository_what_is_wanted_is_fetched(name: str) -> None:
    wanted, others = LISTINGS[name]
    offered = sorted({"README.md", *wanted, *others})
    matching = [file for file in offered if any(fnmatchcase(file, pattern) for pattern in fetch.patterns(name))]
    assert fetch.files_of(name, matching) == sorted(wanted)
