"""Grounding DINO and Segment Anything of some thousand random weights, saved as folders of the hub."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
LONGEST = 16
SIDE_PX, PATCH_PX = 64, 8


def bert_words() -> dict[str, int]:
    """A vocabulary in which [CLS], [SEP], the full stop and the question mark have the numbers that the model relies on."""
    words = [f"[unused{number}]" for number in range(1030)]
    words[0], words[100:104], words[1012], words[1029] = "[PAD]", ["[UNK]", "[CLS]", "[SEP]", "[MASK]"], ".", "?"
    words += [*LETTERS, *(f"##{letter}" for letter in LETTERS), "red", "door", "dog"]
    return {word: number for number, word in enumerate(words)}


def tiny_processor() -> object:
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil

    tokenizer = transformers.BertTokenizer(vocab=bert_words(), model_max_length=512)
    prepare = GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 100})
    return transformers.GroundingDinoProcessor(prepare, tokenizer)


def tiny_dino(folder: Path, name: str) -> None:
    """A model of half a million parameters and its processor."""
    swin = {"image_size": 64, "embed_dim": 16, "depths": [1] * 4, "num_heads": [1, 1, 2, 2], "window_size": 4}
    text = {"vocab_size": len(bert_words()), "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "num_queries": 6, "max_text_len": LONGEST}
    sizes |= {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    backbone = transformers.SwinConfig(**swin, out_indices=[2, 3, 4])
    text_config = transformers.BertConfig(**text, intermediate_size=32)
    config = getattr(transformers, f"{name}Config")(backbone_config=backbone, text_config=text_config, **sizes)
    torch.manual_seed(0)
    getattr(transformers, f"{name}ForObjectDetection")(config).save_pretrained(folder)
    tiny_processor().save_pretrained(folder)


def tiny_sam(folder: Path) -> None:
    """A model of 40 thousand parameters and its processor, as folders of the hub have them."""
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    torch.manual_seed(0)
    vision = {"hidden_size": 32, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_dim": 32}
    vision |= {"image_size": SIDE_PX, "patch_size": PATCH_PX, "num_pos_feats": 8, "global_attn_indexes": [1], "window_size": 4}
    prompts = {"hidden_size": 16, "image_size": SIDE_PX, "patch_size": PATCH_PX, "mask_input_channels": 4}
    masks = {"hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    masks |= {"attention_downsample_rate": 2, "iou_head_hidden_dim": 16}
    config = transformers.SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=masks)
    transformers.SamModel(config).save_pretrained(folder)
    square, small = {"height": SIDE_PX, "width": SIDE_PX}, {"height": 16, "width": 16}
    sizes = {"size": {"longest_edge": SIDE_PX}, "pad_size": square, "mask_size": {"longest_edge": 16}, "mask_pad_size": small}
    transformers.SamProcessor(SamImageProcessorPil(**sizes)).save_pretrained(folder)
