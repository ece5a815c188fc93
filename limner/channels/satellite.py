"""Messages by satellite. Data only."""

from __future__ import annotations

from limner.channels.channel import Channel, Fare, Limits

_SIZES = (
    "maker: RockBLOCK documentation, The RockBLOCK data cycle: packets of 340 bytes up and 270 down with the Iridium 9602 and "
    "9603; NAL Research, NetRef_SBD: 1960 up and 1890 down with others. "
)
_PRACTICE = (
    "Reseller: RockBLOCK sells credits of 50 bytes, at least one a message (an empty mailbox check is one too); other "
    "contracts count otherwise. Practice: about one message in 40 s with a good view of the sky (pixhawk.com, RockBLOCK)"
)
_CREDITS = Fare("credit", bytes_each=50)
_PACE = Limits(interval_s=40)

LINKS = tuple(
    Channel(name, what, _SIZES + _PRACTICE, size, fare=_CREDITS, limits=_PACE)
    for name, what, size in (
        ("sbd", "Iridium short burst data from a 9602 or 9603", 340),
        ("sbd-down", "Iridium short burst data to a 9602 or 9603", 270),
        ("sbd-9522", "Iridium short burst data from a 9522", 1960),
        ("sbd-9522-down", "Iridium short burst data to a 9522", 1890),
    )
)
