"""Sigfox. Data only."""

from __future__ import annotations

from limner.channels.air import Line
from limner.channels.channel import Channel, Limits

LINKS = (
    Channel(
        "sigfox",
        "Sigfox uplink in Europe (RC1)",
        "operator: build.sigfox.com/payload: 12 bytes; 140 messages a day, for 6 s each of 36 s an hour at 1 %; Sigfox "
        "connected objects, radio specifications 1.6: 100 bit/s, at most 26 bytes a frame, sent three times. Payload counts in "
        "steps of 4",
        12,
        line=Line(100, overhead_bytes=14, block_bytes=4, times=3),
        limits=Limits(duty=0.01, messages_a_day=140),
    ),
)
