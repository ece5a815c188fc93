"""LoRaWAN by region and data rate. Data only.

N is the payload of an application without MAC commands, as the regional parameters list it. Behind a repeater, or a relay
that forwards frames whole, no more than 222 bytes go through. Where the rules of a country limit a frame to 400 ms (uplink
dwell time 1), N is less.
"""

from __future__ import annotations

from limner.channels.air import LoRa
from limner.channels.channel import Channel, Limits

MAC_BYTES = 13
"""MHDR 1, FHDR 7, FPort 1, MIC 4 (TS001-1.0.4, section 4)."""
REPEATER_BYTES = 222

_RATES = "standard: LoRa Alliance RP002-1.0.5, sections on data rate and maximum payload size of {}; "
_DUTY_EU = "ETSI EN 300 220-2 V3.2.1, table B.1, band M, 868.0 to 868.6 MHz: 1 % (band P, 869.4 to 869.65 MHz: 10 %)"
_DUTY_AS = (
    "data rate 2 had 51 bytes before RP002. Duty cycle 1 %, as Semtech's LoRaMac-node, RegionAS923.h, has it (project); "
    "countries differ"
)

# Region -> title, why, share of time on the air, data rate -> (spreading factor, bandwidth in Hz, N, N with dwell time).
_PLANS: dict[str, tuple[str, str, float | None, dict[int, tuple[int, int, int, int | None]]]] = {
    "eu868": (
        "EU863-870",
        _DUTY_EU,
        0.01,
        {
            0: (12, 125_000, 51, None),
            1: (11, 125_000, 51, None),
            2: (10, 125_000, 51, None),
            3: (9, 125_000, 115, None),
            4: (8, 125_000, 242, None),
            5: (7, 125_000, 242, None),
        },
    ),
    "us915": (
        "US902-928",
        "no duty cycle; 47 CFR 15.247 (a)(1)(i) limits a frame of 125 kHz to 400 ms, which these sizes keep",
        None,
        {
            0: (10, 125_000, 11, None),
            1: (9, 125_000, 53, None),
            2: (8, 125_000, 125, None),
            3: (7, 125_000, 242, None),
            4: (8, 500_000, 242, None),
        },
    ),
    "as923": (
        "AS923",
        _DUTY_AS,
        0.01,
        {
            0: (12, 125_000, 51, None),
            1: (11, 125_000, 51, None),
            2: (10, 125_000, 115, 11),
            3: (9, 125_000, 115, 53),
            4: (8, 125_000, 242, 125),
            5: (7, 125_000, 242, 242),
        },
    ),
    "au915": (
        "AU915-928",
        "no duty cycle",
        None,
        {
            0: (12, 125_000, 51, None),
            1: (11, 125_000, 51, None),
            2: (10, 125_000, 51, 11),
            3: (9, 125_000, 115, 53),
            4: (8, 125_000, 242, 125),
            5: (7, 125_000, 242, 242),
            6: (8, 500_000, 242, 242),
        },
    ),
}


def _links() -> list[Channel]:
    found = []
    for region, (title, why, duty, rates) in _PLANS.items():
        for rate, (spreading, bandwidth_hz, size, dwelling) in rates.items():
            sizes = {"": size, "-dwell": dwelling, "-repeater": min(size, REPEATER_BYTES)}
            found += [
                Channel(
                    f"lorawan-{region}-dr{rate}{ending}",
                    f"LoRaWAN {title}, data rate {rate}: SF{spreading}, {bandwidth_hz // 1000} kHz{_ENDINGS[ending]}",
                    _RATES.format(title) + why,
                    number,
                    lora=LoRa(spreading, bandwidth_hz, overhead_bytes=MAC_BYTES),
                    limits=Limits(duty=duty),
                )
                for ending, number in sizes.items()
                if number is not None and (number != size or not ending)
            ]
    return found


_ENDINGS = {"": "", "-dwell": ", frames of at most 400 ms", "-repeater": ", by way of a repeater"}
LINKS = tuple(_links())
