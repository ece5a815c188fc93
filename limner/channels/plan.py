"""What a file costs on a link, and how large it may be there.

A file, bare, that fits one message is that message. Beyond that either the link joins messages itself, or the file goes in
packets (``spec/packets-1.md``): pieces of equal length but for the last, each with ``header_bytes`` around it. Parity is more
messages: of the one message the same again, of packets as long as the longest.
"""

from __future__ import annotations

from dataclasses import dataclass

from limner.channels.channel import DAY_S, Channel
from limner.channels.checks import within
from limner.errors import ChannelError

HEADER_BYTES = 4
TAIL_BYTES = 1
"""Of a file's packets together: what tells where a last piece that was repaired ends."""
MOST_PACKETS = 64
MOST_PARITY = 64
MOST_PACKET_BYTES = 4095
MOST_FILE_BYTES = 1 << 28
MOST_MESSAGES = 1 << 28


@dataclass(frozen=True)
class Plan:
    """What it takes to send one file.

    ``header_bytes``: of a packet, in each message; 0 where there are no packets. ``last_bytes``: of the payload of the last
    message; ``left_bytes``: by how much the file may grow before it takes another. ``air_s``: on the air in all, None where
    it is not known. ``wait_s``: of silence between the messages; ``rest_s``: behind the last, before the next file.
    ``cost``: in units of the link's fare; ``price``: of that. ``files_a_day``: how many like it the limits allow. None
    where the link has no fare, no price, no limits.
    """

    channel: str
    blob_bytes: int
    messages: int
    header_bytes: int
    last_bytes: int
    left_bytes: int
    air_s: float | None
    wait_s: float
    rest_s: float
    cost: int | None
    price: float | None
    files_a_day: int | None


@dataclass(frozen=True)
class _Split:
    """A file in messages: ``full`` with ``full_bytes`` of payload, and one with ``last_bytes``."""

    full_bytes: int
    full: int
    last_bytes: int
    header_bytes: int = 0


def plan(channel: Channel, blob_bytes: int, *, header_bytes: int = HEADER_BYTES, parity: int = 0) -> Plan:
    """Plan how a file of ``blob_bytes``, counted without magic, goes over a link. Raises ChannelError if it cannot."""
    within("bytes", blob_bytes, 1, MOST_FILE_BYTES)
    _check(header_bytes, parity)
    split = _split(channel, blob_bytes, header_bytes, parity)
    messages = split.full + 1
    air_s = _air_s(channel, split)
    wait_s, rest_s = split.full * gap_s(channel, split.full_bytes), gap_s(channel, split.last_bytes)
    cost = _cost(channel, split)
    price = channel.fare.price if channel.fare is not None else None
    return Plan(
        channel=channel.name,
        blob_bytes=blob_bytes,
        messages=messages,
        header_bytes=split.header_bytes,
        last_bytes=split.last_bytes,
        left_bytes=budget_bytes(channel, messages, header_bytes=header_bytes, parity=parity) - blob_bytes,
        air_s=air_s,
        wait_s=wait_s,
        rest_s=rest_s,
        cost=cost,
        price=None if cost is None or price is None else cost * price,
        files_a_day=_files_a_day(channel, messages, air_s, wait_s + rest_s),
    )


def budget_bytes(channel: Channel, messages: int = 1, *, header_bytes: int = HEADER_BYTES, parity: int = 0) -> int:
    """The bytes that a file may have, without magic, to go in at most ``messages``, of which ``parity`` are there to repair.

    Raises ChannelError if nothing goes in them.
    """
    within("messages", messages, 1, MOST_MESSAGES)
    _check(header_bytes, parity)
    data = messages - parity
    if data < 1:
        raise ChannelError(f"{parity} parity messages of {messages} leave none for the file")
    if data == 1:
        return channel.payload_bytes
    if channel.joined is not None and not parity:
        together = channel.bytes_in(channel.joined.size * min(data, channel.joined.most_messages))
    else:
        together = min(data, MOST_PACKETS) * _room(channel, header_bytes) - TAIL_BYTES
    return max(channel.payload_bytes, together)


def several_bytes(channel: Channel, *, header_bytes: int = HEADER_BYTES) -> int:
    """The bytes of a file that each of several messages carries; 0 if a file cannot be spread over several."""
    return channel.bytes_in(channel.joined.size) if channel.joined is not None else _room(channel, header_bytes)


def _check(header_bytes: int, parity: int) -> None:
    within("header_bytes", header_bytes, 0, 255)
    within("parity", parity, 0, MOST_PARITY)


def _room(channel: Channel, header_bytes: int) -> int:
    """The bytes of a file in a packet; may be none."""
    return max(0, min(channel.payload_bytes, MOST_PACKET_BYTES) - header_bytes)


def _split(channel: Channel, blob_bytes: int, header_bytes: int, parity: int) -> _Split:
    if blob_bytes <= channel.payload_bytes:
        return _Split(blob_bytes, parity, blob_bytes)
    if channel.joined is not None and not parity:
        return _joined(channel, channel.joined.size, channel.joined.most_messages, blob_bytes)
    room = _room(channel, header_bytes)
    most = MOST_PACKETS * room - TAIL_BYTES
    if blob_bytes > most:
        much = f"at most {most} bytes in {MOST_PACKETS} packets" if room else "no packets: their frame fills a message"
        raise ChannelError(f"{channel.name} takes {much}, and the file has {blob_bytes} bytes")
    count = -(-(blob_bytes + TAIL_BYTES) // room)
    piece = -(-(blob_bytes + TAIL_BYTES) // count)
    last = blob_bytes - (count - 1) * piece
    return _Split(piece + header_bytes, count - 1 + parity, last + header_bytes, header_bytes)


def _joined(channel: Channel, size: int, most: int, blob_bytes: int) -> _Split:
    count = -(-channel.taken(blob_bytes) // size)
    if count > most:
        raise ChannelError(f"{channel.name} joins at most {most} messages, and the file takes {count}")
    return _Split(channel.bytes_in(size), count - 1, blob_bytes - channel.bytes_in(size * (count - 1)))


def _air_s(channel: Channel, split: _Split) -> float | None:
    one, last = channel.air_s(split.full_bytes), channel.air_s(split.last_bytes)
    return None if one is None or last is None else split.full * one + last


def gap_s(channel: Channel, payload_bytes: int) -> float:
    """Seconds of silence behind a message: T_off of TS001-1.0.4, section 5.3, or the interval that the link keeps."""
    air_s, duty = channel.air_s(payload_bytes), channel.limits.duty
    off_s = 0.0 if air_s is None or duty is None else air_s * (1 / duty - 1)
    return max(off_s, channel.limits.interval_s)


def _cost(channel: Channel, split: _Split) -> int | None:
    fare = channel.fare
    return None if fare is None else split.full * fare.units(split.full_bytes) + fare.units(split.last_bytes)


def _files_a_day(channel: Channel, messages: int, air_s: float | None, silence_s: float) -> int | None:
    limits = channel.limits
    most = []
    if silence_s:
        most.append(DAY_S / ((air_s or 0.0) + silence_s))
    if limits.messages_a_day is not None:
        most.append(limits.messages_a_day / messages)
    if limits.air_s_a_day is not None and air_s:
        most.append(limits.air_s_a_day / air_s)
    return int(min(most)) if most else None
