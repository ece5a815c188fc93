"""The start of a file whose end is missing: whole layers, the first bytes of latents, and refusal of what was changed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.container import packets
from limner.container.blob import Blob, Layer, is_bare, pack, parts, unpack
from limner.container.joiner import Joiner
from limner.container.start import unpack_start
from limner.errors import DamagedError, DecodeError, TruncatedError

LATENT = Layer(1, bytes(range(40)))
WORDS = Layer(2, b"\0a red boat")
CHOICE = Layer(5, b"\0\0\0\7")
LISTS = st.permutations([LATENT, WORDS, CHOICE]).flatmap(lambda some: st.integers(2, 3).map(lambda n: tuple(some[:n])))
BLOBS = st.builds(Blob, st.just(5), st.just(b"\1\2"), st.sampled_from([9, 700]), st.just(512), LISTS)
ONE = Blob(1, b"\x12\x34", 768, 512, (LATENT,))


def bodies(blob: Blob, bare: bool) -> list[tuple[int, int]]:
    """Where the layers begin, and their bodies."""
    found, at, begins = [], 0, 0
    for part in parts(blob, bare=bare):
        begins = at if part.field == "lead" else begins
        if part.field == "body":
            found.append((begins, at))
        at += len(part.data)
    return found


@settings(max_examples=60, deadline=None)
@given(BLOBS, st.booleans(), st.data())
def test_a_start_is_whole_layers_and_the_first_bytes_of_latents(blob: Blob, bare: bool, data: st.DataObject) -> None:
    whole = pack(blob, bare=bare)
    length = data.draw(st.integers(0, len(whole)))
    try:
        found = unpack_start(whole[:length])
    except DecodeError as error:
        with pytest.raises(type(error)):
            unpack(whole[:length])
        assert length < bodies(blob, bare)[1][0]
        return
    if length == len(whole):
        assert (found.blob, found.cut) == (blob, None)
        return
    count = len(found.blob.layers) if found.cut is None else found.cut
    assert found.blob.layers[:count] == blob.layers[:count]
    assert count == sum(end <= length for end, _ in [*bodies(blob, bare), (len(whole), 0)][1:])
    if found.cut is None:
        assert blob.layers[count].kind != 1 or length < bodies(blob, bare)[count][1]
        return
    begun, there = found.blob.layers[found.cut], blob.layers[count]
    assert begun.kind == there.kind == 1 and found.at == bodies(blob, bare)[count][1]
    is_last = count == len(blob.layers) - 1
    # Of the last layer the last byte that is there may be the check's.
    assert begun.body == there.body[: max(0, length - found.at - is_last)]


@pytest.mark.parametrize("bare", [False, True])
def test_a_file_without_a_list_is_cut_anywhere_behind_its_header(bare: bool) -> None:
    whole = pack(ONE, bare=bare)
    start = len(whole) - len(LATENT.body) - 2
    for length in range(len(whole)):
        if length < start:
            with pytest.raises(TruncatedError if length else DecodeError):
                unpack_start(whole[:length])
            continue
        found = unpack_start(whole[:length])
        assert (found.cut, found.at) == (0, start)
        assert found.blob.layers[0].body == LATENT.body[: max(0, length - start - 1)]
    assert unpack_start(whole).cut is None


def test_layers_that_were_changed_are_not_cut() -> None:
    three = pack(Blob(5, b"\1\2", 96, 64, (WORDS, LATENT, CHOICE)))
    latents_at = bodies(unpack(three), False)[1][1]
    changed = bytearray(three[: latents_at + 60])
    changed[latents_at + 5] ^= 1
    # The latents are all there, and their check: whoever says that these bytes are right is wrong.
    with pytest.raises(DamagedError):
        unpack_start(bytes(changed))
    assert unpack(bytes(changed), salvage=True).layers == (WORDS,)
    changed = bytearray(three)
    changed[12] ^= 1
    with pytest.raises(DecodeError):
        unpack_start(bytes(changed))
    assert three[latents_at - 2] == 0x01
    reserved = bytearray(three[: latents_at + 9])
    reserved[latents_at - 2] |= 0x20
    with pytest.raises(DecodeError):
        unpack_start(bytes(reserved))


def test_of_words_half_is_nothing() -> None:
    with pytest.raises(DecodeError):
        unpack_start(pack(Blob(2, b"\0\0", 96, 64, (WORDS,)))[:-3])
    two = pack(Blob(5, b"\1\2", 96, 64, (CHOICE, WORDS)))
    found = unpack_start(two[:-3])
    assert (found.blob.layers, found.cut) == ((CHOICE,), None)


def test_a_list_where_none_is_needed_is_refused() -> None:
    listed = bytearray(pack(ONE))
    listed[2] |= 4
    listed.insert(8, 0x81)
    for length in (len(listed), 30):
        with pytest.raises(DecodeError):
            unpack_start(bytes(listed[:length]))


@given(st.binary(max_size=60), st.booleans())
def test_bytes_of_any_origin_are_a_start_or_refused(data: bytes, magic: bool) -> None:
    data = (b"\xa7\x4c" if magic else b"") + data
    try:
        found = unpack_start(data)
    except DecodeError:
        return
    assert found.blob.layers and (found.cut is None or found.cut == len(found.blob.layers) - 1)
    assert is_bare(data) or data[:2] == b"\xa7\x4c"


def test_packets_before_a_gap_are_a_start() -> None:
    whole = pack(ONE, bare=True)
    made = packets.make(whole, 16)
    joiner = Joiner()
    for place in random.Random(0).sample([0, 1, 3], 3):
        state = joiner.add(made[place])
    assert joiner.partial(state.picture) is None
    start = joiner.start(state.picture)
    assert whole.startswith(start) and 16 < len(start) < 32
    found = unpack_start(start)
    assert found.cut == 0 and LATENT.body.startswith(found.blob.layers[0].body)
    for packet in made:
        joiner.add(packet)
    assert joiner.start(state.picture) == whole
    joiner.forget(state.picture)
    with pytest.raises(TruncatedError):
        joiner.start(state.picture)
    joiner.add(made[1])
    assert joiner.start(state.picture) == b""
