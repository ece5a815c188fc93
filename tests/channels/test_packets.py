"""Plans, armours and tags are those of the packets, texts and tags that are really made."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from links import LINKS, plan_of

from limner.channels import ARMOURS, HEADER_BYTES, Armour, Channel, budget_bytes, find
from limner.channels.plan import MOST_PACKET_BYTES, MOST_PACKETS, MOST_PARITY, TAIL_BYTES
from limner.channels.tags import MEDIA_TYPE, type_2_bytes
from limner.container.blob import Blob, Layer, pack
from limner.errors import ChannelError


@given(LINKS, st.integers(9, 3000), st.integers(0, 3))
def test_packets_are_as_planned(link: Channel, blob_bytes: int, parity: int) -> None:
    packets = pytest.importorskip("limner.container.packets")
    assume(link.joined is None)
    found = plan_of(link, blob_bytes, parity)
    made = packets.make(a_file(blob_bytes), link.payload_bytes, parity)
    assert len(made) == found.messages
    assert max(map(len, made)) <= link.payload_bytes
    assert len(made[found.messages - parity - 1]) == found.last_bytes
    if found.air_s is not None:
        assert sum(link.air_s(len(one)) or 0 for one in made) == pytest.approx(found.air_s)
    if link.fare is not None:
        assert sum(link.fare.units(len(one)) for one in made) == found.cost


@given(st.integers(5, 5000), st.integers(1, 70))
def test_budgets_are_the_capacities_of_packets(payload_bytes: int, count: int) -> None:
    packets = pytest.importorskip("limner.container.packets")
    link = Channel("one", "a link", "none", payload_bytes)
    capacity_bytes = packets.capacity_bytes(payload_bytes, min(count, packets.MAX_COUNT))
    assert budget_bytes(link, count) == max(payload_bytes, capacity_bytes)
    limits = (packets.FRAME_BYTES, packets.MAX_COUNT, packets.MAX_PARITY, packets.MAX_PACKET_BYTES)
    assert limits == (HEADER_BYTES, MOST_PACKETS, MOST_PARITY, MOST_PACKET_BYTES)
    assert TAIL_BYTES == 1


def a_file(blob_bytes: int) -> bytes:
    """A bare file of that length."""
    header_bytes = len(pack(Blob(1, b"\0\0", 8, 8, (Layer(1, b""),)), bare=True))
    blob = pack(Blob(1, b"\0\0", 8, 8, (Layer(1, bytes(blob_bytes - header_bytes)),)), bare=True)
    assert len(blob) == blob_bytes
    return blob


@given(st.sampled_from(sorted(ARMOURS)), st.integers(0, 3000))
def test_armours_are_those_of_packets(name: str, characters: int) -> None:
    armour = pytest.importorskip("limner.container.armour")
    assert ARMOURS[name].bytes_in(characters) == armour.ARMOURS[name].fits(characters)
    worst = max(len(armour.ARMOURS[name].encode(bytes([fill]) * characters)) for fill in (0, 255))
    assert worst <= ARMOURS[name].characters(characters)


@given(st.sampled_from(sorted(ARMOURS)), st.integers(0, 5000))
def test_characters_and_bytes_of_an_armour_agree(name: str, number: int) -> None:
    armour = ARMOURS[name]
    assert armour.bytes_in(armour.characters(number)) == number
    assert armour.characters(armour.bytes_in(number)) <= number < armour.characters(armour.bytes_in(number) + 1)


def test_an_armour_grows() -> None:
    for group in ((0,), (1, 2), (0, 2, 2)):
        with pytest.raises(ChannelError):
            Armour(group, "none")


@given(st.integers(0, 2000))
def test_tags_are_those_that_are_written(payload_bytes: int) -> None:
    ndef = pytest.importorskip("limner.container.ndef")
    assert MEDIA_TYPE.encode() == ndef.MEDIA_TYPE
    assert type_2_bytes(payload_bytes) == ndef.tag_bytes(payload_bytes)


@pytest.mark.parametrize(("name", "memory"), [("ntag213", 144), ("ntag215", 504), ("ntag216", 888)])
def test_a_tag_is_full(name: str, memory: int) -> None:
    assert type_2_bytes(find(name).payload_bytes) <= memory < type_2_bytes(find(name).payload_bytes + 1)
