"""Local models with tiny ones of the same code: built from configurations, saved, loaded as the published weights are."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import scene as picture
from PIL import Image

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from describe import tiny_language  # noqa: E402
from describe.tiny_language import broken_off, edited, without, written  # noqa: E402

from limner.describe.answer import Limits, Turn, prompt  # noqa: E402
from limner.describe.caption import Describer  # noqa: E402
from limner.describe.chat import Chat, tokens_of  # noqa: E402
from limner.describe.local import Captioner, Local  # noqa: E402
from limner.describe.scene import Scene, Thing  # noqa: E402
from limner.errors import ImageError, LimnerError, MissingError, SceneError  # noqa: E402

PIXELS = picture(60, 40)
GOOD = json.dumps({"caption": "a dog", "overall": "a wet dog", "objects": [{"name": "dog", "detail": "brown and wet"}]})
FOUND = Scene("a dog", "a wet dog", (Thing("dog", None, "brown and wet"),), (60, 40))
CAPTIONERS = ("florence2", "blip", "git")
CHATS = (*tiny_language.QWEN, "llava")

Folders = Callable[[str], Path]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Folders of models by their kind, each made once."""
    top = tmp_path_factory.mktemp("models")

    def made(kind: str) -> Path:
        folder = top / kind
        if not folder.is_dir():
            tiny_language.build(kind, folder)
        return folder

    return made


def chat_of(folders: Folders, kind: str) -> Chat:
    model = Local(str(folders(kind))).model
    assert isinstance(model, Chat)
    return model


@pytest.mark.parametrize("kind", CAPTIONERS)
def test_captioners_keep_to_the_limits(folders: Folders, kind: str) -> None:
    describer: Describer = Local(str(folders(kind)))
    limits = Limits(overall_words=6)
    found = describer.describe(PIXELS, limits)
    assert 1 <= len(found.caption.split()) <= 20 and 1 <= len(found.overall.split()) <= 6
    assert found.things == () and found.size_px == (60, 40)
    assert not {"[SEP]", "<s>", "</s>", "<image>"} & set(found.caption.split())
    assert Local(str(folders(kind))).describe(PIXELS, limits) == found


def test_florence_is_told_its_tasks(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def words(self: Captioner, pixels: np.ndarray, task: str | None, most_words: int) -> str:
        told.append((task, most_words))
        return "a boat" if task == "<CAPTION>" else "the image shows a red boat, on sand"

    monkeypatch.setattr(Captioner, "words", words)
    found = Local(str(folders("florence2"))).describe(PIXELS, Limits(overall_words=6))
    assert told == [("<CAPTION>", 20), ("<MORE_DETAILED_CAPTION>", 6)]
    assert found == Scene("a boat", "the image shows a red boat", (), (60, 40))


def test_florence_reads_the_words_of_its_tasks(folders: Folders) -> None:
    speaker = Local(str(folders("florence2"))).model
    assert isinstance(speaker, Captioner)
    ids = speaker.processor(images=Image.fromarray(PIXELS), text="<CAPTION>", return_tensors="pt")["input_ids"][0]
    assert "What does the image describe?" in speaker.processor.tokenizer.decode(ids)


def test_a_captioner_that_says_nothing_is_an_error(folders: Folders, tmp_path: Path) -> None:
    end, others = 3, [number for number in range(len(tiny_language.bert())) if number != 3]
    shutil.copytree(folders("git"), tmp_path / "mute")
    edited("generation_config.json", suppress_tokens=others, eos_token_id=end)(tmp_path / "mute")
    speaker = Local(str(tmp_path / "mute"))
    with pytest.raises(SceneError, match="says nothing"):
        speaker.describe(PIXELS, Limits())


def saying(monkeypatch: pytest.MonkeyPatch, chat: Chat, *answers: str) -> list[dict[str, Any]]:
    """Let a model say what it is told to; keep what it is given."""
    given, left = [], list(answers)

    def generate(**held: Any) -> Any:
        given.append(held)
        said = chat.reader.tokenizer(left.pop(0), return_tensors="pt")["input_ids"]
        return torch.cat([held["input_ids"], said, torch.tensor([[chat.reader.tokenizer.eos_token_id]])], dim=1)

    monkeypatch.setattr(chat.model, "generate", generate)
    return given


@pytest.mark.parametrize("kind", ["qwen3_vl", "llava"])
def test_an_answer_is_read(folders: Folders, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    describer: Describer = Local(str(folders(kind)))
    assert isinstance(describer, Local) and isinstance(describer.model, Chat)
    given = saying(monkeypatch, describer.model, f"<think>{{a dog?}}</think>\n```json\n{GOOD}\n```")
    assert describer.describe(PIXELS, Limits(overall_words=7)) == FOUND
    (held,) = given
    asked = describer.model.reader.tokenizer.decode(held["input_ids"][0])
    assert prompt(Limits(overall_words=7)) in asked and asked.endswith("<|im_start|>assistant\n")
    assert held["max_new_tokens"] == tokens_of(Limits(overall_words=7)) and held["do_sample"] is False


@pytest.mark.parametrize("kind", ["qwen3_vl", "llava"])
def test_a_bad_answer_is_asked_again_once(folders: Folders, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    describer = Local(str(folders(kind)))
    assert isinstance(describer.model, Chat)
    given = saying(monkeypatch, describer.model, "I see a dog.", GOOD)
    assert describer.describe(PIXELS, Limits()) == FOUND
    asked = describer.model.reader.tokenizer.decode(given[1]["input_ids"][0])
    assert "<|im_start|>assistant\nI see a dog.<|im_end|>" in asked and "That cannot be used" in asked
    given = saying(monkeypatch, describer.model, "I see a dog.", "Truly.", GOOD)
    with pytest.raises(SceneError, match="no JSON object"):
        describer.describe(PIXELS, Limits())
    assert len(given) == 2


@pytest.mark.parametrize("kind", CHATS)
def test_nonsense_is_asked_again_and_refused(folders: Folders, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []
    answers: list[str] = []
    answer = Chat.answer

    def heard(self: Chat, shown: Image.Image, said: Sequence[Turn], most_tokens: int) -> str:
        turns.append(len(said))
        answers.append(answer(self, shown, said, 8))
        return answers[-1]

    monkeypatch.setattr(Chat, "answer", heard)
    describer = Local(str(folders(kind)))
    for _ in range(2):
        with pytest.raises(SceneError):
            describer.describe(PIXELS, Limits())
    assert turns == [1, 3, 1, 3] and answers[:2] == answers[2:]


@pytest.mark.parametrize("kind", CHATS)
def test_what_a_model_says_hangs_on_the_picture(folders: Folders, kind: str) -> None:
    chat = chat_of(folders, kind)
    said = [("user", "what is it?")]
    logits = []
    for shown in (PIXELS, 255 - PIXELS):
        given = chat.reader.inputs(Image.fromarray(shown), said)
        with torch.no_grad():
            logits.append(chat.model(**given).logits[0, -1])
    assert not torch.allclose(logits[0], logits[1], rtol=0, atol=1e-6)


def test_a_picture_has_as_many_tokens_as_patches(folders: Folders) -> None:
    chat = chat_of(folders, "qwen3_vl")
    for width_px, height_px, patches in ((24, 16, 6), (8, 8, 1), (16, 32, 8)):
        given = chat.reader.inputs(Image.new("RGB", (width_px, height_px)), [("user", "what is it?")])
        # A token for 2 x 2 patches of 4 px, and no fewer than 64 pixels.
        assert given["mm_token_type_ids"].sum() == patches == given["pixel_values"].shape[0] // 4
        assert given["input_ids"].shape == given["attention_mask"].shape == given["mm_token_type_ids"].shape


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (50, 3), (1, 150)])
def test_small_pictures_are_described(folders: Folders, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    captioner, describer = Local(str(folders("florence2"))).model, Local(str(folders("qwen3_vl")))
    assert isinstance(captioner, Captioner) and isinstance(describer.model, Chat)
    assert captioner.words(picture(*size), "<CAPTION>", 1)
    saying(monkeypatch, describer.model, GOOD)
    assert describer.describe(picture(*size), Limits()).size_px == size


def test_a_picture_too_long_for_the_model_is_an_error(folders: Folders) -> None:
    with pytest.raises(ImageError, match="1024 x 3 px"):
        Local(str(folders("qwen3_vl"))).describe(np.zeros((4, 1400, 3), np.uint8), Limits())


def test_the_processors_template_goes_first(folders: Folders, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(folders("qwen3_vl"), folder)
    template = tiny_language.TURN.replace("IMAGE", "So: <|vision_start|><|image_pad|><|vision_end|>")
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}), "utf-8")
    chat = Local(str(folder)).model
    assert isinstance(chat, Chat)
    ids = chat.reader.inputs(Image.new("RGB", (16, 16)), [("user", "what is it?")])["input_ids"][0]
    assert "So: " in chat.reader.tokenizer.decode(ids)


def test_longer_answers_for_more_words() -> None:
    assert tokens_of(Limits(0, 1, 1, 1)) < tokens_of(Limits()) < tokens_of(Limits(things=4)) < 1024


def test_a_cpu_computes_in_single_precision(folders: Folders, tmp_path: Path) -> None:
    half = tmp_path / "half"
    shutil.copytree(folders("florence2"), half)
    transformers.AutoModelForImageTextToText.from_pretrained(half, dtype=torch.float16).save_pretrained(half)
    captioner = Local(str(half)).model
    assert isinstance(captioner, Captioner) and captioner.model.dtype == torch.float32
    assert captioner.words(PIXELS, "<CAPTION>", 1)


def test_missing_weights_name_the_command() -> None:
    with pytest.raises(MissingError, match="limner weights fetch somebody/model"):
        Local("somebody/model").describe(PIXELS, Limits())
    with pytest.raises(MissingError, match="there are no weights"):
        Local("nothing").describe(PIXELS, Limits())


def test_weights_that_were_fetched_in_part_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limner.describe.local.published", lambda name: tmp_path)
    with pytest.raises(MissingError, match=r"weights qwen3-vl describe no pictures.*limner weights fetch qwen3-vl"):
        Local().describe(PIXELS, Limits())


OWN_CODE = {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"}


@pytest.mark.parametrize(
    ("kind", "spoil", "said"),
    [
        ("qwen3_vl", written("config.json", "{"), "JSON"),
        ("qwen3_vl", edited("config.json", model_type="nobody"), "nobody"),
        ("qwen3_vl", edited("config.json", model_type="nobody", auto_map=OWN_CODE), "custom code"),
        ("qwen3_vl", edited("config.json", "vision_config", depth="two"), "depth"),
        ("qwen3_vl", edited("config.json", "vision_config", intermediate_size=24), "6 of its tensors.* another shape"),
        ("qwen3_vl", edited("config.json", "text_config", num_hidden_layers=3), r"missing.*layers\.2"),
        ("qwen3_vl", broken_off, "header|incomplete"),
        ("qwen3_vl", without("model.safetensors"), "safetensors"),
        ("qwen3_vl", without("preprocessor_config.json"), "image processor"),
        ("qwen3_vl", without("tokenizer.json"), "no vocabulary"),
        ("qwen3_vl", without("chat_template.jinja"), "template"),
        ("qwen3_vl", written("chat_template.jinja", "{% for"), "."),
        ("qwen3_vl", written("chat_template.jinja", "{{ messages[0].content[1].text }}"), "0 places"),
        ("llava", without("chat_template.jinja"), "knows no chats"),
        ("llava", without("tokenizer.json"), "."),
        ("llava", without("processor_config.json"), "."),
        ("florence2", without("tokenizer.json"), "no vocabulary"),
        ("florence2", without("processor_config.json"), "."),
        ("blip", without("tokenizer.json"), "no vocabulary"),
    ],
)
def test_a_folder_that_is_not_whole_is_an_error(
    folders: Folders, tmp_path: Path, kind: str, spoil: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(folders(kind), folder)
    spoil(folder)
    with pytest.raises(MissingError) as caught:
        Local(str(folder)).describe(PIXELS, Limits())
    assert re.search(rf"describe no pictures here \(.*({said}).*\)\. Florence-2, .* work here$", str(caught.value))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="describe no pictures here"):
        Local(str(tmp_path)).describe(PIXELS, Limits())


def test_a_processor_that_needs_more_names_what_works(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def wanting(*args: object, **kwargs: object) -> None:
        raise ImportError("It requires the torchvision library.")

    folder = folders("llava")
    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", wanting)
    with pytest.raises(MissingError, match=r"needs more than is installed: It requires.*Qwen3-VL"):
        Local(str(folder)).describe(PIXELS, Limits())
