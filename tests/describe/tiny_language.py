"""Tiny models that see and speak: built from configurations, saved as folders of the hub are. What they say means nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

WORDS = "a red boat lies on the sand; the sea is calm, and gulls sit on the rail of the boat in the low light of the sun"
PATCH_PX = 4
CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
TURN = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{% for part in turn['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SAMPLED = {"do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8}


def bytes_and_merges(specials: tuple[str, ...]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary of the bytes and some pieces of words, the specials after them."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.train_from_iterator(
        [WORDS],
        trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False),
    )
    kept = json.loads(made.to_str())["model"]
    vocabulary: dict[str, int] = kept["vocab"]
    numbers = {name: len(vocabulary) + number for number, name in enumerate(specials)}
    return vocabulary | numbers, [(first, second) for first, second in kept["merges"]]


def vision(side_px: int) -> dict[str, int]:
    """The small vision transformer of the models that take CLIP's, at a size."""
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    return sizes | {"image_size": side_px, "patch_size": PATCH_PX}


def clip_pictures(side_px: int, squashed: bool = False) -> Any:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    square = {"height": side_px, "width": side_px}
    if squashed:
        return CLIPImageProcessorPil(size=square, do_center_crop=False)
    return CLIPImageProcessorPil(size={"shortest_edge": side_px}, crop_size=square)


def florence(folder: Path) -> None:
    specials = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<image>")
    vocabulary, merges = bytes_and_merges(specials)
    tokenizer = transformers.BartTokenizer(vocabulary, merges, extra_special_tokens={"image_token": "<image>"})
    sight: dict[str, Any] = {"embed_dim": [16] * 4, "num_heads": [2] * 4, "num_groups": [2] * 4, "depths": [1] * 4}
    sight |= {"window_size": 4, "projection_dim": 16}
    text: dict[str, Any] = {"model_type": "bart", "vocab_size": len(tokenizer), "d_model": 16, "max_position_embeddings": 512}
    text |= {"encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    text |= {"encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    end = vocabulary["</s>"]
    numbers = {"bos_token_id": vocabulary["<s>"], "pad_token_id": vocabulary["<pad>"], "eos_token_id": end}
    text |= {**numbers, "decoder_start_token_id": end, "forced_eos_token_id": end}
    config = transformers.Florence2Config(vision_config=sight, text_config=text, image_token_id=vocabulary["<image>"])
    torch.manual_seed(0)
    model = transformers.Florence2ForConditionalGeneration(config)
    published: dict[str, Any] = {"num_beams": 3, "no_repeat_ngram_size": 3, **numbers, "decoder_start_token_id": end}
    published |= {"suppress_tokens": [vocabulary[name] for name in specials]}  # so that it says something
    model.generation_config = transformers.GenerationConfig(**published)
    model.save_pretrained(folder)
    pictures = clip_pictures(64, squashed=True)
    pictures.image_seq_length = 5  # of 2 x 2 patches, and their mean
    transformers.Florence2Processor(pictures, tokenizer).save_pretrained(folder)


def bert() -> Any:
    names = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "[DEC]",
        *dict.fromkeys(WORDS.replace(";", "").replace(",", "").split()),
    ]
    return transformers.BertTokenizer({name: number for number, name in enumerate(names)})


def blip(folder: Path) -> None:
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    tokenizer = bert()
    start = len(tokenizer)  # a token that the tokenizer does not know, as in the published model
    text = {"vocab_size": start + 2, "hidden_size": 16, "encoder_hidden_size": 16, "intermediate_size": 16}
    text |= {
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "bos_token_id": start,
        "sep_token_id": 3,
        "initializer_range": 1.0,
    }
    torch.manual_seed(0)
    config = transformers.BlipConfig(vision_config=vision(16) | {"initializer_range": 1.0}, text_config=text)
    transformers.BlipForConditionalGeneration(config).save_pretrained(folder)
    pictures = BlipImageProcessorPil(size={"height": 16, "width": 16})
    transformers.BlipProcessor(pictures, tokenizer).save_pretrained(folder)


def git(folder: Path) -> None:
    tokenizer = bert()
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"vocab_size": len(tokenizer), "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    torch.manual_seed(0)
    model = transformers.GitForCausalLM(transformers.GitConfig(vision_config=vision(16), **sizes))
    model.generation_config.suppress_tokens = list(range(5))
    model.save_pretrained(folder)
    transformers.GitProcessor(clip_pictures(16), tokenizer).save_pretrained(folder)


# What the generations of Qwen's models have each for themselves: of sight, of text.
QWEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qwen2_vl": ({"embed_dim": 16, "hidden_size": 32, "mlp_ratio": 1}, {}),
    "qwen2_5_vl": ({"hidden_size": 16, "out_hidden_size": 32, "window_size": 16, "fullatt_block_indexes": [1]}, {}),
    "qwen3_vl": (
        {"hidden_size": 16, "out_hidden_size": 32, "num_position_embeddings": 16, "deepstack_visual_indexes": [1]},
        {"head_dim": 8},
    ),
    "qwen3_5": (
        {"hidden_size": 16, "out_hidden_size": 32, "num_position_embeddings": 16},
        {"head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_key_head_dim": 8}
        | {"linear_value_head_dim": 8, "layer_types": ["linear_attention", "full_attention"]},
    ),
}


def qwen(folder: Path, kind: str = "qwen3_vl") -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    vocabulary, merges = bytes_and_merges(CHAT)
    tokenizer = transformers.Qwen2Tokenizer(vocabulary, merges, eos_token="<|im_end|>", extra_special_tokens=list(CHAT[1:]))
    tokenizer.chat_template = TURN.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    tokenizer.save_pretrained(folder)
    sight, text = QWEN[kind]
    sight = {"depth": 2, "intermediate_size": 16, "num_heads": 2, "patch_size": PATCH_PX} | sight
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
    if kind.startswith("qwen3"):
        rope |= {"mrope_interleaved": True, "partial_rotary_factor": 1.0}
    text = {"hidden_size": 32, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4} | text
    text |= {"num_key_value_heads": 2, "vocab_size": len(tokenizer), "rope_parameters": rope}
    pad, end = vocabulary["<|endoftext|>"], vocabulary["<|im_end|>"]
    text |= {"bos_token_id": None, "eos_token_id": end, "pad_token_id": pad}
    numbers = {f"{name}_token_id": vocabulary[f"<|{name}|>"] for name in ("vision_start", "vision_end")}
    numbers |= {f"{name}_token_id": vocabulary[f"<|{name}_pad|>"] for name in ("image", "video")}
    config = transformers.AutoConfig.for_model(kind, vision_config=sight, text_config=text, tie_word_embeddings=True, **numbers)
    torch.manual_seed(0)
    model = transformers.AutoModelForImageTextToText.from_config(config)
    model.generation_config = transformers.GenerationConfig(pad_token_id=pad, eos_token_id=[end, pad], **SAMPLED)
    model.save_pretrained(folder)
    Qwen2VLImageProcessorPil(patch_size=PATCH_PX, size={"shortest_edge": 64, "longest_edge": 32 * 32}).save_pretrained(folder)


def llava(folder: Path) -> None:
    vocabulary, merges = bytes_and_merges((*CHAT, "<image>"))
    tokenizer = transformers.Qwen2Tokenizer(
        vocabulary, merges, eos_token="<|im_end|>", extra_special_tokens=[*CHAT[1:], "<image>"]
    )
    text: dict[str, Any] = {"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    text |= {"num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": len(tokenizer)}
    sight = {"model_type": "clip_vision_model", **vision(16)}
    config = transformers.LlavaConfig(vision_config=sight, text_config=text, image_token_index=vocabulary["<image>"])
    torch.manual_seed(0)
    model = transformers.LlavaForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(eos_token_id=vocabulary["<|im_end|>"])
    model.save_pretrained(folder)
    template = TURN.replace("IMAGE", "<image>\n")
    transformers.LlavaProcessor(
        clip_pictures(16), tokenizer, PATCH_PX, "default", template, num_additional_image_tokens=1
    ).save_pretrained(folder)


def build(kind: str, folder: Path) -> None:
    """A folder with a model of a kind, as its config.json names it."""
    if kind in QWEN:
        qwen(folder, kind)
    else:
        {"florence2": florence, "blip": blip, "git": git, "llava": llava}[kind](folder)


def edited(name: str, *where: str, **fields: Any) -> Callable[[Path], None]:
    """What gives a JSON file of a folder other fields, in the part that ``where`` leads to."""

    def edit(folder: Path) -> None:
        kept = json.loads((folder / name).read_text("utf-8"))
        part = kept
        for key in where:
            part = part[key]
        part.update(fields)
        (folder / name).write_text(json.dumps(kept), "utf-8")

    return edit


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def written(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(text, "utf-8")

    return write


def broken_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
