"""``limner channels``: what it lists, plans and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from limner.channels import CHANNELS, from_toml, plan
from limner.cli.sending import Sending, counted, sending, span
from limner.errors import BudgetError

Say = Callable[..., Any]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text('[buoy]\nwhat = "modem"\nsource = "its manual"\nsize = 32\n[buoy.line]\nbit_per_s = 80\n', "utf-8")
    return path


def test_lists_every_link(say: Say) -> None:
    said = say("channels")
    assert (said.code, said.err) == (0, "")
    head, *rows = said.out.splitlines()
    assert [row.split()[0] for row in rows] == list(CHANNELS)
    assert head.split()[:2] == ["link", "bytes"]
    assert all(int(row.split()[1]) == CHANNELS[row.split()[0]].payload_bytes for row in rows)


def test_lists_what_begins_so(say: Say) -> None:
    rows = say("channels", "ntag*", "qr-7-h", "sms").out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["ntag213", "ntag215", "ntag216", "qr-7-h", "sms"]


def test_plans_for_all_of_them(say: Say) -> None:
    said = say("channels", "--bytes", 600)
    assert said.code == 0
    rows = {row.split()[0]: row.split()[1:] for row in said.out.splitlines()[1:]}
    assert rows["sbd"][:2] == ["2", "71"]
    assert rows["sigfox"] == ["too", "many"]
    assert all(row[0] == str(plan(CHANNELS[name], 600).messages) for name, row in rows.items() if row[0] != "too")


def test_one_is_told_in_full(say: Say) -> None:
    said = say("channels", "meshtastic-eu", "--bytes", 300, "--parity", 1)
    assert said.code == 0
    assert said.out.startswith("meshtastic-eu-longfast: Meshtastic longfast")
    assert "3 messages, 153 bytes left" in said.out
    assert "10 % of the time" in said.out and "MeshRadio.h" in said.out


def test_programs_get_the_same(say: Say) -> None:
    (line,) = say("channels", "sbd", "--bytes", 480, "--json").out.splitlines()
    told = json.loads(line)
    assert (told["name"], told["payload_bytes"], told["source"]) == ("sbd", 340, CHANNELS["sbd"].source)
    assert told["plan"]["cost"] == 10 and told["plan"]["left_bytes"] == 191
    assert len(say("channels", "--json").out.splitlines()) == len(CHANNELS)


def test_another_share_of_the_time(say: Say) -> None:
    waits = [
        json.loads(say("channels", "lorawan-eu868-dr0", "--bytes", 300, "--json", *more).out)["plan"]["wait_s"]
        for more in ((), ("--duty", 10), ("--duty", 100))
    ]
    assert waits[0] == pytest.approx(11 * waits[1]) and waits[2] == 0
    assert say("channels", "sbd", "--duty", 0).code == say("channels", "sbd", "--duty", 101).code == 2


def test_links_of_ones_own(say: Say, mine: Path) -> None:
    assert say("channels", "--file", mine).out.splitlines()[1].split()[:3] == ["buoy", "32", "28"]
    assert say("channels", "buoy", "--file", mine).out == say("channels", f"{mine}:buoy").out == say("channels", mine).out
    assert say("channels", "buoy", "sbd", "--file", mine).out.splitlines()[2].startswith("sbd")


def test_a_known_link_is_where_ones_own_starts(say: Say, tmp_path: Path) -> None:
    path = tmp_path / "start.toml"
    path.write_text(say("channels", "lorawan-eu868-dr5", "sms", "--toml").out, "utf-8")
    assert from_toml(path.read_text("utf-8")) == {name: CHANNELS[name] for name in ("lorawan-eu868-dr5", "sms")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sdb"], "no link 'sdb': "),
        (["nothing.toml"], "nothing.toml"),
        (["nothing.toml:x"], "nothing.toml"),
        (["qr-41-l"], "versions 1..40"),
        (["zzz*"], "no link 'zzz*'"),
    ],
)
def test_links_that_there_are_not_are_wrong_usage(say: Say, words: list[str], said: str) -> None:
    found = say("channels", *words)
    assert found.code == 2 and found.out == ""
    assert said in found.err.replace("\n", " ")


def test_a_file_with_several_links_asks_which(say: Say, mine: Path) -> None:
    mine.write_text(mine.read_text("utf-8") + say("channels", "sms", "--toml").out, "utf-8")
    found = say("channels", mine)
    assert found.code == 2 and "2 links; name one as" in found.err.replace("\n", " ")


def test_a_plan_that_cannot_be_is_an_error(say: Say) -> None:
    found = say("channels", "sigfox", "--bytes", 600)
    assert (found.code, found.out) == (1, "")
    assert "at most 511 bytes in 64 packets" in found.err


def test_a_bad_file_is_an_error(say: Say, mine: Path) -> None:
    mine.write_text("[buoy]\n", "utf-8")
    found = say("channels", "--file", mine)
    assert found.code == 1 and "what is missing" in found.err


# What other verbs say of sending


def test_sending_knows_its_budget_and_says_what_it_takes() -> None:
    way = sending("sbd", 2)
    assert way is not None and way.target_bytes == 671
    assert way.line(480) == "sbd: 2 messages, 191 bytes left, 40 s of silence between, 40 s behind the last, 10 credits"
    assert way.facts(480)["sending"]["messages"] == 2  # type: ignore[index]
    assert sending(None, None) is None


def test_too_small_a_budget_says_how_many_messages_would_do() -> None:
    way = Sending(CHANNELS["sigfox"], 1)
    with pytest.raises(BudgetError, match=r"too few; sigfox: --messages 15 would do") as caught, way.advising():
        raise BudgetError("12 bytes are too few", 116)
    assert caught.value.least_bytes == 116
    with pytest.raises(BudgetError, match="at most 511 bytes"), way.advising():
        raise BudgetError("12 bytes are too few", 600)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.177, "0.18 s"), (7.934, "7.9 s"), (99, "99 s"), (100, "1.7 min"), (23_000, "6.4 h"), (10**6, "12 days")],
)
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_one_and_many() -> None:
    assert [counted(1, "credit"), counted(7, "credit"), counted(3, "SMS"), counted(1200, "byte")] == [
        "1 credit",
        "7 credits",
        "3 SMS",
        "1,200 bytes",
    ]


# encode


def test_encode_fits_a_link(say: Say, photo_file: Path) -> None:
    (line,) = say("encode", photo_file, "--channel", "sbd", "--json").out.splitlines()
    told = json.loads(line)
    blob = photo_file.with_suffix(".limn").read_bytes()
    assert blob[0] >> 6 == 1, "a bare file"
    assert told["bytes"] == len(blob) == told["sending"]["blob_bytes"] <= 340
    assert told["sending"] == json.loads(json.dumps(asdict(plan(CHANNELS["sbd"], len(blob)))))


def test_encode_fits_several_messages_of_ones_own_link(say: Say, photo_file: Path, mine: Path) -> None:
    assert say("encode", photo_file, "--channel", mine, "--messages", 3).code == 0
    said = say("encode", photo_file, "--overwrite", "--channel", f"{mine}:buoy", "--messages", 2)
    assert said.code == 1 and "buoy: --messages 3 would do" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--channel", "sdb"], "no link 'sdb'"),
        (["--messages", 2], "of which link?"),
        (["--channel", "sbd", "--target-bytes", 300], "exclude each other"),
    ],
)
def test_encode_refuses_what_does_not_go_together(say: Say, photo_file: Path, words: list[object], said: str) -> None:
    found = say("encode", photo_file, *words)
    assert found.code == 2 and said in found.err.replace("\n", " ")
