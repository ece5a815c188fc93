"""The text of the format and the code say the same: tables, limits, worked examples, faults."""

from __future__ import annotations

import hashlib
import json
import re
from binascii import crc_hqx
from dataclasses import fields
from pathlib import Path

import pytest

from limner import errors
from limner.container import blob as code
from limner.container.explain import explain
from limner.container.fields import HEAD, LEAD, SIZES, group_bytes, write_varint
from limner.render.painter import Painter
from limner.render.stagepainter import StagePainter
from limner.render.stages import MOST_THINGS
from limner.systems import sedic

SPEC = Path(__file__).parents[2] / "spec"
TEXT = (SPEC / "limn-1.md").read_text(encoding="utf-8")


def section(number: str, text: str = TEXT) -> str:
    """Return one section, its subsections included."""
    found = re.search(rf"^(#+) {re.escape(number)} .*?(?=^#{{1,}} \d|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {number}"
    return found.group(0)


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a text as rows of cells, without their headings."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]] for block in blocks]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_systems_and_their_own_kinds() -> None:
    rows, painter = tables(section("5"))
    _, stages = tables(section("5.1"))
    assert {int(row[0]): row[1] for row in rows} == code.SYSTEMS
    assert {int(row[0]): int(row[2]) for row in rows if row[2] != "none"} == code.OWN_KIND
    named = [name for row in painter for name in row[0].split(", ")]
    assert sorted(named) == sorted(field.name for field in fields(Painter))
    named = [name for row in stages for name in row[0].split(", ")]
    assert sorted(named) == sorted(field.name for field in fields(StagePainter))


def test_the_painter_that_is_meant_without_one() -> None:
    (written,) = re.findall(r"```json\n(.*)\n```", section("5.1"))
    named = re.search(r"model id is `([0-9A-F ]+)`", section("5.1"))
    assert hashlib.sha256(written.encode("ascii")).digest()[:2] == sedic.DEFAULT
    assert named and bytes.fromhex(named.group(1)) == sedic.DEFAULT


def test_objects_of_a_file() -> None:
    (meant,) = [rows for rows in tables(section("5.1")) if rows[0][0].startswith("latent")]
    assert [row[0] for row in meant if row[0].startswith("masks")] == [f"masks, {MOST_THINGS} at most"]


def test_layer_kinds() -> None:
    _, rows = tables(section("7"))
    assert {int(row[0]): row[1] for row in rows} == code.KINDS
    assert {int(row[0]) for row in rows if row[2] == "yes"} == code.REPEATABLE
    assert {row[2] for row in rows} == {"yes", "no"}


def test_bit_fields() -> None:
    (head,) = tables(section("4.2"))
    assert [(row[0], int(row[1])) for row in head] == [(field.name, field.bits) for field in HEAD]
    lead, _ = tables(section("7"))
    assert [(row[0], int(row[1])) for row in lead] == [(field.name, field.bits) for field in LEAD]


def test_size_classes() -> None:
    (rows,) = tables(section("4.4"))
    told = {int(row[0]): (int(row[1]), int(row[2]), int(row[3])) for row in rows}
    assert told == {name: (fields[0].bits, group_bytes(fields), 1 << fields[0].bits) for name, fields in SIZES.items()}


def test_limits() -> None:
    (rows,) = tables(section("11"))
    told = {row[0]: number(row[1].removesuffix(" px")) for row in rows}
    assert told["side of a picture"] == code.MAX_SIDE_PX
    assert told["layers in a file"] == code.MAX_LAYERS
    assert told["bytes of a body"] == code.MAX_BODY_BYTES
    assert told["pixels"] == code.MAX_PIXELS


def test_numbers_in_the_notation() -> None:
    pairs = re.findall(r"(\d+) is\s+`([0-9A-F ]+)`", section("3"))
    assert len(pairs) == 4
    for value, written in pairs:
        assert write_varint(int(value)) == bytes.fromhex(written)


def test_check_value() -> None:
    written = re.search(r"`123456789`\s+is\s+`([0-9A-F ]+)`", TEXT)
    assert written
    assert (crc_hqx(b"123456789", 0xFFFF) ^ 0xFFFF).to_bytes(2, "big") == bytes.fromhex(written.group(1))


def test_nothing_is_left_to_be_written() -> None:
    assert re.findall(r"<!--.*?-->", TEXT, flags=re.DOTALL) == []
    for name in (*code.KINDS.values(), "Range coder", "Tables", "Adaptive bits", "Bitmaps", "Words"):
        assert re.search(rf"^### 10\.\d+ {name}\n\n\S", TEXT, re.MULTILINE), name


def test_data_that_belongs_to_the_format() -> None:
    found = re.findall(r"\((\.\./limner/data/[\w.]+)\)[^`]*`([0-9a-f]{64})`", TEXT)
    data = {"gaussians.bin", "masks.prior", "sketch.prior", "english.npz", "normal.bin"}
    assert {Path(name).name for name, _ in found} == data
    for name, told in found:
        assert hashlib.sha256((SPEC / name).read_bytes()).hexdigest() == told, name


def test_links_lead_somewhere() -> None:
    for name in ("limn-1.md", "CHANGES.md"):
        targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", (SPEC / name).read_text(encoding="utf-8"))
        assert all((SPEC / target).exists() for target in targets), name
    assert "](CHANGES.md)" in TEXT


def test_every_fault_of_a_body_names_an_error() -> None:
    bodies = [section(f"10.{number}") for number in code.KINDS]
    rows = [row for text in bodies for table in tables(text) for row in table if row[1].endswith("Error`")]
    assert len(rows) > 15
    for row in rows:
        assert issubclass(getattr(errors, row[1].strip("`")), errors.DecodeError), row


def test_every_fault_names_an_error_and_has_a_vector() -> None:
    (rows,) = tables(section("12"))
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    told = {(row[2].strip("`"), row[4]) for row in rows}
    for error, _ in told:
        assert issubclass(getattr(errors, error), errors.DecodeError)
    files = (SPEC / "vectors" / "invalid").glob("container-*.json")
    expected = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    seen = {(row["error"], row["field"]) for row in expected}
    # A body over the limit has no vector: it would be a file of 256 MiB.
    assert {pair for pair in seen if pair[0] != "TruncatedError"} == told - {("LimitError", "body")}
    cut = re.search(r"the name of the field \(([^)]*)\)", section("12"))
    assert cut
    assert {field for error, field in seen if error == "TruncatedError"} == set(re.split(r",\s+", cut.group(1)))


@pytest.mark.parametrize("index", [0, 1])
def test_worked_examples(index: int) -> None:
    text = section("13")
    name = re.findall(r"`(container-[a-z-]+)\.limn`, (\d+) bytes", text)[index]
    rows = tables(text)[index]
    data = bytes.fromhex("".join(row[1] for row in rows))
    assert data == (SPEC / "vectors" / "valid" / f"{name[0]}.limn").read_bytes()
    assert len(data) == int(name[1])
    found = explain(data).rows
    assert [(row.offset, row.field) for row in found] == [(int(cells[0]), cells[2]) for cells in rows]
    assert (code.unpack(data).width_px, code.unpack(data).height_px) == (768, 512)
    for row, cells in zip(found, rows, strict=True):
        over = re.fullmatch(r"over bytes (\d+\.\.\d+(?: and \d+\.\.\d+)*)", cells[3])
        assert (over is not None) == (row.field == "check")
        if over:
            ends = [(int(first), int(last)) for first, last in re.findall(r"(\d+)\.\.(\d+)", over.group(1))]
            checked = b"".join(data[first : last + 1] for first, last in ends)
            assert crc_hqx(checked, 0xFFFF) ^ 0xFFFF == int(cells[1].replace(" ", ""), 16)


def test_reading_the_text_can_fail() -> None:
    changed = section("5").replace("| 3 | pics |", "| 6 | pics |")
    assert {int(row[0]): row[1] for row in tables(changed)[0]} != code.SYSTEMS
    with pytest.raises(AssertionError):
        section("99")
