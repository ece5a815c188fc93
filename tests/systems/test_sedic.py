"""sedic: layers without a painter, budgets, files that were cut, and painting in another process by tiny models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

from limner import api, files, staged, weights
from limner.cli import main
from limner.container.blob import Blob, Layer, pack, parts, unpack
from limner.describe.scene import Scene as Told
from limner.describe.scene import Thing
from limner.errors import BudgetError, EncodeError, ImageError, LimnerError, MissingError, SceneError, WrongModelError
from limner.layers import choice, masks, painter, text
from limner.layers.choice import Choice
from limner.layers.masks import Masks
from limner.layers.painter import PainterId
from limner.painted import Wish
from limner.render.regions import inside
from limner.render.stagepainter import STAGE_PAINTERS, model_id
from limner.staged import Extent
from limner.systems import levels, objects, references, sedic
from limner.systems.levels import LEVELS, PRESETS, Settings
from limner.systems.sedic import Amount, Layers, Object, Seen

SIZE = (96, 64)
PICTURE = scene(*SIZE)
WHOLE = "a green hill under a blue sky, with a path that leads up to a small house, seen from below"
TOLD = Told(
    overall=WHOLE,
    things=(
        Thing("house", (8, 10, 40, 30), "white walls, red roof, two small windows"),
        Thing("path", (50, 30, 90, 60), "light sand, narrow, with grass at both sides"),
    ),
)
BOXES = Settings(STAGE_PAINTERS["paper"], masks="box")
ASKED = Wish(settings=BOXES)


def encoded(**given: Any) -> bytes:
    return api.encode(PICTURE, system="sedic", scene=TOLD, **{"wish": ASKED} | given)


def read(blob: bytes, salvage: bool = False) -> Layers:
    found = files.read(blob, salvage=salvage)
    assert isinstance(found, files.OfSedic)
    return found.layers


@pytest.fixture(scope="module")
def reference() -> references.Made:
    return references.named("miniature").of(PICTURE).fit(3)


# What is written is read.

PLACES = st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(1, 8), st.integers(1, 12))
OBJECTS = st.lists(st.tuples(PLACES, st.text("abc ,é", min_size=1, max_size=20)), max_size=8)


def object_of(place: tuple[int, int, int, int], words: str) -> Object | None:
    mask = np.zeros((8, 12), bool)
    mask[place[0] : place[0] + place[2], place[1] : place[1] + place[3]] = True
    made = text.fit(words)
    return Object(Masks(8, (mask,)), made) if made.words else None


@given(OBJECTS, st.text("xyz é", max_size=20), st.integers(0, 2**32 - 1), st.binary(min_size=2, max_size=2), st.booleans())
@settings(max_examples=40)
def test_what_is_read_is_what_was_written(
    reference: references.Made, things: list[Any], words: str, seed: int, drawn: bytes, sent: bool
) -> None:
    found = tuple(one for one in (object_of(*thing) for thing in things) if one)
    whole = text.fit(words)
    layers = Layers(reference if sent else None, whole if whole.words else None, found, seed, drawn)
    if not sent and not found and layers.whole is None:
        return
    assert read(pack(sedic.blob(layers, SIZE))) == layers


def test_other_layers_are_not_equal(reference: references.Made) -> None:
    layers = Layers(reference, text.fit("a"), (), 0, sedic.DEFAULT)
    assert layers != replace(layers, reference=None)
    assert layers != replace(layers, seed=1)
    assert layers != replace(layers, reference=references.named("miniature").of(PICTURE).fit(9))
    assert hash(layers) == hash(replace(layers))


@given(PLACES, st.integers(1, 300), st.integers(1, 300), st.integers(8, 200), st.integers(8, 200))
def test_a_mask_at_another_size_is_the_cell_under_each_centre(
    place: tuple[int, int, int, int], width: int, height: int, wide: int, high: int
) -> None:
    grid = (-(-height // 16), -(-width // 16))
    mask = np.random.default_rng(sum(place)).random(grid) < 0.5
    found = sedic.sampled(Masks(16, (mask,)), (width, height), (wide, high))
    assert found.shape == (high, wide)
    for y, x in ((0, 0), (high - 1, wide - 1), (high // 2, wide // 3)):
        row, column = (y + 0.5) * height / high // 16, (x + 0.5) * width / wide // 16
        assert found[y, x] == mask[int(row), int(column)]


# What is sent of a scene.


def test_names_are_not_sent_and_order_is_kept() -> None:
    blob = encoded()
    kinds = [layer.kind for layer in unpack(blob).layers]
    assert kinds == [1, 2, 3, 2, 3, 2]
    said = [one.words for one in files.read_beside(blob, unpack(blob)) if isinstance(one, text.Text)]
    assert said == [WHOLE, *(thing.detail for thing in TOLD.things)]
    assert not any("house" in words for words in said[1:])


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_says_how_much(level: str) -> None:
    things = tuple(Thing(f"thing {n}", (8 * n, 0, 8 * n + 16, 32), " ".join(["thing"] * 60)) for n in range(5))
    many = replace(TOLD, overall=" ".join(["word"] * 80), things=things)
    layers = read(api.encode(PICTURE, system="sedic", scene=many, wish=ASKED, extent=Extent(level)))
    limits = LEVELS[level].limits
    assert layers.whole is not None and len(layers.whole.words.split()) == limits.overall_words
    assert [len(one.words.words.split()) for one in layers.objects if one.words] == [limits.detail_words] * limits.things


def test_the_levels_are_the_papers() -> None:
    found = {name: (one.limits.things, one.limits.detail_words, one.limits.overall_words) for name, one in LEVELS.items()}
    assert found == {"low": (1, 20, 30), "high": (3, 30, 50)}


def test_words_are_cut_at_a_phrase() -> None:
    said = "white walls, red roof, two small windows in front"
    assert sedic.cut(said, 6) == "white walls, red roof"
    assert sedic.cut(said, 3) == "white walls"
    assert sedic.cut("one two three four", 3) == "one two three"
    assert sedic.cut("one, two three four five six", 5) == "one, two three four five"
    assert sedic.cut(said, 9) == said


def test_masks_are_those_of_boxes_and_of_files(tmp_path: Path) -> None:
    mask = np.zeros((64, 96), bool)
    mask[16:48, 24:64] = True
    Image.fromarray(mask).save(tmp_path / "a.png")
    told = replace(TOLD, things=(replace(TOLD.things[0], mask=tmp_path / "a.png"), TOLD.things[1]))
    seen = objects.seen(PICTURE, told, BOXES, LEVELS["high"].limits)
    assert (seen.objects[0].mask == mask).all()
    assert seen.objects[1].mask.sum() == 40 * 30
    sent = sedic.fit(seen, Amount(50, ((0, 30), (1, 30))), STAGE_PAINTERS["paper"])
    assert (masks.expand(sent.objects[0].masks, *SIZE)[0] == mask).all()


def test_an_object_without_words_or_place_is_not_sent() -> None:
    far = np.zeros((64, 96), bool)
    far[0, 0] = True
    seen = sedic.Scene(PICTURE, "", (Seen("", ~far), Seen("dust", far)))
    layers = sedic.fit(seen, Amount(50, ((0, 30), (1, 30))), STAGE_PAINTERS["paper"])
    assert layers.whole is None and layers.objects == ()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (replace(TOLD, things=(Thing("house"),)), "neither a box nor a mask"),
        (replace(TOLD, size_px=(100, 64)), "the scene is of"),
    ],
)
def test_a_scene_of_no_use_is_refused(told: Told, said: str) -> None:
    with pytest.raises(SceneError, match=said):
        api.encode(PICTURE, system="sedic", scene=told, wish=ASKED)


def test_without_a_scene_somebody_must_describe() -> None:
    with pytest.raises(MissingError, match="limner describe"):
        api.encode(PICTURE, system="sedic")
    with pytest.raises(MissingError, match="limner weights fetch"):
        api.encode(PICTURE, system="sedic", wish=Wish(settings="paper"))


def test_what_is_of_others_is_refused() -> None:
    with pytest.raises(EncodeError, match="of sedic"):
        api.encode(PICTURE, scene=TOLD)
    with pytest.raises(EncodeError, match="scene"):
        encoded(caption="a hill")
    with pytest.raises(EncodeError, match="candidate"):
        encoded(wish=Wish(settings=BOXES, candidates=3))
    with pytest.raises(SceneError, match="level"):
        encoded(extent=Extent("middle"))
    with pytest.raises(ImageError, match="stages"):
        api.decode(api.encode(PICTURE), stages=0)
    with pytest.raises(ImageError, match="preview"):
        api.decode(encoded(), preview=True)


# Settings.


def test_settings_from_a_file(tmp_path: Path) -> None:
    place = tmp_path / "mine.json"
    place.write_text('{"painter": {"last_steps": 7}, "masks": "box", "cell_px": 16}', "utf-8")
    found = levels.settings_of(place)
    assert (found.painter.last_steps, found.masks, found.cell_px, found.reference) == (7, "box", 16, "miniature")
    assert levels.settings_of("light") == PRESETS["light"]


@pytest.mark.parametrize(
    "wrong", ['{"masks": "hand"}', '{"cell_px": 5}', '{"words": "invert:clip-h"}', '{"reference": "jpeg"}', '{"quality": 3}']
)
def test_bad_settings_are_refused(wrong: str) -> None:
    with pytest.raises(SceneError):
        levels.from_json(wrong)


def test_settings_of_others_are_refused() -> None:
    with pytest.raises(SceneError):
        api.encode(PICTURE, system="pic", caption="a hill", wish=ASKED)
    with pytest.raises(SceneError):
        api.decode(api.encode(PICTURE, system="pic", caption="a hill"), settings=BOXES)


# Budgets.


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("limit_bytes", [20, 60, 100, 140, 200, 300])
def test_a_budget_is_kept(limit_bytes: int, bare: bool) -> None:
    try:
        blob = encoded(target_bytes=limit_bytes, bare=bare)
    except BudgetError as error:
        assert error.least_bytes is not None and error.least_bytes > limit_bytes
        limit_bytes = error.least_bytes
        blob = encoded(target_bytes=limit_bytes, bare=bare)
    assert len(blob) <= limit_bytes
    api.verify(blob)
    assert api.decode(blob, stages=0).shape == PICTURE.shape


def test_a_small_picture_takes_what_it_must() -> None:
    assert len(encoded()) > 0.045 * 96 * 64 / 8


# The file.


@pytest.mark.parametrize("seed", [0, 300])
def test_a_file_cut_behind_any_layer_is_a_picture(seed: int) -> None:
    whole = encoded(wish=replace(ASKED, seed=seed))
    header = unpack(whole)
    ends = np.cumsum([len(part.data) for part in parts(header)])
    checks = [end for end, part in zip(ends, parts(header), strict=True) if part.field == "check"]
    said = read(whole)
    for count, end in enumerate(checks[:-1], 1):
        cut = whole[:end]
        with pytest.raises(LimnerError):
            api.decode(cut, stages=0)
        left = read(cut, salvage=True)
        assert sedic.write(left) == header.layers[:count]
        assert left.seed in (0, seed)
        given = sedic.conditions(left, SIZE, STAGE_PAINTERS["paper"])
        assert len(given.things) == sum(1 for one in left.objects if one.words)
        assert (api.decode(cut, stages=0, salvage=True) == api.decode(whole, stages=0)).all()
    assert len(said.objects) == 2


def test_every_changed_byte_is_read_or_refused() -> None:
    blob = encoded(target_bytes=220)
    for at_byte in range(0, len(blob), 3):
        for cut in (blob[:at_byte], blob[:at_byte] + bytes([blob[at_byte] ^ 0x55]) + blob[at_byte + 1 :]):
            with pytest.raises(LimnerError):
                api.verify(cut)
            try:
                found = files.read(cut, salvage=True)
            except LimnerError:
                continue
            assert isinstance(found, files.OfSedic)


def said(words: str) -> Layer:
    return Layer(2, text.write(text.fit(words)))


def masked(*found: np.ndarray) -> Layer:
    return Layer(3, masks.write(Masks(8, found)))


ONE = np.zeros((8, 12), bool)
ONE[2:4, 3:6] = True


@pytest.mark.parametrize(
    "layers",
    [
        (said("a"), said("b")),
        (said(""),),
        (masked(ONE), said("a"), said("b")),
        (masked(ONE), masked(ONE), said("b")),
        (masked(ONE, ONE), said("a")),
        (masked(np.zeros_like(ONE)), said("a")),
        (masked(), said("a")),
        (masked(ONE), said("a")) * 9,
        (said("a"), Layer(5, choice.write(Choice(0)))),
        (said("a"), Layer(5, choice.write(Choice(3, 2, 1)))),
        (said("a"), Layer(6, sedic.DEFAULT)),
        (Layer(6, b"ab"),),
        (Layer(9, b"", may_skip=True),),
    ],
)
def test_what_no_writer_writes_is_refused(layers: tuple[Layer, ...]) -> None:
    with pytest.raises(LimnerError, match="layers"):
        files.read(pack(Blob(sedic.NUMBER, bytes(2), *SIZE, layers)))


@pytest.mark.parametrize("body", [b"", b"a", b"abc"])
def test_a_painter_has_two_bytes(body: bytes) -> None:
    with pytest.raises(LimnerError, match="painter"):
        painter.read(body)
    with pytest.raises(EncodeError):
        PainterId(body)


def test_weights_are_those_that_are_named(reference: references.Made) -> None:
    with pytest.raises(LimnerError, match="names no weights"):
        files.read(pack(Blob(sedic.NUMBER, b"ab", *SIZE, (said("a"),))))
    other = Blob(sedic.NUMBER, b"ab", *SIZE, (Layer(1, reference.body), said("a")))
    with pytest.raises(WrongModelError, match="6162"):
        files.read(pack(other))


def test_without_a_reference_it_is_grey() -> None:
    blob = pack(Blob(sedic.NUMBER, bytes(2), *SIZE, (said("a"),)))
    assert (api.decode(blob, stages=0) == 128).all()


def test_another_painter_is_sent_and_told() -> None:
    wish = Wish(settings=replace(PRESETS["fast"], masks="box"), seed=9)
    blob = encoded(wish=wish)
    layers = read(blob)
    assert (layers.painter, layers.seed) == (model_id(STAGE_PAINTERS["fast"]), 9)
    rows = {row.owner.split()[-1]: row.value for row in api.inspect(blob).rows if row.field == "body"}
    assert rows["painter"] == "fast" and rows["masks"] == "1 mask on cells of 8 px" and "quality" in rows["latent"]
    assert levels.painter_of(layers.painter) == STAGE_PAINTERS["fast"]
    with pytest.raises(WrongModelError, match="settings"):
        levels.painter_of(b"ab")


def test_a_codec_with_a_hyperprior_is_a_reference(taco_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = encoded(weights=taco_set)
    assert unpack(blob).model == weights.at(taco_set).model_id
    with pytest.raises(WrongModelError):
        api.decode(blob, stages=0)
    alone = api.decode(blob, stages=0, weights=taco_set)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(taco_set.parent))
    assert (api.decode(blob, stages=0) == alone).all()
    assert "16/16" in str(api.inspect(blob))
    limit_bytes = len(blob) - 30
    assert len(encoded(weights=taco_set, target_bytes=limit_bytes)) <= limit_bytes


def test_the_packages_own_codec_is_a_reference() -> None:
    blob = encoded(wish=Wish(settings=replace(BOXES, reference="reference")))
    assert unpack(blob).model == weights.packaged("reference").model_id
    assert api.decode(blob, stages=0).shape == PICTURE.shape


def test_what_the_painter_is_given(reference: references.Made) -> None:
    layers = read(encoded())
    by = replace(STAGE_PAINTERS["paper"], short_px=None, area_px=64 * 48, multiple=8)
    found = sedic.conditions(layers, SIZE, by)
    assert found.size_px == by.size_px(*SIZE) and (found.words, found.seed) == (WHOLE, 0)
    assert [thing.words for thing in found.things] == [thing.detail for thing in TOLD.things]
    assert [thing.mask.shape for thing in found.things] == [found.size_px[::-1]] * 2
    grid = (found.size_px[1] // 8, found.size_px[0] // 8)
    assert inside(found.things[0].mask, grid).sum() < inside(np.ones((1, 1), bool), grid).sum()


class Painter:
    """Paints a level, one higher for each object and for words."""

    def paint(self, reference: Any, things: Any, words: str, seed: int, size_px: Any, *rest: Any) -> Any:
        return np.full((size_px[1], size_px[0], 3), 100 + len(things) + bool(words), np.uint8)


def test_what_is_proved_is_less_where_words_do_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "opened", lambda painter, machine: Painter())

    class Darker:
        def of(self, original: Any, candidates: Any) -> list[float]:
            return [-float(candidates[0].mean())]

    class Lighter:
        def of(self, original: Any, candidates: Any) -> list[float]:
            return [float(candidates[0].mean())]

    monkeypatch.setattr(staged.likeness, "at_hand", lambda **given: Darker())
    assert [layer.kind for layer in unpack(encoded(extent=Extent(proved=True))).layers] == [1]
    monkeypatch.setattr(staged.likeness, "at_hand", lambda **given: Lighter())
    assert [layer.kind for layer in unpack(encoded(extent=Extent(proved=True))).layers] == [1, 2, 3, 2, 3, 2]


# The command, and painting by tiny models in another process.


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "hill.png")
    (tmp_path / "mine.json").write_text('{"masks": "box"}', "utf-8")
    from limner.describe.scene import to_json

    (tmp_path / "hill.json").write_text(to_json(TOLD), "utf-8")
    photo, out = str(tmp_path / "hill.png"), str(tmp_path / "hill.limn")
    asked = ["--system", "sedic", "--settings", str(tmp_path / "mine.json"), "--target-bytes", "300"]
    assert main(["encode", photo, *asked]) == 0
    assert len((tmp_path / "hill.limn").read_bytes()) <= 300
    assert main(["encode", photo, "--scene", str(tmp_path / "hill.json"), *asked, "-o", str(tmp_path / "same.limn")]) == 0
    assert (tmp_path / "same.limn").read_bytes() == (tmp_path / "hill.limn").read_bytes()
    painted, kept = str(tmp_path / "painted.png"), tmp_path / "kept"
    assert main(["decode", out, "-o", painted, "--stages", "0", "--keep-stages", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["invented"] is False
    with Image.open(painted) as image:
        assert image.info["limner:detail"] == "the reference alone: nothing invented"
    assert [path.name for path in kept.iterdir()] == ["hill.0.png"]
    assert main(["decode", out, "-o", painted, "--overwrite"]) == 1
    assert "--stages 0" in capsys.readouterr().err
    (tmp_path / "cut.limn").write_bytes((tmp_path / "hill.limn").read_bytes()[:-1])
    assert main(["decode", str(tmp_path / "cut.limn"), "--stages", "0"]) == 1
    assert main(["decode", str(tmp_path / "cut.limn"), "--stages", "0", "--salvage"]) == 0
    assert main(["encode", photo, "--level", "low"]) == 2
    assert main(["encode", photo, "--system", "sedic", "--level", "middle"]) == 2


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings that name tiny models."""
    pytest.importorskip("diffusers")
    import tiny_stages

    place = tiny_stages.save(tmp_path_factory.mktemp("stages"))
    named = {"base": str(place / "base"), "control": str(place / "ir"), "object_steps": [2], "last_steps": 2}
    size = {"area_px": 3072, "short_px": None, "multiple": 8}
    (place / "settings.json").write_text(json.dumps({"painter": named | size, "masks": "box"}), "utf-8")
    return place / "settings.json"


def test_a_file_is_painted_alike_in_another_process(tiny: Path, tmp_path: Path) -> None:
    blob = encoded(wish=Wish(settings=tiny, seed=5))
    seen: dict[int, np.ndarray] = {}
    here = api.decode(blob, settings=tiny, keep=seen.__setitem__)
    assert here.shape == PICTURE.shape and list(seen) == [0, 1, 2, 3]
    half = api.decode(blob, settings=tiny, stages=1)
    assert half.shape == PICTURE.shape and not (half == here).all()
    with pytest.raises(WrongModelError, match="painter"):
        api.decode(blob)
    with pytest.raises(SceneError, match="stages"):
        api.decode(blob, settings=tiny, stages=3)
    (tmp_path / "a.limn").write_bytes(blob)
    command = [sys.executable, "-m", "limner", "decode", "a.limn", "--settings", str(tiny), "--keep-stages", "kept"]
    environment = os.environ | {"PYTHONPATH": str(Path(api.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    there = np.asarray(Image.open(tmp_path / "a.png"))
    assert np.abs(there.astype(int) - here.astype(int)).max() <= 2
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [f"a.{n}.png" for n in range(4)]


def test_words_are_proved_by_the_painter(tiny: Path) -> None:
    blob = encoded(wish=Wish(settings=tiny), extent=Extent(proved=True), target_bytes=250)
    assert len(blob) <= 250 and read(blob).reference is not None


# Who describes, finds and cuts out, in place of those with weights.


class Finder:
    """Finds houses, nothing else."""

    def boxes(self, pixels: Any, names: Any) -> list[Any]:
        return [(8, 10, 40, 30) if name == "house" else None for name in names]


class Says:
    def describe(self, pixels: Any, limits: Any) -> Told:
        things = (Thing("dog", detail="a brown dog"), Thing("house", detail="white walls, a dog before it"))
        return Told(overall="a hill, a dog on the grass, a house", things=things)


class Inner:
    """Takes the middle of a box."""

    def mask(self, pixels: Any, box: Any) -> Any:
        found = np.zeros(pixels.shape[:2], bool)
        found[box[1] + 6 : box[3] + 2, box[0] + 8 : box[2] - 8] = True
        return found


def test_what_is_not_there_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(objects, "describer", lambda *named: asked.append(named) or Says())
    monkeypatch.setattr(objects, "detector", lambda *named: asked.append(named) or Finder())
    monkeypatch.setattr(objects, "segmenter_of", lambda *named: asked.append(named) or Inner())
    layers = read(api.encode(PICTURE, system="sedic", wish=Wish(settings=replace(PRESETS["paper"], reference="miniature"))))
    assert asked == [("qwen3-vl", "cpu"), ("grounding-dino", "cpu"), ("sam", "cpu")]
    assert layers.whole is not None and layers.whole.words == "a hill, a house"
    (only,) = layers.objects
    assert only.words is not None and only.words.words == "white walls"
    assert masks.expand(only.masks, *SIZE)[0].sum() == 16 * 16


def test_a_segmenter_is_opened_once() -> None:
    assert objects.segmenter_of("grabcut", "cpu") is objects.segmenter_of("grabcut", "cpu")
    assert objects.segmenter_of("sam2", "cpu") != objects.segmenter_of("sam", "cpu")
