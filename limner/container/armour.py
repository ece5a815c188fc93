"""Bytes as text, for links that carry nothing else. Mirrors ``spec/packets-1.md``, section 11.

``base45`` (RFC 9285) for QR codes, ``base91`` (basE91, Henke 2005) for ASCII, ``gsm7`` for SMS, ``hex`` for terminals. For
each, ``decode(encode(data)) == data``, and a text that no encoder writes is refused.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, TruncatedError

BASE45 = string.digits + string.ascii_uppercase + " $%*+-./:"
BASE91 = string.ascii_uppercase + string.ascii_lowercase + string.digits + '!#$%&()*+,./:;<=>?@[]^_`{|}~"'
GSM7 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "!#%&()*+,-./:;<=>?"
"""What ASCII and the basic table of GSM 03.38 share, without quotes, which phones make round, and without ``@ $ _``, whose
codes differ there and which gateways mistake."""

MAX_TEXT_CHARS = 1 << 20
_BASE91_BITS = 13
_BASE91_MORE = 88
_GSM7_BLOCK_BYTES = 15
# How many digits 0..15 bytes become: as few as can tell all of them apart. 80**19 is just over 256**15.
_GSM7_CHARS = (0, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19)


@dataclass(frozen=True)
class Armour:
    """Name a way to write bytes as text. ``fits``: how many bytes surely fit into so many characters."""

    name: str
    encode: Callable[[bytes], str]
    decode: Callable[[str], bytes]
    fits: Callable[[int], int]


def encode_base45(data: bytes) -> str:
    """Write two bytes as three characters, one byte at the end as two."""
    text = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        text += _digits_up(int.from_bytes(pair, "big"), 45, len(pair) + 1)
    return "".join(BASE45[digit] for digit in text)


def decode_base45(text: str) -> bytes:
    """Read base45. Raises DecodeError."""
    digits = _digits_of(text, BASE45, "base45")
    data = bytearray()
    for at in range(0, len(digits), 3):
        group = digits[at : at + 3]
        if len(group) == 1:
            raise TruncatedError("one character is left over", offset=len(text), field="base45")
        number = sum(digit * 45**place for place, digit in enumerate(group))
        data += _bytes_of(number, len(group) - 1, at, "base45")
    return bytes(data)


def encode_base91(data: bytes) -> str:
    """Write 13 bits, or 14 where that makes no digit too large, as two characters, lowest bits and digits first."""
    text, bits, held = [], 0, 0
    for byte in data:
        bits |= byte << held
        held += 8
        if held > _BASE91_BITS:
            taken = _base91_bits(bits)
            text += _digits_up(bits & (1 << taken) - 1, 91, 2)
            bits >>= taken
            held -= taken
    if held:
        text += _digits_up(bits, 91, 2 if held > 7 or bits > 90 else 1)
    return "".join(BASE91[digit] for digit in text)


def decode_base91(text: str) -> bytes:
    """Read basE91. Raises DecodeError for characters outside its alphabet, and for what `encode_base91` does not write."""
    digits = _digits_of(text, BASE91, "base91")
    data, bits, held = bytearray(), 0, 0
    for at in range(0, len(digits) - 1, 2):
        number = digits[at] + 91 * digits[at + 1]
        bits |= number << held
        held += _base91_bits(number)
        while held > 7:
            data.append(bits & 0xFF)
            bits >>= 8
            held -= 8
    if len(digits) % 2:
        data.append((bits | digits[-1] << held) & 0xFF)
    if encode_base91(bytes(data)) != text:
        raise DamagedError("not what an encoder writes", offset=0, field="base91")
    return bytes(data)


def encode_gsm7(data: bytes) -> str:
    """Write 15 bytes as 19 characters that an SMS carries in 7 bits each; fewer at the end."""
    text: list[int] = []
    for at in range(0, len(data), _GSM7_BLOCK_BYTES):
        block = data[at : at + _GSM7_BLOCK_BYTES]
        text += reversed(_digits_up(int.from_bytes(block, "big"), len(GSM7), _GSM7_CHARS[len(block)]))
    return "".join(GSM7[digit] for digit in text)


def decode_gsm7(text: str) -> bytes:
    """Read gsm7. Raises DecodeError."""
    digits = _digits_of(text, GSM7, "gsm7")
    data = bytearray()
    for at in range(0, len(digits), _GSM7_CHARS[-1]):
        block = digits[at : at + _GSM7_CHARS[-1]]
        if len(block) not in _GSM7_CHARS:
            raise TruncatedError("the text ends within a group", offset=len(text), field="gsm7")
        number = sum(digit * len(GSM7) ** place for place, digit in enumerate(reversed(block)))
        data += _bytes_of(number, _GSM7_CHARS.index(len(block)), at, "gsm7")
    return bytes(data)


def encode_hex(data: bytes) -> str:
    """Write two hexadecimal digits a byte."""
    return data.hex()


def decode_hex(text: str) -> bytes:
    """Read hexadecimal digits, small or large. Raises DecodeError."""
    _digits_of(text.lower(), "0123456789abcdef", "hex")
    if len(text) % 2:
        raise TruncatedError("one digit is left over", offset=len(text), field="hex")
    return bytes.fromhex(text)


def _base91_fits(characters: int) -> int:
    # 13 bits in two characters is the worst case; up to 6 more fit into a single one at the end.
    return (characters // 2 * _BASE91_BITS + characters % 2 * 6) // 8


def _gsm7_fits(characters: int) -> int:
    blocks, rest = divmod(characters, _GSM7_CHARS[-1])
    return blocks * _GSM7_BLOCK_BYTES + max(length for length, chars in enumerate(_GSM7_CHARS) if chars <= rest)


ARMOURS: dict[str, Armour] = {
    "hex": Armour("hex", encode_hex, decode_hex, lambda characters: characters // 2),
    "base45": Armour("base45", encode_base45, decode_base45, lambda characters: characters // 3 * 2 + (characters % 3 == 2)),
    "base91": Armour("base91", encode_base91, decode_base91, _base91_fits),
    "gsm7": Armour("gsm7", encode_gsm7, decode_gsm7, _gsm7_fits),
}


def armour(name: str) -> Armour:
    """Return an armour by its name. Raises EncodeError for an unknown one."""
    if name not in ARMOURS:
        raise EncodeError(f"an armour is one of {', '.join(ARMOURS)}, not {name!r}")
    return ARMOURS[name]


def _base91_bits(bits: int) -> int:
    return _BASE91_BITS if bits & (1 << _BASE91_BITS) - 1 > _BASE91_MORE else _BASE91_BITS + 1


def _digits_up(number: int, base: int, count: int) -> list[int]:
    """Return ``count`` digits, lowest first."""
    digits = []
    for _ in range(count):
        number, digit = divmod(number, base)
        digits.append(digit)
    return digits


def _digits_of(text: str, alphabet: str, name: str) -> list[int]:
    if len(text) > MAX_TEXT_CHARS:
        raise LimitError(f"more than {MAX_TEXT_CHARS} characters", offset=MAX_TEXT_CHARS, field=name)
    values = {char: value for value, char in enumerate(alphabet)}
    for at, char in enumerate(text):
        if char not in values:
            raise InvalidFieldError(f"{char!r} is no character of {name}", offset=at, field=name)
    return [values[char] for char in text]


def _bytes_of(number: int, length: int, offset: int, name: str) -> bytes:
    if number >= 256**length:
        raise DamagedError("a group that stands for no bytes", offset=offset, field=name)
    return number.to_bytes(length, "big")
