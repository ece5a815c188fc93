"""Some small files of limner, and where loaders find them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pictures import scene
from tar_files import tar

import limner


@pytest.fixture(scope="session")
def blobs() -> dict[str, bytes]:
    """Names and files, of pictures of different sizes."""
    return {f"{n:02d}": limner.encode(scene(32 + 8 * n, 48, n), target_bytes=120) for n in range(6)}


@pytest.fixture
def folder(blobs: Mapping[str, bytes], tmp_path: Path) -> Path:
    """A folder of them, with something else beside."""
    top = tmp_path / "folder"
    top.mkdir()
    for name, blob in blobs.items():
        (top / f"{name}.limn").write_bytes(blob)
    (top / "notes.txt").write_text("not a picture")
    return top


@pytest.fixture
def shard(blobs: Mapping[str, bytes], tmp_path: Path) -> Path:
    """A WebDataset shard of them, each with a class."""
    files: dict[str, bytes] = {}
    for number, (name, blob) in enumerate(blobs.items()):
        files |= {f"{name}.limn": blob, f"{name}.cls": str(number).encode()}
    return tar(tmp_path / "shard.tar", files)
