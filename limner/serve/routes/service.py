"""The service itself: what is here, whether it works, what it has counted."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner.serve import metrics
from limner.serve.answers import Health, Systems
from limner.serve.desk import TheDesk
from limner.serve.forms import JSON
from limner.serve.openapi import problems

router = APIRouter(tags=["service"])


@router.get("/v1/systems", responses={200: {"model": Systems}, **problems(429, 504)})
async def systems(request: Request, desk: TheDesk) -> Systems:
    """Which systems there are, which of them can encode and paint here, and what a request may take."""
    return await desk.systems(request)


@router.get(
    "/healthz",
    response_model=None,
    responses={
        200: {"model": Health},
        **{status: kept for status, kept in problems().items() if status in (400, 403, 500)},
        503: {"model": Health, "description": "No worker is ready, or the service is ending"},
    },
)
async def healthz(desk: TheDesk) -> Response:
    """Whether work can be done."""
    alive = len(desk.pool.workers)
    status: Literal["ok", "starting", "stopping"] = "stopping" if desk.stopping else "ok" if alive else "starting"
    said = Health(
        status=status,
        version=version("limner"),
        workers=desk.settings.workers,
        workers_alive=alive,
        queue=desk.pool.queued,
        jobs=sum(number for state, number in desk.jobs.counts().items() if state in ("waiting", "running")),
    )
    return Response(said.model_dump_json(), 200 if status == "ok" else 503, media_type=JSON)


@router.get(
    "/metrics",
    response_model=None,
    responses={
        200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(),
    },
)
async def show_metrics(desk: TheDesk) -> Response:
    """Counts and times, as Prometheus reads them."""
    return Response(desk.meter.text(desk.gauges()), headers={"Content-Type": metrics.MEDIA_TYPE})
