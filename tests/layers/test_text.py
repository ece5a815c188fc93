"""The text layer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, LimnerError, TruncatedError
from limner.layers import text
from limner.layers.text import Text

codings = st.sampled_from([text.PLAIN, text.MODELLED])
described = st.sampled_from(["a red boat in the harbour, two gulls", "Close-up of a MAN'S hand.", "ein Haus am Fluß"])


@given(st.text(max_size=30) | described, codings)
@settings(max_examples=50, deadline=None)
def test_words_come_back(words: str, coding: int) -> None:
    layer = Text(words, coding)
    body = text.write(layer)
    assert text.read(body) == layer
    assert text.expand(layer) == words
    assert (body[0] == text.PLAIN) == (coding == text.PLAIN)


@given(st.text(max_size=30) | described)
@settings(max_examples=50, deadline=None)
def test_no_words_cost_more_than_their_utf8_and_a_byte(words: str) -> None:
    layer = text.fit(words)
    assert len(text.write(layer)) <= len(layer.words.encode()) + 1


@given(described, st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_or_shortened_body_is_other_words_or_refused(words: str, data: st.DataObject) -> None:
    body = text.write(Text(words, text.MODELLED))
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([data.draw(st.integers(0, 255))]) + body[place + 1 :]
    for other in (changed, body[:place]):
        try:
            layer = text.read(other)
        except LimnerError:
            continue
        assert text.write(layer) == other


def test_captions_take_few_bytes() -> None:
    """A body of 12 bytes for 36 letters; the bound leaves room for other models."""
    assert len(text.write(text.fit("a red boat in the harbour, two gulls"))) <= 14
    assert len(text.write(text.fit("a red boat"))) <= 5


def test_modelled_words_are_bounded() -> None:
    words = "a dog " * 400
    assert text.fit(words).coding == text.PLAIN
    with pytest.raises(EncodeError):
        Text(words, text.MODELLED)
    body = text.write(Text(words[:2000], text.MODELLED))
    with pytest.raises(LimitError):
        text.read(body, 1999)


@given(st.binary(max_size=40))
@settings(max_examples=80, deadline=None)
def test_what_is_read_is_what_would_be_written(body: bytes) -> None:
    try:
        layer = text.read(body)
    except LimnerError:
        return
    assert text.write(layer) == body


@given(st.text(max_size=30), st.integers(-1, 30))
@settings(max_examples=50, deadline=None)
def test_fit_makes_one_short_line(words: str, most: int) -> None:
    line = text.fit(words, most).words
    assert len(line.encode()) <= max(most, 0) and line == " ".join(line.split())
    assert " ".join(words.split()).startswith(line)


def test_the_limits() -> None:
    assert text.read(text.write(Text("a" * 65_535))).words == "a" * 65_535
    assert len(text.fit("ä" * 70_000).words) == 32_767
    for words in ("a" * 65_536, "ä" * 32_768, "\ud800"):
        with pytest.raises(EncodeError):
            Text(words)


@pytest.mark.parametrize(
    ("body", "kind", "offset"),
    [
        (b"", TruncatedError, 0),
        (b"\x01a", InvalidFieldError, 0),
        (b"\x00ab\xff", DamagedError, 3),
        (b"\x00\xed\xa0\x80", DamagedError, 1),
        (b"\x00\xc0\x80", DamagedError, 1),
        (b"\x00" + b"a" * 65_536, LimitError, 1),
    ],
)
def test_what_is_refused(body: bytes, kind: type[Exception], offset: int) -> None:
    with pytest.raises(kind) as caught:
        text.read(body)
    assert caught.value.offset == offset  # type: ignore[attr-defined]


def test_example() -> None:
    assert text.write(Text("a red door")) == b"\x00a red door"
    assert text.read(bytes.fromhex("843294")).words == "a red boat"
