"""pic and pics: layers without a painter, budgets, candidates, and files that are painted in another process by tiny models."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

from limner import api, files, painted, weights
from limner.cli import main
from limner.container.blob import Blob, Layer, pack, unpack
from limner.describe.edges import EdgeNet
from limner.errors import BudgetError, EncodeError, ImageError, LimnerError, MissingError, SceneError, WrongModelError
from limner.layers import choice, text
from limner.layers.choice import Choice
from limner.painted import Wish
from limner.render.painter import PAINTERS, Painter
from limner.systems import presets, textsketch
from limner.systems.presets import Settings
from limner.systems.sketches import opened
from limner.systems.textsketch import FIRST, Layers, Scene, TextSketch
from limner.weights import at

PICTURE = scene(96, 64)
WORDS = "a green hill under a blue sky"
SMALL = Painter(area_px=64 * 48, short_px=None, multiple=8, steps=2)
"""Paints 72 x 48."""


@pytest.fixture(scope="module")
def here(sketch_set: Path) -> pytest.MonkeyPatch:
    """A process that finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMNER_WEIGHTS", str(sketch_set.parent))
        yield patch


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Stable Diffusion and a control net of random weights, and settings that name them."""
    pytest.importorskip("diffusers")
    from tiny_diffusion import save_base, save_control

    root = tmp_path_factory.mktemp("painters")
    base, control = save_base(root / "base"), save_control(root / "control")
    small = {"area_px": 3072, "short_px": None, "multiple": 8, "steps": 2, "base": str(base), "guidance": 3}
    made = {}
    for system, named in (("pic", ""), ("pics", str(control))):
        made[system] = root / f"{system}.json"
        made[system].write_text(json.dumps({"painter": small | {"control": named}}), "utf-8")
    return made


class Colours:
    """Paints a level for a seed, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, tuple[int, int], list[int], np.ndarray | None]] = []

    def paint(
        self,
        words: str,
        size_px: tuple[int, int],
        seeds: Sequence[int],
        sketch: np.ndarray | None = None,
        watch: textsketch.Watch | None = None,
    ) -> list[np.ndarray]:
        self.given.append((words, size_px, list(seeds), sketch))
        return [np.full((size_px[1], size_px[0], 3), 40 * seed % 256, np.uint8) for seed in seeds]


class Nearest:
    name = "mean level"

    def of(self, original: np.ndarray, candidates: Sequence[np.ndarray]) -> list[float]:
        return [-abs(float(original.mean()) - float(one.mean())) for one in candidates]


def read_back(codec: TextSketch, layers: Layers) -> Layers:
    found = files.read(pack(codec.blob(layers, (96, 64))))
    assert isinstance(found, files.OfWords)
    return found.layers


@given(words=st.text(min_size=1, max_size=60), seed=st.integers(0, 2**32 - 1), index=st.integers(0, 8))
@settings(max_examples=40)
def test_what_is_read_is_what_was_written(words: str, seed: int, index: int) -> None:
    codec = TextSketch("pic", PAINTERS["pic", "paper"])
    try:
        said = text.fit(words)
    except EncodeError:
        return
    for meant in (FIRST, Choice(seed), Choice(seed, 9, index)):
        layers = Layers(said, None, meant)
        assert read_back(codec, layers) == layers


def test_a_sketch_comes_back(here: pytest.MonkeyPatch, sketch_set: Path) -> None:
    codec, drawer = TextSketch("pics", SMALL), opened(sketch_set, at(sketch_set).identity)
    shown = codec.describe(PICTURE, WORDS, EdgeNet())
    assert shown.edges is not None and shown.edges.shape == SMALL.size_px(96, 64)[::-1]
    layers = codec.fit(shown, drawer, 30, Choice(7))
    assert read_back(codec, layers) == layers
    conditions = codec.conditions(layers, (96, 64))
    assert (conditions.words, conditions.seed, conditions.size_px) == (WORDS, 7, SMALL.size_px(96, 64))
    assert conditions.sketch is not None and conditions.sketch.shape == conditions.size_px[::-1]
    assert np.abs(conditions.sketch - shown.edges).mean() < 0.1
    # A sketch of another size is brought to the painter's.
    assert codec.conditions(layers, (300, 64)).sketch is not None


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("limit_bytes", [60, 100, 200, 400])
def test_a_budget_is_kept(here: pytest.MonkeyPatch, limit_bytes: int, bare: bool) -> None:
    asked = Wish(settings=Settings(SMALL), seed=300)
    try:
        blob = api.encode(PICTURE, system="pics", caption=WORDS, wish=asked, target_bytes=limit_bytes, bare=bare)
    except BudgetError as error:
        assert error.least_bytes is not None and error.least_bytes > limit_bytes
        blob = api.encode(PICTURE, system="pics", caption=WORDS, wish=asked, target_bytes=error.least_bytes, bare=bare)
        limit_bytes = error.least_bytes
    assert len(blob) <= limit_bytes
    api.verify(blob)


def test_words_alone_say_what_they_need() -> None:
    blob = api.encode(PICTURE, system="pic", caption=WORDS)
    assert len(blob) < 30
    with pytest.raises(BudgetError) as caught:
        api.encode(PICTURE, system="pic", caption=WORDS, target_bytes=len(blob) - 1)
    assert caught.value.least_bytes == len(blob)
    assert api.encode(PICTURE, system="pic", caption=WORDS, target_bytes=len(blob)) == blob


def test_one_candidate_sends_no_choice() -> None:
    blob = unpack(api.encode(PICTURE, system="pic", caption=WORDS))
    assert [layer.kind for layer in blob.layers] == [textsketch.TEXT_KIND]
    seeded = unpack(api.encode(PICTURE, system="pic", caption=WORDS, wish=Wish(seed=5)))
    assert choice.read(seeded.layers[1].body) == Choice(5)


def test_the_best_of_some_is_meant() -> None:
    codec, painter = TextSketch("pic", SMALL), Colours()
    seen = Scene(np.full((64, 96, 3), 119, np.uint8), WORDS)
    layers = codec.choose(Layers(text.fit(WORDS), None, Choice(1)), seen, 5, painter, Nearest())
    assert layers.choice == Choice(1, 5, 2)
    assert painter.given == [(WORDS, SMALL.size_px(96, 64), [1, 2, 3, 4, 5], None)]
    conditions = codec.conditions(read_back(codec, layers), (96, 64))
    assert conditions.seed == 3
    assert (codec.render(conditions, (96, 64), painter) == 120).all()


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 256))
@settings(max_examples=20)
def test_no_choice_is_longer_than_the_longest(seed: int, count: int) -> None:
    longest = len(choice.write(textsketch.longest(seed, count)))
    assert all(len(choice.write(Choice(seed, count, index))) <= longest for index in range(count))


@pytest.mark.parametrize(
    "layers",
    [
        (Layer(textsketch.CHOICE_KIND, choice.write(Choice(4, 2, 1))),),
        (Layer(textsketch.TEXT_KIND, text.write(text.fit("a"))), Layer(textsketch.TEXT_KIND, text.write(text.fit("b")))),
        (Layer(textsketch.TEXT_KIND, text.write(text.fit("a"))), Layer(textsketch.CHOICE_KIND, choice.write(FIRST))),
        (Layer(textsketch.TEXT_KIND, text.write(text.fit("a"))), Layer(textsketch.SKETCH_KIND, bytes([0, 0, 1, 9, 9, 9]))),
    ],
)
def test_what_no_writer_writes_is_refused(layers: tuple[Layer, ...]) -> None:
    blob = pack(Blob(textsketch.NUMBERS["pic"], bytes(2), 96, 64, layers))
    with pytest.raises(LimnerError, match="layers"):
        files.read(blob)


def test_every_changed_byte_is_read_or_refused(here: pytest.MonkeyPatch) -> None:
    blob = api.encode(PICTURE, system="pics", caption=WORDS, wish=Wish(settings=Settings(SMALL)), target_bytes=200)
    for at_byte in range(0, len(blob), 3):
        for cut in (blob[:at_byte], blob[:at_byte] + bytes([blob[at_byte] ^ 0x55]) + blob[at_byte + 1 :]):
            with pytest.raises(LimnerError):
                api.verify(cut)


def test_a_preview_needs_no_painter(here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    blob = api.encode(PICTURE, system="pics", caption=WORDS, wish=Wish(settings=Settings(SMALL)))
    card = api.decode(blob, preview=True)
    assert card.ndim == 3 and len(np.unique(card.reshape(-1, 3), axis=0)) > 3
    (tmp_path / "a.limn").write_bytes(blob)
    assert main(["decode", "--preview", str(tmp_path / "a.limn")]) == 0
    with Image.open(tmp_path / "a.png") as image:
        assert "preview" in image.info["limner:detail"] and np.array_equal(np.asarray(image), card)
    plain = api.decode(api.encode(PICTURE, system="pic", caption=WORDS), preview=True)
    assert plain.shape[1] == card.shape[1] and not np.array_equal(plain, card)
    with pytest.raises(ImageError):
        api.decode(api.encode(PICTURE), preview=True)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("LIMNER_WEIGHTS", raising=False)
    blob = api.encode(PICTURE, system="pic", caption=WORDS)
    assert WORDS in str(api.inspect(blob))
    with pytest.raises(MissingError, match=r"sd21 \(about 5210 MB\).*limner weights fetch sd21"):
        api.decode(blob)
    with pytest.raises(MissingError, match="give a caption"):
        api.encode(PICTURE, system="pic")
    with pytest.raises(ImageError, match="one painter"):
        api.decode(blob, painter="vivid")


def test_another_painter_is_refused() -> None:
    blob = api.encode(PICTURE, system="pic", caption=WORDS, wish=Wish(settings=Settings(SMALL)))
    with pytest.raises(WrongModelError, match="give the settings"):
        api.decode(blob)
    with pytest.raises(WrongModelError):
        api.decode(blob, settings="fast")


def decode_elsewhere(blob: bytes, settings_file: Path, sketches: Path) -> np.ndarray:
    command = [sys.executable, "-m", "limner", "decode", "-", "-o", "-", "--settings", str(settings_file), "--device", "cpu"]
    environment = {**os.environ, "LIMNER_WEIGHTS": str(sketches.parent), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, input=blob, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.info["limner:detail"] == "may be invented"
        return np.asarray(image)


@pytest.mark.parametrize("system", ["pic", "pics"])
def test_another_process_paints_from_bytes_alone(
    here: pytest.MonkeyPatch, tiny: dict[str, Path], sketch_set: Path, system: str
) -> None:
    asked = Wish(settings=tiny[system], candidates=3, seed=11)
    blob = api.encode(PICTURE, system=system, caption=WORDS, wish=asked, target_bytes=300)
    assert len(blob) <= 300
    found = files.read(blob)
    assert isinstance(found, files.OfWords) and found.layers.choice.candidates == 3
    one, other = api.decode(blob, settings=tiny[system]), decode_elsewhere(blob, tiny[system], sketch_set)
    assert one.shape == PICTURE.shape
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 2


def test_pics_without_a_sketch_is_pic(here: pytest.MonkeyPatch, tiny: dict[str, Path]) -> None:
    said = text.fit(WORDS)
    pics = presets.settings_of("pics", tiny["pics"]).painter
    pic = presets.settings_of("pic", tiny["pic"]).painter
    blobs = [TextSketch(name, painter).blob(Layers(said), (96, 64)) for name, painter in (("pics", pics), ("pic", pic))]
    one, other = (
        api.decode(pack(blob), settings=tiny[name]) for blob, name in zip(blobs, ("pics", "pic"), strict=True)
    )
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_settings_come_back_from_their_json(tmp_path: Path) -> None:
    for named in presets.PRESETS.values():
        assert presets.from_json(presets.to_json(named)) == named
    for wrong in ('{"words": "invert"}', '{"candidates": 0}', '{"edge": "net"}', '{"painter": {"steps": "x"}}', "[]", "{"):
        with pytest.raises(SceneError):
            presets.from_json(wrong)
    with pytest.raises(SceneError):
        presets.settings_of("pic", tmp_path / "none.json")
    with pytest.raises(EncodeError):
        painted.Wish(seed=-1)


def test_sketches_without_weights_are_refused(monkeypatch: pytest.MonkeyPatch, sketch_set: Path) -> None:
    monkeypatch.delenv("LIMNER_WEIGHTS", raising=False)
    blob = api.encode(PICTURE, system="pics", caption=WORDS, wish=Wish(settings=Settings(SMALL)), weights=sketch_set)
    assert at(sketch_set).model_id in blob
    api.inspect(blob)
    api.verify(blob, weights=sketch_set)
    with pytest.raises(WrongModelError):
        api.verify(blob)
    assert not np.array_equal(api.decode(blob, preview=True), api.decode(blob, preview=True, weights=sketch_set))
    # Without any: words alone can be sent.
    monkeypatch.setattr(weights, "DATA", sketch_set / "nothing")
    with pytest.raises(MissingError, match="sketch"):
        api.encode(PICTURE, system="pics", caption=WORDS)
