"""The app: routes behind a door, limits and a meter.

    CORS -> meter -> door -> uploads -> routes
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from limner.serve import openapi, problems
from limner.serve.access import Door
from limner.serve.desk import Desk
from limner.serve.limits import Uploads
from limner.serve.metering import Metered
from limner.serve.page_files import add_page
from limner.serve.routes import coding, jobs, links, service
from limner.serve.settings import Settings

EXPOSED = ("X-Limner-Bytes", "X-Limner-System", "X-Limner-Detail", "Retry-After", "Location")


def make_app(settings: Settings) -> FastAPI:
    """The app for these settings. Its workers begin with its lifespan, unless a server begins them itself."""
    desk = Desk(settings)
    app = FastAPI(title="limner", docs_url=None, redoc_url=None, lifespan=partial(lifespan, desk))
    app.state.desk = desk
    for router in (coding.router, links.router, jobs.router, service.router):
        app.include_router(router)
    # Where nobody describes, the route says so, and the OpenAPI does not speak of it.
    app.include_router(coding.describing, include_in_schema=bool(settings.describer))
    add_page(app)
    for kind, handler in (
        (HTTPException, problems.on_refused),
        (RequestValidationError, problems.on_invalid),
        (ClientDisconnect, problems.on_gone),
        (Exception, problems.on_bug),
    ):
        app.add_exception_handler(kind, handler)
    # The last is the outermost.
    app.add_middleware(Uploads, bounds=settings.bounds, meter=desk.meter, held=desk.held)
    app.add_middleware(Door, settings=settings, stopping=lambda: desk.stopping)
    app.add_middleware(Metered, meter=desk.meter)
    if settings.access.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.access.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
            expose_headers=list(EXPOSED),
        )
    app.openapi = partial(document, app, keyed=bool(settings.access.api_key))  # type: ignore[method-assign]
    return app


def document(app: FastAPI, *, keyed: bool) -> dict[str, Any]:
    """The OpenAPI, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = openapi.describe(app, version("limner"), keyed=keyed)
    return app.openapi_schema


@asynccontextmanager
async def lifespan(desk: Desk, app: FastAPI) -> AsyncIterator[None]:
    await desk.start()
    try:
        yield
    finally:
        await desk.stop()
