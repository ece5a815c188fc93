"""Bit fields and varints: laws, then borders."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.container.fields import HEAD, LEAD, SIZES, Field, group_bytes, join_fields, read_varint, split_fields, write_varint
from limner.errors import EncodeError, InvalidFieldError, TruncatedError

GROUPS = [HEAD, LEAD, *SIZES.values()]


@settings(deadline=None)
@given(st.sampled_from(GROUPS), st.data())
def test_groups_round_trip(fields: tuple[Field, ...], data: st.DataObject) -> None:
    values = {field.name: data.draw(st.integers(0, (1 << field.bits) - 1)) for field in fields}
    written = join_fields(fields, values)
    assert len(written) == group_bytes(fields)
    assert split_fields(fields, written) == values


@settings(deadline=None)
@given(st.sampled_from(GROUPS), st.data())
def test_every_byte_string_is_a_group(fields: tuple[Field, ...], data: st.DataObject) -> None:
    written = data.draw(st.binary(min_size=group_bytes(fields), max_size=group_bytes(fields)))
    assert join_fields(fields, split_fields(fields, written)) == written


@settings(deadline=None)
@given(st.integers(0, 2**28 - 1), st.binary(max_size=3), st.binary(max_size=3))
def test_varints_round_trip(number: int, before: bytes, behind: bytes) -> None:
    written = write_varint(number)
    assert read_varint(before + written + behind, len(before), "length") == (number, len(before) + len(written))


@settings(deadline=None)
@given(st.binary(max_size=6))
def test_a_number_has_one_varint(data: bytes) -> None:
    try:
        number, end = read_varint(data, 0, "length")
    except (TruncatedError, InvalidFieldError):
        return
    assert write_varint(number) == data[:end]


@pytest.mark.parametrize("fields", GROUPS)
def test_groups_are_whole_bytes(fields: tuple[Field, ...]) -> None:
    assert sum(field.bits for field in fields) == 8 * group_bytes(fields)


def test_a_group_by_hand() -> None:
    # 01 001 1 10
    assert join_fields(HEAD, {"version": 1, "system": 1, "list": 1, "size class": 2}) == b"\x4e"
    # 767 = 2FF, 511 = 1FF
    assert join_fields(SIZES[1], {"width": 767, "height": 511}) == b"\x2f\xf1\xff"


@pytest.mark.parametrize(("number", "written"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**28 - 1, "ffffff7f")])
def test_varints_by_hand(number: int, written: str) -> None:
    assert write_varint(number).hex() == written


@pytest.mark.parametrize("number", [-1, 2**28])
def test_numbers_a_varint_cannot_carry(number: int) -> None:
    with pytest.raises(EncodeError):
        write_varint(number)


@pytest.mark.parametrize("value", [-1, 4])
def test_values_a_field_cannot_carry(value: int) -> None:
    with pytest.raises(EncodeError):
        join_fields(HEAD, {"version": value, "system": 0, "list": 0, "size class": 0})


@pytest.mark.parametrize("written", ["8000", "ff00", "80808000", "80808080", "ffffffff7f"])
def test_varints_that_are_refused(written: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        read_varint(b"??" + bytes.fromhex(written), 2, "length")
    assert (caught.value.offset, caught.value.field) == (2, "length")
