"""The PyTorch data set: order, workers of both kinds, threads, errors."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from loader_workers import Told, first_letter

import limner
from limner.errors import DecodeError, LimnerError
from limner.loaders.decoding import Decoding

torch = pytest.importorskip("torch")
pytest.importorskip("fsspec")
from torch.utils.data import DataLoader, Subset  # noqa: E402

from limner.loaders.torch import LimnDataset  # noqa: E402

# Newer Pythons warn of what DataLoader does by itself.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
STARTS = [start for start in ("fork", "spawn") if start in multiprocessing.get_all_start_methods()]


def test_items_are_what_decode_gives(folder: Path, shard: Path, blobs: Mapping[str, bytes]) -> None:
    for source in (folder, shard):
        found = LimnDataset(source)
        assert len(found) == len(blobs)
        for made, blob in zip(found, blobs.values(), strict=True):
            assert np.array_equal(made, limner.decode(blob))


def test_numbers_are_those_of_lists(folder: Path) -> None:
    found = LimnDataset(folder, Decoding(size=(4, 4)))
    assert np.array_equal(found[-1], found[5]) and np.array_equal(found[np.int64(2)], found[2])
    for number in (6, -7):
        with pytest.raises(IndexError):
            found[number]


def test_transform_and_label(folder: Path) -> None:
    found = LimnDataset(folder, Decoding("torchrgb8"), transform=lambda picture: picture.shape, label=str.upper)
    assert found[1] == (torch.Size([3, 48, 40]), "01.LIMN")


@pytest.mark.parametrize("start", STARTS)
def test_workers_give_the_same_in_the_same_order(start: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    found = LimnDataset(folder, Decoding("torchrgb", size=(16, 16)), label=first_letter)
    alone = [batch[0] for batch in DataLoader(found, batch_size=2)]  # opens the weights before the fork
    workers = DataLoader(found, batch_size=2, num_workers=2, multiprocessing_context=start)
    for expected, (pictures, labels) in zip(alone, workers, strict=True):
        assert pictures.dtype == torch.float32 and pictures.shape == (2, 3, 16, 16)
        assert torch.equal(pictures, expected) and list(labels) == ["0", "0"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by Linux")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core, one thread")
@pytest.mark.parametrize("wanted", [None, "2"])
def test_a_worker_takes_one_thread(wanted: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("threadpoolctl")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if wanted:
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    found = LimnDataset(folder, transform=Told())
    (told, *_) = DataLoader(found, batch_size=None, num_workers=1, multiprocessing_context="fork")
    blas, network, env = told
    assert env == (wanted or "1") and network == int(wanted or 1)
    if wanted is None:
        assert blas == 1


def test_this_process_keeps_its_threads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    LimnDataset(folder)[0]
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_item_is_an_error_with_its_name(workers: int, folder: Path) -> None:
    (folder / "03.limn").write_bytes((folder / "03.limn").read_bytes()[:-1])
    found = LimnDataset(folder)
    items = iter(DataLoader(Subset(found, [2, 3, 4]), batch_size=None, num_workers=workers))
    next(items)
    with pytest.raises(LimnerError, match=r"03\.limn: ") as caught:
        next(items)
    if not workers:
        assert isinstance(caught.value.__cause__, DecodeError)
    assert len(list(items)) == 1  # the loader goes on behind it
