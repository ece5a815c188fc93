"""Columns of `datasets` that are kept as files of limner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

import limner
import limner.pillow
from limner.container.blob import MAGIC
from limner.errors import BudgetError, LimnerError
from limner.loaders.parquet import rows

datasets = pytest.importorskip("datasets")
from limner.loaders.datasets import Limn  # noqa: E402

PICTURES = [scene(40, 24, number) for number in range(3)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    for number, pixels in enumerate(PICTURES):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return [str(tmp_path / f"{number}.png") for number in range(3)]


def expected(**asked: int) -> list[bytes]:
    return [limner.encode(pixels, **asked) for pixels in PICTURES]


def stored(made: object) -> list[bytes]:
    return list(made.cast_column("image", Limn(decode=False))["image"])  # type: ignore[attr-defined]


def test_a_column_of_paths(paths: list[str]) -> None:
    made = datasets.Dataset.from_dict({"image": [*paths, None], "label": [0, 1, 2, 3]})
    made = made.cast_column("image", Limn(target_bytes=100))
    blobs = expected(target_bytes=100)
    assert stored(made) == [*blobs, None]
    assert max(map(len, blobs)) <= 100
    for row, blob in zip(made, blobs, strict=False):
        assert isinstance(row["image"], Image.Image)
        assert np.array_equal(np.asarray(row["image"]), limner.decode(blob))
    assert made[3] == {"image": None, "label": 3}


@pytest.mark.parametrize("first", ["Image", "bytes", "limn"])
def test_columns_of_other_kinds(first: str, paths: list[str]) -> None:
    blobs = expected(target_bytes=100)
    made = datasets.Dataset.from_dict({"image": paths if first == "Image" else [Path(path).read_bytes() for path in paths]})
    if first == "Image":
        made = made.cast_column("image", datasets.Image())
    if first == "limn":
        made = datasets.Dataset.from_dict({"image": blobs})
    assert stored(made.cast_column("image", Limn(target_bytes=50 if first == "limn" else 100))) == blobs


def test_examples_of_every_kind(paths: list[str]) -> None:
    blob = expected(quality=9)[0]
    path, pixels = Path(paths[0]), PICTURES[0]
    for value in (path, str(path), path.read_bytes(), pixels, Image.fromarray(pixels), blob, bytearray(blob)):
        assert Limn(quality=9).encode_example(value) == blob
    for value in ({"path": str(path), "bytes": None}, {"path": "gone.png", "bytes": path.read_bytes()}):
        assert Limn(quality=9).encode_example(value) == blob


def test_made_with_the_feature(paths: list[str], tmp_path: Path) -> None:
    features = datasets.Features({"image": Limn(quality=9)})
    made = datasets.Dataset.from_dict({"image": PICTURES}, features=features)
    assert stored(made) == expected(quality=9)
    nested = datasets.Features({"pair": datasets.List(Limn(quality=9))})
    for pictures in (PICTURES, [Image.fromarray(pixels) for pixels in PICTURES]):
        pairs = datasets.Dataset.from_dict({"pair": [pictures[:2], pictures[1:]]}, features=nested)
        assert np.array_equal(np.asarray(pairs[1]["pair"][1]), limner.decode(expected(quality=9)[2]))


def test_saved_and_loaded(paths: list[str], tmp_path: Path) -> None:
    made = datasets.Dataset.from_dict({"image": paths}).cast_column("image", Limn(target_bytes=100, painter="vivid"))
    made.save_to_disk(str(tmp_path / "saved"))
    made.to_parquet(str(tmp_path / "saved.parquet"))
    disk = datasets.load_from_disk(str(tmp_path / "saved"))
    table = datasets.Dataset.from_parquet(str(tmp_path / "saved.parquet"), cache_dir=str(tmp_path / "cache"))
    for again in (disk, table):
        assert again.features == made.features
        assert stored(again) == expected(target_bytes=100)
        assert np.array_equal(np.asarray(again[1]["image"]), limner.decode(stored(made)[1], painter="vivid"))
    assert [row.blob for row in rows(tmp_path / "saved.parquet", column="image")] == stored(made)


def test_as_arrays_and_in_a_stream(paths: list[str]) -> None:
    made = datasets.Dataset.from_dict({"image": paths}).cast_column("image", Limn(target_bytes=100))
    pixels = limner.decode(stored(made)[0])
    assert np.array_equal(made.with_format("numpy")[0]["image"], pixels)
    assert np.array_equal(np.asarray(next(iter(made.to_iterable_dataset()))["image"]), pixels)


def test_the_pillow_plugin_serves_the_feature_of_the_library() -> None:
    blob = expected(target_bytes=100)[0]
    made = datasets.Dataset.from_dict({"image": [blob]}).cast_column("image", datasets.Image())
    assert np.array_equal(np.asarray(made[0]["image"]), limner.decode(blob))
    there = made.cast_column("image", Limn()).cast_column("image", datasets.Image())
    assert np.array_equal(np.asarray(there[0]["image"]), limner.decode(blob))


@pytest.mark.parametrize(
    "value",
    [
        *(b"not a picture", 3, "gone.png", "odd://gone.png", {"path": None, "bytes": None}),
        *([], [[1, 2], [3]], [[[0.5] * 3]], [[[256] * 3]], np.zeros((2, 2), np.float32)),
    ],
    ids=str,
)
def test_what_is_no_picture_is_an_error(value: object) -> None:
    with pytest.raises(LimnerError):
        Limn().encode_example(value)


def test_a_budget_that_nothing_meets_and_a_damaged_file() -> None:
    with pytest.raises(BudgetError):
        Limn(target_bytes=3).encode_example(PICTURES[0])
    for stored_ in (expected()[0][:-1], MAGIC, {"bytes": b""}):
        with pytest.raises(LimnerError):
            Limn().decode_example(stored_)
    with pytest.raises(LimnerError, match="decode=True"):
        Limn(decode=False).decode_example(expected()[0])
    made: Mapping[str, list[int]] = {"image": [1, 2]}
    with pytest.raises(LimnerError, match="int64"):
        datasets.Dataset.from_dict(made).cast_column("image", Limn())
