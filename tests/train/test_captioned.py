"""Captioned photographs: both ways that they lie in a folder, what is left out, and how texts pass through a batch."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

torch = pytest.importorskip("torch")

from limner.errors import ImageError, LimnerError  # noqa: E402
from limner.train import captioned  # noqa: E402
from limner.train.captioned import Kept, as_bytes, as_texts, crop, load, tidy  # noqa: E402

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=80)
@given(st.lists(TEXTS, max_size=5))
def test_texts_pass_through_bytes(texts: list[str]) -> None:
    packed = as_bytes(texts)
    assert packed.dtype == torch.uint8 and packed.shape == (len(texts), max([len(t.encode()) for t in texts], default=0))
    assert as_texts(packed) == texts


@settings(max_examples=80)
@given(st.text(max_size=30))
def test_any_caption_can_be_made_to_pass(text: str) -> None:
    clean = tidy(text)
    assert clean == tidy(clean)
    (found,) = as_texts(as_bytes([clean]))
    assert found == clean.encode("utf-8", "replace").decode()


@settings(max_examples=60)
@given(w=st.integers(1, 90), h=st.integers(1, 90), size=st.integers(1, 64), seed=st.integers(0, 999))
def test_a_crop_is_a_piece_of_the_picture_or_of_its_mirror(w: int, h: int, size: int, seed: int) -> None:
    photo = np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)
    piece = crop(photo, size, np.random.default_rng(seed))
    assert piece.shape == (size, size, 3)
    if w >= size and h >= size:
        windows = np.lib.stride_tricks.sliding_window_view(photo, (size, size, 3))
        assert (windows == piece).all((2, 3, 4, 5)).any()


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def shards(folder: Path) -> Path:
    """Two shards; of each a small picture, one that nobody described, one with two captions, and one of BSDS."""
    lines = []
    for shard in range(2):
        with tarfile.open(folder / f"photos-0{shard}.tar", "w") as tar:
            for number, (name, w) in enumerate((("small", 256), ("mute", 300), ("in_two", 300), ("bsd_one", 300))):
                data = png(scene(w, 260, number))
                info = tarfile.TarInfo(f"{name}{shard}.png")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
                times = 0 if name == "mute" else 1 + (name == "in_two")
                lines += [{"file": info.name, "caption": f" {name}{shard}  {k} "} for k in range(times)]
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n", "utf-8")
    return folder


def test_shards_are_read_with_all_captions_of_large_pictures(tmp_path: Path) -> None:
    found = load(shards(tmp_path))
    assert [one.captions for one in found.held_out] == [("bsd_one1 0",)]
    assert [one.captions for one in found.train] == [("in_two0 0", "in_two0 1"), ("bsd_one0 0",), ("in_two1 0", "in_two1 1")]
    rng = np.random.default_rng(0)
    drawn = [found.draw(rng) for _ in range(40)]
    assert {one.caption for one in drawn} == {caption for one in found.train for caption in one.captions}
    assert np.array_equal(found.train[1].pixels, scene(300, 260, 3))
    assert len(load(tmp_path, over_px=255).train) == 5


def coco(folder: Path, year: str = "2014", pictures: int = 52) -> Path:
    """MS-COCO's files: five captions of each, in any order; one small picture, one that is not there, one that is mute."""
    (folder / "annotations").mkdir()
    (folder / f"train{year}").mkdir()
    images, annotations = [], []
    for number in range(pictures + 3):
        name = f"COCO_train{year}_{number:012}.png"
        width = 200 if number == pictures else 300
        images.append({"id": 7 * number, "file_name": name, "width": width, "height": 280})
        told = 0 if number == pictures + 1 else 5
        annotations += [{"image_id": 7 * number, "id": 9 * number + k, "caption": f"{number} said {k}\n"} for k in range(told)]
        if number != pictures + 2:
            (folder / f"train{year}" / name).write_bytes(png(np.full((1, 1, 3), number, np.uint8)))
    kept = {"images": images, "annotations": annotations[::-1], "info": {}, "licenses": []}
    (folder / "annotations" / f"captions_train{year}.json").write_text(json.dumps(kept))
    return folder


@pytest.mark.parametrize("year", ["2014", "2017"])
def test_coco_is_read_by_its_lists(tmp_path: Path, year: str) -> None:
    found = load(coco(tmp_path, year))
    assert (len(found.train), len(found.held_out)) == (50, 2)
    assert [int(one.pixels[0, 0, 0]) for one in found.held_out] == [0, 50]
    assert sorted(found.train[0].captions) == [f"1 said {k}" for k in range(5)]
    rng = np.random.default_rng(1)
    for _ in range(20):
        one = found.draw(rng)
        assert one.caption.split()[0] == str(one.pixels[0, 0, 0])


def test_folders_without_captions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match=r"wanted are captions\.jsonl and"):
        load(tmp_path)
    (tmp_path / "captions_train2014.json").write_text("[]")
    with pytest.raises(LimnerError, match="holds no captions of MS-COCO"):
        load(tmp_path)
    (tmp_path / "captions_train2014.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(LimnerError, match="0 large photographs with captions are too few"):
        load(tmp_path)
    (tmp_path / "captions.jsonl").write_text('{"file": "a.png", "caption": "a"}\nno json\n')
    with pytest.raises(LimnerError, match="line 2"):
        load(tmp_path)


def test_a_damaged_photograph_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8no picture")
    for file in (tmp_path / "a.jpg", tmp_path / "none.jpg", b"nothing"):
        with pytest.raises(ImageError, match="cannot be read"):
            _ = Kept(file, ("a",)).pixels
    with pytest.raises(LimnerError, match="has no caption"):
        Kept(b"", ())


def test_shards_of_one_kind_are_split(tmp_path: Path) -> None:
    shards(tmp_path)
    (tmp_path / "photos-01.tar").unlink()
    found = captioned.shards(tmp_path)
    # The last shard's BSDS picture is held out, as limner.train.photos has it.
    assert (len(found.train), len(found.held_out)) == (1, 1)
