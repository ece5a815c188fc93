"""Files fit into the messages that are planned for them; waits, limits and fares are kept."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from links import FILES, LINKS, plan_of

from limner.channels import HEADER_BYTES, Channel, Fare, Limits, Line, LoRa, budget_bytes, find, plan, several_bytes
from limner.channels.plan import MOST_PARITY
from limner.errors import ChannelError


@given(LINKS, st.integers(1, 80), st.integers(0, 3))
def test_a_file_within_the_budget_takes_no_more_messages(link: Channel, data: int, parity: int) -> None:
    messages = data + parity
    budget = budget_bytes(link, messages, parity=parity)
    assert plan(link, budget, parity=parity).messages <= messages
    try:
        assert plan(link, budget + 1, parity=parity).messages > messages
    except ChannelError as error:
        assert re.search("at most|no packets", str(error))


@given(LINKS, FILES, st.integers(0, 3))
def test_what_is_left_is_left(link: Channel, blob_bytes: int, parity: int) -> None:
    found = plan_of(link, blob_bytes, parity)
    assert found.left_bytes >= 0
    assert 0 < found.last_bytes <= link.payload_bytes
    assert plan(link, blob_bytes + found.left_bytes, parity=parity).messages == found.messages


@given(LINKS, FILES, FILES, st.integers(0, 3))
def test_larger_files_take_no_fewer_messages(link: Channel, one: int, other: int, parity: int) -> None:
    few, many = (plan_of(link, blob_bytes, parity) for blob_bytes in sorted((one, other)))
    assert few.messages <= many.messages


@given(LINKS, FILES)
def test_so_many_messages_as_the_bytes_ask_for(link: Channel, blob_bytes: int) -> None:
    found = plan_of(link, blob_bytes)
    if blob_bytes <= link.payload_bytes:
        assert (found.messages, found.header_bytes, found.last_bytes) == (1, 0, blob_bytes)
    elif link.joined is None:
        assert found.messages == -(-(blob_bytes + 1) // several_bytes(link))
        assert found.header_bytes == HEADER_BYTES
    else:
        assert found.messages == -(-link.taken(blob_bytes) // link.joined.size)
        assert found.header_bytes == 0


@given(LINKS, st.integers(1, 70), st.integers(1, 70))
def test_more_messages_carry_no_less(link: Channel, one: int, other: int) -> None:
    few, many = sorted((one, other))
    assert budget_bytes(link, few) <= budget_bytes(link, many)


@given(LINKS, FILES)
def test_parity_adds_as_many_messages_and_their_cost(link: Channel, blob_bytes: int) -> None:
    assume(link.joined is None)
    without, more = plan_of(link, blob_bytes), plan_of(link, blob_bytes, 2)
    assert more.messages == without.messages + 2
    if without.cost is not None and more.cost is not None:
        assert more.cost > without.cost
    if without.air_s is not None and more.air_s is not None:
        assert more.air_s > without.air_s


@given(LINKS, FILES)
def test_time_and_cost_are_those_of_full_messages_at_most(link: Channel, blob_bytes: int) -> None:
    found, one = plan_of(link, blob_bytes), plan(link, link.payload_bytes)
    for name in ("air_s", "cost"):
        whole, each = getattr(found, name), getattr(one, name)
        assert (whole is None) == (each is None)
        if whole is not None:
            assert whole <= found.messages * each * (1 + 1e-9)


def test_a_longer_header_leaves_less() -> None:
    assert budget_bytes(find("sbd"), 2) == 2 * 336 - 1
    assert budget_bytes(find("sbd"), 2, header_bytes=10) == 2 * 330 - 1
    assert plan(find("sbd"), 341, header_bytes=10).header_bytes == 10


def test_what_cannot_be() -> None:
    for wrong in ({"messages": 0}, {"messages": 2, "parity": 2}, {"header_bytes": -1}, {"parity": MOST_PARITY + 1}):
        with pytest.raises(ChannelError):
            budget_bytes(find("sbd"), **wrong)
    with pytest.raises(ChannelError, match="bytes is 0"):
        plan(find("sbd"), 0)
    with pytest.raises(ChannelError, match="fill"):
        plan(replace(find("sbd"), size=4), 5)
    with pytest.raises(ChannelError, match="at most 511 bytes in 64 packets"):
        plan(find("sigfox"), 512)
    with pytest.raises(ChannelError, match="joins at most 255"):
        plan(find("sms"), 255 * 134 + 1)


# Waits, limits, fares


def test_the_silence_of_the_specification() -> None:
    # LoRaWAN 1.0, section 7.1: behind 0.5 s on the air a band of 1 % is closed for 49.5 s.
    half = Channel("half", "half a second", "none", 10, line=Line(160), limits=Limits(duty=0.01))
    found = plan(half, 10)
    assert (found.air_s, found.wait_s) == (pytest.approx(0.5), 0)
    assert found.rest_s == pytest.approx(49.5)
    two = plan(half, 11)
    assert (two.messages, two.wait_s + two.rest_s) == (2, pytest.approx(99 * (two.air_s or 0)))


def test_a_day_of_fair_use() -> None:
    # 24 bytes over LoRaWAN in 30 s of air a day: spreadsheet of The Things Network's forum.
    for spreading, most in ((7, 365), (8, 208), (9, 112), (10, 60), (11, 28), (12, 15)):
        radio = LoRa(spreading, 125_000, overhead_bytes=13)
        link = Channel("ttn", "a day", "none", 51, lora=radio, limits=Limits(air_s_a_day=30))
        assert plan(link, 24).files_a_day == most


def test_links_without_limits_have_no_waits() -> None:
    found = plan(find("meshtastic"), 2000)
    assert (found.wait_s, found.rest_s, found.files_a_day) == (0, 0, None)
    assert plan(find("sigfox"), 300).files_a_day == 140 // 38
    assert plan(find("sbd"), 3 * 336 - 1).wait_s == 80


@pytest.mark.parametrize(("blob_bytes", "credits"), [(1, 1), (50, 1), (51, 2), (340, 7), (341, 8), (480, 10)])
def test_credits(blob_bytes: int, credits: int) -> None:
    assert plan(find("sbd"), blob_bytes).cost == credits


def test_a_price_is_a_price_a_unit() -> None:
    dear = replace(find("sbd"), fare=Fare("credit", 50, least=2, price=0.5, currency="EUR"))
    assert [plan(dear, size).price for size in (1, 340)] == [1.0, 3.5]
    assert plan(find("sbd"), 340).price is None


@pytest.mark.parametrize(("blob_bytes", "messages"), [(140, 1), (141, 2), (268, 2), (269, 3)])
def test_sms_are_joined(blob_bytes: int, messages: int) -> None:
    assert plan(find("sms"), blob_bytes).messages == messages
    # With parity they are packets of 136.
    assert plan(find("sms"), 268, parity=1).messages == 3
