"""Amateur packet radio. Data only.

Nothing may be hidden there: files are open, and the call sign is in the address of the frame.
"""

from __future__ import annotations

from limner.channels.air import Line
from limner.channels.channel import Channel

_AX25 = (
    "standard: AX.25 2.2, section 3 (UI frame: two flags, two addresses of 7, control, PID, FCS 2), section 6.7.2 (N1: 256 "
    "octets); APRS Protocol Reference 1.0.1, chapter 3: 1 to 256 bytes; two digipeaters of 7 are counted. 1200 bit/s; KISS "
    "(1987): TXDELAY 500 ms. Bits stuffed: one in 62 of random data. "
)


def _air(overhead_bytes: int) -> Line:
    """A UI frame by way of two digipeaters, with so many bytes of the information field that are not payload."""
    return Line(1200, overhead_bytes=2 + 7 * 4 + 2 + 2 + overhead_bytes, lead_s=0.5, stuffing=1 / 62)


LINKS = (
    Channel("ax25", "AX.25 UI frame at 1200 bit/s, bytes as they are", _AX25, 256, line=_air(0)),
    Channel(
        "aprs",
        "APRS user-defined packet, printable text",
        _AX25 + "Chapter 18: {, user and type take 3 bytes",
        253,
        armour="gsm7",
        line=_air(3),
    ),
    Channel(
        "aprs-message",
        "APRS message, text",
        _AX25 + "Chapter 14: 67 characters, none of | ~ {; :ADDRESSEE: before them takes 11, a number {00 behind them 3",
        67,
        armour="gsm7",
        line=_air(14),
    ),
)
