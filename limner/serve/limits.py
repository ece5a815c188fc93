"""What a body may take: bytes, counted while they come; time; and memory, of all bodies together.

Pure ASGI: a route that reads gets `Refused` in place of more, and one that does not read is not disturbed. Answers go out in
pieces, each when the one before is on its way, and are counted as long as that takes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.serve.metrics import Meter
from limner.serve.problems import Refused, busy
from limner.serve.settings import Bounds

RETRY_S = 5
PIECE_BYTES = 64 << 10
CLOSE = {"Connection": "close"}


@dataclass
class Held:
    """Bytes of all bodies and answers that are held at the moment."""

    bytes: int = 0


class Uploads:
    """Wraps an app. ``held``: shared by all requests."""

    def __init__(self, app: ASGIApp, bounds: Bounds, meter: Meter, held: Held) -> None:
        self._app, self._bounds, self._meter, self._held = app, bounds, meter, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (refused := self._at_once(Headers(scope=scope))) is not None:
            await refused.response(scope, receive, send)
            return
        body = Body(receive, self._bounds, self._held)
        answer = Answer(send, self._held)
        try:
            await self._app(scope, body.receive, answer.send)
        finally:
            self._held.bytes -= body.bytes
            self._meter.upload_bytes += body.bytes

    def _at_once(self, headers: Headers) -> Refused | None:
        """A refusal that needs no look at the body."""
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._bounds.upload_bytes:
            return too_large(self._bounds.upload_bytes)
        return None


@dataclass(eq=False)
class Body:
    """A body that is being read."""

    source: Receive
    bounds: Bounds
    held: Held
    bytes: int = 0
    whole: bool = False
    start_s: float | None = None

    async def receive(self) -> Message:
        """The next message of ASGI. Raises Refused for too much, too slowly, or where no memory is left."""
        if self.whole:
            return await self.source()
        try:
            async with asyncio.timeout(min(self.bounds.idle_s, self.left_s())):
                message = await self.source()
        except TimeoutError:
            self.whole = True
            allowed = f"the longest silence is {self.bounds.idle_s:g} s, the longest body {self.bounds.body_s:g} s"
            raise Refused("slow", f"{self.bytes} bytes came; {allowed}", headers=CLOSE) from None
        if message["type"] == "http.request":
            self.take(len(message.get("body", b"")))
            self.whole = not message.get("more_body", False)
        else:
            self.whole = True
        return message

    def left_s(self) -> float:
        """How long the body may still take."""
        now_s = asyncio.get_running_loop().time()
        self.start_s = self.start_s or now_s
        return max(0.0, self.start_s + self.bounds.body_s - now_s)

    def take(self, count: int) -> None:
        """Count bytes. Raises Refused."""
        self.bytes += count
        self.held.bytes += count
        if self.bytes > self.bounds.upload_bytes:
            raise too_large(self.bounds.upload_bytes)
        if self.held.bytes > self.bounds.held_bytes:
            raise busy(RETRY_S)


@dataclass(frozen=True)
class Answer:
    """An answer that is being sent."""

    target: Send
    held: Held

    async def send(self, message: Message) -> None:
        """Send a message of ASGI, a long one in pieces."""
        body = message.get("body", b"")
        if len(body) <= PIECE_BYTES:
            await self.target(message)
            return
        self.held.bytes += len(body)
        try:
            for at in range(0, len(body), PIECE_BYTES):
                more = message.get("more_body", False) or at + PIECE_BYTES < len(body)
                await self.target({**message, "body": body[at : at + PIECE_BYTES], "more_body": more})
        finally:
            self.held.bytes -= len(body)


def too_large(most_bytes: int) -> Refused:
    # The rest is read and thrown away, for a while: whoever is still sending would not see the answer otherwise.
    return Refused("too-large", f"at most {most_bytes} bytes")
