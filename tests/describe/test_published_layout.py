"""Those who describe and cut out as they are published: names, shapes and files, through the code that opens them.

At full size the files are holes behind a header, so nothing of their size is read or kept.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import full_size
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from describe.tiny_finders import bert_words, tiny_dino, tiny_sam  # noqa: E402
from full_size_files import numbers, state, write  # noqa: E402
from pictures import scene as picture  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from limner import fetch  # noqa: E402
from limner.describe.grounding import GroundingDino, detector  # noqa: E402
from limner.describe.sam import Sam  # noqa: E402
from limner.errors import MissingError  # noqa: E402
from limner.tensors import header, listed  # noqa: E402

PIXELS = picture(80, 60)

# As preprocessor_config.json says it.
COLOURS = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "rescale_factor": 0.00392156862745098}
STEPS = {"do_normalize": True, "do_pad": True, "do_rescale": True, "do_resize": True, "resample": 2}
SAM_PICTURES = COLOURS | STEPS | {
    "do_convert_rgb": True,
    "image_processor_type": "SamImageProcessor",
    "pad_size": {"height": 1024, "width": 1024},
    "processor_class": "SamProcessor",
    "size": {"longest_edge": 1024},
}
DINO_PICTURES = COLOURS | STEPS | {
    "do_convert_annotations": True,
    "format": "coco_detection",
    "image_processor_type": "GroundingDinoImageProcessor",
    "processor_class": "GroundingDinoProcessor",
    "size": {"longest_edge": 1333, "shortest_edge": 800},
}
QWEN_PICTURES = {
    "size": {"longest_edge": 16777216, "shortest_edge": 65536},
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "Qwen3VLProcessor",
    "image_processor_type": "Qwen2VLImageProcessorFast",
}
DINO_BESIDES = "relative_position_index"


def put(folder: Path, config: dict[str, Any], pictures: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures), "utf-8")
    return folder


def generic(names: Any) -> set[str]:
    return {re.sub(r"\d+", "N", name) for name in names}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with grounding-dino and sam as they are published, but for the numbers and the words."""
    place = tmp_path_factory.mktemp("weights")
    folder = put(place / "grounding-dino", full_size.DINO, DINO_PICTURES)
    write(folder / "model.safetensors", state(["grounding-dino-tiny"], besides=DINO_BESIDES))
    words = {"tokenizer_class": "BertTokenizer", "model_max_length": 512, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(words), "utf-8")
    (folder / "vocab.txt").write_text("\n".join(bert_words()) + "\n", "utf-8")
    write(put(place / "sam", full_size.SAM, SAM_PICTURES) / "model.safetensors", state(["sam-vit-base"]))
    return place


def test_grounding_dino_is_opened_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(place))
    assert fetch.checked("grounding-dino", place / "grounding-dino") == "990 tensors, as published"
    found = detector("grounding-dino")
    assert isinstance(found, GroundingDino)
    model, processor = found.parts
    # One head of boxes is that of all layers.
    assert sum(map(torch.numel, model.parameters())) == numbers(state(["grounding-dino-tiny"])) + unused(model)
    assert processor.image_processor.size["shortest_edge"] == 800
    assert processor.tokenizer("red door.")["input_ids"][0] == 101


def unused(model: Any) -> int:
    """A norm behind the backbone, which some releases of transformers have, and which the detector does not ask."""
    return sum(tensor.numel() for name, tensor in model.named_parameters() if ".swin.layernorm." in name)


def test_segment_anything_is_opened_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(place))
    assert fetch.checked("sam", place / "sam") == "314 tensors, as published"
    model, processor = Sam().parts
    assert sum(map(torch.numel, model.parameters())) == numbers(state(["sam-vit-base"]))
    given = processor(images=PIXELS, input_boxes=[[[1.0, 1.0, 50.0, 40.0]]], return_tensors="pt")
    assert given["pixel_values"].shape == (1, 3, 1024, 1024)


def test_the_names_of_qwen() -> None:
    with torch.device("meta"):
        model = transformers.Qwen3VLForConditionalGeneration(transformers.Qwen3VLConfig(**full_size.QWEN))
    wanted = {tensor.names[0]: tensor.shape for tensor in listed("qwen3-vl-2b")}
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == wanted


def test_the_pictures_of_qwen_need_no_torchvision(tmp_path: Path) -> None:
    folder = put(tmp_path, full_size.QWEN, QWEN_PICTURES)
    cutter = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
    given = cutter(images=PIXELS, return_tensors="pt")
    assert given["pixel_values"].shape == (int(given["image_grid_thw"].prod()), 3 * 2 * 16 * 16) and cutter.merge_size == 2


# Tiny, with numbers: what transformers writes today has the published names too.


def test_a_tiny_detector_has_the_published_names(tmp_path: Path) -> None:
    tiny_dino(tmp_path, "GroundingDino")
    found = generic(header(tmp_path / "model.safetensors"))
    wanted = listed("grounding-dino-tiny")
    assert {name for name in found if ".swin." not in name} <= generic(name for tensor in wanted for name in tensor.names)
    assert found >= generic(tensor.names[0] for tensor in wanted if not tensor.optional)


def test_a_tiny_segmenter_has_the_published_names(tmp_path: Path) -> None:
    tiny_sam(tmp_path)
    wanted = [tensor.names[0] for tensor in listed("sam-vit-base") if not tensor.optional]
    assert generic(header(tmp_path / "model.safetensors")) == generic(wanted)


@pytest.mark.parametrize("kind", [GroundingDino, Sam])
def test_a_missing_tensor_is_not_drawn_at_random(kind: type[GroundingDino] | type[Sam], tmp_path: Path) -> None:
    if kind is Sam:
        tiny_sam(tmp_path)
    else:
        tiny_dino(tmp_path, "GroundingDino")
    file = tmp_path / "model.safetensors"
    kept = load_file(file)
    lost = next(name for name in kept if "decoder" in name)
    save_file({name: tensor for name, tensor in kept.items() if name != lost}, file, {"format": "pt"})
    with pytest.raises(MissingError, match=r"cannot be used \(1 of its tensors are missing or of another shape"):
        _ = kind(str(tmp_path)).parts
    file.unlink()
    with pytest.raises(MissingError, match="cannot be used"):
        _ = kind(str(tmp_path)).parts
