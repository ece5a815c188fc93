"""Files of sedic by layers: rows that add up, what is under masks, and the accounting of others by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import scene

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from limner import api, files
from limner.bench import sedic, sedic_paper
from limner.bench.huffman import huffman_bits, huffman_bytes, table_bytes
from limner.bench.sedic_row import DETAILS, LATENT, MASKS, REST, WHOLE, Asked, Row
from limner.bench.sedic_told import Told, prompt, told
from limner.describe.scene import Scene, Thing
from limner.image import save
from limner.layers import text
from limner.layers.masks import Masks
from limner.painted import Wish
from limner.systems.levels import LEVELS, PRESETS
from limner.systems.sedic import DEFAULT, Layers, Object

SIZE = (96, 64)
PICTURE = scene(*SIZE)
TOLD = Scene(
    overall="a green hill under a blue sky, with a path that leads up to a small house",
    things=(
        Thing("house", (8, 10, 40, 30), "white walls, red roof, two small windows"),
        Thing("path", (50, 30, 90, 60), "light sand, narrow, with grass at both sides"),
    ),
)
SCENES = {
    "one.png": {
        "overall": TOLD.overall,
        "objects": [{"name": one.name, "box": list(one.box or ()), "detail": one.detail} for one in TOLD.things],
    }
}


def encoded(seed: int = 0) -> bytes:
    return api.encode(PICTURE, system="sedic", scene=TOLD, wish=Wish(settings=PRESETS["light"], seed=seed))


def layers_of(blob: bytes) -> Layers:
    found = files.read(blob)
    assert isinstance(found, files.OfSedic)
    return found.layers


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(PICTURE, tmp_path / "one.png")
    (tmp_path / "scenes.json").write_text(json.dumps(SCENES), "utf-8")
    asked = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--codecs", "miniature", "--budgets", "10", "200"]
    assert sedic.main(asked) == 0
    page = (tmp_path / "out" / "sedic.md").read_text("utf-8")
    assert capsys.readouterr().out == page
    lines = [json.loads(line) for line in (tmp_path / "out" / "sedic.jsonl").read_text("utf-8").splitlines()]
    assert [line["asked"] for line in lines] == [
        {"level": "low", "target_bytes": None},
        {"level": "high", "target_bytes": None},
        {"level": "high", "target_bytes": 10},
        {"level": "high", "target_bytes": 200},
    ]
    assert "too few" in lines[2]["failure"] and "10 bytes" in page
    assert "| miniature, at most 10 bytes | 0 | – |" in page
    rows = [line for line in lines if "bytes" in line]
    assert [row["objects"] for row in rows[:2]] == [1, 2] and rows[2]["bytes"] <= 200
    for row in rows:
        assert sum(row["layers_bytes"].values()) == row["bytes"]
        assert row["told"]["reference_bytes"] == row["layers_bytes"][LATENT]
        assert row["told"]["masks_bytes"] == row["layers_bytes"][MASKS]
        assert 0 < row["covered_share"] < 1 and 0 < row["psnr_db"] < 60
    assert rows[1]["bytes"] == len(encoded())


def test_a_picture_of_which_nobody_speaks_is_refused(tmp_path: Path) -> None:
    save(PICTURE, tmp_path / "two.png")
    (tmp_path / "scenes.json").write_text(json.dumps(SCENES), "utf-8")
    with pytest.raises(sedic.LimnerError, match=r"what two.png shows"):
        sedic.main(["--data", str(tmp_path), "--out", str(tmp_path)])


# Layers.


@pytest.mark.parametrize("seed", [0, 300])
def test_bodies_by_layer(seed: int) -> None:
    blob = encoded(seed)
    found, layers = sedic.by_layer(api.inspect(blob)), layers_of(blob)
    assert layers.reference is not None and layers.whole is not None
    assert found[LATENT] == len(layers.reference.body)
    assert found[WHOLE] == len(text.write(layers.whole))
    assert found[DETAILS] == sum(len(text.write(one.words)) for one in layers.objects if one.words)
    assert sum(found.values()) == len(blob)
    # A choice is no layer of its own on the page: lead, length, body and check are with the rest.
    assert found[REST] == sedic.by_layer(api.inspect(encoded()))[REST] + (0 if seed == 0 else 7)


def test_layers_must_add_up() -> None:
    zero = Told(0, 0, 0, 0, 0, 1)
    parts = {LATENT: 3, WHOLE: 0, DETAILS: 0, MASKS: 0, REST: 5}
    good = Row("a", "b", Asked("low"), "", 8, 8, 0, parts, 8, 1.0, None, 0.0, 0.0, zero)
    with pytest.raises(ValueError, match="add up"):
        replace(good, bytes=9)
    with pytest.raises(ValueError, match="was to have"):
        replace(good, asked=Asked("high", 7))


def test_names_are_those_of_what_is_sent() -> None:
    layers = layers_of(encoded())
    assert list(sedic.names_of(layers, TOLD)) == ["house", "path"]
    assert list(sedic.names_of(replace(layers, objects=layers.objects[1:]), TOLD)) == ["path"]


# Under the masks.


def object_of(mask: np.ndarray, words: str = "sand") -> Object:
    return Object(Masks(8, (mask,)), text.fit(words))


def test_what_is_lost_under_a_mask() -> None:
    flat = np.full_like(PICTURE, 128)
    left, everywhere = np.zeros((8, 12), bool), np.ones((8, 12), bool)
    left[:, :6] = True
    layers = Layers(None, None, (object_of(left),), 0, DEFAULT)
    half = PICTURE.copy()
    half[:, 48:] = 128
    # All that is lost is on the left, where the mask is.
    assert sedic.under_masks(half, flat, layers) == (0.5, 1.0)
    assert sedic.under_masks(PICTURE, flat, replace(layers, objects=(object_of(everywhere), object_of(left)))) == (1.0, 1.0)
    assert sedic.under_masks(PICTURE, PICTURE, layers) == (0.5, 0.0)
    assert sedic.under_masks(PICTURE, flat, replace(layers, objects=())) == (0.0, 0.0)


# The accounting of the authors' program.


def test_the_accounting_by_hand() -> None:
    mask = np.zeros((8, 12), bool)
    mask[1:3, 2:5] = True
    found = told(Layers(None, text.fit("aab"), (), 0, DEFAULT), [], (100, 64))
    # a, a, b: a bit each. Table: how many, two symbols, two lengths. Sizes: 100, 64, 0 and 3 take a byte each.
    assert found == Told(0, 3, 4, 0, 4, 128 * 64)
    assert (found.counted_bytes, found.missing_bytes, found.whole_bytes) == (3 / 8, 8, 9)
    assert found.counted_bpp == 3 / (128 * 64)
    both = told(Layers(None, text.fit("aab"), (object_of(mask, "cab"),), 0, DEFAULT), ["tree"], (100, 64))
    assert both.words_bits == huffman_bits("tree.\ncab\naab")
    assert both.masks_bytes > 0 and both.sizes_bytes == 5


@pytest.mark.parametrize(
    ("names", "details", "whole", "found"),
    [
        (["dog", "red boat"], ["black", "old"], "a lake", "dog, red boat.\nblack\nold\na lake"),
        ([], [], "a lake", "a lake"),
        (["dog"], ["black"], "", "dog.\nblack"),
    ],
)
def test_a_prompt(names: Sequence[str], details: Sequence[str], whole: str, found: str) -> None:
    assert prompt(names, details, whole) == found


@given(st.text(max_size=60))
def test_a_code_is_no_shorter_than_a_bit_each_and_its_table_is_counted(words: str) -> None:
    size = len(words.encode())
    assert huffman_bits(words) >= (size if size else 0)
    assert huffman_bits(words) <= 8 * size
    assert huffman_bytes(words) == table_bytes(words) + (huffman_bits(words) + 7) // 8
    assert table_bytes(words) == table_bytes(words + words)


# What the paper reports.


def test_reported_rows_are_those_of_the_levels() -> None:
    rows = {one.number: one for one in sedic_paper.VARIANTS}
    assert sorted(rows) == list(range(1, 10))
    high = LEVELS["high"].limits
    assert (rows[6].objects, rows[6].detail_words, rows[6].overall_words) == (
        high.things,
        high.detail_words,
        high.overall_words,
    )
    assert [number for number, one in rows.items() if not one.reference] == [7]
    for level, (least, most) in sedic_paper.RANGES_BPP.items():
        assert least <= LEVELS[level].bpp <= most
    # Each layer that is taken away costs less.
    bpp = {one.variant.number: one.bpp for one in sedic_paper.TABLE_1}
    assert all(bpp[with_it] > bpp[without] for _, with_it, without in sedic_paper.COSTS)
