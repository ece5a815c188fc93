"""Stable Diffusion, ControlNet and a tiny VAE of some hundred thousand random weights, saved as folders of the hub.

The base has the real form: unet, vae (1/8 of the sides), text_encoder, tokenizer (vocab.json and merges.txt, single letters of
bytes), scheduler. Sides are multiples of 8; a picture of 64 x 48 takes some 30 ms a step.
"""

from __future__ import annotations

import json
from pathlib import Path

import diffusers
import torch
import transformers

START, END = "<|startoftext|>", "<|endoftext|>"
TOKENS = 77
CROSS = 32
# As SD 2.1 base has them.
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.8.0",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.8.0",
    "feature_extractor": [None, None],
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def letters() -> list[str]:
    """A letter for each byte, in the order of CLIP's vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in plain] + [chr(256 + place) for place in range(256 - len(plain))]


def save_tokenizer(folder: Path) -> int:
    """The files that the published models have; give the number of ids."""
    folder.mkdir(parents=True)
    pieces = [*letters(), *(letter + "</w>" for letter in letters()), START, END]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate(pieces)}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    said = {"tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS, "pad_token": "!"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said), "utf-8")
    return len(pieces)


def text_encoder(count: int) -> transformers.CLIPTextModel:
    ends = {"bos_token_id": count - 2, "eos_token_id": count - 1, "pad_token_id": 0}
    sizes = {"hidden_size": CROSS, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.CLIPTextConfig(
        vocab_size=count, max_position_embeddings=TOKENS, projection_dim=CROSS, initializer_factor=4.0, **sizes, **ends
    )
    return transformers.CLIPTextModel(config)


def unet() -> diffusers.UNet2DConditionModel:
    return diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=CROSS,
        attention_head_dim=(2, 4),
        norm_num_groups=8,
        use_linear_projection=True,
    )


def vae() -> diffusers.AutoencoderKL:
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
    )


def save_base(folder: Path, seed: int = 0) -> Path:
    """A base model."""
    torch.manual_seed(seed)
    count = save_tokenizer(folder / "tokenizer")
    text_encoder(count).save_pretrained(folder / "text_encoder")
    unet().save_pretrained(folder / "unet")
    vae().save_pretrained(folder / "vae")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULER), "utf-8")
    (folder / "model_index.json").write_text(json.dumps(INDEX), "utf-8")
    return folder


def save_control(folder: Path, seed: int = 1, *, pickled: bool = False) -> Path:
    """A control net for the base, whose zero convolutions are not zero: its sketch is seen in the picture. pickled: as .bin."""
    torch.manual_seed(seed)
    control = diffusers.ControlNetModel.from_unet(unet(), conditioning_embedding_out_channels=(8, 8, 8, 16))
    for parameter in control.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    for parameter in control.controlnet_cond_embedding.parameters():
        torch.nn.init.normal_(parameter, std=2 * parameter[0].numel() ** -0.5)
    control.save_pretrained(folder, safe_serialization=not pickled)
    return folder


def save_tiny_vae(folder: Path, seed: int = 2) -> Path:
    """In the form of taesd, 1/8 of the sides."""
    torch.manual_seed(seed)
    widths = (8, 8, 8, 8)
    diffusers.AutoencoderTiny(
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    ).save_pretrained(folder)
    return folder
