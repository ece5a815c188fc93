"""Pictures by satellite: a modem that echoes, checks sums, fails, and keeps what it has sent."""

from __future__ import annotations

from pathlib import Path

import iridium_sbd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers.ends import End, on_terminal
from peers.files import file_of, written
from peers.sbd_modem import SbdModem, sum_of

from limner.container.packets import make

UP_BYTES, DOWN_BYTES = 340, 270


def sent(tmp_path: Path, file: bytes, modem: SbdModem, *more: str) -> tuple[int, list[float]]:
    """Send a file by a modem; return the exit code and the waits."""
    (tmp_path / "picture.limn").write_bytes(file)
    waits: list[float] = []
    with on_terminal(modem.play) as port:
        code = iridium_sbd.main(["send", str(tmp_path / "picture.limn"), "--device", port, *more], waits.append)
    return code, waits


def received(tmp_path: Path, modem: SbdModem, *more: str) -> int:
    with on_terminal(modem.play) as port:
        return iridium_sbd.main(["receive", str(tmp_path / "got"), "--device", port, *more], lambda _: None)


def test_a_picture_of_one_message(tmp_path: Path) -> None:
    file, modem = file_of(340), SbdModem()
    assert sent(tmp_path, file, modem) == (0, [])
    assert modem.received == [file]
    assert modem.up == b"", "what was sent would go with the next session again"


def test_a_picture_of_several(tmp_path: Path) -> None:
    file, modem = file_of(900), SbdModem()
    code, waits = sent(tmp_path, file, modem, "--parity", "1", "--sender", "BUOY1")
    assert code == 0
    assert modem.received == make(file, UP_BYTES, 1, b"BUOY1")
    assert waits == [40.0] * 3


def test_sessions_that_fail_are_tried_again(tmp_path: Path) -> None:
    file, modem = file_of(300), SbdModem(sessions=[32, 18, 10, 13, 0])
    code, waits = sent(tmp_path, file, modem)
    assert code == 0 and modem.received == [file] and modem.statuses == [32, 18, 10, 13, 0]
    assert [wait <= most for wait, most in zip(waits, (5, 5, 30, 30), strict=True)] == [True] * 4


def test_the_network_asks_for_patience(tmp_path: Path) -> None:
    code, waits = sent(tmp_path, file_of(300), SbdModem(sessions=[36, 0]))
    assert code == 0 and 180 <= waits[0] <= 185


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [([32] * 7, "no network"), ([16], "the modem is locked"), ([15], "access is denied"), ([14], "status 14")],
)
def test_what_does_not_get_better_is_told(
    tmp_path: Path, statuses: list[int], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    modem = SbdModem(sessions=statuses)
    code, _ = sent(tmp_path, file_of(300), modem)
    assert code == 1 and modem.received == [] and modem.statuses == statuses
    assert f"error: not sent: {reason}" in capsys.readouterr().err


def test_a_message_that_comes_damaged_to_the_modem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, modem = file_of(300), SbdModem(bad_writes=2)
    assert sent(tmp_path, file, modem)[0] == 0 and modem.received == [file]
    assert sent(tmp_path, file, SbdModem(bad_writes=9))[0] == 1
    assert "error: the modem does not take the message: its checksum is wrong" in capsys.readouterr().err


def test_messages_for_another_modem_are_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sent(tmp_path, file_of(900), SbdModem(), "--channel", "sbd-9522")[0] == 1
    assert "it has a wrong size" in capsys.readouterr().err


def test_what_waits_is_received(tmp_path: Path) -> None:
    file, other = file_of(700), file_of(100, seed=1)
    modem = SbdModem(waiting=[*make(file, DOWN_BYTES), b"hello from land", other], sessions=[0, 19, 2], bad_reads=1)
    assert received(tmp_path, modem, "--count", "2") == 0
    assert sorted(written(tmp_path / "got")) == sorted([file, other])
    assert modem.received == [], "an old message went out, and was paid for"


def test_a_ring_announces_more(tmp_path: Path) -> None:
    file = file_of(500)
    modem = SbdModem(ringing=make(file, DOWN_BYTES))
    assert received(tmp_path, modem, "--count", "1") == 0
    assert written(tmp_path / "got") == [file]
    assert modem.commands.count("AT+SBDIX") == 1 + len(make(file, DOWN_BYTES))


def test_nothing_comes(tmp_path: Path) -> None:
    assert received(tmp_path, SbdModem(), "--idle", "0.2") == 1


def test_what_comes_while_sending_is_kept(tmp_path: Path) -> None:
    file, other = file_of(300), file_of(200, seed=1)
    modem = SbdModem(waiting=[other])
    assert sent(tmp_path, file, modem)[0] == 0
    assert modem.received == [file] and other in written(tmp_path)


def test_an_answer_that_makes_no_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def play(end: End) -> None:
        while data := end.read():
            end.write(b"\r\nERROR\r\n" if b"SBD" in data else b"\r\nOK\r\n")

    with on_terminal(play) as port:
        assert iridium_sbd.main(["receive", str(tmp_path), "--device", port]) == 1
    assert "error: the modem refuses" in capsys.readouterr().err


def test_silence_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iridium_sbd.Modem.lines, "__kwdefaults__", {"within_s": 0.1})
    monkeypatch.setattr(iridium_sbd.Modem.ask, "__kwdefaults__", {"within_s": 0.1})

    def play(end: End) -> None:
        while end.read():
            pass

    with on_terminal(play) as port:
        assert iridium_sbd.main(["receive", str(tmp_path), "--device", port]) == 1
    assert "error: waited 0.1 s for" in capsys.readouterr().err


@given(st.binary(max_size=340))
def test_sums(message: bytes) -> None:
    assert iridium_sbd.checksum(message) == sum_of(message)


def test_a_sum_by_hand() -> None:
    # ISU AT Command Reference, +SBDWB: the word hello is sent as 68 65 6c 6c 6f 02 14.
    assert iridium_sbd.checksum(b"hello").hex() == "0214"
