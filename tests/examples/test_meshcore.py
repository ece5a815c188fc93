"""Pictures over MeshCore: frames of a companion radio, console text between them, a mesh that drops what it has seen."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import meshcore
import pytest
from peers.ends import End, on_terminal
from peers.files import file_of, layered, written
from peers.meshcore_radio import CompanionRadio, Mesh
from wire import Wire

from limner.channels import find, gap_s


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy may take its time."""
    monkeypatch.setattr(meshcore, "ANSWER_S", 60.0)


def over_the_mesh(
    tmp_path: Path, file: bytes, mesh: Mesh, *more: str, near: CompanionRadio | None = None, unplug: bool = False
) -> tuple[int, int, list[float]]:
    """Send a file from one radio to another; return the exit codes, and the waits."""
    (tmp_path / "picture.limn").write_bytes(file)
    near, far = near or CompanionRadio(mesh), CompanionRadio(mesh, {3: b"ours"})
    codes, waits = dict[str, int](), list[float]()
    with on_terminal(near.play) as here, on_terminal(far.play) as there:
        end = ["--idle", "0.2"] if unplug else ["--count", "1"]
        receive = ["receive", str(tmp_path / "got"), "--device", there, "--slot", "3", *end]
        listening = Thread(target=lambda: codes.update(receive=meshcore.main(receive)))
        if not unplug:
            listening.start()
            assert far.started.wait(30)
        send = ["send", str(tmp_path / "picture.limn"), "--device", here, *more]
        codes["send"] = meshcore.main(send, waits.append)
        if unplug:
            # Nobody listened; the radio has kept what came.
            assert mesh.silent.wait(30)
            listening.start()
        listening.join(60)
    return codes["send"], codes["receive"], waits


def test_a_picture_of_one_message(tmp_path: Path) -> None:
    file, mesh = file_of(163), Mesh()
    assert over_the_mesh(tmp_path, file, mesh) == (0, 0, [])
    assert written(tmp_path / "got") == [file] and mesh.flooded == [file]


def test_silence_is_kept_at_the_duty_cycle(tmp_path: Path) -> None:
    file, mesh, link = file_of(400), Mesh(), find("meshcore")
    *codes, waits = over_the_mesh(tmp_path, file, mesh)
    assert codes == [0, 0] and written(tmp_path / "got") == [file]
    assert waits == [(link.air_s(len(one)) or 0.0) + gap_s(link, len(one)) for one in mesh.flooded[:-1]]
    assert len(waits) == 2 and min(waits) > 10


def test_parity_meets_losses(tmp_path: Path) -> None:
    file, mesh = file_of(400), Mesh(lost=[0, 2])
    assert over_the_mesh(tmp_path, file, mesh, "--parity", "2")[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]


def test_parity_of_one_message_is_not_the_same_bytes(tmp_path: Path) -> None:
    file, mesh = file_of(150), Mesh(lost=[0])
    assert over_the_mesh(tmp_path, file, mesh, "--parity", "1")[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]
    assert len(set(mesh.flooded)) == 2


def test_what_waits_in_the_radio_is_taken(tmp_path: Path) -> None:
    file = layered(40, 400)
    assert over_the_mesh(tmp_path, file, Mesh(lost=[1], expected=3), unplug=True)[:2] == (0, 0)
    (part,) = (tmp_path / "got").glob("*.part.limn")
    assert b"t" * 40 in part.read_bytes()


def test_a_full_queue_is_waited_for(tmp_path: Path) -> None:
    file, mesh = file_of(100), Mesh()
    assert over_the_mesh(tmp_path, file, mesh, near=CompanionRadio(mesh, full=2))[2] == [10.0, 10.0]
    assert written(tmp_path / "got") == [file]


@pytest.mark.parametrize(
    ("radio", "more", "said"),
    [
        (CompanionRadio(Mesh(), full=99), [], "its queue is full"),
        (CompanionRadio(Mesh(), old=True), [], "its firmware knows no datagram"),
        (CompanionRadio(Mesh()), ["--slot", "7"], "no channel is in that slot"),
        (CompanionRadio(Mesh()), ["--kind", "0"], "bad value"),
    ],
)
def test_what_the_radio_refuses(
    tmp_path: Path, radio: CompanionRadio, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "picture.limn").write_bytes(file_of(100))
    with on_terminal(radio.play) as port:
        assert meshcore.main(["send", str(tmp_path / "picture.limn"), "--device", port, *more], lambda _: None) == 1
    assert f"error: the radio refuses: {said}" in capsys.readouterr().err


def test_others_on_the_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, radio = file_of(120), CompanionRadio(Mesh())
    text = bytes([0x08, 1, 2, 0, 0, 0, 0, 0]) + "Müller: ahoi".encode()
    contact = bytes([0x10]) + bytes(15) + b"psst"
    strange = bytes([0x1B, 0, 0, 0, 1, 2, 0xFF, 0xFF, 5]) + b"hello"
    other_kind = bytes([0x1B, 0, 0, 0, 1, 2, 0x10, 0x01, len(file)]) + file
    other_slot = bytes([0x1B, 0, 0, 0, 0, 2, 0xFF, 0xFF, len(file)]) + file
    cut = bytes([0x1B, 0, 0, 0, 1])
    radio.queue += [text, contact, strange, other_kind, other_slot, cut]
    radio.hear(b"ours", 0xFFFF, file)
    with on_terminal(radio.play) as port:
        assert meshcore.main(["receive", str(tmp_path / "got"), "--device", port, "--count", "1"]) == 0
    assert written(tmp_path / "got") == [file]
    said = capsys.readouterr().err
    assert "a text: Müller: ahoi" in said and "a text: psst" in said and said.count("left out") == 1


def test_no_companion(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshcore, "ANSWER_S", 0.1)

    def play(end: End) -> None:
        while end.read():
            end.write(b"login: >")

    with on_terminal(play) as port:
        assert meshcore.main(["receive", str(tmp_path / "got"), "--device", port]) == 1
    assert "error: the radio does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("came", "frames", "left"),
    [
        (b">\x01\x00a", [b"a"], b""),
        (b"log > \r\n>\x02\x00ab>\x01\x00", [b"ab"], b">\x01\x00"),
        (b">\xff\xff>\x00\x00>\x01\x00a", [b"a"], b""),
        (b">\x01", [], b">\x01"),
        (b"nothing", [], b""),
    ],
)
def test_frames_are_found_between_text(came: bytes, frames: list[bytes], left: bytes) -> None:
    radio = meshcore.Radio(Wire(-1), came)
    found = []
    while (frame := radio._cut()) is not None:
        found.append(frame)
    assert found == frames and radio.held == left


def test_a_frame_by_hand() -> None:
    assert meshcore.frame(b"\x16\x03").hex(" ") == "3c 02 00 16 03"
