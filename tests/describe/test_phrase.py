"""Masks of names with tiny models of the same code: built from configurations, saved, loaded as the real weights are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import scene as picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner.describe.phrase import ByPhrase, ClipSeg, Sam3, bounds  # noqa: E402
from limner.describe.sam2 import Preparation  # noqa: E402
from limner.describe.things import Detector, Mask, PhraseSegmenter  # noqa: E402
from limner.errors import MissingError  # noqa: E402

PIXELS = picture(80, 60)
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
LONGEST, SIDE_PX = 32, 56
ODD = ("a. b, c.", "<|endoftext|>", "dog\n" * 40, "Ærø 犬", "l'été-là")


def clip_tokenizer() -> object:
    names = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    vocabulary = {name: number for number, name in enumerate(names)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=LONGEST)


SIZES = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
TEXT = {**SIZES, "vocab_size": 54, "num_hidden_layers": 2, "max_position_embeddings": LONGEST}
TEXT |= {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}


def tiny_clipseg(folder: Path) -> None:
    """A model of 60 thousand parameters and its processor."""
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    vision = {**SIZES, "num_hidden_layers": 3, "image_size": 32, "patch_size": 8}
    decoder = {"extract_layers": [0, 1, 2], "reduce_dim": 16, "decoder_num_attention_heads": 2, "projection_dim": 16}
    config = transformers.CLIPSegConfig(text_config=TEXT, vision_config=vision, decoder_intermediate_size=32, **decoder)
    torch.manual_seed(0)
    transformers.CLIPSegForImageSegmentation(config).save_pretrained(folder)
    prepare = ViTImageProcessorPil(size={"height": 64, "width": 64})
    transformers.CLIPSegProcessor(prepare, clip_tokenizer()).save_pretrained(folder)


def tiny_sam3(folder: Path) -> None:
    """A model of a quarter of a million parameters, as the hub has it: the part for pictures within one for films."""
    from safetensors.torch import load_file, save_file

    vit = {**SIZES, "model_type": "sam3_vit_model", "num_hidden_layers": 2, "image_size": SIDE_PX, "patch_size": 14}
    vit |= {"window_size": 2, "global_attn_indexes": [1], "pretrain_image_size": SIDE_PX}
    vision = {"model_type": "sam3_vision_model", "backbone_config": vit, "fpn_hidden_size": 32}
    vision["backbone_feature_sizes"] = [[16, 16], [8, 8], [4, 4]]
    config = transformers.Sam3Config(
        vision_config=vision,
        text_config={**TEXT, "model_type": "clip_text_model", "projection_dim": 16},
        geometry_encoder_config={**SIZES, "num_layers": 1},
        detr_encoder_config={**SIZES, "num_layers": 1},
        detr_decoder_config={**SIZES, "num_layers": 2, "num_queries": 5},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    torch.manual_seed(0)
    transformers.Sam3Model(config).save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors = {f"detector_model.{name}": value for name, value in tensors.items()}
    save_file({**tensors, "tracker_model.mask": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})
    kept = json.loads((folder / "config.json").read_text("utf-8"))
    whole = {"model_type": "sam3_video", "detector_config": kept, "tracker_config": {"model_type": "sam3_tracker_video"}}
    (folder / "config.json").write_text(json.dumps(whole), "utf-8")
    clip_tokenizer().save_pretrained(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in ("clipseg", "sam3")}
    tiny_clipseg(made["clipseg"])
    tiny_sam3(made["sam3"])
    return made


def opened(folders: dict[str, Path], name: str, threshold: float) -> PhraseSegmenter:
    made = ClipSeg if name == "clipseg" else Sam3
    return made(str(folders[name]), threshold=threshold)


@pytest.mark.parametrize("name", ["clipseg", "sam3"])
def test_names_become_masks(folders: dict[str, Path], name: str) -> None:
    sure, never = opened(folders, name, 0.01), opened(folders, name, 1.0)
    for words in ("dog", "red door", *ODD):
        found = sure.named(PIXELS, words)
        assert found is not None and found.shape == (60, 80) and found.dtype == np.bool_ and found.any()
        assert never.named(PIXELS, words) is None
    assert np.array_equal(sure.named(PIXELS, "Dog."), sure.named(PIXELS, "dog"))
    assert [sure.named(PIXELS, words) for words in ("", "...", "☕")] == [None] * 3


def test_all_weights_of_pictures_are_those_of_the_folder(folders: dict[str, Path]) -> None:
    loaded = transformers.Sam3Model.from_pretrained(folders["sam3"], output_loading_info=True)[1]
    assert not any(loaded[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))


def test_the_library_is_as_sure(folders: dict[str, Path]) -> None:
    pixels = picture(64, 64)
    model, processor = ClipSeg(str(folders["clipseg"])).parts
    with torch.no_grad():
        sure = model(**processor(images=pixels, text=["red door"], return_tensors="pt")).logits.sigmoid()[0]
    threshold = float(sure.median())
    mask = ClipSeg(str(folders["clipseg"]), threshold=threshold).named(pixels, "red door")
    assert np.array_equal(mask, sure > threshold)


class Answering:
    """A model that sees things as columns of four, with given scores, and remembers what it was shown."""

    device, dtype = torch.device("cpu"), torch.float32
    config = SimpleNamespace(text_config=SimpleNamespace(max_position_embeddings=LONGEST))

    def __init__(self, scores: Sequence[float], presence: float) -> None:
        self.pred_logits = torch.logit(torch.tensor([scores]))
        self.presence_logits = torch.logit(torch.tensor([[presence]]))
        columns = torch.arange(16) // 4
        lit = [(columns == number).expand(16, 16) for number in range(len(scores))]
        self.pred_masks = torch.where(torch.stack(lit)[None], 9.0, -9.0)

    def __call__(self, **given: object) -> Answering:
        self.given = given
        return self


def seen(scores: Sequence[float], presence: float, width_px: int = 32) -> Mask | None:
    segmenter, model = Sam3(), Answering(scores, presence)
    segmenter.__dict__["parts"] = model, clip_tokenizer(), Preparation((SIDE_PX, SIDE_PX), (0.5,) * 3, (0.5,) * 3)
    mask = segmenter.named(picture(width_px, 16), "red door")
    assert model.given["pixel_values"].shape == (1, 3, SIDE_PX, SIDE_PX)
    assert model.given["input_ids"].shape == model.given["attention_mask"].shape == (1, LONGEST)
    assert int(model.given["attention_mask"].sum()) == 9  # of letters, and the two ends
    return mask


def test_all_things_that_sam3_is_sure_of_are_taken() -> None:
    mask = seen([0.9, 0.2, 0.4, 0.1], 0.9)
    assert mask is not None and np.array_equal(mask.any(0), np.arange(32) // 8 % 2 == 0) and mask.all(0).any()
    assert seen([0.9, 0.2, 0.4, 0.1], 0.3) is None
    assert bounds(seen([0.9, 0.2, 0.4, 0.1], 0.5, width_px=64)) == (0, 0, 16, 16)


@pytest.mark.parametrize("name", ["clipseg", "sam3"])
def test_masks_have_boxes(folders: dict[str, Path], name: str) -> None:
    segmenter = opened(folders, name, 0.01)
    detector: Detector = ByPhrase(segmenter)
    mask = segmenter.named(PIXELS, "dog")
    assert mask is not None
    assert detector.boxes(PIXELS, ["dog", ""]) == [bounds(mask), None]


def test_a_box_is_drawn_around_a_mask() -> None:
    mask = np.zeros((10, 20), np.bool_)
    mask[3, 5] = mask[7, 19] = True
    assert bounds(mask) == (5, 3, 20, 8)


@pytest.mark.parametrize("made", [ClipSeg, Sam3])
def test_missing_weights_name_the_command(made: type[ClipSeg]) -> None:
    with pytest.raises(MissingError, match="limner weights fetch somebody/seg"):
        made("somebody/seg").named(PIXELS, "dog")
