"""What the page on loaders shows is run, in the order it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pictures import scene
from PIL import Image
from tar_files import tar

import limner
from limner.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "loaders.md"


def made(folder: Path, blobs: list[bytes]) -> None:
    """What the page speaks of."""
    parquet, pyarrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    for name in ("small", "shards", "photos"):
        (folder / name).mkdir()
    for number, blob in enumerate(blobs):
        (folder / "small" / f"{number}.limn").write_bytes(blob)
        Image.fromarray(scene(40, 30, number)).save(folder / "photos" / f"{number}.png")
    for shard, start in (("000", 0), ("001", 3)):
        files = {}
        for number, blob in enumerate(blobs[start : start + 3], start):
            files |= {f"{number}.limn": blob, f"{number}.cls": str(number).encode()}
        tar(folder / "shards" / f"{shard}.tar", files)
    cells = {"path": [str(number) for number in range(6)], "image": blobs, "label": [*range(6)]}
    parquet.write_table(pyarrow.table(cells), folder / "blobs.parquet")
    asked = ["--output", str(folder / "encoded"), "--target-bytes", "120", "--plain"]
    assert main(["scale", "encode", "--input", str(folder / "photos"), *asked]) == 0


def test_the_snippets_do_what_they_say(blobs: Mapping[str, bytes], tmp_path: Path) -> None:
    for package in ("torch", "webdataset", "datasets"):
        pytest.importorskip(package)
    made(tmp_path, [*blobs.values()])
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(shown) >= 8
    (tmp_path / "shown.py").write_text("\n".join(shown))
    done = subprocess.run([sys.executable, "shown.py"], cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said.count("torch.Size([3, 192, 256]) 4") == 1  # a sample of a shard
    assert said.count("torch.Size([4, 3, 192, 256])") == 1  # a batch
    assert f"3.png {len(limner.encode(tmp_path / 'photos' / '3.png', target_bytes=120))}" in said  # a row
    assert "5 5 (48, 72, 3)" in said  # its picture
    assert said[-1] == "(40, 48)"  # by Pillow
