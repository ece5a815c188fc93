"""The coder in Python alone: the same bytes and symbols as constriction's, and the same refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.entropy import plain, ranges
from limner.entropy.coder import Reader, Writer, bit_table
from limner.entropy.tables import Table
from limner.errors import DamagedError

from .test_coder import Walk, blanked, run, walks, written


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """A process without constriction. Tables keep their models: those of these tests are made anew."""
    bit_table.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "constriction", None)
        yield
    bit_table.cache_clear()


def anew(walk: Walk) -> Walk:
    return [(Table(table.low, table.frequencies), symbols) for table, symbols in walk]


@given(walks(), st.lists(st.integers(0, 1), max_size=9))
@settings(max_examples=150)
def test_the_same_bytes(walk: Walk, bits: list[int]) -> None:
    expected = written(walk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "constriction", None)
        made = Writer()
        run(made, anew(walk))
        assert made.finish() == expected
        reader = Reader(expected)
        assert run(reader, anew(blanked(walk))) == [list(symbols) for _, symbols in walk]
        reader.finish()


@given(st.binary(max_size=40), walks())
@settings(max_examples=150)
def test_bytes_of_whatever_origin_are_read_alike(data: bytes, walk: Walk) -> None:
    def outcome(asked: Walk) -> object:
        reader = Reader(data)
        try:
            found = run(reader, asked)
            reader.finish()
        except DamagedError:
            return None
        return found

    expected = outcome(blanked(walk))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "constriction", None)
        assert outcome(anew(blanked(walk))) == expected


@given(walks(), walks())
@settings(max_examples=50)
def test_a_place_can_be_sought(first: Walk, second: Walk) -> None:
    writer = plain.RangeEncoder()
    models = [(plain.model(table.frequencies), table.places(np.array(symbols))) for table, symbols in (*first, *second)]
    for model, places in models[: len(first)]:
        writer.encode(places, model)
    place = writer.pos()
    for model, places in models[len(first) :]:
        writer.encode(places, model)
    number = int.from_bytes(np.array(writer.words, ">u4").tobytes(), "big") << 64 | writer.lower
    data = number.to_bytes(4 * len(writer.words) + 8 + (writer.lower < 0), "big")
    reader = plain.RangeDecoder(np.frombuffer(data, ">u4").astype(np.uint32))
    reader.seek(*place)
    for model, places in models[len(first) :]:
        assert np.array_equal(reader.decode(model, len(places)), places)


def test_a_carry_runs_through_full_words() -> None:
    words = [1, plain.WORD, plain.WORD]
    plain.carry(words)
    assert words == [2, 0, 0]


def test_bits(alone: None) -> None:
    writer = Writer()
    bits = [(n * n // 3) % 2 for n in range(200)]
    for n, bit in enumerate(bits):
        writer.code_bit(bit, 1 + 37 * n % 4095)
    reader = Reader(writer.finish())
    assert [reader.code_bit(0, 1 + 37 * n % 4095) for n in range(200)] == bits
    reader.finish()


def test_a_picture_without_constriction(tmp_path: Path) -> None:
    """In a fresh process that cannot import it, the same file is made and painted."""
    code = """
import sys
if sys.argv[1] == "without":
    sys.modules["constriction"] = None
import numpy as np, limner
picture = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)[..., None].repeat(3, axis=2)
blob = limner.encode(picture, quality=20)
sys.stdout.buffer.write(blob + limner.decode(blob).tobytes())
"""
    made = [
        subprocess.run([sys.executable, "-c", code, how], cwd=tmp_path, capture_output=True, check=True).stdout
        for how in ("with", "without")
    ]
    assert made[0] == made[1] and len(made[0]) > 48 * 64 * 3
