"""The range coder: the laws, an independent coder, golden vectors, and bytes of whatever origin."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.entropy.coder import Coder, Reader, Writer, bit_table
from limner.entropy.tables import TOTAL, Table, gaussian_sigma, gaussians, quantise, uniform
from limner.errors import DamagedError, EncodeError, LimnerError

from . import reference

VECTORS = Path(__file__).parents[2] / "spec" / "vectors" / "entropy"
Walk = list[tuple[Table, list[int]]]


@cache
def table_from(sizes: int, seed: int) -> Table:
    """Draw a table: from flat to so steep that most frequencies are 1."""
    rng = np.random.default_rng(seed)
    return Table(int(rng.integers(-50, 50)), quantise(rng.random(sizes) ** rng.integers(0, 60)))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    steps = []
    for _ in range(draw(st.integers(0, 6))):
        table = table_from(draw(st.sampled_from([1, 2, 3, 17, 300])), draw(st.integers(0, 30)))
        # The ends of a table are where carries live.
        symbol = st.one_of(st.just(table.low), st.just(table.high), st.integers(table.low, table.high))
        steps.append((table, draw(st.lists(symbol, max_size=12))))
    return steps


def run(coder: Coder, walk: Walk) -> list[list[int]]:
    return [coder.code(np.array(symbols, np.int32), table).tolist() for table, symbols in walk]


def written(walk: Walk) -> bytes:
    writer = Writer()
    run(writer, walk)
    return writer.finish()


def blanked(walk: Walk) -> Walk:
    return [(table, [0] * len(symbols)) for table, symbols in walk]


def plain(walk: Walk) -> list[reference.Step]:
    return [(t.frequencies.tolist(), s - t.low) for t, symbols in walk for s in symbols if t.frequencies.size > 1]


@given(walks())
@settings(max_examples=100, deadline=None)
def test_a_reader_reads_what_a_writer_wrote(walk: Walk) -> None:
    reader = Reader(written(walk))
    assert run(reader, blanked(walk)) == [symbols for _, symbols in walk]
    reader.finish()


@given(walks())
@settings(max_examples=100, deadline=None)
def test_an_independent_coder_agrees_byte_by_byte(walk: Walk) -> None:
    steps = plain(walk)
    data = written(walk)
    assert reference.encode(steps) == data
    assert reference.decode(data, [frequencies for frequencies, _ in steps]) == [place for _, place in steps]


@given(walks())
@settings(max_examples=100, deadline=None)
def test_never_more_than_information_and_half_a_percent_and_four_bytes(walk: Walk) -> None:
    information_bits = sum(table.bits(np.array(symbols, np.int64)) for table, symbols in walk)
    assert 8 * len(written(walk)) <= information_bits * 1.005 + 32


@given(st.integers(0, 2**32), st.integers(2, 400), st.integers(0, 2000))
@settings(max_examples=100, deadline=None)
def test_never_less_than_information(seed: int, size: int, count: int) -> None:
    # For symbols drawn from the table. (Dropped zero bytes may beat the information of a chosen walk; of drawn
    # ones k bytes of luck have odds of about 256**-k.)
    table = table_from(size, seed)
    rng = np.random.default_rng(seed)
    symbols = rng.choice(size, count, p=table.frequencies / TOTAL) + table.low
    length_bits = 8 * len(written([(table, symbols.tolist())]))
    assert length_bits >= table.bits(symbols) - 32


@given(walks(), walks())
@settings(max_examples=100, deadline=None)
def test_a_writer_may_be_finished_and_go_on(first: Walk, second: Walk) -> None:
    writer = Writer()
    run(writer, first)
    assert writer.finish() == written(first)
    run(writer, second)
    assert writer.finish() == written(first + second)


@given(st.binary(max_size=60), walks())
@settings(max_examples=100, deadline=None)
def test_bytes_of_whatever_origin(data: bytes, walk: Walk) -> None:
    reader = Reader(data)
    try:
        symbols = run(reader, blanked(walk))
        reader.finish()
    except LimnerError:
        return
    assert written([(table, got) for (table, _), got in zip(walk, symbols, strict=True)]) == data


@given(st.binary(max_size=20))
@settings(max_examples=100, deadline=None)
def test_beyond_the_end_zeros_are_read(data: bytes) -> None:
    tables = [uniform(1000).frequencies.tolist()] * 60
    try:
        expected = reference.decode(data, tables)
    except ValueError:
        with pytest.raises(DamagedError):
            Reader(data).code(np.zeros(60, np.int32), uniform(1000))
        return
    assert Reader(data).code(np.zeros(60, np.int32), uniform(1000)).tolist() == expected


@given(walks(), st.binary(min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_bytes_behind_the_end_are_refused(walk: Walk, more: bytes) -> None:
    reader = Reader(written(walk) + more)
    with pytest.raises(DamagedError):
        run(reader, blanked(walk))
        reader.finish()


def test_ones_only_are_no_coded_symbols() -> None:
    with pytest.raises(DamagedError):
        Reader(b"\xff" * 16).code(np.zeros(50, np.int32), uniform(3))
    with pytest.raises(DamagedError):
        Reader(b"\xff" * 16).code_bit(0, 2048)


@given(st.lists(st.tuples(st.integers(1, 4095), st.integers(0, 1)), max_size=200))
@settings(max_examples=100, deadline=None)
def test_bits(bits: list[tuple[int, int]]) -> None:
    writer = Writer()
    assert [writer.code_bit(bit, probability) for probability, bit in bits] == [bit for _, bit in bits]
    data = writer.finish()
    assert data == reference.encode([([TOTAL - (p << 12), p << 12], bit) for p, bit in bits])
    reader = Reader(data)
    assert [reader.code_bit(0, probability) for probability, _ in bits] == [bit for _, bit in bits]
    reader.finish()


def test_what_cannot_be_encoded_is_refused() -> None:
    writer = Writer()
    for symbols in ([3], [-1], [[0]], [0.5], [2**40]):
        with pytest.raises(EncodeError):
            writer.code(np.array(symbols), uniform(3))
    for bit, probability in ((0, 0), (0, 4096), (2, 5), (-1, 5)):
        with pytest.raises(EncodeError):
            writer.code_bit(bit, probability)
    assert writer.finish() == b""


def test_a_hundred_thousand_symbols_are_quick() -> None:
    rng = np.random.default_rng(1)
    tables = gaussians()
    walk = [np.clip(np.rint(rng.normal(0, gaussian_sigma(k), 1563)), -255, 255).astype(np.int32) for k in range(64)]
    for table in tables:
        assert table.model  # Made once a process.
    best = {"write": 9.9, "read": 9.9}
    for _ in range(5):
        writer, start = Writer(), time.perf_counter()
        for symbols, table in zip(walk, tables, strict=True):
            writer.code(symbols, table)
        data = writer.finish()
        best["write"] = min(best["write"], time.perf_counter() - start)
        reader, start = Reader(data), time.perf_counter()
        for symbols, table in zip(walk, tables, strict=True):
            reader.code(np.zeros_like(symbols), table)
        reader.finish()
        best["read"] = min(best["read"], time.perf_counter() - start)
    # Several times what it takes: symbol by symbol in Python would take seconds, and a machine of tests may be slow.
    assert best["write"] < 0.150 and best["read"] < 0.500


def test_by_hand() -> None:
    # One symbol, the last of two halves: scale = (2**64 - 1) >> 24 = 2**40 - 1, low = 2**23 * scale
    # = 0x7fffffffff800000, width the same. The least byte b with b * 2**56 >= low is 0x80.
    assert written([(uniform(2), [1])]) == b"\x80"
    assert written([(uniform(2), [0])]) == b""


def table_of(entry: dict[str, object]) -> Table:
    """Build a vector's table; exactly one of the five ways to name it."""
    ((kind, value),) = entry.items()
    if kind == "frequencies":
        assert isinstance(value, dict)
        return Table(value["low"], np.array(value["of"]))
    assert isinstance(value, int)
    return {"gaussian": lambda: gaussians()[value], "uniform": lambda: uniform(value), "bit": lambda: bit_table(value)}[kind]()


def check_vector(vector: dict) -> None:  # type: ignore[type-arg]
    walk = [(table_of(step["table"]), step["symbols"]) for step in vector["steps"]]
    reader = Reader(bytes.fromhex(vector["hex"]))
    if vector["valid"]:
        assert written(walk).hex() == vector["hex"]
        assert run(reader, blanked(walk)) == [symbols for _, symbols in walk]
        reader.finish()
        return
    with pytest.raises(DamagedError):
        run(reader, walk)
        reader.finish()


def vector_files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("range-*.json"))
    if not found:
        raise FileNotFoundError(f"no vectors in {folder}")
    return found


@pytest.mark.parametrize("path", vector_files(VECTORS), ids=lambda path: path.stem)
def test_vectors(path: Path) -> None:
    check_vector(json.loads(path.read_text(encoding="utf-8")))


def test_the_walker_fails_on_nothing_and_on_a_wrong_vector(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vector_files(tmp_path)
    vector = json.loads(vector_files(VECTORS)[0].read_text(encoding="utf-8"))
    with pytest.raises((AssertionError, LimnerError)):
        check_vector({**vector, "valid": True, "hex": vector["hex"] + "01"})
