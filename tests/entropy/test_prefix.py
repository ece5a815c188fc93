"""The coder of streams whose end is missing: what it calls certain is certain, and no more is; by exact arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.entropy.coder import Reader, Writer
from limner.entropy.prefix import PrefixReader
from limner.entropy.tables import Table, gaussians, quantise, uniform
from limner.errors import DamagedError

Walk = list[tuple[Table, list[int]]]
TABLES = (
    uniform(8),
    uniform(1),
    Table(-3, quantise(np.array([0.9, 0.05, 0.05]))),
    Table(0, quantise(0.5 ** np.arange(40.0))),
    *(gaussians()[index] for index in (0, 10, 20, 40)),
)
SHARP = Table(0, np.array([(1 << 24) - 1, 1], np.uint32))


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    steps = []
    for _ in range(draw(st.integers(1, 6))):
        table = draw(st.sampled_from(TABLES))
        low, high = max(table.low, -6), min(table.high, 6)
        steps.append((table, draw(st.lists(st.integers(low, high), max_size=40))))
    return steps


def coded(walk: Walk) -> bytes:
    writer = Writer()
    for table, symbols in walk:
        writer.code(np.array(symbols, np.int32), table)
    return writer.finish()


def certain(walk: Walk, start: bytes) -> int:
    """How many symbols all streams that begin with ``start`` have in common: the section *Range coder* in whole numbers."""
    low, width, words, count = 0, 2**64 - 1, 0, 0
    for table, symbols in walk:
        sums = [0, *np.cumsum(table.frequencies, dtype=np.int64).tolist()]
        for symbol in symbols:
            if len(sums) > 2:
                place, scale = symbol - table.low, width // 2**24
                low, width = low + scale * sums[place], scale * (sums[place + 1] - sums[place])
                if width < 2**32:
                    low, width, words = low << 32, width << 32, words + 1
                more_bits = 8 * (8 + 4 * words - len(start))
                first, last = (int.from_bytes(start, "big") + end for end in (0, 1))
                if more_bits >= 0:
                    inside = low <= first << more_bits and last << more_bits <= low + width
                else:
                    inside = low << -more_bits <= first and last <= (low + width) << -more_bits
                if not inside:
                    return count
            count += 1
    return count


def read(walk: Walk, start: bytes, unknown: int = 0) -> tuple[PrefixReader, list[int]]:
    reader, found = PrefixReader(start), []
    for table, symbols in walk:
        found += reader.code(np.full(len(symbols), unknown, np.int32), table).tolist()
    return reader, found


@settings(max_examples=150, deadline=None)
@given(walks(), st.data())
def test_what_is_certain_by_exact_arithmetic_is_known(walk: Walk, data: st.DataObject) -> None:
    body = coded(walk)
    start = body[: data.draw(st.integers(0, len(body)))]
    reader, found = read(walk, start, unknown=99)
    sent = [symbol for _, symbols in walk for symbol in symbols]
    assert reader.known == certain(walk, start)
    assert reader.asked == len(found) == len(sent)
    assert found == [*sent[: reader.known], *[99] * (len(sent) - reader.known)]


@settings(max_examples=60, deadline=None)
@given(walks())
def test_a_longer_start_knows_no_less(walk: Walk) -> None:
    body = coded(walk)
    known = [read(walk, body[:length])[0].known for length in range(len(body) + 1)]
    shares = [read(walk, body[:length])[0].share for length in range(len(body) + 1)]
    assert known == sorted(known) and all(0 <= share <= 1 for share in shares)


@settings(max_examples=100, deadline=None)
@given(walks(), st.binary(max_size=40), st.data())
def test_bytes_behind_the_start_do_not_matter(walk: Walk, other: bytes, data: st.DataObject) -> None:
    body = coded(walk)
    start = body[: data.draw(st.integers(0, len(body)))]
    reader, found = read(walk, start)
    whole, left = Reader(start + other), reader.known
    for table, symbols in walk:
        count = min(left, len(symbols))
        assert whole.code(np.zeros(count, np.int32), table).tolist() == found[:count]
        found, left = found[len(symbols) :], left - count


@settings(deadline=None)
@given(walks(), st.binary(max_size=9))
def test_where_all_is_certain_the_bytes_are_those_of_a_writer(walk: Walk, more: bytes) -> None:
    start = coded(walk) + more
    reader, found = read(walk, start)
    if reader.ended:
        return reader.finish()
    again = Writer()
    for table, symbols in walk:
        again.code(np.array(found[: len(symbols)], np.int32), table)
        found = found[len(symbols) :]
    if again.finish() == start:
        return reader.finish()
    with pytest.raises(DamagedError):
        reader.finish()


def test_bytes_that_no_writer_leaves_are_refused() -> None:
    reader, _ = read([(uniform(8), [3])], coded([(uniform(8), [3])]) + b"\1")
    assert not reader.ended
    with pytest.raises(DamagedError):
        reader.finish()


def test_a_stream_that_cannot_be_read_ends_where_it_cannot() -> None:
    # FF FF ... is a point outside every table at once; 00 ... is not.
    reader = PrefixReader(b"\xff" * 20)
    assert reader.code(np.full(5, 7, np.int32), uniform(8)).tolist() == [7] * 5 and reader.ended


def test_many_symbols_that_cost_nothing_are_found_to_the_last() -> None:
    sent = np.zeros(50_000, np.int32)
    sent[::20_000] = 1
    writer = Writer()
    writer.code(sent, SHARP)
    body = writer.finish()
    known = [PrefixReader(body[:length]) for length in range(len(body) + 1)]
    found = [reader.code(np.zeros_like(sent), SHARP) for reader in known]
    for reader, symbols in zip(known, found, strict=True):
        assert reader.known == certain([(SHARP, sent[: reader.known + 1].tolist())], reader._data)
        assert (symbols[: reader.known] == sent[: reader.known]).all()


def test_bits_are_read_and_guessed() -> None:
    writer = Writer()
    for bit in (0, 1) * 20:
        writer.code_bit(bit, 1024)
    reader = PrefixReader(writer.finish()[:4])
    found = [reader.code_bit(1, 1024) for _ in range(40)]
    assert 20 < reader.known < 30 and found == ([0, 1] * 20)[: reader.known] + [1] * (40 - reader.known)
    assert 0.6 < reader.share < 0.9


def test_share_is_of_what_the_tables_foresee() -> None:
    sent = np.random.default_rng(3).integers(0, 256, 1000)
    writer = Writer()
    writer.code(sent.astype(np.int32), uniform(256))
    body = writer.finish()
    reader = PrefixReader(body[:250])
    reader.code(np.zeros(1000, np.int32), uniform(256))
    assert abs(reader.share - 0.25) < 0.005 and reader.said_bits == 8 * reader.known
    assert PrefixReader(b"").share == 1.0
