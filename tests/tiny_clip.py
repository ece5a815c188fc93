"""A CLIP of some thousand parameters, saved as a folder of the hub, and a stand-in for whoever reads captions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers

from limner.describe.texts import Kept, Texts

SIDE_PX = 32
START, END = "<|startoftext|>", "<|endoftext|>"


def write(folder: Path) -> Path:
    """Model, tokenizer of single letters, and processor."""
    torch.manual_seed(0)
    letters = [chr(code) for code in range(33, 127)]
    pieces = [*letters, *(letter + "</w>" for letter in letters), START, END]
    tokenizer = transformers.CLIPTokenizer({piece: number for number, piece in enumerate(pieces)}, [])
    tokenizer.save_pretrained(folder)
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "projection_dim": 16}
    ends = {"eos_token_id": len(pieces) - 1, "bos_token_id": len(pieces) - 2, "pad_token_id": len(pieces) - 1}
    text = {**tower, **ends, "vocab_size": len(pieces), "max_position_embeddings": 40, "initializer_factor": 4.0}
    vision = {**tower, "image_size": SIDE_PX, "patch_size": 8}
    transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(
        folder
    )
    sizes = {"size": {"shortest_edge": SIDE_PX}, "crop_size": {"height": SIDE_PX, "width": SIDE_PX}}
    transformers.CLIPImageProcessorPil(**sizes).save_pretrained(folder)
    return folder


def reader(width: int = 16, sentence_width: int = 24, tokens: int = 5) -> Texts:
    """Vectors drawn by a caption's bytes."""

    def drawn(*shape: int) -> Kept:
        def rows(captions: Sequence[str]) -> torch.Tensor:
            seeds = [zlib.crc32(caption.encode()) for caption in captions]
            return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])

        return Kept(rows)

    return Texts("stand-in", width, sentence_width, drawn(tokens, width), drawn(sentence_width))
