"""The page and what belongs to it, as files of the package: ``/``, ``/static/...``, ``/samples/...``."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from limner.serve.problems import Refused

PAGE = Path(__file__).parent / "page"
HEADERS = {
    # All that the page uses comes from here; what it paints are blobs of its own.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class PageFiles(StaticFiles):
    """Files with the headers of the page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def add_page(app: FastAPI) -> None:
    """Serve the page. Where it is not in the package, the service is there without it."""

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        index = PAGE / "index.html"
        if not index.is_file():
            raise Refused("not-found", "this installation has no page; the service is at /v1")
        return FileResponse(index, headers=HEADERS)

    app.mount("/static", PageFiles(directory=PAGE, check_dir=False), name="static")
    app.mount("/samples", PageFiles(directory=PAGE / "samples", check_dir=False), name="samples")
