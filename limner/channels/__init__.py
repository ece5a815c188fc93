"""Links by name: how many bytes a message carries, what it costs, how long it is on the air.

    name or TOML -> Channel --plan(blob_bytes)---------> Plan: messages, bytes left, air time, waits, cost
                            --budget_bytes(messages)---> bytes that a file may have

Standard library only. Numbers are data, in the files named after kinds of links; each link names its source.
"""

from limner.channels.air import Line, LoRa
from limner.channels.armour import ARMOURS, Armour
from limner.channels.channel import Channel, Fare, Joined, Limits
from limner.channels.known import CHANNELS, find
from limner.channels.own import from_toml, to_toml
from limner.channels.plan import HEADER_BYTES, Plan, budget_bytes, gap_s, plan, several_bytes

__all__ = [
    "ARMOURS",
    "CHANNELS",
    "HEADER_BYTES",
    "Armour",
    "Channel",
    "Fare",
    "Joined",
    "Limits",
    "Line",
    "LoRa",
    "Plan",
    "budget_bytes",
    "find",
    "from_toml",
    "gap_s",
    "plan",
    "several_bytes",
    "to_toml",
]
