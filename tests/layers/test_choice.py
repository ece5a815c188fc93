"""The choice layer, and the varints of layers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import DamagedError, EncodeError, LimnerError, TruncatedError
from limner.layers import choice
from limner.layers.choice import Choice
from limner.layers.layer import put_varint, take_varint

choices = st.integers(1, 65_536).flatmap(
    lambda count: st.builds(Choice, st.integers(0, 2**32 - 1), st.just(count), st.integers(0, count - 1))
)


@given(choices)
@settings(max_examples=50, deadline=None)
def test_a_choice_comes_back(made: Choice) -> None:
    assert choice.read(choice.write(made)) == made


@given(choices)
@settings(max_examples=50, deadline=None)
def test_the_index_costs_its_logarithm(made: Choice) -> None:
    head = put_varint(made.seed) + put_varint(made.candidates - 1)
    assert len(choice.write(made)) - len(head) <= -(-(made.candidates - 1).bit_length() // 8)


def test_a_number_is_refused_at_the_first_byte_too_many() -> None:
    for bits, most in ((32, 5), (16, 3)):
        with pytest.raises(TruncatedError):
            take_varint(b"\x80" * (most - 1), 0, bits, "n")
        with pytest.raises(DamagedError):
            take_varint(b"\x80" * 1000, 0, bits, "n")
        with pytest.raises(DamagedError):
            take_varint(b"\x80" * most, 0, bits, "n")


@given(st.binary(max_size=12))
@settings(max_examples=80, deadline=None)
def test_what_is_read_is_what_would_be_written(body: bytes) -> None:
    try:
        made = choice.read(body)
    except LimnerError:
        return
    assert choice.write(made) == body


@given(st.integers(0, 2**40))
@settings(max_examples=50, deadline=None)
def test_varints(number: int) -> None:
    body = b"!" + put_varint(number) + b"?"
    assert take_varint(body, 1, 41, "n") == (number, len(body) - 1)
    with pytest.raises(TruncatedError):
        take_varint(body[:-2], 1, 41, "n")


@pytest.mark.parametrize("body", [b"\x80\x00", b"\x80" * 50, b"\xff\xff\xff\xff\x10", b"\x80\x80\x80\x80\x80\x01"])
def test_varints_have_one_form_and_a_limit(body: bytes) -> None:
    with pytest.raises((DamagedError, TruncatedError)):
        take_varint(body, 0, 32, "n")


@pytest.mark.parametrize("values", [(-1, 1, 0), (2**32, 1, 0), (0, 0, 0), (0, 65_537, 0), (0, 4, 4), (0, 4, -1)])
def test_what_is_no_choice_is_refused(values: tuple[int, int, int]) -> None:
    with pytest.raises(EncodeError):
        Choice(*values)


def test_examples() -> None:
    assert choice.write(Choice(7)) == b"\x07\x00"
    assert choice.write(Choice(300, 4, 2)) == b"\xac\x02\x03\x80"
    assert choice.expand(Choice(2**32 - 1, 4, 2)) == 1
    with pytest.raises(DamagedError):
        choice.read(b"\x07\x00\x00")
