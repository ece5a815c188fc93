"""Air time is what others publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.channels import CHANNELS, LoRa, find

# Payload on the air in bytes, spreading factor, bandwidth in Hz, coding rate 4/x, milliseconds: preamble 8, header, CRC.
PUBLISHED = [
    # github.com/avbentem/airtime-calculator, Airtime.test.ts, against a spreadsheet of The Things Network's forum
    (14, 7, 125_000, 5, 46.336),
    (16, 7, 125_000, 5, 51.456),
    (25, 7, 125_000, 5, 61.696),
    (14, 7, 250_000, 5, 23.168),
    (25, 7, 250_000, 8, 43.136),
    (16, 7, 125_000, 8, 69.888),
    (15, 8, 125_000, 5, 92.672),
    (25, 8, 125_000, 5, 113.152),
    (16, 11, 125_000, 5, 659.456),
    (25, 11, 125_000, 5, 823.296),
    # Spreadsheets after AN1200.13, of the forum of The Things Network
    (37, 7, 125_000, 5, 82.176),
    (37, 8, 125_000, 5, 143.872),
    (37, 9, 125_000, 5, 267.264),
    (37, 10, 125_000, 5, 493.568),
    (37, 11, 125_000, 5, 1069.056),
    (37, 12, 125_000, 5, 1974.272),
    (13, 9, 125_000, 5, 164.864),
    # rfwireless-world.com, LoRaWAN airtime calculator, examples 1 and 2
    (10, 7, 125_000, 5, 41.216),
    (10, 11, 125_000, 5, 577.536),
    # docs.rs, lora-modulation 0.1.4
    (12, 9, 125_000, 5, 144.384),
    # github.com/tanupoo/lorawan_toa, test.py
    (64, 12, 125_000, 5, 2793.472),
    (255, 7, 500_000, 5, 99.904),
]


@pytest.mark.parametrize(("payload_bytes", "spreading", "bandwidth_hz", "coding", "milliseconds"), PUBLISHED)
def test_air_times_are_those_that_others_publish(
    payload_bytes: int, spreading: int, bandwidth_hz: int, coding: int, milliseconds: float
) -> None:
    assert 1000 * LoRa(spreading, bandwidth_hz, coding).seconds(payload_bytes) == pytest.approx(milliseconds, abs=5e-4)


def test_a_full_frame_of_meshtastic_takes_what_others_say() -> None:
    # github.com/jaylfc/taOS, pull request 2720: 255 bytes in 2.16 s
    assert find("meshtastic").air_s(231) == pytest.approx(2.16, abs=0.005)


@given(st.integers(7, 12), st.sampled_from([62_500, 125_000, 250_000, 500_000]), st.integers(0, 254))
def test_longer_frames_take_no_less_time(spreading: int, bandwidth_hz: int, payload_bytes: int) -> None:
    radio = LoRa(spreading, bandwidth_hz)
    assert radio.seconds(payload_bytes) <= radio.seconds(payload_bytes + 1)
    assert radio.seconds(payload_bytes) < LoRa(spreading, bandwidth_hz, 8).seconds(payload_bytes) or payload_bytes == 0


def test_without_header_and_crc_a_frame_is_shorter() -> None:
    assert LoRa(9, 125_000, explicit_header=False, crc=False).seconds(20) < LoRa(9, 125_000).seconds(20)


def test_blocks_are_filled() -> None:
    radio = find("meshcore").lora
    assert radio is not None
    assert [radio.frame_bytes(size) for size in (13, 14, 29, 30, 163)] == [21, 37, 37, 53, 181]


@pytest.mark.parametrize("name", [name for name in CHANNELS if "us915" in name or name.endswith("-dwell")])
def test_frames_keep_the_dwell_time(name: str) -> None:
    air_s = CHANNELS[name].air_s(CHANNELS[name].payload_bytes)
    assert air_s is not None and 0.1 < air_s <= 0.4


def test_bits_one_by_one() -> None:
    assert find("sigfox").air_s(12) == pytest.approx(3 * 2.08)
    assert find("sigfox").air_s(1) == find("sigfox").air_s(4) == pytest.approx(3 * 1.44)
    # Flags 2, addresses 28, control and PID 2, FCS 2; of the bits but the flags' a few are stuffed.
    assert find("ax25").air_s(256) == pytest.approx(0.5 + 8 * (34 + 256) * 63 / 62 / 1200)
