"""Bytes of words and sketches: rows that add up, and the accounting of others by hand."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path

import pytest
from pictures import scene

pytest.importorskip("skimage")

from limner.bench import textsketch
from limner.image import save


def test_the_page(sketch_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(scene(96, 64), tmp_path / "one.png")
    (tmp_path / "scenes.json").write_text(json.dumps({"one.png": {"caption": "a green hill"}}), "utf-8")
    asked = ["--data", str(tmp_path), "--out", str(tmp_path), "--weights", str(sketch_set), "--budgets", "150", "300"]
    assert textsketch.main(asked) == 0
    page = (tmp_path / "textsketch.md").read_text("utf-8")
    assert capsys.readouterr().out == page
    rows = [json.loads(line) for line in (tmp_path / "textsketch.jsonl").read_text().splitlines()]
    assert [(row["system"], row["sketch_budget_bytes"]) for row in rows] == [("pic", 0), ("pics", 150), ("pics", 300)]
    for row in rows:
        assert row["bytes"] == row["words_bytes"] + row["sketch_bytes"] + row["rest_bytes"]
        assert row["bytes"] <= rows[0]["bytes"] + row["sketch_budget_bytes"]


def test_the_accounting_of_others() -> None:
    words = "a dog on a beach"
    assert sys.getsizeof(b"") == textsketch.HEADER_OF_BYTES
    zipped = zlib.compress(words.encode())
    assert textsketch.told_bits(words, 0, 4) == 8 * sys.getsizeof(zipped) + 2
    assert textsketch.told_bits(words, 107, 1) == 8 * (sys.getsizeof(zipped) + 100)
