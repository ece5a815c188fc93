"""Segment Anything with a tiny model of the same code: built from a configuration, saved, loaded as the real weights are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import scene as picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner.describe.sam import Sam  # noqa: E402
from limner.describe.things import Segmenter, boxed  # noqa: E402
from limner.errors import MissingError  # noqa: E402

SIDE_PX, PATCH_PX = 64, 8


def tiny(folder: Path) -> None:
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sam")
    tiny(made)
    return made


@pytest.mark.parametrize("box", [(10, 10, 50, 40), (0, 0, 80, 60), (79, 59, 80, 60)])
def test_masks_lie_in_their_boxes(folder: Path, box: tuple[int, int, int, int]) -> None:
    pixels = picture(80, 60)
    segmenter: Segmenter = Sam(str(folder))
    found = segmenter.mask(pixels, box)
    assert found.shape == (60, 80) and found.dtype == np.bool_
    assert found.any() and not (found & ~boxed(box, (60, 80))).any()
    assert np.array_equal(found, Sam(str(folder)).mask(pixels, box))


def test_missing_weights_name_the_command() -> None:
    with pytest.raises(MissingError, match="limner weights fetch somebody/sam"):
        Sam("somebody/sam").mask(picture(20, 20), (1, 1, 9, 9))
