"""The page on small links: the bytes and seconds that it names, and the commands of the examples."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

from limner.bench.strip import LINKS, MOST_BYTES
from limner.channels import find, gap_s
from limner.cli.sending import span

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "small-links.md"
TEXT = PAGE.read_text("utf-8")

# Section -> the links whose bytes of a message it names.
BYTES = {
    "SMS": ("sms-text",),
    "Iridium short burst data": ("sbd",),
    "LoRaWAN": ("lorawan-eu868-dr0", "lorawan-eu868-dr5"),
    "Meshtastic": ("meshtastic",),
    "MeshCore": ("meshcore",),
    "Packet radio: AX.25 and APRS": ("ax25", "aprs"),
    "Reticulum": ("reticulum",),
    "NFC tags": ("ntag213", "ntag215", "ntag216"),
    "QR codes": ("qr-10-m",),
}
# Section -> the links whose seconds on the air, or of silence behind, for a full message it names.
AIR = {
    "Meshtastic": ("meshtastic", "meshtastic-shortfast"),
    "MeshCore": ("meshcore",),
    "Packet radio: AX.25 and APRS": ("ax25",),
}
SILENCE = {"Meshtastic": ("meshtastic-eu",), "MeshCore": ("meshcore",)}


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("title", BYTES)
def test_the_page_names_the_bytes_of_a_message(title: str) -> None:
    for name in BYTES[title]:
        assert re.search(rf"(?<![\d,.]){find(name).payload_bytes}(?![\d,.]\d)", section(title)), name


@pytest.mark.parametrize("title", AIR)
def test_the_page_names_seconds_on_the_air(title: str) -> None:
    for name in AIR[title]:
        assert span(find(name).air_s(find(name).payload_bytes) or 0.0) in section(title), name
    for name in SILENCE.get(title, ()):
        assert f"{span(gap_s(find(name), find(name).payload_bytes))} of silence" in section(title), name


def test_files_that_leave_room_for_what_else_is_sent() -> None:
    import meshtastic_serial

    assert f"`--target-bytes {find('meshtastic').size - meshtastic_serial.ENCRYPTION_BYTES} --bare`" in section("Meshtastic")
    # Of a packet that is wrapped, four bytes are its own, and one is of all of them.
    assert f"`--target-bytes {find('meshcore').payload_bytes - 5} --bare`" in section("MeshCore")


COMMANDS = [line.split("#")[0] for line in re.findall(r"^(?:    )?python (examples/[^\n]*)$", TEXT, flags=re.MULTILINE)]
DOCSTRINGS = [
    line
    for path in sorted((ROOT / "examples").glob("*.py"))
    for line in re.findall(r"^    python (examples/[^\n]*)$", path.read_text("utf-8"), flags=re.MULTILINE)
]


@pytest.mark.parametrize("command", [*COMMANDS, *DOCSTRINGS])
def test_the_examples_take_these_options(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, *words = shlex.split(command)
    if Path(script).stem in ("meshtastic_send", "meshtastic_receive"):
        pytest.importorskip("meshtastic")
    module = importlib.import_module(Path(script).stem)
    monkeypatch.setattr(module, "run", lambda work: 17)
    assert module.main(words) == 17


def test_every_example_is_on_the_page() -> None:
    assert len(COMMANDS) >= 8 and len(DOCSTRINGS) >= 12
    programs = [path.name for path in (ROOT / "examples").glob("*.py") if "main(" in path.read_text("utf-8")]
    assert all(name in TEXT for name in programs)


def test_the_strip_is_small() -> None:
    strip = ROOT / "docs" / "pictures" / "small-links.webp"
    assert strip.stat().st_size <= MOST_BYTES
    assert [find(name).payload_bytes for name in LINKS] == sorted(find(name).payload_bytes for name in LINKS)
