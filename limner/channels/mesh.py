"""Meshes of LoRa radios: Meshtastic and MeshCore. Data only. Each hop takes the air time again."""

from __future__ import annotations

from limner.channels.air import LoRa
from limner.channels.channel import Channel, Limits

# Of 255 bytes: header 16; in Data the port 256 (3), length of the payload (3), bit field (2).
_MESHTASTIC_OVERHEAD_BYTES = 24
_MESHTASTIC_SOURCE = (
    "project: Meshtastic firmware 2.7, RadioInterface.h (frame 255, header 16) and MeshRadio.h (presets, preamble 16); Data of "
    "mesh.proto with a port of PRIVATE_APP and the bit field leaves 231 bytes, as measured by others on 2.7.26 (constant "
    "DATA_PAYLOAD_LEN, 233, counts neither). "
)
_REGION_EU = "RadioInterface.cpp: EU_868, 869.4 to 869.65 MHz, 10 % of an hour (standard: ETSI EN 300 220-2, band P)"
_REGION_OTHER = "RadioInterface.cpp: no duty cycle in US, ANZ and most regions"
_EU_DUTY = 0.1

# Preset -> spreading factor, bandwidth in Hz, coding rate 4/x, whether the region EU_868 has it.
_PRESETS: dict[str, tuple[int, int, int, bool]] = {
    "shortturbo": (7, 500_000, 5, False),
    "shortfast": (7, 250_000, 5, True),
    "shortslow": (8, 250_000, 5, True),
    "mediumfast": (9, 250_000, 5, True),
    "mediumslow": (10, 250_000, 5, True),
    "longturbo": (11, 500_000, 8, False),
    "longfast": (11, 250_000, 5, True),
    "longmoderate": (11, 125_000, 8, True),
    "longslow": (12, 125_000, 8, True),
}


def _meshtastic(name: str, preset: str, where: str, duty: float | None) -> Channel:
    spreading, bandwidth_hz, coding, _ = _PRESETS[preset]
    return Channel(
        name,
        f"Meshtastic {preset}: SF{spreading}, {bandwidth_hz // 1000} kHz, 4/{coding}",
        _MESHTASTIC_SOURCE + where,
        231,
        lora=LoRa(spreading, bandwidth_hz, coding, preamble=16, overhead_bytes=_MESHTASTIC_OVERHEAD_BYTES),
        limits=Limits(duty=duty),
    )


MESHTASTIC = tuple(
    _meshtastic(f"meshtastic-{region}{preset}", preset, where, duty)
    for region, where, duty in (("", _REGION_OTHER, None), ("eu-", _REGION_EU, _EU_DUTY))
    for preset, (*_, european) in _PRESETS.items()
    if european or not region
)

# GRP_DATA, flooded, before the first hop: header 1, path length 1, channel hash 1, MAC 2; encrypted in blocks: type 2,
# length 1, payload. Each hop adds a byte of path or more.
_MESHCORE_SOURCE = (
    "project: MeshCore, docs/packet_format.md, docs/payloads.md and src/MeshCore.h: group data of at most 163 bytes by way of "
    "a companion (MAX_FRAME_SIZE 172 less 9; newer firmware takes 165); RadioLibWrappers.h: preamble 32 up to SF8; preset of "
    "the project's list of radio settings, {}"
)
MESHCORE = tuple(
    Channel(
        name,
        f"MeshCore, {where}: SF{spreading}, 62.5 kHz, 4/{coding}",
        _MESHCORE_SOURCE.format(rule),
        163,
        lora=LoRa(spreading, 62_500, coding, preamble=32, overhead_bytes=5, inner_bytes=3, block_bytes=16),
        limits=Limits(duty=duty),
    )
    for name, where, spreading, coding, duty, rule in (
        ("meshcore-eu", "EU/UK (Narrow)", 8, 8, 0.1, "869.618 MHz. Standard: ETSI EN 300 220-2, band P: 10 %"),
        ("meshcore-us", "USA/Canada", 7, 5, None, "910.525 MHz, no duty cycle"),
    )
)

LINKS = (*MESHTASTIC, *MESHCORE)
