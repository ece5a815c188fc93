"""uvicorn around the app: heads and leftovers that come too slowly are cut, and an end that waits for what was begun."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from limner.serve.app import make_app
from limner.serve.desk import Desk, StartError
from limner.serve.settings import Settings

HEAD_S = 10.0
"""How long the head of a request may take, and the rest of a body whose answer has been given."""
TAKE_S = 30.0
"""How long a client may take for the next piece of an answer."""
HEAD_BYTES = 32 << 10
KEEP_ALIVE_S = 15
MOST_CONNECTIONS = 1000
BACKLOG = 512


class Protocol(H11Protocol):
    """HTTP/1.1 that does not wait for ever: for a head that comes byte by byte, or for somebody who does not take an answer."""

    _late: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._heed()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._heed()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._heed()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken = self.loop.call_later(TAKE_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.resume_writing()
        super().connection_lost(exc)
        self._unheed()

    def _heed(self) -> None:
        """Begin to wait, or stop waiting."""
        if not self._is_owed():
            self._unheed()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._cut)

    def _unheed(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_owed(self) -> bool:
        """Whether the client should send something before anything else can happen: the first head, the rest of one that has
        begun, or the rest of a body that nobody reads any more."""
        # Before the first request there is none, whatever its type says.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None:
            return True
        if not cycle.response_complete:
            return False
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])

    def _cut(self) -> None:
        self._late = None
        if self._is_owed() and not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Begins the workers before it listens, and ends in order: nothing new, jobs ended, requests answered, workers ended."""

    def __init__(self, config: uvicorn.Config, desk: Desk, when_up: Callable[[str], None]) -> None:
        super().__init__(config)
        self._desk, self._when_up = desk, when_up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises StartError."""
        await self._desk.start()
        try:
            await super().startup(sockets)
        except SystemExit as error:
            await self._desk.stop()
            raise StartError(f"nothing can listen at {self.config.host}, port {self.config.port}") from error
        self._when_up(address(self.servers[0].sockets[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        winding = asyncio.create_task(self._desk.wind_down())
        while not (winding.done() or self.force_exit):
            await asyncio.sleep(0.05)
        winding.cancel()
        await asyncio.wait([winding])
        await super().shutdown(sockets)
        await self._desk.stop()


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(settings: Settings, when_up: Callable[[str], None], *, access_log: bool = False) -> Server:
    """The service, not yet running. ``when_up``: is told its address once it answers."""
    app = make_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Protocol,
        ws="none",
        lifespan="off",  # the server does what it would
        log_config=None,
        log_level=logging.INFO if access_log else logging.ERROR,
        access_log=access_log,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.grace_s)),
    )
    return Server(config, app.state.desk, when_up)
