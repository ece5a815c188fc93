"""Samples of WebDataset shards with files of limner in them."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from tar_files import tar

import limner
from limner.errors import DecodeError
from limner.loaders.decoding import Decoding
from limner.loaders.webdataset import decoded, limn_handler

webdataset = pytest.importorskip("webdataset")
# It leaves files to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def samples(shard: Path) -> object:
    return webdataset.WebDataset(str(shard), shardshuffle=False, empty_check=False)


def test_samples_are_what_decode_gives(shard: Path, blobs: Mapping[str, bytes]) -> None:
    found = list(samples(shard).decode(limn_handler()).to_tuple("__key__", "limn", "cls"))
    assert [(key, number) for key, _, number in found] == list(zip(blobs, range(6), strict=True))
    for key, picture, _ in found:
        assert np.array_equal(picture, limner.decode(blobs[key]))


def test_it_goes_with_other_handlers(blobs: Mapping[str, bytes], tmp_path: Path, photo_file: Path) -> None:
    files = {"a.limn": blobs["02"], "a.small.LIMN": blobs["01"], "a.png": photo_file.read_bytes(), "a.txt": b"limn"}
    (sample,) = samples(tar(tmp_path / "x.tar", files)).decode("rgb8", limn_handler(Decoding("rgb", size=(8, 4))))
    assert sample["limn"].shape == sample["small.limn"].shape == (4, 8, 3)
    assert sample["limn"].dtype == np.float32
    assert sample["png"].shape == (96, 144, 3)
    assert sample["txt"] == "limn"


def test_batches_of_tensors(shard: Path) -> None:
    torch = pytest.importorskip("torch")
    chain = samples(shard).decode(limn_handler(Decoding("torchrgb", size=(16, 8)))).to_tuple("limn", "cls").batched(4)
    pictures, numbers = next(iter(chain))
    assert pictures.shape == (4, 3, 8, 16) and pictures.dtype == torch.float32
    assert list(numbers) == [0, 1, 2, 3]


def test_a_bad_sample_is_for_the_policy(blobs: Mapping[str, bytes], tmp_path: Path) -> None:
    files = {"a.limn": blobs["00"], "b.limn": blobs["01"][:-3], "c.limn": blobs["02"]}
    shard = tar(tmp_path / "x.tar", files)
    with pytest.raises(webdataset.autodecode.DecodingError) as caught:
        list(samples(shard).decode(limn_handler()))
    assert isinstance(caught.value.__cause__, DecodeError) and caught.value.key == "b"
    left = list(samples(shard).decode(limn_handler(), handler=webdataset.ignore_and_continue))
    assert [sample["__key__"] for sample in left] == ["a", "c"]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        left = list(samples(shard).decode(limn_handler(), handler=webdataset.warn_and_continue))
    assert len(left) == 2 and said


def test_other_names_are_left_alone(blobs: Mapping[str, bytes]) -> None:
    assert decoded(".jpg", blobs["00"], decoding=Decoding()) is None
    assert decoded(".limn.txt", b"", decoding=Decoding()) is None
