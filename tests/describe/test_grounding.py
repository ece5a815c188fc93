"""Detectors with tiny models of the same code: built from configurations, saved, loaded as the real weights are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import scene as picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from describe.tiny_finders import LETTERS, LONGEST, tiny_dino, tiny_processor  # noqa: E402

from limner.describe.grounding import GroundingDino, Owl, detector, pixel_box, spoken  # noqa: E402
from limner.describe.scene import Box, Scene, Thing  # noqa: E402
from limner.describe.things import Detector  # noqa: E402
from limner.errors import MissingError  # noqa: E402

PIXELS = picture(80, 60)
ODD = ("", "...", "a. b. c.", "[SEP] dog?", "<|endoftext|>", "dog\n" * 40, "Ærø 犬", "☕", "l'été-là")


def older(folder: Path) -> None:
    """Settings as older folders have them: those of pictures in a file of their own."""
    kept = json.loads((folder / "processor_config.json").read_text("utf-8"))
    (folder / "preprocessor_config.json").write_text(json.dumps(kept["image_processor"]), "utf-8")
    (folder / "processor_config.json").unlink()


def tiny_owl(folder: Path) -> None:
    """A model of 60 thousand parameters and its processor."""
    from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

    names = ["!", "<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=LONGEST, pad_token="!")
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    text = {**sizes, **ends, "vocab_size": len(names), "max_position_embeddings": LONGEST}
    vision = {**sizes, "image_size": 64, "patch_size": 16}
    torch.manual_seed(0)
    config = transformers.Owlv2Config(text_config=text, vision_config=vision, projection_dim=32)
    transformers.Owlv2ForObjectDetection(config).save_pretrained(folder)
    prepare = Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    transformers.Owlv2Processor(prepare, tokenizer).save_pretrained(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in ("GroundingDino", "MMGroundingDino", "Owl")}
    tiny_dino(made["GroundingDino"], "GroundingDino")
    older(made["GroundingDino"])
    tiny_dino(made["MMGroundingDino"], "MMGroundingDino")
    tiny_owl(made["Owl"])
    return made


def opened(folders: dict[str, Path], name: str, threshold: float) -> Detector:
    if name == "Owl":
        return Owl(str(folders[name]), threshold=threshold)
    return GroundingDino(str(folders[name]), box_threshold=threshold, text_threshold=threshold)


@pytest.mark.parametrize("name", ["GroundingDino", "MMGroundingDino", "Owl"])
def test_boxes_lie_in_the_picture_and_do_not_hang_together(folders: dict[str, Path], name: str) -> None:
    found = opened(folders, name, 0.0)
    boxes = found.boxes(PIXELS, ["red door", "dog", *ODD])
    assert [box is None for box in boxes[:2]] == [False, False]
    assert [box is None for box in boxes[2:]] == [not spoken(odd) for odd in ODD]
    # A scene refuses boxes that go over the picture.
    Scene(things=tuple(Thing("dog", box) for box in boxes), size_px=(80, 60))
    assert found.boxes(PIXELS, ["dog"]) == boxes[1:2]
    assert found.boxes(PIXELS, []) == []
    assert opened(folders, name, 1.0).boxes(PIXELS, ["red door", "dog"]) == [None, None]


@pytest.mark.parametrize("name", ["GroundingDino", "MMGroundingDino"])
@pytest.mark.parametrize(("width_px", "height_px"), [(80, 60), (50, 90)])
def test_the_best_box_is_that_of_the_library(folders: dict[str, Path], name: str, width_px: int, height_px: int) -> None:
    threshold = 0.01
    found = GroundingDino(str(folders[name]), box_threshold=threshold, text_threshold=threshold)
    model, processor = found.parts
    pixels = picture(width_px, height_px)
    given = processor(images=pixels, text="red door.", return_tensors="pt")
    with torch.no_grad():
        answer = model(**given)
    sizes = [(height_px, width_px)]
    (boxes,) = processor.post_process_grounded_object_detection(answer, given["input_ids"], threshold, threshold, sizes)
    named = torch.tensor(["red" in label or "door" in label for label in boxes["text_labels"]])
    left, top, right, bottom = boxes["boxes"][(boxes["scores"] * named).argmax()].tolist()
    ((one),) = found.boxes(pixels, ["Red door."])
    assert one is not None
    assert np.allclose(one, (max(0, left), max(0, top), min(right, width_px), min(bottom, height_px)), atol=0.501)


def test_the_library_agrees_on_owls(folders: dict[str, Path]) -> None:
    found = Owl(str(folders["Owl"]), threshold=0.0)
    model, processor = found.parts
    given = processor(images=PIXELS, text=[["a photo of a dog"]], return_tensors="pt", truncation=True)
    with torch.no_grad():
        answer = model(**given)
    (boxes,) = processor.post_process_grounded_object_detection(answer, threshold=0.0, target_sizes=[(60, 80)])
    middles = (boxes["boxes"][:, :2] + boxes["boxes"][:, 2:]) / 2
    score = boxes["scores"] * (middles < torch.tensor([80, 60])).all(-1)
    left, top, right, bottom = boxes["boxes"][score.argmax()].tolist()
    (one,) = found.boxes(PIXELS, ["dog"])
    assert one is not None and np.allclose(one, (max(0, left), max(0, top), min(right, 80), min(bottom, 60)), atol=1.001)


class Answering:
    """A model that answers with given scores of tokens, whatever it is asked; the prompt is [CLS] red door . [SEP]"""

    config = SimpleNamespace(max_text_len=LONGEST)

    def __init__(self, scores: Sequence[Sequence[float]]) -> None:
        self.logits = torch.full((1, len(scores), LONGEST), -np.inf)
        self.logits[0, :, :5] = torch.logit(torch.tensor(scores))
        self.pred_boxes = torch.tensor([[[0.1 + 0.2 * row, 0.5, 0.1, 0.2] for row in range(len(scores))]])

    def __call__(self, **given: object) -> Answering:
        return self


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([(0.1, 0.2, 0.35, 0.1, 0.1), (0.1, 0.4, 0.1, 0.1, 0.1)], 1),
        ([(0.1, 0.2, 0.35, 0.1, 0.1), (0.1, 0.3, 0.3, 0.1, 0.1)], 0),
        ([(0.1, 0.26, 0.1, 0.5, 0.1), (0.1, 0.4, 0.1, 0.1, 0.1)], 0),  # the score of a box is the highest of all tokens
        ([(0.9, 0.2, 0.2, 0.1, 0.1), (0.1, 0.2, 0.2, 0.9, 0.1), (0.1, 0.2, 0.2, 0.1, 0.9)], None),  # and no word of the name
        ([(0.1, 0.29, 0.29, 0.1, 0.1)], None),
    ],
)
def test_a_box_is_sure_and_names_a_word(scores: list[tuple[float, ...]], best: int | None) -> None:
    found = GroundingDino()
    found.__dict__["parts"] = Answering(scores), tiny_processor()
    expected = None if best is None else pixel_box((0.1 + 0.2 * best, 0.5, 0.1, 0.2), (80, 60), (80, 60))
    assert found.boxes(PIXELS, ["red door"]) == [expected]


def test_a_detector_is_told_by_its_weights(folders: dict[str, Path], tmp_path: Path) -> None:
    kinds = {name: type(detector(str(folder))) for name, folder in folders.items()}
    assert kinds == {"GroundingDino": GroundingDino, "MMGroundingDino": GroundingDino, "Owl": Owl}
    for text, said in (('{"model_type": "sam"}', "'sam'"), ("{}", "None"), ("[]", "config.json"), ("{", "config.json")):
        (tmp_path / "config.json").write_text(text, "utf-8")
        with pytest.raises(MissingError, match=said):
            detector(str(tmp_path))


@pytest.mark.parametrize("made", [detector, GroundingDino, Owl])
def test_missing_weights_name_the_command(made: type[Owl]) -> None:
    with pytest.raises(MissingError, match="limner weights fetch somebody/dino"):
        made("somebody/dino").boxes(PIXELS, ["dog"])


@given(st.text())
def test_a_prompt_has_nothing_that_parts_names(name: str) -> None:
    words = spoken(name)
    assert words == " ".join(words.split()) and not set(words) & set(".?!,;:[]<>|#()")
    assert spoken(words) == words


def test_prompts_are_read_as_they_are_said() -> None:
    assert spoken("  Red   Door. ") == "red door"
    assert spoken("black & white T-shirt") == "black & white t-shirt"
    assert spoken("St. Mary's (church)") == "st mary's church"


centres = st.floats(0, 1)
sides = st.integers(1, 2000)


@given(st.tuples(centres, centres, centres, centres), sides, sides)
def test_boxes_lie_where_something_was_found_and_stay_within(found: tuple[float, ...], width_px: int, height_px: int) -> None:
    left, top, right, bottom = pixel_box(found, (width_px, height_px), (width_px, height_px))
    assert 0 <= left < right <= width_px and 0 <= top < bottom <= height_px
    assert left <= found[0] * width_px + 0.5 and found[0] * width_px <= right + 0.5
    assert top <= found[1] * height_px + 0.5 and found[1] * height_px <= bottom + 0.5


@pytest.mark.parametrize(
    ("found", "box"),
    [
        ((0.5, 0.5, 0.5, 0.5), (20, 15, 60, 45)),
        ((0.0, 1.0, 0.2, 0.2), (0, 54, 8, 60)),
        ((1.0, 0.5, 0.0, 0.0), (79, 30, 80, 31)),
    ],
)
def test_a_box_in_parts_is_one_in_pixels(found: tuple[float, ...], box: Box) -> None:
    assert pixel_box(found, (80, 60), (80, 60)) == box
