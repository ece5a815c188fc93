"""What the examples share: wires, silences, and pictures that are written as they come."""

from __future__ import annotations

import os
import subprocess
import sys
import tty
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray
from peers.ends import End, on_tcp, on_terminal
from peers.files import file_of, layered, written
from PIL import Image
from post import Inbox, deliver, packets_of, run
from wire import Deadline, LinkError, open_wire

import limner
from limner.channels import Channel, Limits, Line, find
from limner.container.packets import make

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROGRAMS = [path.name for path in sorted(EXAMPLES.glob("*.py")) if "main(" in path.read_text("utf-8")]


def test_a_picture_is_painted_as_it_comes(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    file = limner.encode(photo, target_bytes=300, bare=True)
    assert Inbox(tmp_path / "got").drain(make(file, 100, 1)[1:], 1) == 0
    (painted,) = (tmp_path / "got").glob("*.png")
    with Image.open(painted) as image:
        assert image.size == (144, 96) and image.info  # says what made it
    assert written(tmp_path / "got") == [file]


def test_what_came_before_the_gap_is_painted(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    file = limner.encode(photo, target_bytes=300, bare=True)
    packets = make(file, 100)
    assert Inbox(tmp_path / "got").drain([*packets[:2], *packets[3:]]) == 0
    (part,) = (tmp_path / "got").glob("*.part.limn")
    assert file.startswith(part.read_bytes()[2:])
    with Image.open(part.with_suffix(".png")) as image:
        assert image.size == (144, 96)


def test_of_packets_behind_a_gap_nothing_is_written(tmp_path: Path) -> None:
    assert Inbox(tmp_path / "got").drain(make(file_of(300), 100)[1:]) == 1
    assert not (tmp_path / "got").exists()


def test_pictures_go_by_sender_and_are_written_once(tmp_path: Path) -> None:
    ours, theirs = file_of(200), file_of(200, seed=1)
    packets = make(ours, 80, 1, b"DL1ABC-7")
    assert Inbox(tmp_path / "got").drain([*packets, *make(theirs, 80, 1, b"../../evil"), b"hello", b"", *packets]) == 0
    names = sorted(path.name.split("_")[0] for path in (tmp_path / "got").glob("*.limn"))
    assert names == ["DL1ABC-7", "evil"]
    assert sorted(written(tmp_path / "got")) == sorted([ours, theirs])


def test_draining_ends_with_the_last_picture_that_was_asked_for(tmp_path: Path) -> None:
    stream = iter([*make(file_of(100), 200), *make(file_of(100, seed=1), 200)])
    assert Inbox(tmp_path).drain(stream, 1) == 0
    assert len(list(stream)) == 1


def test_a_user_who_stops_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def coming() -> object:
        yield from make(layered(30, 300), 200)[:1]
        raise KeyboardInterrupt

    assert Inbox(tmp_path).drain(coming()) == 0
    assert [path.name for path in tmp_path.glob("*.part.limn")]
    assert "stopped" in capsys.readouterr().err


def test_silence_stands_between_messages_only() -> None:
    link = Channel("slow", "a link", "none", 10, line=Line(80, overhead_bytes=2), limits=Limits(duty=0.1))
    sent, waits = list[bytes](), list[float]()
    deliver([b"12345678", b"123"], link, sent.append, waits.append)
    assert sent == [b"12345678", b"123"]
    assert waits == [pytest.approx(10.0)]  # a second on the air, nine of silence


def test_packets_fit_the_link(tmp_path: Path) -> None:
    path = tmp_path / "a.limn"
    path.write_bytes(file_of(400))
    assert packets_of(path, find("sbd"), 1, "K1") == make(file_of(400), 340, 1, b"K1")


def test_what_goes_wrong_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise LinkError("the cable is out")

    assert run(work) == 1
    assert capsys.readouterr().err == "error: the cable is out\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_start(name: str, tmp_path: Path) -> None:
    if name in ("meshtastic_send.py", "meshtastic_receive.py"):
        pytest.importorskip("meshtastic")
    done = subprocess.run([sys.executable, EXAMPLES / name, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Source" in done.stdout


def test_there_are_programs() -> None:
    assert len(PROGRAMS) == 6


def test_a_program_as_a_user_starts_it(tmp_path: Path) -> None:
    (tmp_path / "picture.limn").write_bytes(file_of(100))
    whole = Event()

    def play(end: End) -> None:
        heard = b""
        while data := end.read():
            heard += data
            if heard.endswith(b"\xc0"):
                whole.set()

    with on_tcp(play) as place:
        words = ["send", "picture.limn", "--device", place, "--call", "DL1ABC"]
        done = subprocess.run([sys.executable, EXAMPLES / "kiss_ax25.py", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert whole.wait(30)
    assert done.stderr == "1 of 1: 100 bytes\n"


# --- wires


def test_a_serial_port_changes_no_byte() -> None:
    every = bytes(range(256))

    def play(end: End) -> None:
        while data := end.read():
            end.write(data)

    with on_terminal(play) as port, open_wire(port, 19200) as wire:
        wire.write(every)
        assert wire.exactly(256, 30) == every
        wire.write(b"a\r\nb\n")
        assert (wire.upto(b"\n", 30), wire.upto(b"\n", 30), wire.some(0)) == (b"a\r", b"b", b"")


def test_what_was_read_too_far_is_kept() -> None:
    with on_tcp(lambda end: end.write(b"abc\ndef")) as place, open_wire(place) as wire:
        assert wire.exactly(1, 30) == b"a"
        assert wire.upto(b"\n", 30) == b"bc"
        assert wire.exactly(3, 30) == b"def"
        with pytest.raises(LinkError, match="hung up"):
            wire.exactly(1, 30)


def test_what_does_not_come_is_an_error_and_what_came_is_kept() -> None:
    own, other = os.openpty()
    tty.setraw(other)
    with open_wire(os.ttyname(other)) as wire:
        os.write(own, b"ab")
        with pytest.raises(LinkError, match=r"waited 0.05 s for 3 bytes"):
            wire.exactly(3, 0.05)
        os.write(own, b"c")
        assert wire.exactly(3, 30) == b"abc"
    os.close(own)
    os.close(other)


def test_a_line_without_end() -> None:
    with on_tcp(lambda end: end.write(b"x" * 10_000)) as place, open_wire(place) as wire, pytest.raises(LinkError, match="end"):
        wire.upto(b"\n", 30)


@pytest.mark.parametrize(
    ("place", "baud", "said"),
    [
        ("/dev/no-such-port", 9600, "/dev/no-such-port: No such file"),
        ("/dev/null", 9600, "/dev/null: Inappropriate ioctl"),
        ("/dev/null", 12345, "no serial port has 12345 baud"),
        ("tnc", 9600, "a device is /dev/NAME or HOST:PORT"),
        ("127.0.0.1:1", 9600, "127.0.0.1:1: Connection refused"),
    ],
)
def test_no_device(place: str, baud: int, said: str) -> None:
    with pytest.raises(LinkError) as caught:
        open_wire(place, baud)
    assert str(caught.value).startswith(said)


def test_deadlines() -> None:
    assert Deadline(None).left_s is None
    assert Deadline(0).left_s == 0.0
    assert 0 < (Deadline(1000).left_s or 0) <= 1000
