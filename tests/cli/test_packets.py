"""``limner packets``: files -> messages -> files, by the command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import limner
from limner.bench import losses, packet_fuzz
from limner.bench import packets as bench
from limner.bench.losses import Fate, Link, by_joiner, each_for_itself, resent, sent, trials
from limner.channels import find
from limner.cli import main
from limner.container import Blob, Layer, armour, ndef, pack, unpack
from limner.container.joiner import Joiner
from limner.container.packets import make
from limner.errors import LimnerError

from .conftest import Said

Say = Callable[..., Said]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file of words and of what the small codec paints."""
    thumbnail = np.arange(48, dtype=np.uint8) * 5
    layers = (Layer(2, b"\0a boat on a lake"), Layer(1, thumbnail.tobytes()))
    path = tmp_path / "boat.limn"
    path.write_bytes(pack(Blob(1, b"\0\0", 60, 40, layers)))
    return path


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("limner.cli.messages.stdin", lambda: BytesIO(text.encode()))


@pytest.mark.parametrize("name", sorted(armour.ARMOURS))
def test_lines_there_and_back(say: Say, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    made = say("packets", "make", picture, "--payload", 40, "--parity", 2, "--armour", name)
    lines = made.out.splitlines()
    assert made.code == 0 and len(lines) > 3
    kept = [f"{line}\r" for line in reversed(lines[2:])]
    piped(monkeypatch, "\n".join([*kept, "", *kept, "Hello! Anybody there?", ""]))
    target = tmp_path / "got.limn"
    joined = say("packets", "join", "-", "--armour", name, "-o", target)
    assert joined.code == 0, joined.err
    assert target.read_bytes() == picture.read_bytes()
    assert "left out: 1" in joined.err


def test_files_of_packets(say: Say, picture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sent"
    assert say("packets", "make", picture, "--payload", 40, "--sender", "DL1ABC/P", "-o", folder).code == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names[:2] == ["001.packet", "002.packet"]
    assert all((folder / name).stat().st_size <= 40 for name in names)
    again = say("packets", "make", picture, "--payload", 40, "-o", folder)
    assert (again.code, "--overwrite" in again.err) == (1, True)
    got = tmp_path / "pictures"
    got.mkdir()
    joined = say("packets", "join", *sorted(folder.iterdir()), "-o", got)
    assert joined.code == 0
    (found,) = got.iterdir()
    assert re.fullmatch(r"DL1ABC_P_[0-9a-f]{8}\.limn", found.name)
    assert found.read_bytes() == picture.read_bytes()


def test_several_pictures_want_a_folder(say: Say, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.limn"
    other.write_bytes(pack(Blob(1, b"\0\0", 60, 41, (Layer(1, bytes(48)),))))
    lines = [say("packets", "make", path, "--payload", 40, "--armour", "hex").out for path in (picture, other)]
    piped(monkeypatch, "".join(lines))
    refused = say("packets", "join", "-", "--armour", "hex", "-o", tmp_path / "one.limn")
    assert refused.code == 1 and "name a folder" in refused.err
    piped(monkeypatch, "".join(lines))
    assert say("packets", "join", "-", "--armour", "hex", "-o", f"{tmp_path}/all/").code == 0
    assert len(list((tmp_path / "all").iterdir())) == 2


def test_a_picture_that_is_sent_again_is_written_once(
    say: Say, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = (40, 39, 60)
    lines = "".join(say("packets", "make", picture, "--payload", size, "--armour", "hex").out for size in sizes)
    for target in (tmp_path / "one.limn", f"{tmp_path}/all/"):
        piped(monkeypatch, lines)
        joined = say("packets", "join", "-", "--armour", "hex", "-o", target)
        assert (joined.code, joined.err.count("->")) == (0, 1), joined.err
    piped(monkeypatch, lines)
    assert say("packets", "join", "-", "--armour", "hex", "-o", f"{tmp_path}/all/").code == 0  # the same file may be there


def test_what_is_missing_is_told_and_salvaged(say: Say, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = say("packets", "make", picture, "--payload", 40, "--armour", "hex").out.splitlines()
    piped(monkeypatch, lines[0])
    target = tmp_path / "part.limn"
    told = say("packets", "join", "-", "--armour", "hex", "-o", target)
    assert told.code == 1 and not target.exists()
    assert re.search(r"1 of \d packets, \d to come; of data are missing 2, 3", told.err)
    assert "1 whole layers" in told.err
    piped(monkeypatch, lines[0])
    assert say("packets", "join", "-", "--armour", "hex", "-o", target, "--salvage").code == 0
    assert '"a boat on a lake"' in say("inspect", target).out


def test_one_json_object_a_packet(say: Say, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = say("packets", "make", picture, "--payload", 60, "--armour", "hex").out.splitlines()
    piped(monkeypatch, "\n".join([lines[1], "zz", *lines]))
    told = say("packets", "join", "-", "--armour", "hex", "-o", tmp_path / "x.limn", "--json")
    events = [json.loads(line)["event"] for line in told.out.splitlines()]
    assert events == ["new", "refused", "whole", "again"]


def test_an_existing_output_stays(say: Say, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = say("packets", "make", picture, "--payload", 200, "--armour", "base45").out
    target = tmp_path / "mine.limn"
    target.write_bytes(b"mine")
    for words, code, kept in (((), 1, b"mine"), (("--overwrite",), 0, picture.read_bytes())):
        piped(monkeypatch, line)
        assert say("packets", "join", "-", "--armour", "base45", "-o", target, *words).code == code
        assert target.read_bytes() == kept


def test_links_by_name(say: Say, picture: Path) -> None:
    made = say("packets", "make", picture, "--channel", "sms-text", "--sender", "K1")
    assert made.code == 0
    assert all(len(line) <= 160 for line in made.out.splitlines())
    assert say("packets", "make", picture, "--channel", "sigfox", "--armour", "hex").code == 0
    text = say("packets", "make", picture, "--channel", "meshcore-eu", "--armour", "base91", "--wrap").out
    assert max(map(len, text.splitlines())) <= find("meshcore-eu").size
    assert say("packets", "make", picture, "--channel", "smoke-signals").code == 2


def test_characters(say: Say, picture: Path) -> None:
    made = say("packets", "make", picture, "--characters", 50, "--armour", "gsm7").out.splitlines()
    assert 30 < max(map(len, made)) <= 50


def test_an_nfc_tag(say: Say, picture: Path, tmp_path: Path) -> None:
    assert say("packets", "make", picture, "--armour", "ndef", "-o", tmp_path / "tag").code == 0
    record = tmp_path / "tag" / "001.ndef"
    assert ndef.MEDIA_TYPE in record.read_bytes()
    got = tmp_path / "got.limn"
    assert say("packets", "join", record, "--armour", "ndef", "-o", got).code == 0
    assert got.read_bytes() == picture.read_bytes()
    refused = say("packets", "make", picture, "--armour", "ndef", "--payload", 40, "-o", tmp_path / "no")
    assert refused.code == 1 and "a whole file" in refused.err


def test_qr_codes(say: Say, picture: Path, tmp_path: Path) -> None:
    pytest.importorskip("segno")
    assert say("packets", "make", picture, "--payload", 60, "--armour", "qr", "-o", tmp_path / "codes").code == 0
    for path in (tmp_path / "codes").iterdir():
        with Image.open(path) as image:
            assert image.format == "PNG"


@pytest.mark.parametrize(
    "words",
    [
        ("make", "x.limn"),
        ("make", "x.limn", "--payload", "9", "--characters", "9", "--armour", "hex"),
        ("make", "x.limn", "--characters", "9"),
        ("make", "x.limn", "--payload", "9", "--armour", "rot13"),
        ("make", "x.limn", "--payload", "9", "-o", "-"),
        ("join", "-", "-o", "x.limn"),
        ("join", "a", "--armour", "qr", "-o", "x.limn"),
        ("join", "-", "--armour", "hex", "--json", "-o", "-"),
        ("simulate", "x.limn"),
        ("simulate", "x.limn", "--payload", "99", "-o", "x.gif"),
    ],
)
def test_wrong_usage(say: Say, picture: Path, words: tuple[str, ...]) -> None:
    found = [str(picture) if word == "x.limn" and words[0] != "join" else word for word in words]
    assert say("packets", *found).code == 2


def test_what_is_wrong_with_a_file_is_told(say: Say, tmp_path: Path, picture: Path) -> None:
    bad = tmp_path / "bad.limn"
    bad.write_bytes(b"not ours")
    assert say("packets", "make", bad, "--payload", 99).code == 1
    assert "5 are the least" in say("packets", "make", picture, "--payload", 3).err
    assert "ASCII" in say("packets", "make", picture, "--payload", 99, "--sender", "Zoë").err
    assert say("packets", "simulate", picture, "--payload", 99, "--loss", 0.9, "--burst", 2).code == 1


def test_simulating(photo: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    painted = unpack(limner.encode(photo, target_bytes=90))
    file, target = tmp_path / "boat.limn", tmp_path / "strip.png"
    file.write_bytes(pack(replace(painted, layers=(Layer(2, b"\0a boat"), *painted.layers))))
    words = ["packets", "simulate", str(file), "--payload", "40", "--loss", "0.3", "--parity", "1"]
    words += ["--trials", "500", "--seed", "4"]
    assert main([*words, "-o", str(target)]) == 0
    told = capsys.readouterr().out
    rows = [re.findall(r"[\d.]+", line) for line in told.splitlines()[2:]]
    assert [int(row[0]) for row in rows] == [0, 1]
    for row in rows:
        assert sum(map(float, row[3:])) == pytest.approx(100, abs=0.02)
    assert float(rows[1][3]) > float(rows[0][3]) > 0 and float(rows[0][4]) > 0
    with Image.open(target) as image:
        assert image.width > 1000
    assert main(words) == 0
    assert capsys.readouterr().out == told


def test_packets_are_joined_as_they_come(picture: Path, tmp_path: Path) -> None:
    """A picture is on the disk before the stream has ended."""
    lines = [data.hex() for data in make(picture.read_bytes(), 40)]
    target = tmp_path / "live.limn"
    command = [sys.executable, "-m", "limner", "packets", "join", "-", "--armour", "hex", "-o", str(target), "--json"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True, env=environment) as process:
        assert process.stdin and process.stdout
        for line in lines:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            event = json.loads(process.stdout.readline())["event"]
        assert event == "whole"
        process.stdin.write("zz\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["event"] == "refused"
        assert target.read_bytes() == picture.read_bytes()
        process.stdin.close()
        assert process.wait() == 0


# --- what the simulation is made of


@pytest.mark.parametrize(("loss", "burst"), [(0.1, None), (0.2, 3.0), (0.05, 1.0), (0.0, 2.0)])
def test_links_lose_what_they_should(loss: float, burst: float | None) -> None:
    (heard,) = trials(Link(loss, burst), 200_000, 1, "seed")
    assert 1 - sum(heard) / len(heard) == pytest.approx(loss, abs=0.01)
    runs = "".join("." if there else "x" for there in heard).split(".")
    lengths = [len(run) for run in runs if run]
    if loss:
        assert sum(lengths) / len(lengths) == pytest.approx(burst or 1 / (1 - loss), rel=0.06)
    first = [next(iter(one)) for one in trials(Link(loss, burst), 1, 20_000, "seed")]
    assert 1 - sum(first) / len(first) == pytest.approx(loss, abs=0.01)


def test_links_that_cannot_be() -> None:
    for wrong in ((1.0, None), (-0.1, None), (0.9, 2.0), (0.1, 0.5)):
        with pytest.raises(LimnerError):
            Link(*wrong)


def test_counts_are_those_of_the_binomial() -> None:
    """Any n of n + k must arrive."""
    blob = bench.file(500)
    packets = make(blob, 231, 1)
    found = sent(Link(0.2), len(packets), by_joiner(packets, blob), 40_000, "seed")
    assert len(packets) == 4
    assert found.whole / found.trials == pytest.approx(0.8**4 + 4 * 0.2 * 0.8**3, abs=0.01)
    assert found.whole + found.partial + found.nothing == found.trials


def test_other_receivers() -> None:
    assert each_for_itself((True, False)) == Fate.PARTIAL and each_for_itself((False,)) == Fate.NOTHING
    assert resent((True, False, False, True), times=2) == Fate.WHOLE
    assert resent((True, False, True, False), times=2) == Fate.NOTHING


def test_a_joiner_that_invents_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = bench.file(200)
    monkeypatch.setattr(losses, "heard", lambda packets, arrived: b"something else")
    with pytest.raises(LimnerError, match="not what was sent"):
        by_joiner(make(blob, 100), blob)((True,) * 3)


def test_the_page_of_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--trials", "40", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "packets.md").read_text("utf-8")
    assert page == capsys.readouterr().out
    rows = [json.loads(line) for line in (tmp_path / "packets.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 2 * 2 * 9 * 8
    for row in rows:
        assert row["whole"] + row["partial"] + row["nothing"] == pytest.approx(1)
    assert {row["scheme"] for row in rows if row["partial"]} <= {
        "limner, words first, parity 0",
        "limner, words first, parity 1",
        "limner, words first, parity 2",
        "SSDV",
    }
    assert all(name in page for name in ("Meshtastic", "SBD", "RS(255,223)", "--trials 40"))
    assert bench.main(["--trials", "40", "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "packets.jsonl").read_bytes() == (tmp_path / "packets.jsonl").read_bytes()


# --- messages that nobody sent


def test_twenty_thousand_messages_let_only_our_errors_out() -> None:
    tally = packet_fuzz.fuzz(20_000, seed=1)
    assert tally.messages == 20_000
    assert not tally.escapes, tally.escapes[0]
    # Deep code is reached.
    assert min(tally.outcomes[name] for name in ("whole", "more", "anew", "again", "DamagedError")) > 20


def test_the_fuzzer_can_fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Joiner, "pictures", lambda self: {}["left out"])
    assert bench.main(["--fuzz", "300"]) == 1
    assert "ESCAPED KeyError" in capsys.readouterr().out


def test_the_fuzzer_finds_wrong_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Joiner, "whole", lambda self, picture: b"a fox for a sheep")
    tally = packet_fuzz.fuzz(2_000, seed=2)
    assert {outcome for _, outcome in tally.escapes} == {"ESCAPED a wrong picture"}


def test_a_folder_is_its_files(say: Say, tmp_path: Path) -> None:
    made = tmp_path / "made"
    (tmp_path / "a.limn").write_bytes(pack(Blob(1, b"ab", 64, 64, (Layer(1, bytes(range(200))),))))
    assert say("packets", "make", tmp_path / "a.limn", "--payload", "60", "-o", made).code == 0
    assert say("packets", "join", made, "-o", tmp_path / "b.limn").code == 0
    assert (tmp_path / "b.limn").read_bytes() == (tmp_path / "a.limn").read_bytes()
