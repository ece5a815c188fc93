"""QR codes: every version and level of error correction, as text and in bytes."""

from __future__ import annotations

import re

from limner.channels.channel import Channel
from limner.errors import ChannelError

LEVELS = "LMQH"
_SOURCE = (
    "standard: ISO/IEC 18004, table 1 (codewords of a version) and the table of error correction characteristics; lengths of "
    "mode and count indicators: tables 2 and 3"
)
_NAME = re.compile(r"qr-([1-9]\d?)-([lmqh])(-bytes)?")

# Codewords of error correction: rows are versions 1..40, columns the levels.
_CORRECTION = (
    (7, 10, 13, 17),
    (10, 16, 22, 28),
    (15, 26, 36, 44),
    (20, 36, 52, 64),
    (26, 48, 72, 88),
    (36, 64, 96, 112),
    (40, 72, 108, 130),
    (48, 88, 132, 156),
    (60, 110, 160, 192),
    (72, 130, 192, 224),
    (80, 150, 224, 264),
    (96, 176, 260, 308),
    (104, 198, 288, 352),
    (120, 216, 320, 384),
    (132, 240, 360, 432),
    (144, 280, 408, 480),
    (168, 308, 448, 532),
    (180, 338, 504, 588),
    (196, 364, 546, 650),
    (224, 416, 600, 700),
    (224, 442, 644, 750),
    (252, 476, 690, 816),
    (270, 504, 750, 900),
    (300, 560, 810, 960),
    (312, 588, 870, 1050),
    (336, 644, 952, 1110),
    (360, 700, 1020, 1200),
    (390, 728, 1050, 1260),
    (420, 784, 1140, 1350),
    (450, 812, 1200, 1440),
    (480, 868, 1290, 1530),
    (510, 924, 1350, 1620),
    (540, 980, 1440, 1710),
    (570, 1036, 1530, 1800),
    (570, 1064, 1590, 1890),
    (600, 1120, 1680, 1980),
    (630, 1204, 1770, 2100),
    (660, 1260, 1860, 2220),
    (720, 1316, 1950, 2310),
    (750, 1372, 2040, 2430),
)


def codewords(version: int) -> int:
    """All codewords of a version: what its patterns leave free of (4 version + 17)**2 modules, in bytes."""
    modules = (16 * version + 128) * version + 64
    if version >= 2:
        sides = version // 7 + 2
        modules -= (25 * sides - 10) * sides - 55
    if version >= 7:
        modules -= 36
    return modules // 8


def capacity(version: int, level: str, *, text: bool = False) -> int:
    """The bytes of byte mode, or the characters of alphanumeric mode, that a code holds.

    Raises ChannelError unless ``version`` is 1..40 and ``level`` one of L, M, Q, H.
    """
    if not 1 <= version <= len(_CORRECTION) or len(level) != 1 or level not in LEVELS:
        raise ChannelError(f"no QR code of version {version} and level {level}: versions 1..40, levels {', '.join(LEVELS)}")
    bits = 8 * (codewords(version) - _CORRECTION[version - 1][LEVELS.index(level)]) - 4
    if not text:
        return (bits - (8 if version < 10 else 16)) // 8
    bits -= 9 if version < 10 else 11 if version < 27 else 13
    # Two characters are eleven bits, a single one six.
    return bits // 11 * 2 + (bits % 11 >= 6)


def channel(name: str) -> Channel | None:
    """The link of this name, ``qr-VERSION-LEVEL`` or ``qr-VERSION-LEVEL-bytes``; None if it is no such name.

    Raises ChannelError for a version that there is not.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    version, level, text = int(found[1]), found[2].upper(), found[3] is None
    side = 4 * version + 17
    how = "as text, which any reader keeps" if text else "bytes, which many readers take for text"
    return Channel(
        name,
        f"QR code of {side} x {side} modules, correction {level}, {how}",
        _SOURCE,
        capacity(version, level, text=text),
        armour="base45" if text else "",
    )


USUAL = ("qr-5-m", "qr-10-m", "qr-15-m", "qr-20-m", "qr-25-m", "qr-30-m", "qr-40-m", "qr-40-l", "qr-40-l-bytes")
LINKS = tuple(found for name in USUAL if (found := channel(name)) is not None)
