"""A link: what a message carries, costs and takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from limner.channels.air import Line, LoRa
from limner.channels.armour import ARMOURS, Armour
from limner.channels.checks import said, within
from limner.errors import ChannelError

MOST_BYTES = 1 << 20
DAY_S = 86_400
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Joined:
    """Messages that the link itself puts together: ``size`` of each, in the units of the link, and how many at most.

    Raises ChannelError for values out of range.
    """

    size: int
    most_messages: int

    def __post_init__(self) -> None:
        within("joined.size", self.size, 1, MOST_BYTES)
        within("joined.most_messages", self.most_messages, 2, MOST_BYTES)


@dataclass(frozen=True)
class Fare:
    """What a message costs: one ``unit`` for each ``bytes_each`` or part of it (0: whatever its length), and ``least``.

    ``price``: of a unit, in ``currency``; none is known here, for they differ and change. Raises ChannelError for values
    out of range.
    """

    unit: str
    bytes_each: int = 0
    least: int = 1
    price: float | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        said("fare.unit", self.unit)
        within("fare.bytes_each", self.bytes_each, 0, MOST_BYTES)
        within("fare.least", self.least, 0, MOST_BYTES)
        if self.price is not None:
            within("fare.price", self.price, 0, 1e9)
            said("fare.currency", self.currency)

    def units(self, payload_bytes: int) -> int:
        """What a message with this payload costs."""
        return max(self.least, -(-payload_bytes // self.bytes_each) if self.bytes_each else 0)


@dataclass(frozen=True)
class Limits:
    """What a sender may do: ``duty`` is the share of time on the air, ``interval_s`` the least time from the end of a
    message to the next. None and 0: no limit. Raises ChannelError for values out of range.
    """

    duty: float | None = None
    interval_s: float = 0.0
    messages_a_day: int | None = None
    air_s_a_day: float | None = None

    def __post_init__(self) -> None:
        within("limits.interval_s", self.interval_s, 0, DAY_S)
        if self.duty is not None:
            within("limits.duty", self.duty, 1e-6, 1)
        if self.messages_a_day is not None:
            within("limits.messages_a_day", self.messages_a_day, 1, 1e9)
        if self.air_s_a_day is not None:
            within("limits.air_s_a_day", self.air_s_a_day, 1e-3, DAY_S)


@dataclass(frozen=True)
class Channel:
    """A link by name.

    ``size``: of a message's payload, in bytes, or in characters where ``armour`` names how bytes become text.
    ``source``: where the numbers are from. Raises ChannelError for what does not fit together.
    """

    name: str
    what: str
    source: str
    size: int
    armour: str = ""
    joined: Joined | None = None
    lora: LoRa | None = None
    line: Line | None = None
    fare: Fare | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ChannelError(f"{self.name!r} is no name of a link: lower case letters and digits, joined by -")
        said("what", self.what)
        said("source", self.source)
        within("size", self.size, 1, MOST_BYTES)
        if self.armour and self.armour not in ARMOURS:
            raise ChannelError(f"no armour {self.armour!r}: {', '.join(ARMOURS)}")
        if self.lora is not None and self.line is not None:
            raise ChannelError("a link is either lora or line")
        if self.joined is not None and self.joined.size > self.size:
            raise ChannelError("messages that are joined carry no more than one alone")
        if self.payload_bytes < 1:
            raise ChannelError(f"{self.size} characters of {self.armour} carry no byte")
        if self.lora is not None:
            self.lora.frame_bytes(self.size)

    @property
    def air(self) -> LoRa | Line | None:
        return self.lora or self.line

    @property
    def payload_bytes(self) -> int:
        """The bytes that one message carries."""
        return self.bytes_in(self.size)

    def bytes_in(self, size: int) -> int:
        """The bytes in so many bytes or characters of the link."""
        return self._text.bytes_in(size) if self.armour else size

    def taken(self, payload_bytes: int) -> int:
        """The bytes or characters of the link that so many bytes take."""
        return self._text.characters(payload_bytes) if self.armour else payload_bytes

    def air_s(self, payload_bytes: int) -> float | None:
        """Seconds of air of one message with this payload; None where they are not known."""
        return None if self.air is None else self.air.seconds(self.taken(payload_bytes))

    @property
    def _text(self) -> Armour:
        return ARMOURS[self.armour]
