"""The text of the packets and the code say the same: fields, limits, faults, alphabets, the worked example."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from spec.test_format_text import SPEC, number, section, tables

from limner import errors
from limner.container import armour, joiner, packets

TEXT = (SPEC / "packets-1.md").read_text(encoding="utf-8")


def part(name: str) -> str:
    return section(name, TEXT)


def flat(text: str) -> str:
    """A text without its line ends."""
    return " ".join(text.split())


def test_head() -> None:
    (rows,) = tables(part("4.1"))
    assert [(row[0], int(row[1])) for row in rows] == [(field.name, field.bits) for field in packets.HEAD]


def test_limits() -> None:
    (rows,) = tables(part("9"))
    assert {row[0]: number(row[1]) for row in rows} == {
        "packets of data": packets.MAX_COUNT,
        "packets of parity": packets.MAX_PARITY,
        "bytes of a packet": packets.MAX_PACKET_BYTES,
        "characters of a sender": packets.MAX_SENDER_CHARS,
        "pictures at a time": joiner.MOST_PICTURES,
        "bytes of all pieces and files": joiner.MOST_BYTES,
    }


def test_every_fault_names_an_error_and_has_a_vector() -> None:
    (rows,) = tables(part("10"))
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    told = {(row[2].strip("`"), row[4]) for row in rows}
    for error, _ in told:
        assert issubclass(getattr(errors, error), errors.DecodeError)
    vectors = [json.loads(path.read_text("utf-8")) for path in (SPEC / "vectors" / "packets").glob("invalid-*.json")]
    assert {(vector["error"], vector["field"]) for vector in vectors} == told


def test_alphabets() -> None:
    written = re.findall(r"(?<!`)(`{1,2})([^A-Za-z\s]{15,}?)\1(?!`)", part("11"))
    signs = [text for _, text in written]
    assert len(signs) == 2
    assert armour.BASE91.endswith(signs[0]) and len(armour.BASE91) == len(set(armour.BASE91)) == 62 + len(signs[0])
    assert armour.GSM7.endswith(signs[1]) and len(armour.GSM7) == len(set(armour.GSM7)) == 62 + len(signs[1]) == 80


def test_the_worked_example() -> None:
    text = part("12")
    vector = json.loads((SPEC / "vectors" / "packets" / "make-example.json").read_text("utf-8"))
    (rows,) = tables(text)
    assert [bytes.fromhex("".join(row[1:])).hex() for row in rows] == vector["packets"]
    told = re.search(r"the file `([0-9A-F ]+)`, (\d+) bytes", flat(text))
    assert told
    file = bytes.fromhex(told[1])
    assert file == packets.bare(bytes.fromhex(vector["file"])) and len(file) == int(told[2])
    first = bytes.fromhex(vector["packets"][0])
    assert f"`{packets.crc(first[:-2]):04X}` XOR `{first[-2:].hex().upper()}`" in flat(text)
    assert f"`F{packets.number_of(file):03X}`" in text and f"`{packets.number_of(file):03X}`" in text
    gathered = joiner.Joiner()
    for data in vector["packets"][:2]:
        state = gathered.add(bytes.fromhex(data))
    whole = re.search(r"bytes 0\.\.(\d+) are the header and the words", flat(text))
    assert whole and len(gathered.partial(state.picture) or b"") == int(whole[1]) + 1


def test_numbers_in_the_text() -> None:
    assert f"`{packets.crc(b'123456789'):04X}`" in part("4.4")
    sender = re.search(r"`DL1ABC` is `([0-9A-F ]+)`", flat(part("4.2")))
    assert sender
    data = packets.write(packets.Packet(packets.PictureId(b"DL1ABC", 1, 2), 0, b"x"))
    assert data[2:-3] == bytes.fromhex(sender[1])
    assert f"carries {armour.ARMOURS['gsm7'].fits(160)} bytes" in flat(part("11"))


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT)
    assert targets and all((SPEC / target).exists() for target in targets)


def test_reading_the_text_can_fail() -> None:
    with pytest.raises(AssertionError):
        section("99", TEXT)
    assert Path(SPEC / "packets-1.md").stat().st_size > 5000
