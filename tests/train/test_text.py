"""The model of words: made from lines, read back, and the fast counting agrees with the coder bit by bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from limner.cli import main  # noqa: E402
from limner.entropy import textmodel  # noqa: E402
from limner.entropy.coder import Reader, Writer  # noqa: E402
from limner.errors import LimnerError  # noqa: E402
from limner.train import text  # noqa: E402

THINGS = ["dog", "cat", "boat", "house", "red door"]
LINES = [f"A {thing} is near the {other} ." for thing in THINGS for other in THINGS for _ in range(6)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "lines.txt").write_text("\n".join(LINES), "utf-8")
    (folder / "more.jsonl").write_text(
        "\n".join(json.dumps({"caption": f"a {thing} at night"}) for thing in THINGS * 4), "utf-8"
    )
    out = folder / "model.npz"
    assert main(["train", "text", str(folder / "lines.txt"), str(folder / "more.jsonl"), "--out", str(out)]) == 0
    return out.read_bytes()


def coded(model: textmodel.Model, words: str) -> bytes:
    writer = Writer()
    assert model.code(writer, words.encode(), 1000) == words.encode()
    return writer.finish()


@pytest.mark.parametrize("words", ["a dog is near the boat", "A dog is near the cat.", "something else: 17 Ångström", ""])
def test_words_come_back(model: bytes, words: str) -> None:
    made = textmodel.load(model)
    reader = Reader(coded(made, words))
    assert made.code(reader, None, 1000).decode() == words
    reader.finish()


def test_what_was_seen_is_cheap(model: bytes) -> None:
    made = textmodel.load(model)
    assert len(coded(made, "a dog is near the boat")) <= 2 < len(coded(made, "xylophones quarrel"))


def test_fast_counts_are_those_of_the_coder() -> None:
    lines = text.corpus([text.tidied(line) for line in LINES])
    tables = [text.counted(lines, place) for place in range(textmodel.CONTEXTS)]
    mixing, _ = text.mixer(text.evidence(tables, lines))
    made = textmodel.load(text.dump(tables, mixing))
    asked = [b"a dog is near the red door" + bytes([textmodel.END]), b"one cow" + bytes([textmodel.END])]
    given = text.Corpus(np.frombuffer(b"".join(asked), np.uint8), np.ones(1, np.int64), text.contexts(asked))
    found = text.evidence(tables, given)
    position = 0
    for words in asked:
        history = textmodel.History()
        for byte in words:
            sums = [table.sums(context) for table, context in zip(made.tables, history.contexts(), strict=True)]
            for place in range(8):
                node = (byte | 256) >> (8 - place)
                counts = [(some.get(2 * node, 0), some.get(2 * node + 1, 0)) for some in sums]
                evidence = [made.evidence(*pair) for pair in counts]
                known = [zeros + ones for zeros, ones in counts]
                assert found.sets[position] == textmodel.set_of(known)
                for context, (logit, bucket) in enumerate(evidence):
                    if known[context]:
                        assert found.buckets[position, context] == bucket
                        assert found.logits[position, context].item() * textmodel.UNIT == pytest.approx(logit, abs=0.01)
                position += 1
            history.push(byte)


def test_keys_survive_their_gaps() -> None:
    keys = np.array([0, 1, 254, 509, 510, 5000, 2**31], np.uint32)[:6]
    stored = textmodel.gaps_of(keys)
    table = textmodel.followers(16, (1,), stored, np.zeros(6, np.uint8), np.zeros(6, np.uint8), np.zeros(6, np.uint8))
    assert table.keys.tolist() == keys.tolist()


def test_lines_that_are_none_are_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text('{"words": 1}', "utf-8")
    with pytest.raises(LimnerError, match=r"lines\.jsonl"):
        text.lines_of(path)
