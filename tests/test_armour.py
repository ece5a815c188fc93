"""Bytes as text, as NFC records and as QR codes: laws first, then the examples of those who published them."""

from __future__ import annotations

import random
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limner import channels, qr
from limner.container import ndef
from limner.container.armour import ARMOURS, BASE45, BASE91, GSM7, MAX_TEXT_CHARS, armour, decode_base45, encode_base45
from limner.errors import DecodeError, EncodeError, LimitError, NotLimnError, TrailingDataError, TruncatedError

NAMES = sorted(ARMOURS)
ALPHABETS = {"base45": BASE45, "base91": BASE91, "gsm7": GSM7, "hex": "0123456789abcdef"}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=300))
def test_decoding_is_the_inverse_of_encoding(name: str, data: bytes) -> None:
    text = ARMOURS[name].encode(data)
    assert ARMOURS[name].decode(text) == data
    assert set(text) <= set(ALPHABETS[name])


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_every_text_is_refused_or_is_the_one_of_its_bytes(name: str, data: st.DataObject) -> None:
    text = data.draw(st.text(ALPHABETS[name], max_size=60))
    try:
        read = ARMOURS[name].decode(text)
    except DecodeError as error:
        assert error.field == name and 0 <= error.offset <= len(text)
    else:
        assert ARMOURS[name].encode(read) == text


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(max_size=30))
def test_only_our_errors_escape(name: str, text: str) -> None:
    try:
        ARMOURS[name].decode(text)
    except DecodeError as error:
        assert str(error)


@pytest.mark.parametrize("name", NAMES)
def test_what_fits_into_a_number_of_characters(name: str) -> None:
    rng, one = random.Random(3), ARMOURS[name]
    for characters in range(200):
        most = one.fits(characters)
        for data in (b"\xff" * most, bytes(most), rng.randbytes(most)):
            assert len(one.encode(data)) <= characters
        assert len(one.encode(b"\xff" * (most + 2))) > characters
        assert most == channels.ARMOURS[name].bytes_in(characters)
    assert {name: one.fits(160) for name, one in ARMOURS.items()} == {"hex": 80, "base45": 106, "base91": 130, "gsm7": 126}


def test_examples_of_rfc_9285() -> None:
    for data, text in ((b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")):
        assert encode_base45(data) == text
        assert decode_base45(text) == data


@pytest.mark.parametrize("text", ["GGW", "::", ":::", "A", "ab", "BB8\n"])
def test_base45_that_stands_for_nothing(text: str) -> None:
    with pytest.raises(DecodeError):
        decode_base45(text)


def test_known_words_in_base91() -> None:
    for data, text in ((b"test", "fPNKd"), (b"Hello, World!", ">OwJh>}AQ;r@@Y?F")):
        assert (ARMOURS["base91"].encode(data), ARMOURS["base91"].decode(text)) == (text, data)
    with pytest.raises(DecodeError, match="not what an encoder writes"):
        ARMOURS["base91"].decode("~")  # seven bits: an encoder needs two characters for a byte


def test_gsm7_is_safe() -> None:
    """Every sign is in the basic table of GSM 03.38, of one septet, and has the code there that it has in ASCII."""
    assert len(GSM7) == len(set(GSM7)) == 80
    assert not set(GSM7) & set("@$_`^{}[]~|\\\"'") and GSM7.isascii() and GSM7.isprintable() and " " not in GSM7


def test_a_clear_message() -> None:
    with pytest.raises(DecodeError, match=r"'€' is no character of gsm7 \(byte 2, gsm7\)"):
        armour("gsm7").decode("AB€")
    with pytest.raises(LimitError):
        armour("hex").decode("0" * (MAX_TEXT_CHARS + 1))
    with pytest.raises(TruncatedError):
        armour("hex").decode("abc")
    with pytest.raises(EncodeError, match="hex, base45"):
        armour("base64")


# --- NFC


@given(st.binary(max_size=700))
def test_a_record_gives_back_its_payload(payload: bytes) -> None:
    assert ndef.read_message(ndef.message(payload)) == payload


def test_a_record_byte_for_byte() -> None:
    assert ndef.message(b"abc") == b"\xd2\x0c\x03image/x-limnabc"
    assert ndef.message(bytes(300))[:6] == b"\xc2\x0c\x00\x00\x01\x2c"
    assert ndef.tag(b"abc") == b"\x03\x03abc\xfe"
    assert ndef.tag(bytes(255))[:4] == b"\x03\xff\x00\xff"
    assert ndef.tag_bytes(channels.find("ntag213").payload_bytes) == 144  # it is full
    with pytest.raises(EncodeError):
        ndef.tag(bytes(0xFFFF))


@given(st.binary(max_size=60), st.integers(0, 40))
def test_records_of_hypothesis_let_only_our_errors_out(data: bytes, kept: int) -> None:
    try:
        ndef.read_message(ndef.message(b"payload")[:kept] + data)
    except DecodeError as error:
        assert error.field


def test_records_that_are_refused() -> None:
    good = ndef.message(b"abc")
    for wrong, error in (
        (good[:-1], TruncatedError),
        (good + b"\0", TrailingDataError),
        (good.replace(b"limn", b"jpeg"), NotLimnError),
        (b"\xda" + good[1:], DecodeError),  # an id
        (b"\x92" + good[1:], DecodeError),  # more records
        (b"\xc2\x0c\x00\x00\x00" + good[2:], DecodeError),  # a long length for a short record
    ):
        with pytest.raises(error):
            ndef.read_message(wrong)


# --- QR


def test_codes_are_pictures() -> None:
    pytest.importorskip("segno")
    with Image.open(BytesIO(qr.code(bytes(range(200)), module_px=2))) as image:
        assert image.size[0] == image.size[1] > 100
    assert qr.code(b"abc", ".svg").startswith(b"<?xml")


def test_a_code_holds_base45_in_alphanumeric_mode() -> None:
    segno = pytest.importorskip("segno")
    packet = bytes(range(200))
    expected = segno.make_qr(encode_base45(packet), mode="alphanumeric", error="m")
    assert expected.mode == "alphanumeric"
    with BytesIO() as stream:
        expected.save(stream, kind="png", scale=1)
        assert qr.code(packet, module_px=1) == stream.getvalue()


def test_what_a_code_does_not_hold() -> None:
    pytest.importorskip("segno")
    most = channels.find("qr-40-l").payload_bytes
    assert qr.code(bytes(most), correction="L", module_px=1)
    with pytest.raises(EncodeError, match="do not fit"):
        qr.code(bytes(most + 1), correction="L")
    with pytest.raises(EncodeError):
        qr.code(b"", ".gif")
