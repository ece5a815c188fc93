"""Jobs: work that takes minutes. Begun, watched, fetched, ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from limner.serve import asks, forms
from limner.serve import jobs as kept
from limner.serve.answers import Job
from limner.serve.desk import Desk, TheDesk
from limner.serve.fields import DecodeQuery, JobEncodeFields
from limner.serve.forms import JSON, LIMN, MULTIPART, OCTETS
from limner.serve.openapi import BODY, Responses, binary, problems
from limner.serve.problems import Refused, of_error
from limner.serve.routes.coding import BLOB_HEADERS, MEDIA, PICTURE, encoded, painted

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

SILENCE_S = 15.0
"""A stream of events says something at least so often."""
EVENTS = "text/event-stream"
EVENT = {
    "type": "object",
    "description": "One event; data is a Job as JSON",
    "properties": {"event": {"const": "state"}, "data": {"type": "string", "contentMediaType": JSON}},
    "required": ["event", "data"],
}
BEGUN: Responses = {202: {"model": Job, "headers": {"Location": {"description": "Of the job", "schema": {"type": "string"}}}}}


@router.post(
    "/encode",
    status_code=202,
    response_model=None,
    responses={**BEGUN, **problems(*BODY, 422)},
    openapi_extra=forms.form_body("image", JobEncodeFields, PICTURE),
)
async def encode(request: Request, desk: TheDesk) -> Response:
    """Encode a picture as a job: also what paints, or opens models, on the way."""
    desk.admit(long=True)
    picture, fields = await forms.form_of(request, "image", JobEncodeFields)
    return begun(desk, asks.Encode(**fields.model_dump(), long=True), picture)


@router.post(
    "/decode",
    status_code=202,
    response_model=None,
    responses={**BEGUN, **problems(*BODY, 422)},
    openapi_extra=forms.blob_body(),
)
async def decode(request: Request, desk: TheDesk, query: Annotated[DecodeQuery, Query()]) -> Response:
    """Paint a file as a job: also by diffusion."""
    desk.admit(long=True)
    blob = await forms.blob_of(request, LIMN, OCTETS, MULTIPART)
    return begun(desk, asks.Decode(**query.model_dump(), long=True), blob)


def begun(desk: Desk, ask: asks.Encode | asks.Decode, body: bytes) -> Response:
    try:
        job = desk.jobs.submit(ask, body)
    except Exception as error:
        refused = of_error(error)
        if refused is None:
            raise
        raise refused from error
    headers = {"Location": f"/v1/jobs/{job.id}"}
    return Response(shown(job).model_dump_json(), 202, headers, media_type=JSON)


@router.get("/{id}", responses={200: {"model": Job}, **problems(404, 422)})
async def state(id: str, desk: TheDesk) -> Job:
    """How a job stands."""
    return shown(desk.jobs.find(id))


@router.get(
    "/{id}/events",
    response_model=None,
    responses={
        200: {"description": "The job, again and again", "content": {EVENTS: {"schema": EVENT}}},
        **problems(404, 422),
    },
)
async def events(id: str, desk: TheDesk) -> StreamingResponse:
    """How a job stands, as server-sent events: `state`, with the job as JSON, at each change, until it has ended."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told(desk.jobs.find(id)), headers=headers, media_type=EVENTS)


async def told(job: kept.Job) -> AsyncIterator[str]:
    async for changed in job.changes(SILENCE_S):
        yield f"event: state\ndata: {shown(job).model_dump_json()}\n\n" if changed else ": still there\n\n"


@router.get(
    "/{id}/result",
    response_model=None,
    responses={
        200: binary(LIMN, JSON, *MEDIA.values(), what="As of /v1/encode or /v1/decode", headers=BLOB_HEADERS),
        **problems(404, 409, 413, 422, 501, 502, 504),
    },
)
async def result(id: str, request: Request, desk: TheDesk) -> Response:
    """What a job has made. Why it failed, if it did."""
    job = desk.jobs.find(id)
    if job.refused is not None:
        raise job.refused
    if job.answer is None:
        raise Refused("cancelled" if job.state == "cancelled" else "not-done", f"it is {job.state}")
    if isinstance(job.ask, asks.Decode):
        return painted(job.answer, job.ask.format)
    return encoded(request, job.answer)


@router.delete("/{id}", status_code=204, response_model=None, responses=problems(404, 422))
async def drop(id: str, desk: TheDesk) -> None:
    """Forget a job; one that is under way is ended."""
    desk.jobs.drop(id)


def shown(job: kept.Job) -> Job:
    of_result: dict[str, int | str] = {}
    if job.answer is not None and job.state == "done":
        media = MEDIA[job.ask.format] if isinstance(job.ask, asks.Decode) else LIMN
        of_result = {"bytes": len(job.answer.body), "media_type": media}
    return Job.model_validate(
        {
            "id": job.id,
            "kind": job.ask.verb,
            "state": job.state,
            "step": job.step,
            "steps": job.steps,
            "created": job.created_s,
            "problem": None if job.refused is None else job.refused.problem,
            **of_result,
        }
    )
