"""Seconds that a message is on the air."""

from __future__ import annotations

from dataclasses import dataclass

from limner.channels.checks import within
from limner.errors import ChannelError

LONG_SYMBOL_S = 0.016
"""Longer symbols need the low data rate optimisation (SX1276 data sheet, section 4.1.1.6)."""
MOST_FRAME_BYTES = 255


@dataclass(frozen=True)
class LoRa:
    """A frame in LoRa modulation, by Semtech's formula (AN1200.13, section 4; SX1276 data sheet, section 4.1.1.7).

    ``spreading``: factor, 7..12; ``coding``: 5..8 for rates 4/5..4/8; ``preamble``: symbols, without the 4.25 that the
    modem adds. A frame is ``overhead_bytes``, and ``inner_bytes`` and the payload filled up to whole blocks of
    ``block_bytes``. Raises ChannelError for values out of range.
    """

    spreading: int
    bandwidth_hz: float
    coding: int = 5
    preamble: int = 8
    overhead_bytes: int = 0
    inner_bytes: int = 0
    block_bytes: int = 1
    explicit_header: bool = True
    crc: bool = True

    def __post_init__(self) -> None:
        within("spreading", self.spreading, 7, 12)
        within("bandwidth_hz", self.bandwidth_hz, 7_000, 2_000_000)
        within("coding", self.coding, 5, 8)
        within("preamble", self.preamble, 6, 65535)
        within("overhead_bytes", self.overhead_bytes, 0, MOST_FRAME_BYTES)
        within("inner_bytes", self.inner_bytes, 0, MOST_FRAME_BYTES)
        within("block_bytes", self.block_bytes, 1, MOST_FRAME_BYTES)

    @property
    def symbol_s(self) -> float:
        return float(2**self.spreading) / self.bandwidth_hz

    def frame_bytes(self, payload_bytes: int) -> int:
        """The bytes of the frame that carries this payload. Raises ChannelError if there is no such frame."""
        blocks = -(-(self.inner_bytes + payload_bytes) // self.block_bytes)
        frame_bytes = self.overhead_bytes + blocks * self.block_bytes
        if frame_bytes > MOST_FRAME_BYTES:
            raise ChannelError(f"a LoRa frame has at most {MOST_FRAME_BYTES} bytes, not {frame_bytes}")
        return frame_bytes

    def seconds(self, payload_bytes: int) -> float:
        """Time on air of the frame that carries this payload."""
        slow = self.symbol_s > LONG_SYMBOL_S
        bits = 8 * self.frame_bytes(payload_bytes) - 4 * self.spreading + 28 + 16 * self.crc - 20 * (not self.explicit_header)
        groups = -(-bits // (4 * (self.spreading - 2 * slow)))
        symbols = 8 + max(groups * self.coding, 0)
        return (self.preamble + 4.25 + symbols) * self.symbol_s


@dataclass(frozen=True)
class Line:
    """A frame sent bit by bit: ``lead_s`` before it, ``overhead_bytes`` and whole blocks of payload in it.

    ``stuffing``: share of bits added on the way. ``times``: how often each frame is sent. Raises ChannelError for values
    out of range.
    """

    bit_per_s: float
    overhead_bytes: int = 0
    block_bytes: int = 1
    lead_s: float = 0.0
    stuffing: float = 0.0
    times: int = 1

    def __post_init__(self) -> None:
        within("bit_per_s", self.bit_per_s, 1e-3, 1e12)
        within("overhead_bytes", self.overhead_bytes, 0, 1 << 20)
        within("block_bytes", self.block_bytes, 1, 1 << 20)
        within("lead_s", self.lead_s, 0, 86_400)
        within("stuffing", self.stuffing, 0, 1)
        within("times", self.times, 1, 1000)

    def seconds(self, payload_bytes: int) -> float:
        """Time on air of the frames that carry this payload."""
        blocks = -(-payload_bytes // self.block_bytes)
        bits = 8 * (self.overhead_bytes + blocks * self.block_bytes) * (1 + self.stuffing)
        return self.times * (self.lead_s + bits / self.bit_per_s)
