"""Adaptive bits and bitmaps: one walk both ways, the integers by hand, golden vectors, what learning is worth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limner.entropy import bitmap as bitmaps
from limner.entropy.adaptive import Contexts
from limner.entropy.bitmap import CONTEXTS, code_bitmap, contexts
from limner.entropy.coder import Reader, Writer
from limner.errors import EncodeError, LimnerError, MissingError

from . import reference

VECTORS = Path(__file__).parents[2] / "spec" / "vectors" / "entropy"
steps = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=150)
shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
pairs = shapes.flatmap(lambda shape: st.tuples(arrays(np.bool_, shape), arrays(np.bool_, shape)))


def written(walk: list[tuple[int, int]], states: Contexts) -> bytes:
    writer = Writer()
    for context, bit in walk:
        states.code(writer, context, bit)
    return writer.finish()


def by_hand(walk: list[tuple[int, int]], probabilities: list[int], counts: list[int]) -> bytes:
    """Do the same with the independent coder, straight from the spec."""
    held, seen = [16 * p for p in probabilities], list(counts)
    coded: list[reference.Step] = []
    for context, bit in walk:
        probability = min(max(held[context] // 16, 1), 4095)
        coded.append(([(4096 - probability) << 12, probability << 12], bit))
        held[context] += math.floor(2 * (65536 * bit - held[context]) / (2 * seen[context] + 3))
        seen[context] = min(seen[context] + 1, 255)
    return reference.encode(coded)


@given(steps, st.lists(st.integers(0, 4096), min_size=5, max_size=5), st.lists(st.integers(0, 255), min_size=5, max_size=5))
@settings(max_examples=80, deadline=None)
def test_both_ways_and_by_hand(walk: list[tuple[int, int]], probabilities: list[int], counts: list[int]) -> None:
    data = written(walk, Contexts(probabilities, counts))
    assert data == by_hand(walk, probabilities, counts)
    reader, states = Reader(data), Contexts(probabilities, counts)
    assert [states.code(reader, context, 0) for context, _ in walk] == [bit for _, bit in walk]
    reader.finish()


def test_the_first_steps() -> None:
    # P = 32768, n = 0: a one moves it by floor(2 * 32768 / 3) = 21845 to 54613, 3413/4096;
    # a zero after it by floor(2 * -54613 / 5) = floor(-21845.2) = -21846 to 32767, 2047/4096.
    states, writer = Contexts.fresh(1), Writer()
    assert states.probability(0) == 2048
    states.code(writer, 0, 1)
    assert states.probability(0) == 3413
    states.code(writer, 0, 0)
    assert states.probability(0) == 2047


def test_a_sure_context_costs_next_to_nothing() -> None:
    assert len(written([(0, 0)] * 4000, Contexts.fresh(1))) <= 2
    # A thousand bits of 1/16: entropy 337 bits; learning and forgetting cost less than 15 %.
    rng = np.random.default_rng(3)
    walk = [(0, int(bit)) for bit in rng.random(1000) < 1 / 16]
    ones = sum(bit for _, bit in walk)
    entropy_bits = -ones * math.log2(ones / 1000) - (1000 - ones) * math.log2(1 - ones / 1000)
    assert 8 * len(written(walk, Contexts.fresh(1))) < 1.15 * entropy_bits + 16


@pytest.mark.parametrize(("probabilities", "counts"), [([1], []), ([-1], [0]), ([4097], [0]), ([5], [256]), ([5], [-1])])
def test_what_is_no_state_is_refused(probabilities: list[int], counts: list[int]) -> None:
    with pytest.raises(EncodeError):
        Contexts(probabilities, counts)


@given(pairs, st.sampled_from(["masks", "sketch"]))
@settings(max_examples=40, deadline=None)
def test_a_bitmap_comes_back(pair: tuple[np.ndarray, np.ndarray], prior: str) -> None:
    drawn, under = pair
    writer = Writer()
    assert np.array_equal(code_bitmap(writer, contexts(prior), drawn, under), drawn)
    reader = Reader(writer.finish())
    assert np.array_equal(code_bitmap(reader, contexts(prior), np.zeros_like(drawn), under), drawn)
    reader.finish()


class Recorder:
    """Stand in for Contexts and note the context of each pixel."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def code(self, coder: object, context: int, bit: int) -> int:
        self.seen.append(context)
        return bit


def pixel(image: np.ndarray, row: int, column: int) -> int:
    """Give a pixel that was coded before, by the rules of the rim: above it is empty, else as the spec has it."""
    if row < 0:
        return 0
    if column < 0:
        return int(image[row - 1, 0]) if row else 0
    return int(image[row, min(column, image.shape[1] - 1)])


@given(pairs)
@settings(max_examples=40, deadline=None)
def test_the_contexts_are_the_picture_in_the_docstring(pair: tuple[np.ndarray, np.ndarray]) -> None:
    drawn, under = pair
    recorder = Recorder()
    code_bitmap(Writer(), recorder, drawn, under)  # type: ignore[arg-type]
    own = [(-2, -1), (-2, 0), (-2, 1), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (0, -2), (0, -1)]
    rim = np.pad(under, 1, mode="edge")
    expected = []
    for row, column in np.ndindex(drawn.shape):
        bits = [pixel(drawn, row + down, column + across) for down, across in own]
        bits += [int(rim[1 + row + down, 1 + column + across]) for down, across in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))]
        expected.append(int("".join(map(str, bits)), 2))
    assert recorder.seen == expected


@given(st.binary(max_size=30), shapes)
@settings(max_examples=40, deadline=None)
def test_bytes_of_whatever_origin(data: bytes, shape: tuple[int, int]) -> None:
    blank = np.zeros(shape, np.bool_)
    reader = Reader(data)
    try:
        code_bitmap(reader, contexts("masks"), blank, blank)
        reader.finish()
    except LimnerError:
        pass


def test_a_prior_is_the_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(bitmaps._prior("masks")[0]) == len(bitmaps._prior("sketch")[0]) == CONTEXTS
    monkeypatch.setattr(bitmaps, "prior_file", lambda name: tmp_path / name)
    with pytest.raises(MissingError):
        bitmaps._prior.__wrapped__("masks")
    (tmp_path / "masks").write_bytes(bytes(65536))
    with pytest.raises(MissingError):
        bitmaps._prior.__wrapped__("masks")


def vector_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("adaptive-*.json"))
    if not found:
        raise FileNotFoundError(f"no vectors in {folder}")
    return found


@pytest.mark.parametrize("path", vector_files(VECTORS), ids=lambda path: path.stem)
def test_vectors(path: Path) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    walk = list(zip(vector["contexts"], vector["bits"], strict=True))
    start = (vector["probabilities"], vector["confidences"])
    assert written(walk, Contexts(*start)).hex() == vector["hex"]
    reader, states = Reader(bytes.fromhex(vector["hex"])), Contexts(*start)
    assert [states.code(reader, context, 0) for context, _ in walk] == vector["bits"]
    reader.finish()


def test_the_walker_fails_on_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vector_files(tmp_path)
