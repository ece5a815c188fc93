"""Shapes of the published models, built without memory: parameters, bytes, latents."""

from __future__ import annotations

from typing import Any

import full_size
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

from limner.catalog import CATALOG  # noqa: E402
from limner.render.diffusion import Diffusion  # noqa: E402
from limner.render.machine import Machine  # noqa: E402
from limner.render.painter import PAINTERS  # noqa: E402
from limner.render.parts import Parts, check  # noqa: E402

PARAMETERS = {"unet": 865_910_724, "control": 364_228_240, "vae": 83_653_863, "text_encoder": 340_387_840}
PAPER = PAINTERS["pics", "paper"]


class Words:
    model_max_length = 77


@pytest.fixture(scope="module")
def parts() -> Parts:
    with torch.device("meta"):
        unet = diffusers.UNet2DConditionModel(**full_size.UNET)
        vae = diffusers.AutoencoderKL(**full_size.VAE)
        text = transformers.CLIPTextModel(transformers.CLIPTextConfig(**full_size.TEXT))
        control = diffusers.ControlNetModel(**full_size.CONTROL)
    return Parts(unet, vae, text, Words(), None, control)


def count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_parameters(parts: Parts) -> None:
    assert {name: count(getattr(parts, name)) for name in PARAMETERS} == PARAMETERS
    check(PAPER, parts)


def test_bytes_in_half_precision(parts: Parts) -> None:
    for model in parts.models:
        model.to(torch.float16)
    assert sum(parts.weights_bytes) == 2 * sum(PARAMETERS.values()) == 3_308_361_334
    assert max(parts.weights_bytes) == 1_731_821_448


def test_what_is_fetched_is_single_precision() -> None:
    base = 4 * sum(PARAMETERS[name] for name in ("unet", "vae", "text_encoder")) / 1e6
    assert CATALOG["sd21"].size_mb == pytest.approx(base, rel=0.02)
    assert CATALOG["sd-turbo"].size_mb == pytest.approx(base, rel=0.02)
    assert CATALOG["controlnet-hed-sd21"].size_mb == pytest.approx(4 * PARAMETERS["control"] / 1e6, rel=0.02)


def test_latents(parts: Parts) -> None:
    diffusion = Diffusion(PAPER, Machine(), parts, "cpu", "float16", None, None)
    assert parts.vae_px == 8
    assert diffusion.latent_shape(PAPER.size_px(768, 512)) == (4, 64, 96)
    assert diffusion.latent_shape(PAPER.size_px(1920, 1080)) == (4, 64, 112)
    # The last convolution gives three colours in the whole size.
    with torch.no_grad():
        latents = torch.empty(1, 4, 64, 96, device="meta", dtype=parts.vae.dtype)
        assert parts.vae.decode(latents).sample.shape == (1, 3, 512, 768)


def test_the_tiny_vae() -> None:
    with torch.device("meta"):
        vae = diffusers.AutoencoderTiny(**full_size.TINY_VAE)
    assert count(vae) == 2_445_063
    assert Parts(None, vae, None, None, None, None).vae_px == 8
    assert CATALOG["taesd"].size_mb == pytest.approx(4 * count(vae) / 1e6, rel=0.03)
