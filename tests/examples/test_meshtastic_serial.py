"""Pictures over Meshtastic: frames and fields of the client API, console text between them, a mesh that loses packets."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import meshtastic_serial
import pytest
from fields import Fields, field, fixed, varint
from hypothesis import given
from hypothesis import strategies as st
from peers.ends import on_tcp, on_terminal
from peers.files import file_of, layered, written
from peers.meshtastic_radio import EVERYBODY, TEXT_MESSAGE_APP, Fixed, Mesh, MeshRadio, message, number, parsed
from wire import Wire

from limner.channels import find, gap_s
from limner.container.packets import make

NODE = 0xA1B2C3D4


def over_the_mesh(
    tmp_path: Path, file: bytes, mesh: Mesh, *more: str, refusals: list[int] | None = None, unplug: bool = False
) -> tuple[int, int, list[float]]:
    """Send a file from one radio to another; return the exit codes, and the waits."""
    (tmp_path / "picture.limn").write_bytes(file)
    near, far = MeshRadio(mesh, 1, refusals or []), MeshRadio(mesh, NODE)
    codes, waits = dict[str, int](), list[float]()
    with on_terminal(near.play) as here, on_tcp(far.play) as there:
        receive = ["receive", str(tmp_path / "got"), "--device", there, "--count", "1"]
        listening = Thread(target=lambda: codes.update(receive=meshtastic_serial.main(receive)))
        listening.start()
        assert far.ready.wait(30)
        send = ["send", str(tmp_path / "picture.limn"), "--device", here, *more]
        codes["send"] = meshtastic_serial.main(send, waits.append)
        if unplug:
            far.ends[0].hang_up()
        listening.join(60)
    return codes["send"], codes["receive"], waits


def test_a_picture_of_one_message(tmp_path: Path) -> None:
    file, mesh = file_of(231), Mesh()
    assert over_the_mesh(tmp_path, file, mesh, "--hops", "5") == (0, 0, [])
    assert written(tmp_path / "got") == [file] and mesh.packets == [file] and mesh.hops == [5]


def test_silence_is_kept_at_the_duty_cycle(tmp_path: Path) -> None:
    file, mesh, link = file_of(600), Mesh(), find("meshtastic-eu")
    *codes, waits = over_the_mesh(tmp_path, file, mesh, "--channel", "meshtastic-eu")
    assert codes == [0, 0] and written(tmp_path / "got") == [file]
    assert waits == [(link.air_s(len(one)) or 0.0) + gap_s(link, len(one)) for one in mesh.packets[:-1]]
    assert len(waits) == 2 and min(waits) > 10


def test_parity_meets_losses(tmp_path: Path) -> None:
    file, mesh = file_of(600), Mesh(lost=[1, 2])
    assert over_the_mesh(tmp_path, file, mesh, "--parity", "2", "--sender", "DL1ABC")[:2] == (0, 0)
    (found,) = (tmp_path / "got").glob("DL1ABC_*.limn")
    assert written(tmp_path / "got") == [file] and found.read_bytes()[2:] == file


def test_to_one_node_until_it_confirms(tmp_path: Path) -> None:
    file, mesh = file_of(600), Mesh(lost=[0, 1, 4])
    assert over_the_mesh(tmp_path, file, mesh, "--to", f"!{NODE:08x}")[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]
    assert len(mesh.packets) == len(make(file, 219)) + len(mesh.lost)


def test_a_node_that_never_confirms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mesh = Mesh(lost=range(99))
    assert over_the_mesh(tmp_path, file_of(100), mesh, "--to", "!a1b2c3d4", unplug=True)[:2] == (1, 1)
    assert "error: not sent: nobody confirms" in capsys.readouterr().err
    assert len(mesh.packets) == meshtastic_serial.TRIES


def test_what_is_whole_is_written(tmp_path: Path) -> None:
    file = layered(40, 500)
    assert over_the_mesh(tmp_path, file, Mesh(lost=[2]), unplug=True)[:2] == (0, 1)
    (part,) = (tmp_path / "got").glob("*.part.limn")
    assert b"t" * 40 in part.read_bytes()


def test_the_duty_cycle_of_the_radio_is_waited_for(tmp_path: Path) -> None:
    file = file_of(100)
    assert over_the_mesh(tmp_path, file, Mesh(), refusals=[9, 38]) == (0, 0, [60.0, 60.0])
    assert written(tmp_path / "got") == [file]


@pytest.mark.parametrize(("refusals", "said"), [([6], "no such channel"), ([33], "error 33"), ([9] * 9, "duty cycle used up")])
def test_what_the_radio_refuses(
    tmp_path: Path, refusals: list[int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "picture.limn").write_bytes(file_of(100))
    with on_terminal(MeshRadio(Mesh(), 1, refusals).play) as port:
        assert meshtastic_serial.main(["send", str(tmp_path / "picture.limn"), "--device", port], lambda _: None) == 1
    assert f"error: not sent: {said}" in capsys.readouterr().err


def test_others_on_the_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, radio = file_of(120), MeshRadio(Mesh(), 1)
    codes = list[int]()
    with on_tcp(radio.play) as place:
        receive = ["receive", str(tmp_path / "got"), "--device", place, "--count", "1"]
        listening = Thread(target=lambda: codes.append(meshtastic_serial.main(receive)))
        listening.start()
        assert radio.ready.wait(30)
        radio.hear(2, EVERYBODY, file, TEXT_MESSAGE_APP)
        radio.hear(2, EVERYBODY, b"another program's")
        radio.say(b"\xff\xff\xff")
        radio.say(message((2, message((1, Fixed(2)), (5, b"encrypted")))))
        radio.hear(2, EVERYBODY, file)
        listening.join(60)
    assert codes == [0] and written(tmp_path / "got") == [file]
    assert capsys.readouterr().err.count("left out") == 1


def test_no_radio(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshtastic_serial, "CONFIG_S", 0.1)
    with on_terminal(MeshRadio(Mesh(), 1, quiet=True).play) as port:
        assert meshtastic_serial.main(["receive", str(tmp_path / "got"), "--device", port]) == 1
    assert "error: the radio does not answer" in capsys.readouterr().err


def test_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshtastic_serial, "HEARTBEAT_S", 0.01)
    radio = MeshRadio(Mesh(), 1)
    with on_terminal(radio.play) as port:
        assert meshtastic_serial.main(["receive", str(tmp_path / "got"), "--device", port, "--idle", "0.3"]) == 1
        assert radio.alive.wait(30)


@given(st.integers(0, 2**64 - 1))
def test_numbers(value: int) -> None:
    assert varint(value) == number(value)
    assert Fields(field(1, value)).number(1) == value


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 2**32 - 1) | st.binary(max_size=200)), max_size=8))
def test_fields_there_and_back(pairs: list[tuple[int, int | bytes]]) -> None:
    said = b"".join(field(*pair) for pair in pairs)
    found = Fields(said)
    assert parsed(said) == dict(pairs)
    for key, value in dict(pairs).items():
        assert key in found
        assert (found.number(key) if isinstance(value, int) else found.bytes(key)) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_read(data: bytes) -> None:
    found = Fields(data)
    assert found.inner(2).number(1) >= 0


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5), st.data())
def test_a_cut_message_is_its_whole_fields(values: list[bytes], data: st.DataObject) -> None:
    fields = [field(place, value) for place, value in enumerate(values, 1)]
    said = b"".join(fields)
    kept = Fields(said[: data.draw(st.integers(0, len(said)))])
    for place, value in enumerate(values, 1):
        assert kept.bytes(place) in (value, b"")


def test_fields_by_hand() -> None:
    # Protocol Buffers, Encoding: 150 in field 1 is 08 96 01, "testing" in field 2 is 12 07 and its letters.
    assert field(1, 150).hex(" ") == "08 96 01"
    assert field(2, b"testing") == b"\x12\x07testing"
    assert fixed(1, 1).hex(" ") == "0d 01 00 00 00"


@pytest.mark.parametrize(
    ("came", "frames", "left"),
    [
        (b"\x94\xc3\x00\x01a", [b"a"], b""),
        (b"log \x94 \xc3\r\n\x94\xc3\x00\x02ab\x94", [b"ab"], b"\x94"),
        (b"\x94\xc3\xff\xff\x94\xc3\x00\x00\x94\xc3\x00\x01a", [b"", b"a"], b""),
        (b"\x94\xc3\x00", [], b"\x94\xc3\x00"),
    ],
)
def test_frames_are_found_between_text(came: bytes, frames: list[bytes], left: bytes) -> None:
    radio = meshtastic_serial.Radio(Wire(-1), came)
    found = []
    while (frame := radio._cut()) is not None:
        found.append(frame)
    assert found == frames and radio.held in (left, left[-1:])
