"""Packets: laws, golden files, faults, and what a receiver may be sent."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets_stranger import vectors

from limner import channels, errors
from limner.container.blob import Blob, Layer, pack, unpack
from limner.container.erasure import interpolate
from limner.container.joiner import Joiner, whole_layers
from limner.container.packets import (
    MAX_COUNT,
    MAX_PACKET_BYTES,
    Packet,
    PictureId,
    bare,
    capacity_bytes,
    crc,
    make,
    number_of,
    read,
    write,
)
from limner.errors import DamagedError, DecodeError, EncodeError, LimitError, NotLimnError, TruncatedError

FOLDER = Path(__file__).parents[2] / "spec" / "vectors" / "packets"


def file(body: bytes, words: str | None = None, width_px: int = 768) -> bytes:
    """A bare file: one layer, or words in front of it."""
    told = () if words is None else (Layer(2, b"\0" + words.encode()),)
    return pack(Blob(1, b"\x1f\x2e", width_px, 512, (*told, Layer(1, body))), bare=True)


def some_file(size: int, seed: int = 0) -> bytes:
    return file(random.Random(seed).randbytes(size))


def joined(packets: Sequence[bytes]) -> tuple[Joiner, PictureId]:
    joiner = Joiner()
    for data in packets:
        picture = joiner.add(data).picture
    return joiner, picture


# --- laws

SENDERS = st.text("".join(map(chr, range(0x21, 0x7F))), max_size=15).map(str.encode)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[bytes, list[bytes], int]:
    """A file, its packets, and how many of those are of data."""
    blob = file(draw(st.binary(max_size=300)), draw(st.none() | st.text(max_size=20)))
    sender, parity = draw(SENDERS), draw(st.integers(0, 12))
    least = -(-(len(blob) + 1) // MAX_COUNT)
    payload = 4 + len(sender) + draw(st.integers(least, 120))
    packets = make(blob, payload, parity, sender, wrap=draw(st.booleans()))
    assert all(len(data) <= payload for data in packets)
    return blob, packets, len(packets) - parity


@given(cuts(), st.randoms(use_true_random=False))
def test_any_n_packets_join_to_the_file(cut: tuple[bytes, list[bytes], int], rng: random.Random) -> None:
    blob, packets, count = cut
    joiner, picture = joined(rng.sample(packets, count))
    assert joiner.whole(picture) == blob
    assert joiner.partial(picture) == blob
    assert joiner.state(picture).is_whole


@given(cuts(), st.randoms(use_true_random=False))
def test_fewer_packets_never_join(cut: tuple[bytes, list[bytes], int], rng: random.Random) -> None:
    blob, packets, count = cut
    if count == 1:
        return
    chosen = rng.sample(range(len(packets)), count - 1)
    joiner, picture = joined([packets[index] for index in chosen])
    with pytest.raises(TruncatedError, match="1 to come"):
        joiner.whole(picture)
    state = joiner.state(picture)
    assert (state.have, state.needed) == (count - 1, 1)
    assert set(state.missing) == set(range(count)) - set(chosen)
    certain = joiner.partial(picture)
    if certain is not None:
        assert blob.startswith(certain)
        layers = unpack(certain, salvage=True).layers
        assert layers == unpack(blob).layers[: len(layers)] and len(layers) < len(unpack(blob).layers)


@given(st.lists(cuts(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_pictures_mixed_in_any_order_with_duplicates(cut: list[tuple[bytes, list[bytes], int]], rng: random.Random) -> None:
    heard = [data for _, packets, _ in cut for data in packets for _ in range(rng.randint(1, 3))]
    rng.shuffle(heard)
    joiner, wholes = Joiner(), []
    for data in heard:
        state = joiner.add(data)
        if state.event == "whole":
            wholes.append(joiner.whole(state.picture))
    assert {blob for blob, _, _ in cut} == set(wholes)


@given(cuts(), st.data())
def test_a_damaged_packet_is_never_one_of_the_picture(cut: tuple[bytes, list[bytes], int], data: st.DataObject) -> None:
    """A run of up to 16 wrong bits anywhere, or up to three wrong bits, are found with certainty."""
    blob, packets, count = cut
    if count == 1 and len(packets[0]) == len(blob):
        return  # a file that is sent as it is has its own check, and its own tests
    target = data.draw(st.integers(0, count - 1))
    bits = 8 * len(packets[target])
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, bits - 1))
        pattern = data.draw(st.integers(1, (1 << min(16, bits - start)) - 1)) << start
    else:
        pattern = sum(1 << bit for bit in data.draw(st.sets(st.integers(0, bits - 1), min_size=1, max_size=3)))
    wrong = (int.from_bytes(packets[target], "big") ^ pattern).to_bytes(len(packets[target]), "big")
    assert_refused(blob, packets[:count], target, wrong)


def assert_refused(blob: bytes, packets: Sequence[bytes], target: int, wrong: bytes) -> None:
    """Hear a damaged packet in place of the right one: nothing becomes whole, and the right one then makes it so."""
    joiner = Joiner()
    for index, good in enumerate(packets):
        try:
            state = joiner.add(wrong if index == target else good)
        except DecodeError:
            continue
        assert state.event != "whole", "a wrong packet made a picture"
        assert joiner.partial(state.picture) is None or blob.startswith(joiner.partial(state.picture) or b"")
    state = joiner.add(packets[target])
    assert (state.event, joiner.whole(state.picture)) == ("whole", blob)


@pytest.mark.parametrize("sender", [b"", b"DL1ABC-11"])
def test_every_single_bit_of_every_packet(sender: bytes) -> None:
    blob = file(bytes(range(60)), "a boat")
    packets = make(blob, 40, 0, sender)
    flips = 0
    for target, good in enumerate(packets):
        for bit in range(8 * len(good)):
            wrong = (int.from_bytes(good, "big") ^ 1 << bit).to_bytes(len(good), "big")
            assert_refused(blob, packets, target, wrong)
            flips += 1
    assert flips == 8 * sum(map(len, packets)) > 500


def test_every_single_bit_of_a_file_in_one_packet() -> None:
    blob = some_file(50)
    for packet in (*make(blob, 200), *make(blob, 200, wrap=True)):
        for bit in range(8 * len(packet)):
            wrong = (int.from_bytes(packet, "big") ^ 1 << bit).to_bytes(len(packet), "big")
            joiner = Joiner()
            # One bit in the first byte makes a packet of a file, a file of a packet, or nothing.
            with pytest.raises(DecodeError):
                joiner.whole(joiner.add(wrong).picture)


@settings(max_examples=300)
@given(st.binary(max_size=80), st.booleans())
def test_bytes_of_hypothesis_let_only_our_errors_out(data: bytes, start: bool) -> None:
    joiner = Joiner()
    try:
        state = joiner.add((b"\xc0" + data) if start else data)
        assert state.event in ("new", "whole")
        joiner.partial(state.picture)
    except errors.LimnerError:
        pass


@given(cuts())
def test_reading_a_packet_is_the_inverse_of_writing_it(cut: tuple[bytes, list[bytes], int]) -> None:
    for data in cut[1]:
        if data[0] >= 0xC0:
            assert write(read(data)) == data


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 9), st.randoms(use_true_random=False))
def test_any_n_pieces_give_all_the_others(count: int, parity: int, length: int, rng: random.Random) -> None:
    pieces = {index: rng.randbytes(length) for index in range(count)}
    pieces |= interpolate(dict(pieces), range(count, count + parity))
    kept = {index: pieces[index] for index in rng.sample(range(count + parity), count)}
    assert interpolate(kept, range(count + parity)) == pieces


# --- golden files, written by somebody who knows the text alone


def kept(start: str) -> dict[str, Any]:
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob(f"{start}-*.json"))}
    assert len(found) > 5
    return found


def test_the_files_are_those_of_the_stranger() -> None:
    assert {**kept("make"), **kept("join"), **kept("invalid")} == vectors()
    assert len(list(FOLDER.iterdir())) == len(vectors())


@pytest.mark.parametrize("name", kept("make"))
def test_making(name: str) -> None:
    vector = kept("make")[name]
    packets = [bytes.fromhex(data) for data in vector["packets"]]
    whole = bytes.fromhex(vector["file"])
    made = make(whole, vector["payload_bytes"], vector["parity"], vector["sender"].encode(), wrap=vector["wrap"])
    assert made == packets
    joiner, picture = joined(packets[vector["parity"] :])
    assert joiner.whole(picture) == bare(whole)


@pytest.mark.parametrize("name", kept("join"))
def test_joining(name: str) -> None:
    vector = kept("join")[name]
    joiner, picture = joined([bytes.fromhex(data) for data in vector["packets"]])
    certain = joiner.partial(picture)
    assert (certain and certain.hex()) == vector["partial"]
    assert list(joiner.state(picture).missing) == vector["missing"]
    if vector["whole"] is None:
        with pytest.raises(TruncatedError):
            joiner.whole(picture)
    else:
        assert joiner.whole(picture).hex() == vector["whole"]


@pytest.mark.parametrize("name", kept("invalid"))
def test_faults(name: str) -> None:
    vector = kept("invalid")[name]
    with pytest.raises(DecodeError) as caught:
        Joiner().add(bytes.fromhex(vector["packet"]))
    error = caught.value
    assert (type(error).__name__, error.offset, error.field) == (vector["error"], vector["offset"], vector["field"])


def test_parity_is_that_of_zfec() -> None:
    zfec = pytest.importorskip("zfec")
    pieces = [random.Random(index).randbytes(50) for index in range(30)]
    theirs = zfec.Encoder(30, 60).encode(pieces)
    ours = interpolate(dict(enumerate(pieces)), range(60))
    assert [bytes(piece) for piece in theirs] == [ours[index] for index in range(60)]


# --- examples


def test_the_catalogue_knows_the_check() -> None:
    assert crc(b"123456789") == 0xAEE7


def test_zero_bytes_behind_a_packet_change_its_id() -> None:
    for number in range(0, 4096, 5):
        data = write(Packet(PictureId(b"", number, 2), 0, b"piece"))
        for more in range(1, 40):
            try:
                assert read(data + bytes(more)).picture.number != number
            except DamagedError:
                continue


def test_a_file_that_fits_is_sent_as_it_is() -> None:
    blob = pack(unpack(some_file(100)))
    assert make(blob, 200, 2) == [blob[2:]] * 3
    assert Joiner().add(blob).is_whole  # the full form is heard too


def test_more_parity_may_be_sent_later() -> None:
    blob = some_file(500)
    assert make(blob, 100, 9)[:8] == make(blob, 100, 2)


def test_capacity_is_what_fits() -> None:
    for count, sender in ((1, b""), (1, b"K1"), (2, b""), (7, b"K1")):
        most = capacity_bytes(60, count, sender) - len(some_file(0))
        assert len(make(some_file(most), 60, 0, sender)) == count
        assert len(make(some_file(most + 1), 60, 0, sender)) > count


@pytest.mark.parametrize("name", ["meshtastic-longfast", "sbd", "lorawan-eu868-dr0", "sigfox", "qr-5-m", "meshcore-eu"])
def test_links_plan_with_as_many_packets(name: str) -> None:
    link = channels.find(name)
    for size in range(1, 480, 7):
        blob = some_file(size)
        for parity in (0, 2):
            made = make(blob, link.payload_bytes, parity)
            planned = channels.plan(link, len(blob), parity=parity)
            left = capacity_bytes(link.payload_bytes, len(made) - parity) - len(blob)
            assert (planned.messages, planned.left_bytes) == (len(made), left)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"payload_bytes": 4}, "5 are the least"),
        ({"payload_bytes": 10}, "must be at least 12 bytes"),
        ({"parity": 65}, "parity is 0..64"),
        ({"sender": b"two words"}, "visible characters"),
        ({"sender": b"K" * 16}, "visible characters"),
    ],
)
def test_what_cannot_be_made(change: dict[str, Any], said: str) -> None:
    with pytest.raises(EncodeError, match=said):
        make(some_file(480), **{"payload_bytes": 100, **change})


def test_what_is_no_file_is_not_cut() -> None:
    with pytest.raises(NotLimnError):
        make(b"\xff\xd8\xff", 100)


def test_the_least_payload_that_is_named_does() -> None:
    assert len(make(some_file(480), 12)) <= MAX_COUNT
    with pytest.raises(EncodeError):
        make(some_file(480), 11)
    assert len(make(some_file(10_000), 10**6, sender=b"K1")) == 3
    assert max(map(len, make(some_file(10_000), 10**6, sender=b"K1"))) <= MAX_PACKET_BYTES


@pytest.mark.parametrize(
    "make_wrong",
    [
        lambda: Packet(PictureId(b"", 1, 3), 67, b"x"),
        lambda: Packet(PictureId(b"", 1, 3), 0, b""),
        lambda: Packet(PictureId(b"", 1, 3), 0, bytes(4092)),
        lambda: PictureId(b"", 4096, 1),
        lambda: PictureId(b"", 0, 65),
        lambda: PictureId(b" ", 0, 1),
    ],
)
def test_values_that_do_not_fit(make_wrong: Callable[[], object]) -> None:
    with pytest.raises(EncodeError):
        make_wrong()


def test_what_is_not_bytes_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        read("packet")  # type: ignore[arg-type]


# --- a receiver


def test_states_tell_what_came() -> None:
    blob = some_file(200)
    packets = make(blob, 60, 1, b"K1")
    joiner = Joiner()
    events = [joiner.add(packets[index]).event for index in (2, 2, 0, 4, 3, 1, 4)]
    assert events == ["new", "again", "more", "more", "whole", "again", "again"]
    number = number_of(blob)
    assert joiner.pictures() == (PictureId(b"K1", number, 4),)
    assert str(joiner.state(joiner.pictures()[0])) == f"K1:{number:03x}: whole"
    half = Joiner()
    half.add(packets[1])
    state = str(half.state(half.pictures()[0]))
    assert state == f"K1:{number:03x}: 1 of 4 packets, 3 to come; of data are missing 1, 3, 4"
    joiner.forget(joiner.pictures()[0])
    assert joiner.pictures() == ()
    with pytest.raises(TruncatedError, match="no packet"):
        joiner.whole(PictureId(b"K1", number, 4))


def test_senders_keep_pictures_apart() -> None:
    blob = some_file(200)
    joiner = Joiner()
    one, other = make(blob, 60, 0, b"K1"), make(blob, 60, 0, b"K2")
    assert [joiner.add(data).event for data in (one[0], other[1], one[0])] == ["new", "new", "again"]


def packets_with_the_same_id(size: int) -> tuple[bytes, bytes]:
    """Two files of one length and one id, found by trying."""
    seen: dict[int, bytes] = {}
    for seed in range(10_000):
        blob = some_file(size, seed)
        before = seen.setdefault(number_of(blob), blob)
        if before != blob:
            return before, blob
    raise AssertionError("no two files have one id: is it twelve bits?")


def test_two_pictures_with_one_id_are_never_mixed() -> None:
    one, other = packets_with_the_same_id(100)
    ours, theirs = make(one, 60, 1), make(other, 60, 1)
    joiner = Joiner()
    assert joiner.add(ours[0]).event == "new"
    assert joiner.add(theirs[0]).event == "anew"  # another piece in the same place: the older picture is forgotten
    assert joiner.add(theirs[1]).event == "whole"
    assert joiner.whole(joiner.pictures()[0]) == other
    assert joiner.add(ours[2]).event == "anew"
    with pytest.raises(DamagedError, match="do not make its file"):
        joiner.add(theirs[1])
    assert joiner.pictures() == ()
    assert [joiner.add(data).event for data in ours[:2]] == ["new", "whole"]


def test_the_same_picture_cut_otherwise_begins_anew() -> None:
    wide = make(some_file(200), 60)
    picture = read(wide[0]).picture
    other = write(Packet(picture, 1, b"longer" * 20))
    joiner = Joiner()
    joiner.add(wide[0])
    assert joiner.add(other).event == "anew"
    last = write(Packet(picture, 3, b"longer" * 21))
    assert joiner.add(last).event == "anew"  # not shorter than the others
    assert joiner.add(wide[0]).event == "anew"


def test_pieces_that_make_another_file_are_refused() -> None:
    """The right hash of what is no file, and of a full file."""
    full = pack(unpack(some_file(60)))
    for content in (b"not a file at all", full):
        picture = PictureId(b"", number_of(content), 2)
        half = len(content) // 2 + 1
        joiner = Joiner()
        joiner.add(write(Packet(picture, 0, content[:half])))
        with pytest.raises(DecodeError):
            joiner.add(write(Packet(picture, 1, content[half:])))
        assert joiner.pictures() == ()


def test_repaired_padding_must_be_a_writers() -> None:
    content = some_file(60)
    picture = PictureId(b"", number_of(content), 2)
    half = len(content) // 2 + 1
    known = {0: content[:half], 1: content[half:].ljust(half, b"\0")}  # the 80 is missing
    joiner = Joiner()
    joiner.add(write(Packet(picture, 0, known[0])))
    with pytest.raises(DamagedError):
        joiner.add(write(Packet(picture, 2, interpolate(known, [2])[2])))


def test_memory_is_bounded_and_strangers_go_first() -> None:
    joiner = Joiner(most_pictures=4)
    started = make(some_file(200, 1), 60)
    joiner.add(started[0])
    joiner.add(started[1])
    for seed in range(50):
        joiner.add(make(some_file(200, 100 + seed), 60)[0])
        assert len(joiner.pictures()) <= 4
    assert joiner.add(started[2]).event == "more"
    small = Joiner(most_bytes=500)
    for seed in range(20):
        for data in make(some_file(300, seed), 60)[:3]:
            small.add(data)
    assert len(small.pictures()) == 3
    with pytest.raises(LimitError):
        small.add(some_file(600))


def test_a_cut_file_whose_check_fits_by_chance_is_not_taken() -> None:
    """The latents end, at the end of a packet, in what happens to be a right check."""
    words = "a red boat"
    shorter = file(b"latents", words)
    longer = file(shorter[shorter.index(b"latents") :] + b"and many more", words)
    assert longer.startswith(shorter[:-10]) and unpack(shorter)
    prefix = longer[: len(shorter)]
    assert unpack(prefix) == unpack(shorter)  # so it would be read, if one did not know that it is cut
    certain = whole_layers(prefix)
    assert certain is not None
    assert [layer.kind for layer in unpack(certain, salvage=True).layers] == [2]
    alone = file(b"latents")
    assert whole_layers(file(alone[6:] + b"more")[: len(alone)]) is None
    assert whole_layers(pack(unpack(longer))) is None  # with magic: nothing that was ever cut


def test_whole_layers_end_at_the_border() -> None:
    blob = file(bytes(100), "a red boat on a lake")
    border = blob.index(b"lake") + 4 + 2
    for end in range(len(blob)):
        certain = whole_layers(blob[:end])
        assert certain == (blob[:border] if end >= border else None)


def test_of_random_bytes_few_are_taken_for_packets() -> None:
    rng, taken = random.Random(5), 0
    for _ in range(20_000):
        try:
            read(rng.randbytes(rng.randint(4, 60)))
            taken += 1
        except DecodeError:
            continue
    assert 130 < taken < 250  # one in 107, as the text says
