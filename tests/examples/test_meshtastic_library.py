"""Meshtastic's own library, where it is installed: it understands our fields, and the radio that the tests play."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("meshtastic")

import fields
import meshtastic_receive
import meshtastic_send
from meshtastic.protobuf import mesh_pb2, portnums_pb2
from peers import meshtastic_radio as played
from peers.ends import on_tcp
from peers.files import file_of, written
from peers.meshtastic_radio import EVERYBODY, Mesh, MeshRadio

from limner.container.packets import make

# Threads and sockets of the library end when they like.
pytestmark = pytest.mark.filterwarnings("ignore")
NODE = 0xA1B2C3D4


def test_a_packet_to_the_radio_is_what_the_library_reads() -> None:
    data = fields.field(1, 256) + fields.field(2, b"\xc0\x00 bytes")
    packet = fields.fixed(2, EVERYBODY) + fields.field(3, 1) + fields.field(4, data) + fields.fixed(6, 4711)
    found = mesh_pb2.ToRadio.FromString(fields.field(1, packet + fields.field(9, 3) + fields.field(10, 1))).packet
    assert (found.to, found.channel, found.id, found.hop_limit, found.want_ack) == (EVERYBODY, 1, 4711, 3, True)
    assert (found.decoded.portnum, found.decoded.payload) == (portnums_pb2.PortNum.PRIVATE_APP, b"\xc0\x00 bytes")
    assert mesh_pb2.ToRadio.FromString(fields.field(3, 123456)).want_config_id == 123456
    assert mesh_pb2.ToRadio.FromString(fields.field(7, b"")).HasField("heartbeat")


def test_what_the_library_writes_is_read() -> None:
    status = mesh_pb2.FromRadio(queueStatus=mesh_pb2.QueueStatus(res=9, free=3, maxlen=16, mesh_packet_id=4711))
    found = fields.Fields(status.SerializeToString()).inner(11)
    assert (found.number(1), found.number(4)) == (9, 4711)
    routing = mesh_pb2.Routing(error_reason=mesh_pb2.Routing.Error.MAX_RETRANSMIT)
    packet = mesh_pb2.MeshPacket(to=1, id=5, rx_snr=-3.5, rx_rssi=-90)
    setattr(packet, "from", NODE)
    packet.decoded.portnum, packet.decoded.payload = portnums_pb2.PortNum.ROUTING_APP, routing.SerializeToString()
    packet.decoded.request_id = 4711
    found = fields.Fields(mesh_pb2.FromRadio(packet=packet).SerializeToString()).inner(2)
    data = found.inner(4)
    assert (found.number(1), data.number(1), data.number(6), data.inner(2).number(3)) == (NODE, 5, 4711, 5)


def test_the_radio_of_the_tests_speaks_as_the_library_does() -> None:
    data = played.message((1, 256), (2, b"bytes"), (6, played.Fixed(9)))
    said = played.message((2, played.message((1, played.Fixed(NODE)), (2, played.Fixed(1)), (4, data), (9, 2))))
    packet = mesh_pb2.FromRadio.FromString(said).packet
    assert (getattr(packet, "from"), packet.to, packet.hop_limit) == (NODE, 1, 2)
    assert (packet.decoded.portnum, packet.decoded.payload, packet.decoded.request_id) == (256, b"bytes", 9)
    again = played.parsed(mesh_pb2.ToRadio(packet=packet).SerializeToString())
    assert played.data_of(played.parsed(played.data_of(played.parsed(played.data_of(again, 1)), 4)), 2) == b"bytes"


def over_the_mesh(tmp_path: Path, file: bytes, mesh: Mesh, *more: str) -> tuple[int, int, list[float]]:
    (tmp_path / "picture.limn").write_bytes(file)
    near, far = MeshRadio(mesh, 1), MeshRadio(mesh, NODE)
    codes, waits = dict[str, int](), list[float]()
    with on_tcp(near.play) as here, on_tcp(far.play) as there:
        receive = [str(tmp_path / "got"), "--device", there, "--count", "1"]
        listening = Thread(target=lambda: codes.update(receive=meshtastic_receive.main(receive)))
        listening.start()
        assert far.ready.wait(30)
        send = [str(tmp_path / "picture.limn"), "--device", here, *more]
        codes["send"] = meshtastic_send.main(send, waits.append)
        listening.join(60)
    return codes["send"], codes["receive"], waits


def test_a_picture_to_everybody(tmp_path: Path) -> None:
    file, mesh = file_of(600), Mesh(lost=[0])
    *codes, waits = over_the_mesh(tmp_path, file, mesh, "--parity", "1", "--channel", "meshtastic-eu")
    assert codes == [0, 0] and written(tmp_path / "got") == [file]
    assert len(waits) == 3 and min(waits) > 10


def test_a_picture_to_one_node(tmp_path: Path) -> None:
    file, mesh = file_of(600), Mesh(lost=[1])
    assert over_the_mesh(tmp_path, file, mesh, "--to", f"!{NODE:08x}")[:2] == (0, 0)
    assert written(tmp_path / "got") == [file]
    assert len(mesh.packets) == len(make(file, 219)) + 1


def test_no_radio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "picture.limn").write_bytes(file_of(100))
    assert meshtastic_send.main([str(tmp_path / "picture.limn"), "--device", "127.0.0.1:1"]) == 1
    assert "error: no radio at 127.0.0.1:1" in capsys.readouterr().err
