"""QR codes of packets: base45 in the alphanumeric mode, which any reader gives back unchanged. Needs ``limner[packets]``."""

from __future__ import annotations

from io import BytesIO

from limner.container.armour import encode_base45
from limner.errors import EncodeError
from limner.extras import need

SUFFIXES = {".png": "png", ".svg": "svg"}
CORRECTIONS = "LMQH"


def code(packet: bytes, suffix: str = ".png", *, correction: str = "M", module_px: int = 8) -> bytes:
    """Return the image of a QR code (ISO/IEC 18004) as the bytes of a PNG or SVG file.

    ``correction``: L, M, Q or H; about 7, 15, 25, 30 % of it may be spoilt. Raises EncodeError for too long a packet, and
    MissingError.
    """
    if suffix not in SUFFIXES or correction not in CORRECTIONS:
        raise EncodeError(f"a QR code is {' or '.join(SUFFIXES)}, with correction L, M, Q or H")
    segno = need("segno", extra="packets")
    try:
        made = segno.make_qr(encode_base45(packet), mode="alphanumeric", error=correction, boost_error=True)
    except segno.DataOverflowError as error:
        raise EncodeError(f"{len(packet)} bytes do not fit into a QR code with correction {correction}") from error
    stream = BytesIO()
    made.save(stream, kind=SUFFIXES[suffix], scale=module_px)
    return stream.getvalue()
