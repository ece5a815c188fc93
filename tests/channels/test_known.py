"""Every number has a source; names are found; codes hold what the standard says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.channels import ARMOURS, CHANNELS, find
from limner.channels.known import SHORT
from limner.channels.qr import capacity, codewords
from limner.errors import ChannelError


@pytest.mark.parametrize("name", CHANNELS)
def test_every_link_names_its_source(name: str) -> None:
    link = CHANNELS[name]
    assert re.match(r"(standard|project|maker|operator): \S+ .*\d", link.source)
    assert link.name == name and link.what


def test_every_armour_names_its_source() -> None:
    assert all(armour.source for armour in ARMOURS.values())


def test_the_numbers_that_everybody_knows() -> None:
    payloads = {
        "sms": 140,
        "sms-text": 126,
        "sbd": 340,
        "sbd-down": 270,
        "lorawan-eu868-dr0": 51,
        "lorawan-eu868-dr3": 115,
        "lorawan-eu868-dr5": 242,
        "lorawan-eu868-dr5-repeater": 222,
        "lorawan-us915-dr0": 11,
        "lorawan-au915-dr2-dwell": 11,
        "lorawan-as923-dr3-dwell": 53,
        "meshtastic": 231,
        "meshcore": 163,
        "sigfox": 12,
        "ax25": 256,
        "reticulum": 383,
        "ntag213": 126,
        "ntag215": 481,
        "ntag216": 865,
        "qr-40-l-bytes": 2953,
    }
    assert {name: find(name).payload_bytes for name in payloads} == payloads


def test_short_names_lead_somewhere_and_hide_nothing() -> None:
    assert all(find(name).name == target for name, target in SHORT.items())
    assert not set(SHORT) & set(CHANNELS)


def test_names_that_are_not_known_are_answered_with_near_ones() -> None:
    with pytest.raises(ChannelError, match=r"no link 'sdb': .*sbd"):
        find("sdb")
    with pytest.raises(ChannelError, match="limner channels"):
        find("pigeon")
    for name in ("qr-41-l", "qr-99-m-bytes"):
        with pytest.raises(ChannelError, match=r"versions 1\.\.40"):
            find(name)


def test_own_links_go_before() -> None:
    own = replace(find("sbd"), size=20)
    assert find("sbd", {"sbd": own}) is own
    assert find("sms", {"sbd": own}) is CHANNELS["sms"]


# Version, level, bytes, characters: ISO/IEC 18004, as printed in many places.
CODES = [
    (1, "L", 17, 25),
    (1, "M", 14, 20),
    (1, "Q", 11, 16),
    (1, "H", 7, 10),
    (4, "L", 78, 114),
    (4, "M", 62, 90),
    (4, "Q", 46, 67),
    (4, "H", 34, 50),
    (9, "L", 230, 335),
    (10, "M", 213, 311),
    (26, "L", 1367, 1990),
    (27, "L", 1465, 2132),
    (40, "L", 2953, 4296),
    (40, "M", 2331, 3391),
    (40, "Q", 1663, 2420),
    (40, "H", 1273, 1852),
]


@pytest.mark.parametrize(("version", "level", "size", "characters"), CODES)
def test_what_codes_hold(version: int, level: str, size: int, characters: int) -> None:
    assert (capacity(version, level), capacity(version, level, text=True)) == (size, characters)


@given(st.integers(1, 40), st.sampled_from("LMQH"))
def test_codes_hold_more_the_larger_and_the_weaker_they_are(version: int, level: str) -> None:
    assert version == 40 or capacity(version, level) < capacity(version + 1, level)
    assert level == "L" or capacity(version, level) < capacity(version, "LMQH"["LMQH".index(level) - 1])
    assert 26 <= codewords(version) <= 3706


@pytest.mark.parametrize(("version", "level"), [(1, "H"), (9, "M"), (10, "L"), (26, "Q"), (27, "H")])
def test_codes_are_full(version: int, level: str) -> None:
    segno = pytest.importorskip("segno")
    for letter, mode, text in ((b"\xff", "byte", False), ("A", "alphanumeric", True)):
        full = letter * capacity(version, level, text=text)
        assert segno.make_qr(full, version=version, error=level, mode=mode, boost_error=False).version == version
        with pytest.raises(segno.DataOverflowError):
            segno.make_qr(full + letter, version=version, error=level, mode=mode, boost_error=False)


@pytest.mark.parametrize(("version", "level"), [(0, "L"), (41, "L"), (1, "X"), (1, ""), (1, "LM")])
def test_codes_that_there_are_not(version: int, level: str) -> None:
    with pytest.raises(ChannelError):
        capacity(version, level)
