"""Segment Anything 2 with a tiny model of the same code: built from a configuration, saved, loaded as the real weights are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import scene as picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner.describe.sam2 import DEVIATION, MEAN, Preparation, Sam2, preparation  # noqa: E402
from limner.describe.things import Segmenter, boxed  # noqa: E402
from limner.errors import MissingError, SceneError  # noqa: E402

SIDE_PX = 64
USUAL = Preparation((SIDE_PX, SIDE_PX), MEAN, DEVIATION)


def tiny(folder: Path) -> None:
    """A model of half a million parameters; as the hub has it, it is one for films, of which pictures use a part."""
    stages = {"embed_dim_per_stage": [16, 32, 64, 128], "blocks_per_stage": [1, 2, 2, 1], "global_attention_blocks": [4]}
    stages |= {"num_attention_heads_per_stage": [1, 1, 2, 2], "window_size_per_stage": [4, 2, 2, 2]}
    hiera = {"model_type": "sam2_hiera_det_model", "hidden_size": 16, "image_size": [SIDE_PX, SIDE_PX], **stages}
    hiera["window_positional_embedding_background_size"] = [2, 2]
    vision = {"model_type": "sam2_vision_model", "backbone_config": hiera, "backbone_channel_list": [128, 64, 32, 16]}
    vision |= {"backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]], "fpn_hidden_size": 32}
    prompts = {"hidden_size": 32, "image_size": SIDE_PX, "mask_input_channels": 4}
    masks = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
    memory = {"attention_hidden_size": 32, "attention_num_layers": 1, "attention_feed_forward_hidden_size": 32}
    memory |= {"attention_rope_feat_sizes": [4, 4], "encoder_hidden_size": 32, "encoder_output_channels": 16}
    memory |= {"fuser_embed_dim": 32, "fuser_intermediate_dim": 32, "fuser_num_layers": 1}
    config = transformers.Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=prompts,
        mask_decoder_config=masks,
        image_size=SIDE_PX,
        mask_downsampler_embed_dim=32,
        **{f"memory_{name}": value for name, value in memory.items()},
    )
    torch.manual_seed(0)
    transformers.Sam2VideoModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sam2")
    tiny(made)
    return made


@pytest.mark.parametrize("box", [(10, 10, 50, 40), (0, 0, 80, 60), (79, 59, 80, 60)])
def test_masks_lie_in_their_boxes(folder: Path, box: tuple[int, int, int, int]) -> None:
    pixels = picture(80, 60)
    segmenter: Segmenter = Sam2(str(folder))
    found = segmenter.mask(pixels, box)
    assert found.shape == (60, 80) and found.dtype == np.bool_
    assert found.any() and not (found & ~boxed(box, (60, 80))).any()
    assert np.array_equal(found, Sam2(str(folder)).mask(pixels, box))


def test_all_weights_of_pictures_are_those_of_the_folder(folder: Path) -> None:
    loaded = transformers.Sam2Model.from_pretrained(folder, output_loading_info=True)[1]
    assert not any(loaded[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))


class Answering:
    """A model that draws a ramp from left to right, above 0 in its right half, and remembers what it was shown."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, height: float) -> None:
        self.height = height

    def __call__(self, **given: object) -> SimpleNamespace:
        self.given = given
        ramp = torch.linspace(-1, 1, 16).expand(16, 16) + self.height
        return SimpleNamespace(pred_masks=ramp[None, None, None])


def test_what_a_model_is_shown_and_says_is_scaled_both_ways() -> None:
    model, segmenter = Answering(0.0), Sam2()
    segmenter.__dict__["parts"] = model, USUAL
    found = segmenter.mask(picture(160, 32), (40, 8, 120, 32))
    expected = boxed((80, 8, 120, 32), (32, 160))
    assert np.array_equal(found, expected)
    assert model.given["pixel_values"].shape == (1, 3, SIDE_PX, SIDE_PX)
    assert torch.equal(model.given["input_boxes"], torch.tensor([[[16.0, 16.0, 48.0, 64.0]]]))
    assert model.given["multimask_output"] is False


def test_where_nothing_is_found_the_box_is_taken_whole() -> None:
    segmenter = Sam2()
    segmenter.__dict__["parts"] = Answering(-9.0), USUAL
    assert np.array_equal(segmenter.mask(picture(20, 30), (3, 4, 9, 31)), boxed((3, 4, 9, 30), (30, 20)))
    with pytest.raises(SceneError, match="outside"):
        segmenter.mask(picture(20, 30), (20, 0, 25, 5))


def test_a_picture_is_resized_and_normalised() -> None:
    flat = np.full((5, 9, 3), (255, 0, 51), np.uint8)
    shown = Preparation((4, 2), MEAN, DEVIATION).of(flat)
    assert shown.shape == (1, 3, 2, 4) and shown.dtype == np.float32
    assert np.allclose(shown[0, :, 0, 0], [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225])
    # Columns stay columns.
    halves = np.zeros((8, 8, 3), np.uint8)
    halves[:, 4:] = 255
    assert np.array_equal(Preparation((2, 2), (0, 0, 0), (1, 1, 1)).of(halves)[0, 0] > 0.5, [[False, True], [False, True]])


def test_settings_beside_the_weights_are_obeyed(tmp_path: Path) -> None:
    assert preparation(tmp_path, USUAL) == USUAL
    nested = {"image_processor": {"image_mean": [0.5, 0.5, 0.5]}, "processor_class": "Sam2Processor"}
    (tmp_path / "processor_config.json").write_text(json.dumps(nested), "utf-8")
    assert preparation(tmp_path, USUAL) == Preparation(USUAL.size_px, (0.5, 0.5, 0.5), DEVIATION)
    flat = {"size": {"height": 512, "width": 1024}, "image_std": [1, 1, 1]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(flat), "utf-8")
    assert preparation(tmp_path, USUAL) == Preparation((1024, 512), MEAN, (1, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"image_mean": 3}',
        '{"image_std": [1]}',
        '{"image_std": ["r", "g", "b"]}',
        '{"size": {"height": "tall"}}',
        '{"size": 3}',
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text, "utf-8")
    with pytest.raises(MissingError, match="preprocessor_config"):
        preparation(tmp_path, USUAL)


def test_missing_weights_name_the_command() -> None:
    with pytest.raises(MissingError, match="limner weights fetch somebody/sam2"):
        Sam2("somebody/sam2").mask(picture(20, 20), (1, 1, 9, 9))
