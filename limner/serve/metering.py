"""Counts every request: by its route, not its path, so that nobody can make series without end."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.serve.metrics import Meter

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"


class Metered:
    """Wraps an app."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app, self._meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start_s, status = time.monotonic(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._meter.answered(route_of(scope), method, status, time.monotonic() - start_s)


def route_of(scope: Scope) -> str:
    """The pattern of the route that was taken; "other" for none."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else OTHER
