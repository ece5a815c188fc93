"""Pictures by packet radio: KISS and AX.25 as TNCs speak them, over air that loses and spoils frames."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import kiss_ax25
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers.ends import on_tcp
from peers.files import file_of, layered, written
from peers.tnc import Air, Tnc, check_sequence
from wire import LinkError

from limner.channels import find, gap_s
from limner.container.packets import make

CALLS = st.from_regex(r"[A-Z0-9]{1,6}(-([0-9]|1[0-5]))?", fullmatch=True)


def over_the_air(
    tmp_path: Path, file: bytes, air: Air, *more: str, port: int = 0, unplug: bool = False
) -> tuple[int, int, list[float]]:
    """Send a file from one TNC to another; return the exit codes, and the silences that were kept.

    ``unplug``: the TNC goes away when everything has been sent; else one picture is waited for.
    """
    (tmp_path / "picture.limn").write_bytes(file)
    near, far = Tnc(air, port), Tnc(air, port, chunk_bytes=3)
    codes, waits = dict[str, int](), list[float]()
    with on_tcp(near.play) as here, on_tcp(far.play) as there:
        receive = ["receive", str(tmp_path / "got"), "--device", there, "--count", "1"]
        listening = Thread(target=lambda: codes.update(receive=kiss_ax25.main(receive)))
        listening.start()
        assert far.connected.wait(30)
        send = ["send", str(tmp_path / "picture.limn"), "--device", here, "--call", "DL1ABC-7", "--port", str(port), *more]
        codes["send"] = kiss_ax25.main(send, waits.append)
        if unplug:
            air.silent.wait(30)
            far.ends[0].hang_up()
        listening.join(60)
    return codes["send"], codes["receive"], waits


@pytest.mark.parametrize("port", [0, 12])
def test_a_picture_crosses_the_air(tmp_path: Path, port: int) -> None:
    file, air = file_of(700), Air()
    assert over_the_air(tmp_path, file, air, port=port)[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]
    packets = make(file, find("ax25").payload_bytes)
    assert [frame[16:-2] for frame in air.frames] == packets


def test_silence_is_kept_while_a_frame_is_on_the_air(tmp_path: Path) -> None:
    file, link = file_of(700), find("ax25")
    *_, waits = over_the_air(tmp_path, file, Air())
    packets = make(file, link.payload_bytes)
    assert waits == [(link.air_s(len(one)) or 0.0) + gap_s(link, len(one)) for one in packets[:-1]]
    assert len(waits) == 2 and min(waits) > 1


def test_parity_meets_lost_and_damaged_frames(tmp_path: Path) -> None:
    file, air = file_of(700), Air(lost=[0], damaged=[2])
    assert over_the_air(tmp_path, file, air, "--parity", "2")[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]


def test_what_is_whole_of_a_picture_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = layered(40, 600)
    assert over_the_air(tmp_path, file, Air(lost=[2], expected=3), unplug=True)[:2] == (0, 1)
    (part,) = (tmp_path / "got").glob("*.part.limn")
    assert b"t" * 40 in part.read_bytes()
    assert "2 of 3 packets, 1 to come; of data are missing 3" in capsys.readouterr().err


def test_nothing_is_written_of_nothing(tmp_path: Path) -> None:
    with on_tcp(Tnc(Air()).play) as place:
        assert kiss_ax25.main(["receive", str(tmp_path / "got"), "--device", place, "--idle", "0.2"]) == 1
    assert not (tmp_path / "got").exists()


def test_text_on_aprs(tmp_path: Path) -> None:
    file, air = file_of(300), Air()
    assert over_the_air(tmp_path, file, air, "--channel", "aprs", "--via", "WIDE1-1", "DB0XY-2")[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]
    for frame in air.frames:
        information = frame[7 * 4 + 2 : -2]
        assert information.startswith(b"{{L") and information.isascii() and information.decode().isprintable()
        assert len(information) <= 256
        assert frame[:7] == b"".join(bytes([ord(char) << 1]) for char in "APZLIM") + b"\xe0"


def test_other_frames_are_left_out(tmp_path: Path) -> None:
    file, air = file_of(200), Air()
    (tmp_path / "picture.limn").write_bytes(file)
    tnc, codes = Tnc(air), list[int]()
    with on_tcp(tnc.play) as place:
        receive = ["receive", str(tmp_path / "got"), "--device", place, "--count", "1"]
        listening = Thread(target=lambda: codes.append(kiss_ax25.main(receive)))
        listening.start()
        assert tnc.connected.wait(30)
        ours = kiss_ax25.ui_frame("DL1ABC", "LIMNER", [], file)
        connect = ours[:14] + b"\x3f"
        position, spoilt, network = ours[:16] + b"!4903.50N/07201.75W-", ours[:16] + b"{{L\xff", ours[:15] + b"\xcf" + ours[16:]
        others = [position, connect, network, ours[:13], spoilt]
        for frame in [*others, ours]:
            air.send(None, frame + check_sequence(frame))
        listening.join(60)
    assert codes == [0] and written(tmp_path / "got") == [file]
    assert tnc.heard == len(others) + 1


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "picture.limn"
    file.write_bytes(file_of(100))
    with on_tcp(Tnc(Air()).play) as place:
        for arguments, said in [
            (["--device", "127.0.0.1:1", "--call", "DL1ABC"], "127.0.0.1:1: "),
            (["--device", "nowhere", "--call", "DL1ABC"], "a device is /dev/NAME or HOST:PORT"),
            (["--device", place, "--call", "DL1ABCDE"], "a call sign is up to 6"),
            (["--device", place, "--call", "DL1ABC-16"], "a call sign is up to 6"),
            (["--device", place, "--call", "DL1ABC", "--via", *["A"] * 9], "at most 8 digipeaters"),
            (["--device", place, "--call", "DL1ABC", "--channel", "sbd"], "--channel is aprs or ax25"),
        ]:
            assert kiss_ax25.main(["send", str(file), *arguments]) == 1
            assert said in capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(SystemExit):
        kiss_ax25.main(["send", str(file)])


def test_an_end_of_the_line_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with on_tcp(lambda end: None) as place:
        assert kiss_ax25.main(["receive", str(tmp_path / "got"), "--device", place]) == 1
    assert "hung up" in capsys.readouterr().err


@given(st.binary(min_size=1, max_size=300), st.integers(0, 15))
def test_kiss_there_and_back(frame: bytes, port: int) -> None:
    wrapped = kiss_ax25.kiss(frame, port)
    assert wrapped[:1] == wrapped[-1:] == b"\xc0" and b"\xc0" not in wrapped[1:-1]
    assert kiss_ax25.unkiss(wrapped[1:-1]) == frame


@pytest.mark.parametrize(
    ("body", "frame"),
    [
        (b"", None),
        (b"\x00", None),
        (b"\x01\x32", None),  # TXDELAY, from nobody
        (b"\x00a\xdb\xdcb", b"a\xc0b"),
        (b"\x00a\xdb\xddb\xdd", b"a\xdbb\xdd"),
        (b"\x00a\xdbxb", b"ab"),  # an escape of nothing: dropped
        (b"\x00a\xdb\xdb\xdcb\xdb", b"a\xc0b"),
        (b"\xdb\xdcab", b"ab"),  # port 12, whose command is a FEND
    ],
)
def test_kiss_by_hand(body: bytes, frame: bytes | None) -> None:
    assert kiss_ax25.unkiss(body) == frame


@given(CALLS, CALLS, st.lists(CALLS, max_size=8), st.binary(max_size=256))
def test_frames_there_and_back(source: str, to: str, via: list[str], information: bytes) -> None:
    frame = kiss_ax25.ui_frame(source, to, via, information)
    assert len(frame) == 7 * (2 + len(via)) + 2 + len(information)
    assert kiss_ax25.read_ui(frame) == (source.removesuffix("-0"), information)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_frame_or_none(frame: bytes) -> None:
    found = kiss_ax25.read_ui(frame)
    assert found is None or found[1] == frame[len(frame) - len(found[1]) :]


def test_a_frame_by_hand() -> None:
    # AX.25 2.2, section 3.12: letters shifted up, SSID with its two reserved bits, the last address marked; a command.
    said = kiss_ax25.ui_frame("N7LEM-1", "NJ7P", ["N7OO-2"], b"hi")
    assert said.hex(" ") == "9c 94 6e a0 40 40 e0 9c 6e 98 8a 9a 40 62 9c 6e 9e 9e 40 40 65 03 f0 68 69"


def test_no_call_sign() -> None:
    for call in ("", "DL1ABCD", "dl-1-2", "DL1ABC-16", "ÄÖÜ"):
        with pytest.raises(LinkError):
            kiss_ax25.address(call, last=True)


def test_the_check_of_the_air_finds_damage() -> None:
    assert check_sequence(b"123456789") == bytes.fromhex("6e90")
