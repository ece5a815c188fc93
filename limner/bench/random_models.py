"""Models of a published form with random weights: they take the time and the memory of trained ones, and paint nothing.

    form --> U-Net, VAE, text encoder --+
    the U-Net's form --> control net, which is given latents (DiffBIR's) --+--> Stages
    letters --> a tokenizer that splits words into them --+
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limner.bench.full_size import SCHEDULER, TEXT, UNET, VAE
from limner.extras import need
from limner.render.machine import Machine, device_of, precision_of
from limner.render.parts import Parts
from limner.render.quiet import quiet
from limner.render.stagenets import nets_of
from limner.render.stagepainter import StagePainter
from limner.render.stages import Stages

TOKENS = 77
START, END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class Form:
    """Configurations of a base model."""

    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    text: Mapping[str, Any]


FORMS = {
    "sd21": Form(UNET, VAE, TEXT),
    "tiny": Form(
        UNET
        | {
            "block_out_channels": (32, 64),
            "layers_per_block": 1,
            "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
            "cross_attention_dim": 32,
            "attention_head_dim": (2, 4),
            "norm_num_groups": 8,
        },
        VAE | {"block_out_channels": (8, 8, 16, 16), "layers_per_block": 1, "norm_num_groups": 8},
        TEXT | {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4},
    ),
}
"""As published, and one of the same build for machines that cannot hold that."""


def stages(form: Form, painter: StagePainter, machine: Machine, seed: int = 0) -> Stages:
    """A painter of objects, its models on the machine. painter: what it names is not opened; its control is of latents."""
    device = device_of(machine)
    precision = precision_of(machine, device)
    parts = parts_of(form, painter.scheduler, device, precision, seed)
    return Stages(painter, machine, nets_of(painter, parts, machine))


def parts_of(form: Form, scheduler: str, device: str, precision: str, seed: int) -> Parts:
    """Drawn on the device, as the libraries draw them before training."""
    torch, diffusers = need("torch", extra="diffusion"), need("diffusers", extra="diffusion")
    transformers = need("transformers", extra="diffusion")
    torch.manual_seed(seed)
    with quiet(), torch.device(device):
        unet = diffusers.UNet2DConditionModel(**form.unet)
        vae = diffusers.AutoencoderKL(**form.vae)
        text = transformers.CLIPTextModel(transformers.CLIPTextConfig(**form.text))
        control = control_of(unet)
        for model in (unet, vae, text, control):
            model.to(device=device, dtype=getattr(torch, precision)).eval().requires_grad_(False)
    schedule = getattr(diffusers, scheduler).from_config(SCHEDULER)
    return Parts(unet, vae, text, tokenizer(transformers), schedule, control)


def control_of(unet: Any) -> Any:
    """Given latents in place of a picture. Its last convolutions, which are zero before training, are not."""
    torch, diffusers = need("torch", extra="diffusion"), need("diffusers", extra="diffusion")
    control = diffusers.ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    channels, width = unet.config.in_channels, unet.config.block_out_channels[0]
    control.controlnet_cond_embedding = torch.nn.Conv2d(channels, width, 3, padding=1, bias=False)
    for last in (*control.controlnet_down_blocks, control.controlnet_mid_block):
        torch.nn.init.normal_(last.weight, std=last.in_channels**-0.5)
    return control


def tokenizer(transformers: Any) -> Any:
    """Each letter is a token: a sentence fills all places that there are."""
    letters = [chr(byte) for byte in range(33, 127)]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), START, END]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return transformers.CLIPTokenizer(vocabulary, [], pad_token="!", model_max_length=TOKENS)
