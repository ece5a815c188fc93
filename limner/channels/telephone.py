"""Short messages of telephones. Data only."""

from __future__ import annotations

from limner.channels.channel import Channel, Fare, Joined

_SOURCE = (
    "standard: 3GPP TS 23.040, section 9.2.3.24: user data of 140 octets, 160 septets; section 9.2.3.24.1: 134 octets, 153 "
    "septets in each of up to 255 concatenated messages. Most operators bill each message"
)

LINKS = (
    Channel(
        "sms",
        "SMS, 8-bit data; several are concatenated",
        _SOURCE,
        140,
        joined=Joined(134, 255),
        fare=Fare("SMS"),
    ),
    Channel(
        "sms-text",
        "SMS, text that any telephone shows and forwards; several are concatenated",
        _SOURCE,
        160,
        armour="gsm7",
        joined=Joined(153, 255),
        fare=Fare("SMS"),
    ),
)
