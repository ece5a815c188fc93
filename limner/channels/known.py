"""Every link that has a name here, and how a name is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from limner.channels import amateur, lorawan, mesh, qr, reticulum, satellite, sigfox, tags, telephone
from limner.channels.channel import Channel
from limner.errors import ChannelError

_KINDS = (telephone, satellite, lorawan, mesh, sigfox, amateur, reticulum, tags, qr)

CHANNELS: dict[str, Channel] = {link.name: link for kind in _KINDS for link in kind.LINKS}
"""In the order of their kinds. QR codes of all versions are found by `find`; a few stand here."""

SHORT: dict[str, str] = {
    "iridium": "sbd",
    "meshcore": "meshcore-eu",
    "meshtastic": "meshtastic-longfast",
    "meshtastic-eu": "meshtastic-eu-longfast",
    "qr": "qr-10-m",
}
"""Other names."""


def find(name: str, own: Mapping[str, Channel] | None = None) -> Channel:
    """Return the link of this name; one of ``own`` goes before those that are known here.

    Raises ChannelError, with names that are near, if there is none.
    """
    known = {**CHANNELS, **(own or {})}
    found = known.get(name) or known.get(SHORT.get(name, "")) or qr.channel(name)
    if found is None:
        near = get_close_matches(name, [*known, *SHORT], n=3, cutoff=0.4)
        hint = f": {', '.join(near)}?" if near else ""
        raise ChannelError(f"no link {name!r}{hint} (limner channels lists them)")
    return found
