"""Prompt inversion with a tiny CLIP of the same code: built from a configuration, saved, loaded as the real weights are."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene as picture

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner import api, files  # noqa: E402
from limner.describe.answer import Limits  # noqa: E402
from limner.describe.caption import Describer  # noqa: E402
from limner.describe.invert import PADDING, Inversion, Inverted, Inverter, direction, printable  # noqa: E402
from limner.errors import LimnerError, MissingError, SceneError  # noqa: E402
from limner.layers import text  # noqa: E402
from limner.render.painter import PAINTERS  # noqa: E402
from limner.systems import presets  # noqa: E402

PIXELS = picture(80, 60)
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = ("red", "door", "wall", "brick", "old", "green", "hill", "sky", "blue", "cloud", "the", "of", "é")
MOST_TOKENS = 40
QUICK = Inversion(prompt_tokens=6, iterations=15)


def alphabet() -> list[str]:
    """A letter for each byte, printable ones for themselves: the order of CLIP's vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in plain] + [chr(256 + place) for place in range(256 - len(plain))]


def spelled(word: str) -> list[str]:
    """A word as the letters of its bytes, the last with the mark of an end."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = dict(zip([*plain, *(byte for byte in range(256) if byte not in plain)], alphabet(), strict=True))
    found = [letters[byte] for byte in word.encode()]
    return [*found[:-1], found[-1] + "</w>"]


def merges() -> list[tuple[str, str]]:
    """Those that draw each word together from the left."""
    found: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = spelled(word)
        for place in range(1, len(pieces)):
            pair = ("".join(pieces[:place]), pieces[place])
            found += [] if pair in found else [pair]
    return found


def write_tokenizer(folder: Path) -> int:
    """CLIP's files of a vocabulary; give its length."""
    pieces = [*alphabet(), *(letter + "</w>" for letter in alphabet()), *("".join(pair) for pair in merges()), START, END]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate(pieces)}), "utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges())]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer"}', "utf-8")
    return len(pieces)


def tiny(folder: Path, *, legacy: bool) -> None:
    """A model of some 60 thousand parameters with its tokenizer and processor, as folders of the hub have them."""
    torch.manual_seed(0)
    count = write_tokenizer(folder)
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "projection_dim": 16}
    ends = {"eos_token_id": 2 if legacy else count - 1, "bos_token_id": 0 if legacy else count - 2, "pad_token_id": 1}
    text = {**tower, **ends, "vocab_size": count, "max_position_embeddings": MOST_TOKENS, "initializer_factor": 4.0}
    vision = {**tower, "image_size": 32, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    transformers.CLIPModel(config).save_pretrained(folder)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPImageProcessorPil(**sizes).save_pretrained(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """One whose configuration does not name the end of a text, as those of most published CLIPs, and one whose does."""
    found = {legacy: tmp_path_factory.mktemp("clip") for legacy in (True, False)}
    for legacy, folder in found.items():
        tiny(folder, legacy=legacy)
    return found


@pytest.fixture(scope="module")
def folder(folders: dict[bool, Path]) -> Path:
    return folders[True]


@pytest.fixture(scope="module")
def inverter(folder: Path) -> Inverter:
    return Inverter(str(folder), settings=QUICK)


@pytest.fixture(scope="module", params=[True, False], ids=["legacy", "named end"])
def either(request: pytest.FixtureRequest, folders: dict[bool, Path]) -> Inverter:
    return Inverter(str(folders[request.param]), settings=QUICK)


def like(folder: Path, texts: list[str]) -> Any:
    """Cosines of texts and the picture, by the libraries alone: texts filled up to the model's length with id 0."""
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    seen = transformers.CLIPImageProcessorPil.from_pretrained(folder)(images=PIXELS, return_tensors="pt")
    read = tokenizer(texts, truncation=True, max_length=MOST_TOKENS)["input_ids"]
    padded = torch.tensor([ids + [PADDING] * (MOST_TOKENS - len(ids)) for ids in read])
    with torch.no_grad():
        words = model.get_text_features(input_ids=padded).pooler_output
        image = model.get_image_features(**seen).pooler_output
    return torch.nn.functional.cosine_similarity(words, image)


def test_similarity_is_that_of_the_text(either: Inverter) -> None:
    for seed in range(3):
        found = replace(either, settings=replace(QUICK, seed=seed)).invert(PIXELS)
        assert found.similarity == pytest.approx(float(like(Path(either.weights), [found.text])[0]), abs=1e-5)


def test_found_is_better_than_chance(folder: Path, inverter: Inverter) -> None:
    rng, words = np.random.default_rng(0), inverter.clip.words(True)
    drawn = [inverter.clip.text(tuple(rng.choice(words, QUICK.prompt_tokens).tolist())) for _ in range(64)]
    assert inverter.invert(PIXELS).similarity > float(like(folder, drawn).mean()) + 0.1


def test_a_seed_gives_one_prompt(folder: Path, inverter: Inverter) -> None:
    found = inverter.invert(PIXELS)
    assert inverter.invert(PIXELS) == found == Inverter(str(folder), settings=QUICK).invert(PIXELS)
    others = {replace(inverter, settings=replace(QUICK, seed=seed, iterations=1)).invert(PIXELS).ids for seed in range(3)}
    assert len(others) == 3


def test_more_iterations_are_never_worse(inverter: Inverter) -> None:
    found = [replace(inverter, settings=replace(QUICK, iterations=count)).invert(PIXELS) for count in (1, 4, 12, 30)]
    assert all(after.similarity >= before.similarity for before, after in pairwise(found))
    assert found[-1].similarity > found[0].similarity


@settings(max_examples=8)
@given(
    tokens=st.integers(1, MOST_TOKENS - 2), iterations=st.integers(1, 4), seed=st.integers(0, 2**63 - 1), plain=st.booleans()
)
def test_what_is_found_has_its_form(folder: Path, tokens: int, iterations: int, seed: int, plain: bool) -> None:
    inverter = Inverter(str(folder), settings=Inversion(tokens, iterations, seed=seed, printable_only=plain))
    told: list[tuple[int, float]] = []
    found = inverter.invert(PIXELS, lambda done, best: told.append((done, best)))
    assert len(found.ids) == tokens
    assert not {0, *inverter.clip.tokenizer.all_special_ids} & {*found.ids}
    assert found.text == " ".join(found.text.split()) and "\n" not in found.text
    assert -1.0001 < found.similarity < 1.0001
    assert [done for done, _ in told] == [*range(1, iterations + 1)]
    assert [best for _, best in told] == sorted(best for _, best in told) and told[-1][1] == found.similarity
    if plain:
        assert found.text and found.text.isprintable() and "\ufffd" not in found.text


def test_tokens_that_are_no_text_are_left_out_if_so_set(inverter: Inverter) -> None:
    clip = inverter.clip
    shown, every = clip.words(True), clip.words(False)
    frame = {PADDING, clip.tokenizer.bos_token_id, clip.tokenizer.eos_token_id}
    assert {*every} == {*range(len(clip.tokenizer))} - frame
    assert {*shown} < {*every} and all(printable(clip.text((one,))) for one in shown)
    left_out = {clip.tokenizer.convert_ids_to_tokens(one) for one in {*every} - {*shown}}
    # Ġ is a blank, Ċ an end of line; é takes two bytes, of which each alone is no character.
    assert {"Ġ", "Ċ</w>", "Ã", "©</w>"} <= left_out
    assert not {"red</w>", "re", "r", "Ã©</w>", "!</w>"} & left_out
    everything = replace(inverter, settings=replace(QUICK, printable_only=False, iterations=1, prompt_tokens=MOST_TOKENS - 2))
    assert any(not everything_seen(everything, seed) for seed in range(8))


def everything_seen(inverter: Inverter, seed: int) -> bool:
    return printable(replace(inverter, settings=replace(inverter.settings, seed=seed)).invert(PIXELS).text)


@pytest.mark.parametrize(
    ("text", "seen"), [("red", True), ("é", True), ("雪", True), ("", False), (" ", False), ("a\ufffd", False)]
)
def test_printable(text: str, seen: bool) -> None:
    assert printable(text) is seen
    assert not printable(text + "\x07") and not printable(text + "\u200d") and not printable(f"a\n{text}b")


def vectors_to_direction(model: Any, vectors: Any) -> Any:
    """The text tower step by step from vectors (1, tokens, d), its features taken at the last."""
    tower, count = model.text_model, vectors.shape[1]
    mask = torch.full((1, 1, count, count), -torch.inf, dtype=vectors.dtype).triu(1)
    states = tower.encoder(tower.embeddings(inputs_embeds=vectors), attention_mask=mask).last_hidden_state
    return direction(model.text_projection(tower.final_layer_norm(states)[0, -1]))


def test_the_gradient_is_that_at_the_tokens(either: Inverter) -> None:
    clip, target = either.clip, either.clip.of_picture(PIXELS)
    prompt = either.nearest(either.first())
    ids = clip.framed(prompt)
    cosine, gradient = clip.gradient(ids, target)
    vectors = clip.embedding.weight[torch.tensor([ids])].clone().requires_grad_()
    expected = vectors_to_direction(clip.model, vectors) @ target
    (slope,) = torch.autograd.grad(1 - expected, vectors)
    assert cosine == pytest.approx(float(expected.detach()), abs=1e-6) and cosine == clip.similarity(ids, target)
    assert gradient.shape == (QUICK.prompt_tokens, 32) and gradient.abs().max() > 1e-4
    assert torch.allclose(gradient, slope[0, 1:-1], rtol=1e-4, atol=1e-7)
    assert not clip.embedding._forward_hooks


def test_the_gradient_is_a_slope(inverter: Inverter) -> None:
    clip = replace(inverter.clip, model=transformers.CLIPModel.from_pretrained(inverter.weights).double().requires_grad_(False))
    target = clip.of_picture(PIXELS)
    ids = clip.framed(inverter.nearest(inverter.first()))
    _, gradient = clip.gradient(ids, target)
    vectors = clip.embedding.weight[torch.tensor([ids])].detach()
    way = torch.nn.functional.pad(
        torch.randn(1, QUICK.prompt_tokens, 32, generator=torch.Generator().manual_seed(1)), (0, 0, 1, 1)
    )
    step = 0.001
    ahead, behind = (vectors_to_direction(clip.model, vectors + way * side) @ target for side in (step, -step))
    assert float((behind - ahead) / (2 * step)) == pytest.approx(float((gradient * way[0, 1:-1]).sum()), rel=1e-2)


def test_the_first_steps_are_those_of_the_paper(inverter: Inverter) -> None:
    clip, target, chosen = inverter.clip, inverter.clip.of_picture(PIXELS), inverter.table[0]
    found = [ids for ids, _ in islice(inverter.prompts(target), 5)]
    prompt = inverter.first().clone().requires_grad_()
    optimiser = torch.optim.AdamW([prompt], lr=0.1, weight_decay=0.1)
    for ids in found:
        cosines = torch.nn.functional.cosine_similarity(prompt[:, None], clip.embedding.weight[chosen][None], dim=-1)
        nearest = chosen[cosines.argmax(1)]
        assert tuple(nearest.tolist()) == ids
        vectors = clip.embedding.weight[torch.tensor([clip.framed(ids)])].clone().requires_grad_()
        (1 - vectors_to_direction(clip.model, vectors) @ target).backward()
        prompt.grad = vectors.grad[0, 1:-1]
        optimiser.step()
    assert len({*found}) > 1


def test_weights_stay_as_they_are(inverter: Inverter) -> None:
    before = {name: value.clone() for name, value in inverter.clip.model.state_dict().items()}
    inverter.invert(PIXELS)
    assert all(torch.equal(value, before[name]) for name, value in inverter.clip.model.state_dict().items())
    assert all(not value.requires_grad and value.grad is None for value in inverter.clip.model.parameters())


def test_text_that_reads_back_differently_is_scored_as_it_reads(inverter: Inverter) -> None:
    clip, target = inverter.clip, inverter.clip.of_picture(PIXELS)
    vocabulary = clip.tokenizer.get_vocab()
    apart = tuple(vocabulary[piece] for piece in ("d", "o", "o", "r</w>"))
    assert clip.text(apart) == "door" and clip.read("door") == clip.framed((vocabulary["door</w>"],))
    found = inverter.read_again(apart, 0.9, target)
    assert found == Inverted("door", clip.similarity(clip.read("door"), target), apart) and found.similarity != 0.9
    whole = (vocabulary["door</w>"],)
    assert inverter.read_again(whole, 0.9, target) == Inverted("door", 0.9, whole)


def test_texts_over_the_models_length_are_cut(folder: Path) -> None:
    clip = Inverter(str(folder)).clip
    ids = clip.read("x" * 200)
    assert len(ids) == MOST_TOKENS and ids[-1] == clip.tokenizer.eos_token_id


def test_patience_and_seconds_end_the_search(inverter: Inverter) -> None:
    told: list[float] = []
    patient = replace(inverter, settings=replace(QUICK, iterations=10_000, patience=7))
    found = patient.invert(PIXELS, lambda done, best: told.append(best))
    assert 7 < len(told) < 10_000 and len({*told[-8:]}) == 1 and found.similarity == told[-1]
    told.clear()
    hurried = replace(inverter, settings=replace(QUICK, iterations=10_000, seconds=1e-9))
    assert hurried.invert(PIXELS, lambda done, best: told.append(best)).similarity == told[-1] and len(told) == 1


def test_it_is_a_describer(inverter: Inverter) -> None:
    describer: Describer = inverter
    found = describer.describe(PIXELS, Limits(overall_words=1))
    text = inverter.invert(PIXELS).text
    assert found.caption == found.overall == text and found.size_px == (80, 60) and not found.things


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (32, 32)])
def test_every_shape_of_picture(inverter: Inverter, shape: tuple[int, int]) -> None:
    plain, square = (np.full((*side, 3), (200, 30, 90), np.uint8) for side in (shape, (40, 40)))
    assert torch.allclose(inverter.clip.of_picture(plain), inverter.clip.of_picture(square), atol=1e-5)


def test_the_middle_of_a_picture_is_seen(inverter: Inverter) -> None:
    wide = picture(96, 32)
    sides, middle = wide.copy(), wide.copy()
    sides[:, :32] = sides[:, 64:] = 0
    middle[:, 40:56] = 0
    seen, without_sides, without_middle = (inverter.clip.of_picture(pixels) for pixels in (wide, sides, middle))
    assert torch.equal(seen, without_sides) and not torch.allclose(seen, without_middle, atol=1e-3)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision(folder: Path, precision: str) -> None:
    half = Inverter(str(folder), settings=QUICK, precision=precision)
    found = half.invert(PIXELS)
    assert half.clip.model.dtype == getattr(torch, precision)
    assert found == half.invert(PIXELS) and found.similarity == pytest.approx(float(like(folder, [found.text])[0]), abs=0.05)
    one = replace(half, settings=replace(QUICK, iterations=1)).invert(PIXELS)
    assert found.similarity > one.similarity


def test_likeness_that_is_no_number_is_an_error(folder: Path) -> None:
    broken = Inverter(str(folder), settings=replace(QUICK, iterations=3))
    broken.clip.model.text_projection.weight.fill_(torch.nan)
    with pytest.raises(LimnerError, match="float32"):
        broken.invert(PIXELS)
    _, gradient = broken.clip.gradient(broken.clip.read("red"), broken.clip.of_picture(PIXELS))
    assert not gradient.any()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt_tokens", 0),
        ("iterations", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("weight_decay", -0.1),
        ("weight_decay", float("nan")),
        ("seed", -1),
        ("seed", 1 << 63),
        ("patience", 0),
        ("seconds", 0.0),
        ("seconds", float("nan")),
    ],
)
def test_settings_check_themselves(field: str, value: float) -> None:
    with pytest.raises(SceneError) as caught:
        replace(Inversion(), **{field: value})
    assert caught.value.field == field


def test_published_settings() -> None:
    assert Inversion() == Inversion(16, 3000, 0.1, 0.1, 0, True, None, None)


def test_prompts_too_long_for_the_model(folder: Path) -> None:
    with pytest.raises(SceneError, match=f"at most {MOST_TOKENS - 2}") as caught:
        Inverter(str(folder), settings=Inversion(prompt_tokens=MOST_TOKENS - 1)).invert(PIXELS)
    assert caught.value.field == "prompt_tokens"


def test_precisions_are_known() -> None:
    with pytest.raises(SceneError, match="bfloat16"):
        Inverter(precision="int8")


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingError, match="limner weights fetch clip-h"):
        Inverter().describe(PIXELS, Limits())


@pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json", "vocab.json"])
def test_half_folders_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    part = shutil.copytree(folder, tmp_path / "part")
    (part / name).unlink()
    with pytest.raises(MissingError, match="part"):
        Inverter(str(part)).invert(PIXELS)


def test_half_models_are_refused(folder: Path, tmp_path: Path) -> None:
    part = shutil.copytree(folder, tmp_path / "part")
    model = transformers.CLIPModel.from_pretrained(part)
    kept = {name: value for name, value in model.state_dict().items() if "vision" not in name}
    model.save_pretrained(part, state_dict=kept)
    with pytest.raises(MissingError, match="pictures and text"):
        Inverter(str(part)).invert(PIXELS)


@pytest.mark.parametrize("end", [5, 2])
def test_a_tokenizer_of_another_model_is_refused(folder: Path, tmp_path: Path, end: int) -> None:
    part = shutil.copytree(folder, tmp_path / "part")
    config = json.loads((part / "config.json").read_text("utf-8"))
    config["text_config"]["eos_token_id"] = end
    (part / "config.json").write_text(json.dumps(config), "utf-8")
    if end == 2:
        pieces = json.loads((part / "vocab.json").read_text("utf-8"))
        (part / "vocab.json").write_text(json.dumps({**pieces, "later": len(pieces)}), "utf-8")
    with pytest.raises(MissingError, match="tokenizer is not the model's"):
        Inverter(str(part)).invert(PIXELS)


def test_a_tokenizer_saved_by_the_library_is_the_same(folder: Path, tmp_path: Path) -> None:
    saved = shutil.copytree(folder, tmp_path / "saved")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(saved)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (saved / name).unlink()
    tokenizer.save_pretrained(saved)
    assert Inverter(str(saved), settings=QUICK).invert(PIXELS) == Inverter(str(folder), settings=QUICK).invert(PIXELS)


def test_a_prompt_travels_as_the_words_of_a_file(folder: Path, inverter: Inverter) -> None:
    """What is found comes back from a file letter by letter, and is read as the same tokens."""
    words = inverter.describe(PIXELS, Limits()).caption
    found = files.read(api.encode(PIXELS, system="pic", caption=words))
    assert isinstance(found, files.OfWords)
    read = text.expand(found.layers.text)
    assert words and read == words and inverter.clip.read(read) == inverter.clip.read(words)
    named = presets.describer_of(presets.Settings(PAINTERS["pic", "paper"], words=f"invert:{folder}").words)
    assert isinstance(named, Inverter) and named.weights == str(folder) and named.settings == Inversion()
