"""The text layer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, LimnerError, TruncatedError
from limner.layers import text
from limner.layers.text import Text


@given(st.text(max_size=30))
@settings(max_examples=50, deadline=None)
def test_words_come_back(words: str) -> None:
    assert text.read(text.write(Text(words))) == Text(words)
    assert text.expand(Text(words)) == words


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
