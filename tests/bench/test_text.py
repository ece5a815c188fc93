"""The table of bits a character."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from limner.bench import text as bench
from limner.bench.huffman import code_lengths

pytest.importorskip("torch")

SCENE = {
    "caption": "a red boat in the harbour",
    "caption_ofa": "a boat on the water",
    "overall": "wide photograph of a small red boat at a stone pier, grey sky",
    "objects": [{"name": "boat", "box": [0, 0, 9, 9], "detail": "wooden hull painted red, two oars inside"}],
}


def test_a_page_is_made_of_scenes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenes, lines = tmp_path / "scenes.json", tmp_path / "lines.txt"
    scenes.write_text(json.dumps({"one": SCENE}), "utf-8")
    lines.write_text("\n".join(f"A boat number {number} on the water ." for number in range(3000)), "utf-8")
    assert bench.main(["--scenes", str(scenes), "--lines", str(lines), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "text.md").read_text("utf-8")
    rows = {cells[1].strip(): cells[2:] for cells in (line.split("|") for line in page.splitlines()) if len(cells) > 3}
    assert float(rows["UTF-8"][1]) == 8.0
    assert float(rows["text layer"][1]) < float(rows["zlib"][1])
    assert page in capsys.readouterr().out


@pytest.mark.parametrize("words", ["aaaa", "abracadabra", "a red boat in the harbour"])
def test_code_lengths_are_a_whole_code_near_the_entropy(words: str) -> None:
    counts = Counter(words.encode())
    lengths = code_lengths(counts)
    if len(counts) > 1:
        assert sum(2.0**-length for length in lengths.values()) == 1
    entropy = -sum(count * math.log2(count / len(words)) for count in counts.values())
    assert entropy <= sum(counts[symbol] * length for symbol, length in lengths.items()) <= entropy + len(words)
