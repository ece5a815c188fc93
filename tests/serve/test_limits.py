"""Bodies: counted while they come, cut where they are too long, too slow, or too many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi")

from starlette.types import Message, Receive, Scope, Send

from limner.serve.limits import PIECE_BYTES, Held, Uploads
from limner.serve.metrics import Meter
from limner.serve.problems import Refused
from limner.serve.settings import Bounds

SMALL = Bounds(upload_bytes=100, held_bytes=150)


class Reader:
    """An app that reads its body, and looks what is held meanwhile."""

    def __init__(self, held: Held) -> None:
        self.held, self.body, self.seen, self.refused = held, b"", 0, ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        try:
            while more:
                message = await receive()
                self.body += message.get("body", b"")
                self.seen = max(self.seen, self.held.bytes)
                more = message.get("more_body", False)
        except Refused as refused:
            self.refused = refused.problem.type.removeprefix("urn:limner:")


def taken(
    chunks: Sequence[bytes], bounds: Bounds = SMALL, *, pause_s: float = 0.0, length: int | None = None, held: int = 0
) -> tuple[Reader, Held, list[Message]]:
    """A body in chunks through the limits."""
    state, sent = Held(held), []
    reader, last = Reader(state), len(chunks) - 1
    messages = [{"type": "http.request", "body": chunk, "more_body": place < last} for place, chunk in enumerate(chunks)]

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    app = Uploads(reader, bounds, Meter(), state)
    asyncio.run(app({"type": "http", "headers": headers, "method": "POST", "path": "/"}, receive, send))
    return reader, state, sent


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_a_body_within_the_limit_is_read(chunks: list[bytes]) -> None:
    reader, held, _ = taken(chunks)
    assert reader.body == b"".join(chunks) and not reader.refused
    assert reader.seen == len(reader.body) and held.bytes == 0


def test_a_body_that_is_too_long_is_cut_while_it_comes() -> None:
    reader, held, _ = taken([b"a" * 60] * 50)
    assert reader.refused == "too-large" and len(reader.body) == 60 and held.bytes == 0


def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    reader, held, sent = taken([b"a"], length=101)
    assert sent[0]["status"] == 413 and not reader.body and held.bytes == 0


def test_a_silence_is_cut() -> None:
    reader, held, _ = taken([b"a", b"b"], Bounds(idle_s=0.05), pause_s=0.2)
    assert reader.refused == "slow" and held.bytes == 0


def test_a_body_that_drips_is_cut() -> None:
    reader, held, _ = taken([b"a"] * 90, Bounds(body_s=0.2), pause_s=0.02)
    assert reader.refused == "slow" and len(reader.body) < 90 and held.bytes == 0


def test_bodies_of_others_count() -> None:
    reader, held, _ = taken([b"a" * 60], held=100)
    assert reader.refused == "busy" and held.bytes == 100


@given(st.integers(0, 4 * PIECE_BYTES))
def test_an_answer_comes_in_pieces_and_counts(length: int) -> None:
    body, held, sent, seen = bytes(length), Held(), [], []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        seen.append(held.bytes)

    wrapped = Uploads(app, SMALL, Meter(), held)
    asyncio.run(wrapped({"type": "http", "headers": [], "method": "GET", "path": "/"}, receive, send))
    _, *pieces = sent
    assert b"".join(piece["body"] for piece in pieces) == body
    assert all(len(piece["body"]) <= PIECE_BYTES for piece in pieces)
    assert [piece["more_body"] for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    assert held.bytes == 0 and seen[-1] == (length if length > PIECE_BYTES else 0)
