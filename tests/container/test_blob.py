"""A file and its blob: round trip, one form each, and only DecodeError from bytes of any kind."""

from __future__ import annotations

import time
from binascii import crc_hqx
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.container import blob as code
from limner.container.blob import KINDS, OWN_KIND, REPEATABLE, SYSTEMS, Blob, Layer, is_bare, pack, parts, unpack
from limner.errors import DamagedError, DecodeError, EncodeError, LimitError, TrailingDataError, TruncatedError

HUGE = 65536 * 65536
VALID = sorted((Path(__file__).parents[2] / "spec" / "vectors" / "valid").glob("container-*.limn"))
LATENT = Layer(1, b"latents")
WORDS = Layer(2, b"\0a red boat")
ONE = Blob(1, b"\x12\x34", 768, 512, (LATENT,))
TWO = Blob(1, b"\x12\x34", 768, 512, (WORDS, LATENT))

bodies = st.one_of(st.binary(max_size=20), st.sampled_from([b"", bytes(127), bytes(128), b"x" * 300]))
known = st.builds(Layer, st.sampled_from(sorted(KINDS)), bodies, st.booleans())
unknown = st.builds(Layer, st.sampled_from(sorted(set(range(32)) - set(KINDS))), bodies, st.just(True))
sides = st.one_of(st.integers(1, 65536), st.sampled_from([1, 256, 257, 4096, 4097, 65536]))


def repeats_allowed(layers: list[Layer]) -> bool:
    single = [layer.kind for layer in layers if layer.kind in KINDS and layer.kind not in REPEATABLE]
    return len(single) == len(set(single))


layer_lists = st.lists(st.one_of(known, unknown), min_size=1, max_size=6).filter(repeats_allowed).map(tuple)
alone = st.sampled_from(sorted(OWN_KIND)).flatmap(
    lambda system: st.builds(Blob, st.just(system), st.binary(min_size=2, max_size=2), sides, sides,
                             bodies.map(lambda body: (Layer(OWN_KIND[system], body),)))
)  # fmt: skip
listed = st.builds(Blob, st.sampled_from(sorted(SYSTEMS)), st.binary(min_size=2, max_size=2), sides, sides, layer_lists)
blobs = st.one_of(alone, listed)


# --- laws


@settings(deadline=None)
@given(blobs, st.booleans())
def test_round_trip(blob: Blob, bare: bool) -> None:
    data = pack(blob, bare=bare)
    assert unpack(data, max_pixels=HUGE) == blob
    assert unpack(data, max_pixels=HUGE, salvage=True) == blob
    assert is_bare(data) == bare


@settings(deadline=None)
@given(blobs)
def test_bare_is_full_without_magic(blob: Blob) -> None:
    assert code.MAGIC + pack(blob, bare=True) == pack(blob)


@settings(deadline=None)
@given(alone, st.booleans())
def test_overhead(blob: Blob, bare: bool) -> None:
    blob = replace(blob, width_px=min(blob.width_px, 4096), height_px=min(blob.height_px, 4096))
    assert len(pack(blob, bare=bare)) - len(blob.layers[0].body) <= (8 if bare else 10)


def read_or_refuse(data: bytes) -> Blob | None:
    """Read; whatever can be read must be the one form of its blob."""
    try:
        blob = unpack(data, max_pixels=HUGE)
    except DecodeError as error:
        assert 0 <= error.offset <= len(data)
        assert error.field
        return None
    assert pack(blob, bare=is_bare(data)) == data
    return blob


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=40), st.binary(max_size=40).map(lambda tail: code.MAGIC + tail)))
def test_any_bytes(data: bytes) -> None:
    read_or_refuse(data)


@settings(deadline=None, max_examples=300)
@given(st.integers(0x40, 0x7F), st.binary(max_size=30), st.booleans())
def test_any_bytes_with_a_right_check(head: int, tail: bytes, bare: bool) -> None:
    # Past the check, so that what lies behind it is tried too.
    data = code.MAGIC + bytes([head]) + tail
    data += (crc_hqx(data, 0xFFFF) ^ 0xFFFF).to_bytes(2, "big")
    read_or_refuse(data[2:] if bare else data)


@settings(deadline=None)
@given(blobs, st.data())
def test_any_prefix(blob: Blob, data: st.DataObject) -> None:
    whole = pack(blob)
    found = read_or_refuse(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert found != blob


@settings(deadline=None)
@given(listed, st.data())
def test_salvage_returns_the_first_layers(blob: Blob, data: st.DataObject) -> None:
    whole = pack(blob)
    length = data.draw(st.integers(0, len(whole) - 1))
    try:
        found = unpack(whole[:length], max_pixels=HUGE, salvage=True)
    except DecodeError:
        return
    # The last layer runs to the end: cut, its check could be right by luck, but never with the same body.
    assert found.layers != blob.layers
    assert found.layers[:-1] == blob.layers[: len(found.layers) - 1]


def borders(blob: Blob) -> list[int]:
    """Return the offsets where the layers of a list start, and the end of the file."""
    offset, found = 0, []
    for part in parts(blob):
        if part.field == "lead":
            found.append(offset)
        offset += len(part.data)
    return [*found, offset]


@settings(deadline=None)
@given(listed.filter(lambda blob: len(blob.layers) > 1), st.data())
def test_a_file_cut_at_any_layer_border_is_refused_and_salvaged(blob: Blob, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(blob.layers) - 1))
    cut = pack(blob)[: borders(blob)[count]]
    with pytest.raises(TruncatedError) as caught:
        unpack(cut, max_pixels=HUGE)
    assert (caught.value.offset, caught.value.field) == (len(cut), "lead")
    assert unpack(cut, max_pixels=HUGE, salvage=True).layers == blob.layers[:count]


@settings(deadline=None)
@given(listed.filter(lambda blob: len(blob.layers) > 1), layer_lists, st.data())
def test_layers_of_another_file_are_refused(blob: Blob, layers: tuple[Layer, ...], data: st.DataObject) -> None:
    # The same header, and layers of each, cut at borders: what can be read is one of the two and nothing mixed.
    other = replace(blob, layers=(Layer(31, b"", True), *layers))
    ours, theirs = pack(blob), pack(other)
    mixed = ours[: data.draw(st.sampled_from(borders(blob)))] + theirs[data.draw(st.sampled_from(borders(other))) :]
    assert read_or_refuse(mixed) in (None, blob, other)


@settings(deadline=None)
@given(blobs, st.binary(min_size=1, max_size=40))
def test_bytes_behind_the_end(blob: Blob, tail: bytes) -> None:
    assert read_or_refuse(pack(blob) + tail) != blob


@settings(deadline=None)
@given(blobs, st.integers(1, 3000))
def test_zeros_behind_the_end_are_refused(blob: Blob, count: int) -> None:
    with pytest.raises((TrailingDataError, DamagedError)):
        unpack(pack(blob) + bytes(count), max_pixels=HUGE)


# --- every change of a byte, on files that stand still, so that luck with the check is the same in every run


@pytest.mark.parametrize("path", [path for path in VALID if path.stat().st_size < 60], ids=lambda path: path.stem)
def test_every_prefix_and_every_single_byte(path: Path) -> None:
    data = path.read_bytes()
    for length in range(len(data)):
        assert read_or_refuse(data[:length]) is None
    for offset in range(len(data)):
        for value in set(range(256)) - {data[offset]}:
            assert read_or_refuse(data[:offset] + bytes([value]) + data[offset + 1 :]) is None, (offset, value)


def test_there_are_vectors() -> None:
    assert len(VALID) > 20


# --- by hand


def test_a_file_by_hand() -> None:
    # 01 001 0 01: version 1, miniature, no list, class 1; 2FF = 767, 1FF = 511.
    front = bytes.fromhex("a74c 49 1234 2ff1ff") + b"latents"
    assert pack(ONE) == front + (crc_hqx(front, 0xFFFF) ^ 0xFFFF).to_bytes(2, "big")


def test_a_list_by_hand() -> None:
    # The second check runs over both layers, but not over the first check.
    words, latents = bytes.fromhex("a74c 4d 1234 2ff1ff 02 0b") + WORDS.body, b"\x81latents"
    first, second = ((crc_hqx(part, 0xFFFF) ^ 0xFFFF).to_bytes(2, "big") for part in (words, words + latents))
    assert pack(TWO) == words + first + latents + second


def test_cut_at_a_layer_border() -> None:
    data = pack(TWO)[: -len(LATENT.body) - 3]
    with pytest.raises(TruncatedError) as caught:
        unpack(data)
    assert (caught.value.offset, caught.value.field) == (len(data), "lead")
    assert unpack(data, salvage=True).layers == (WORDS,)


def test_a_layer_of_another_file() -> None:
    other = replace(TWO, layers=(Layer(2, b"\0a red goat"), Layer(1, b"stained")))
    ours, theirs, border = pack(TWO), pack(other), borders(TWO)[1]
    for mixed, first in ((ours[:border] + theirs[border:], WORDS), (theirs[:border] + ours[border:], other.layers[0])):
        with pytest.raises(DamagedError) as caught:
            unpack(mixed)
        assert (caught.value.offset, caught.value.field) == (len(mixed) - 2, "check")
        assert unpack(mixed, salvage=True).layers == (first,)


def test_bytes_behind_the_end_of_a_list() -> None:
    data = pack(TWO)
    with pytest.raises(TrailingDataError) as caught:
        unpack(data + b"PK")
    assert (caught.value.offset, caught.value.field) == (len(data), "end")


def test_salvage_needs_a_whole_layer() -> None:
    with pytest.raises(TruncatedError):
        unpack(pack(TWO)[:15], salvage=True)
    with pytest.raises(DamagedError):
        unpack(pack(ONE)[:-1], salvage=True)


@pytest.mark.parametrize(
    ("system", "model", "width_px", "height_px", "layers"),
    [
        (0, b"\0\0", 1, 1, (LATENT,)),
        (6, b"\0\0", 1, 1, (LATENT,)),
        (1, b"\0", 1, 1, (LATENT,)),
        (1, b"\0\0\0", 1, 1, (LATENT,)),
        (1, b"\0\0", 0, 1, (LATENT,)),
        (1, b"\0\0", 1, 0, (LATENT,)),
        (1, b"\0\0", 65537, 1, (LATENT,)),
        (1, b"\0\0", 1, 65537, (LATENT,)),
        (1, b"\0\0", 1, 1, ()),
        (1, b"\0\0", 1, 1, (WORDS,) * 65),
        (1, b"\0\0", 1, 1, (LATENT, WORDS, LATENT)),
    ],
)
def test_blobs_the_format_cannot_carry(
    system: int, model: bytes, width_px: int, height_px: int, layers: tuple[Layer, ...]
) -> None:
    with pytest.raises(EncodeError):
        Blob(system, model, width_px, height_px, layers)


@pytest.mark.parametrize(("kind", "may_skip"), [(-1, True), (32, True), (0, False), (7, False), (31, False)])
def test_kinds_the_format_cannot_carry(kind: int, may_skip: bool) -> None:
    with pytest.raises(EncodeError):
        Layer(kind, b"", may_skip)


def test_a_body_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack(ONE)
    monkeypatch.setattr(code, "MAX_BODY_BYTES", 6)
    with pytest.raises(EncodeError):
        Layer(1, b"latents")
    with pytest.raises(LimitError) as caught:
        unpack(data)
    assert (caught.value.offset, caught.value.field) == (8, "body")


def test_a_large_damaged_file_is_refused_quickly() -> None:
    data = pack(Blob(1, b"\0\0", 1, 1, (Layer(1, bytes(4_000_000)),)))
    started = time.process_time()
    with pytest.raises((DamagedError, TrailingDataError)):
        unpack(data[:-1] + bytes([data[-1] ^ 1]))
    assert time.process_time() - started < 2
