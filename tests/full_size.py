"""The published configurations of what the presets name, as data: Stable Diffusion 2.1 base, its control net, taesd.

Source: the config.json files of the published models; sizes as in Rombach et al. 2022 and Zhang et al. 2023.
"""

from __future__ import annotations

from typing import Any

UNET: dict[str, Any] = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "use_linear_projection": True,
}
CONTROL: dict[str, Any] = {
    name: UNET[name]
    for name in ("in_channels", "block_out_channels", "layers_per_block", "down_block_types", "cross_attention_dim")
} | {"attention_head_dim": UNET["attention_head_dim"], "use_linear_projection": True}
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": 768,
}
TEXT: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
    "projection_dim": 512,
}
TINY_VAE: dict[str, Any] = {}  # diffusers' defaults are taesd
