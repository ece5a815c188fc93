"""Who may come in: by which name, from which page, with which key; and nobody while the service ends.

The name by which a service on loopback is called is checked, so that no page elsewhere can reach it by a name of its own that
leads to this machine (DNS rebinding); the page that a request comes from, so that none has it work without being asked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from limner.serve.problems import Refused
from limner.serve.settings import Settings

OPEN = ("/", "/healthz", "/openapi.json", "/favicon.ico")
OPEN_FOLDERS = ("/static/", "/samples/")
"""What needs no key: the page, which asks for one, and what watches whether the service lives."""
BEARER = "bearer "


class Door:
    """Wraps an app. ``stopping``: whether the service is ending."""

    def __init__(self, app: ASGIApp, settings: Settings, stopping: Callable[[], bool]) -> None:
        self._app, self._settings, self._stopping = app, settings, stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self.refusal(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await refused.response(scope, receive, send)

    def refusal(self, scope: Scope) -> Refused | None:
        """Why a request is not let in; None if it is."""
        headers, path = Headers(scope=scope), scope["path"]
        hosts = self._settings.hosts
        # Whoever looks after the service calls it by whatever name.
        if hosts and path != "/healthz" and name_of(headers.get("host", "")) not in hosts:
            return Refused("bad-host", f"it is called {' or '.join(hosts)}")
        if not self.welcome(headers):
            return Refused("bad-origin", "let the operator name the origin, if it is one of yours")
        if not is_open(path) and not self.has_key(headers):
            return Refused("no-key", "send it as Authorization: Bearer KEY", headers={"WWW-Authenticate": "Bearer"})
        if self._stopping() and not is_open(path):
            return Refused("stopping", headers={"Retry-After": "5"})
        return None

    def welcome(self, headers: Headers) -> bool:
        """Whether the request is from no page, from one of this service, or from one that the operator has named."""
        origin = headers.get("origin")
        if origin is None or origin in self._settings.access.origins:
            return True
        return urlsplit_host(origin) == name_of(headers.get("host", ""))

    def has_key(self, headers: Headers) -> bool:
        key = self._settings.access.api_key
        if not key:
            return True
        given = headers.get("authorization", "")
        given = given[len(BEARER) :] if given.lower().startswith(BEARER) else headers.get("x-api-key", "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), key.encode())


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_FOLDERS)


def name_of(host: str) -> str:
    """A host without its port, in small letters."""
    if host.startswith("["):
        return (host.partition("]")[0] + "]").lower()
    return host.partition(":")[0].lower()


def urlsplit_host(origin: str) -> str:
    """The host of an origin, without its port; "" for what is none ("null")."""
    try:
        return name_of(urlsplit(origin).netloc)
    except ValueError:
        return ""
