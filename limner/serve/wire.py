"""Messages between the front and a worker, through pipes: JSON and bytes, nothing that could be run.

    message    4 bytes: length of the head; 8 bytes: length of the body; head: JSON {"kind": ..., "fields": {...}}; body: bytes

A worker that a bad picture has taken over can say wrong things, but cannot make the front do anything.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

from limner.errors import LimnerError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

LENGTHS = struct.Struct(">IQ")
MOST_HEAD_BYTES = 64 << 20
MOST_BODY_BYTES = 4 << 30

BEGIN, ASK, CANCEL = "begin", "ask", "cancel"
READY, TAKEN, STEP, DONE, FAILED, CANCELLED = "ready", "taken", "step", "done", "failed", "cancelled"


class WireError(LimnerError):
    """Bytes that are no message."""


@dataclass(frozen=True)
class Message:
    """What is said. ``body``: a picture, a file of ours, or nothing."""

    kind: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    body: bytes = b""


def head_of(message: Message) -> bytes:
    """All of a message but its body."""
    head = json.dumps({"kind": message.kind, "fields": dict(message.fields)}, allow_nan=False).encode()
    return LENGTHS.pack(len(head), len(message.body)) + head


def lengths(data: bytes) -> tuple[int, int]:
    """Lengths of head and body. Raises WireError over what is sent."""
    head_bytes, body_bytes = LENGTHS.unpack(data)
    if head_bytes > MOST_HEAD_BYTES or body_bytes > MOST_BODY_BYTES:
        raise WireError(f"a message of {head_bytes} and {body_bytes} bytes")
    return head_bytes, body_bytes


def message(head: bytes, body: bytes) -> Message:
    """Raises WireError for what is no head."""
    try:
        said = json.loads(head)
        kind, fields = said["kind"], said["fields"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise WireError("not a message") from error
    if not isinstance(kind, str) or not isinstance(fields, dict):
        raise WireError("not a message")
    return Message(kind, fields, body)


# --- in a worker


def write(stream: BinaryIO, said: Message) -> None:
    stream.write(head_of(said))
    stream.write(said.body)
    stream.flush()


def read(stream: BinaryIO) -> Message | None:
    """The next message; None where there is no other. Raises WireError."""
    start = stream.read(LENGTHS.size)
    if len(start) < LENGTHS.size:
        return None
    head_bytes, body_bytes = lengths(start)
    head, body = stream.read(head_bytes), stream.read(body_bytes)
    if len(head) + len(body) < head_bytes + body_bytes:
        return None
    return message(head, body)


# --- in the front


async def send(stream: asyncio.StreamWriter, said: Message) -> None:
    """Raises OSError where nobody reads."""
    stream.write(head_of(said))
    stream.write(said.body)
    await stream.drain()


async def receive(stream: asyncio.StreamReader) -> Message:
    """Raises EOFError where the other side has ended, WireError."""
    try:
        head_bytes, body_bytes = lengths(await stream.readexactly(LENGTHS.size))
        return message(await stream.readexactly(head_bytes), await stream.readexactly(body_bytes))
    except asyncio.IncompleteReadError as error:
        raise EOFError from error
