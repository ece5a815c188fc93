"""Messages: what is written is read, and from other bytes nothing but a WireError comes."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.serve import wire
from limner.serve.asks import ASKS, Decode, Encode, Pack, ask_of, fields_of
from limner.serve.wire import Message

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.builds(Message, TEXTS, st.dictionaries(TEXTS, VALUES, max_size=4), st.binary(max_size=200))


def written(message: Message) -> bytes:
    stream = io.BytesIO()
    wire.write(stream, message)
    return stream.getvalue()


def received(data: bytes) -> Message:
    async def do() -> Message:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await wire.receive(reader)

    return asyncio.run(do())


@given(MESSAGES)
def test_what_is_written_is_read(message: Message) -> None:
    data = written(message)
    assert wire.read(io.BytesIO(data)) == message
    assert received(data) == message


@given(MESSAGES, MESSAGES)
def test_messages_follow_each_other(first: Message, second: Message) -> None:
    stream = io.BytesIO(written(first) + written(second))
    assert [wire.read(stream), wire.read(stream), wire.read(stream)] == [first, second, None]


@given(st.binary(max_size=100))
def test_from_any_bytes_nothing_else_comes(data: bytes) -> None:
    try:
        found = wire.read(io.BytesIO(data))
    except wire.WireError:
        return
    assert found is None or isinstance(found, Message)


@given(MESSAGES, st.integers(0, 10_000))
def test_a_message_that_is_cut_is_none(message: Message, cut: int) -> None:
    data = written(message)
    data = data[: cut % len(data)]
    assert wire.read(io.BytesIO(data)) is None
    with pytest.raises(EOFError):
        received(data)


@pytest.mark.parametrize(
    "head", [b"[]", b"{}", b'{"kind": 1, "fields": {}}', b'{"kind": "", "fields": []}', b"\xff", b"[" * 9999]
)
def test_a_head_that_is_none(head: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.read(io.BytesIO(wire.LENGTHS.pack(len(head), 0) + head))


@pytest.mark.parametrize("lengths", [(wire.MOST_HEAD_BYTES + 1, 0), (0, wire.MOST_BODY_BYTES + 1)])
def test_a_message_over_the_limit_is_not_read(lengths: tuple[int, int]) -> None:
    with pytest.raises(wire.WireError):
        wire.read(io.BytesIO(wire.LENGTHS.pack(*lengths)))


USED = (Encode(bpp=0.1, caption="ö"), Decode(size="3x4"), Pack(payload=9))


@pytest.mark.parametrize("ask", [*USED, *(one() for one in ASKS.values())])
def test_an_ask_travels(ask: Encode) -> None:
    found = wire.read(io.BytesIO(written(Message(wire.ASK, {"ask": fields_of(ask)}))))
    assert found is not None
    fields = found.fields["ask"]
    assert isinstance(fields, dict) and ask_of(ask.verb, fields) == ask
