"""The page on links shows what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from limner.channels import CHANNELS, find, from_toml, plan
from limner.cli import main

PAGE = Path(__file__).parent.parent.parent / "docs" / "links.md"



def test_the_page_shows_what_the_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.findall(r"^```sh\n(limner channels [^\n]*)\n```\n\n```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(shown) >= 2
    for command, printed in shown:
        words = [word for word in shlex.split(command, comments=True) if word]
        assert main(words[1:]) == 0
        assert capsys.readouterr().out == printed, command


def test_the_page_tells_of_every_kind_of_link() -> None:
    text = PAGE.read_text("utf-8")
    for kind in {name.split("-")[0].rstrip("0123456789") for name in CHANNELS}:
        assert re.search(rf"\b{kind}", text), kind


# Section -> the links whose bytes it names.
SECTIONS = {
    "SMS": ("sms", "sms-text"),
    "Iridium short burst data": ("sbd", "sbd-down", "sbd-9522", "sbd-9522-down"),
    "LoRaWAN": ("lorawan-us915-dr0", "lorawan-eu868-dr5", "lorawan-eu868-dr5-repeater"),
    "Meshtastic and MeshCore": ("meshtastic", "meshcore"),
    "Sigfox": ("sigfox",),
    "Amateur radio": ("ax25", "aprs", "aprs-message"),
    "Reticulum and LXMF": ("reticulum", "reticulum-link", "lxmf", "lxmf-link"),
    "NFC tags": ("ntag213", "ntag215", "ntag216", "desfire-2k", "desfire-4k", "desfire-8k"),
    "QR codes": ("qr-10-m",),
}


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_names_the_bytes_of_a_message(title: str) -> None:
    (section,) = re.findall(rf"^## {title}\n(.*?)^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for name in SECTIONS[title]:
        assert re.search(rf"(?<![\d,]){find(name).payload_bytes:,}(?![\d,]\d)", section), name


def test_the_links_of_the_page_can_be_read() -> None:
    texts = re.findall(r"^```text\n(\[.*?)^```$", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(texts) == 1
    assert [plan(link, 300).channel for link in from_toml(texts[0]).values()] == ["buoy", "village"]


