"""What goes wrong, as the service says it: RFC 9457, ``application/problem+json``, and never a path or a trace.

    LimnerError in a worker, a full queue, a dead worker, a field that does not fit ... -> Refused -> Problem
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from limner.serve.pool import Full, OverTime, Stopping
from limner.serve.process import Died
from limner.serve.wire import Message

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:limner:"

KINDS: Mapping[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be read"),
    "bad-host": (400, "The service is not called by this name"),
    "bad-input": (400, "The picture, file or text cannot be used"),
    "budget": (400, "No file is small enough"),
    "no-key": (401, "An API key is needed"),
    "bad-origin": (403, "Pages from there may not use the service"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "That cannot be done here"),
    "slow": (408, "The body came too slowly"),
    "needs-job": (409, "This takes long: ask for it as a job"),
    "not-done": (409, "The job is not done"),
    "cancelled": (409, "The job was cancelled"),
    "too-large": (413, "The body is too large"),
    "memory": (413, "This takes more memory than a worker may have"),
    "media-type": (415, "A body of this kind is not read here"),
    "invalid": (422, "A field does not fit"),
    "busy": (429, "Too many requests wait"),
    "bug": (500, "The service failed"),
    "worker-died": (500, "The process that did the work ended; the next request gets another"),
    "missing": (501, "What this needs is not installed on the service"),
    "describer": (502, "Who describes pictures here did not answer"),
    "stopping": (503, "The service is ending"),
    "over-time": (504, "The work took longer than it may"),
}
STATUSES: Mapping[int, str] = {
    404: "not-found",
    405: "method",
    413: "too-large",
    415: "media-type",
    422: "invalid",
}
ERRORS: Mapping[str, str] = {
    "MemoryError": "memory",
    "NeedsJob": "needs-job",
    "BudgetError": "budget",
    "MissingError": "missing",
    "DescriberFailed": "describer",
    "LimnerError": "bad-input",
}
"""Classes of errors in a worker; of an error's own and those above it, the first that stands here."""

# Anything that begins like a path: /usr, ~/x, C:\x. Media types, rates and fractions do not.
_PATH = re.compile(r"""(?<![\w.>/])(?:~?/[^\s/'",;:()]+[^\s'",;:()]*|[A-Za-z]:\\[^\s'",;()]*)""")


class Invalid(BaseModel):
    """One field that does not fit."""

    field: str
    detail: str


class Problem(BaseModel):
    """What went wrong. ``type``: a name for programs, urn:limner:KIND. ``detail``: for people; one line."""

    type: str
    title: str
    status: int
    detail: str | None = None
    field: str | None = None
    offset: int | None = None
    least_bytes: int | None = None
    incident: str | None = None
    errors: list[Invalid] | None = None


class Refused(HTTPException):
    """An answer that is a problem. ``kind``: one of KINDS."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        field: str | None = None,
        offset: int | None = None,
        least_bytes: int | None = None,
        incident: str | None = None,
        errors: Sequence[Invalid] | None = None,
    ) -> None:
        status, title = KINDS[kind]
        super().__init__(status, title, dict(headers) if headers else None)
        self.problem = Problem(
            type=TYPE + kind,
            title=title,
            status=status,
            detail=said(detail) or None,
            field=field,
            offset=offset,
            least_bytes=least_bytes,
            incident=incident or None,
            errors=list(errors) if errors else None,
        )

    @property
    def response(self) -> Response:
        return Response(
            self.problem.model_dump_json(exclude_none=True), self.status_code, self.headers, media_type=MEDIA_TYPE
        )


def said(detail: str) -> str:
    """A message without paths of this machine, in one line that every client can print."""
    line = " ".join(detail.split())
    plain = _PATH.sub("(a file)", line.encode("utf-8", "backslashreplace").decode("utf-8"))
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in plain)


def of_answer(answer: Message) -> Refused:
    """What a worker answered that is not what was asked for."""
    fields = answer.fields
    kinds = fields.get("kinds")
    names = [fields.get("error"), *(kinds if isinstance(kinds, list) else [])]
    kind = next((ERRORS[name] for name in names if isinstance(name, str) and name in ERRORS), "bug")
    field, offset, least = fields.get("field"), fields.get("offset"), fields.get("least_bytes")
    return Refused(
        kind,
        str(fields.get("detail", "")) if kind != "bug" else "",
        field=field if isinstance(field, str) else None,
        offset=offset if isinstance(offset, int) else None,
        least_bytes=least if isinstance(least, int) else None,
        incident=str(fields.get("incident", "")) if kind == "bug" else None,
    )


def of_error(error: BaseException) -> Refused | None:
    """What the pool raises; None for anything else."""
    match error:
        case Full():
            return busy(error.retry_s)
        case OverTime() | TimeoutError():
            return Refused("over-time", "ask for less: a smaller picture, or a job")
        case Died():
            return Refused("worker-died")
        case Stopping():
            return Refused("stopping", headers={"Retry-After": "5"})
        case _:
            return None


def busy(retry_s: int) -> Refused:
    return Refused("busy", f"try again in {retry_s} s", headers={"Retry-After": str(retry_s)})


def of_validation(error: RequestValidationError) -> Refused:
    """Fields that do not fit, by their names; what was sent is not sent back."""
    found = [Invalid(field=_place(one["loc"]), detail=said(str(one["msg"]))) for one in error.errors()]
    detail = "; ".join(f"{one.field}: {one.detail}" if one.field else one.detail for one in found)
    return Refused("invalid", detail, field=found[0].field or None if found else None, errors=found)


def _place(location: Sequence[object]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "header"))


# --- handlers of the app


async def on_refused(request: Request, error: Exception) -> Response:
    """Of `Refused` and of whatever the framework refuses."""
    if isinstance(error, Refused):
        return error.response
    assert isinstance(error, HTTPException)
    kind = STATUSES.get(error.status_code, "bad-request")
    status, _ = KINDS[kind]
    told = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    headers = {"Allow": allowed(request)} if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return Refused(kind, told if status == error.status_code else "", headers=headers).response


def allowed(request: Request) -> str:
    """What can be done with a path: a framework that looks at one route after the other names the methods of the first."""
    found = {
        method
        for route in request.app.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }
    return ", ".join(sorted(found))


async def on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return of_validation(error).response


async def on_gone(request: Request, error: Exception) -> Response:
    """The client has left: nobody reads this."""
    return Response(status_code=400)


async def on_bug(request: Request, error: Exception) -> Response:
    """What nobody foresaw: said in the log, not to the client."""
    return (of_error(error) or Refused("bug")).response
