"""The published configurations of what the presets name, as data: Stable Diffusion, control nets, taesd, SEDIC's describers.

Source: the config.json files of the published models; sizes as in Rombach et al. 2022 and Zhang et al. 2023.
"""

from __future__ import annotations

from typing import Any

from limner.bench.full_size import TEXT, UNET, VAE

__all__ = ["CONTROL", "CONTROL1", "DINO", "QWEN", "SAM", "TEXT", "TEXT1", "TINY_VAE", "UNET", "UNET1", "VAE"]

CONTROL: dict[str, Any] = {
    name: UNET[name]
    for name in ("in_channels", "block_out_channels", "layers_per_block", "down_block_types", "cross_attention_dim")
} | {"attention_head_dim": UNET["attention_head_dim"], "use_linear_projection": True}
TINY_VAE: dict[str, Any] = {}  # diffusers' defaults are taesd

# Of the first version, as stable-diffusion-v1-5 and its control nets have them.
UNET1: dict[str, Any] = UNET | {"cross_attention_dim": 768, "attention_head_dim": 8, "use_linear_projection": False}
CONTROL1: dict[str, Any] = CONTROL | {name: UNET1[name] for name in ("cross_attention_dim", "attention_head_dim")}
CONTROL1 |= {"use_linear_projection": False}
TEXT1: dict[str, Any] = TEXT | {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_act": "quick_gelu",
    "projection_dim": 768,
}

# Those who describe and cut out: Grounding DINO tiny, Segment Anything ViT-B, Qwen3-VL 2B.
DINO: dict[str, Any] = {
    "architectures": ["GroundingDinoForObjectDetection"],
    "model_type": "grounding-dino",
    "backbone_config": {
        "model_type": "swin",
        "image_size": 224,
        "embed_dim": 96,
        "depths": [2, 2, 6, 2],
        "num_heads": [3, 6, 12, 24],
        "window_size": 7,
        "out_indices": [2, 3, 4],
    },
    "text_config": {"model_type": "bert"},
    "d_model": 256,
    "num_queries": 900,
}
SAM: dict[str, Any] = {
    "architectures": ["SamModel"],
    "model_type": "sam",
    "vision_config": {
        "model_type": "sam_vision_model",
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "global_attn_indexes": [2, 5, 8, 11],
    },
    "prompt_encoder_config": {},
    "mask_decoder_config": {},
}
QWEN: dict[str, Any] = {
    "architectures": ["Qwen3VLForConditionalGeneration"],
    "model_type": "qwen3_vl",
    "tie_word_embeddings": True,
    "text_config": {
        "model_type": "qwen3_vl_text",
        "head_dim": 128,
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_attention_heads": 16,
        "num_hidden_layers": 28,
        "num_key_value_heads": 8,
        "rope_scaling": {"mrope_interleaved": True, "mrope_section": [24, 20, 20], "rope_type": "default"},
        "tie_word_embeddings": True,
        "vocab_size": 151936,
    },
    "vision_config": {
        "model_type": "qwen3_vl",
        "deepstack_visual_indexes": [5, 11, 17],
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "num_position_embeddings": 2304,
        "out_hidden_size": 2048,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    },
}
