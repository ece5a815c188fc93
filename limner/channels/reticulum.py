"""Reticulum and LXMF. Data only. They run over any radio, so that air time is not known here."""

from __future__ import annotations

from limner.channels.channel import Channel

_RNS = "project: Reticulum, RNS/Reticulum.py (MTU 500, MDU 464), RNS/Packet.py and RNS/Link.py: "
_LXMF = "project: LXMF, LXMF/LXMessage.py (overhead 112; content as bytes, without title and fields): "

LINKS = tuple(
    Channel(name, what, source, size)
    for name, what, size, source in (
        ("reticulum", "Reticulum packet to a destination, encrypted", 383, _RNS + "ENCRYPTED_MDU"),
        ("reticulum-plain", "Reticulum packet, not encrypted", 464, _RNS + "PLAIN_MDU"),
        ("reticulum-link", "Reticulum packet over a link", 431, _RNS + "Link.MDU"),
        ("lxmf", "LXMF message in one packet", 295, _LXMF + "ENCRYPTED_PACKET_MAX_CONTENT"),
        ("lxmf-link", "LXMF message in one packet over a link", 319, _LXMF + "LINK_PACKET_MAX_CONTENT"),
    )
)
