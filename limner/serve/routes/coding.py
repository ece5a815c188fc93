"""Pictures -> files, files -> pictures, and what is in them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from limner.serve import asks, forms
from limner.serve.answers import Encoded, Report, Scene
from limner.serve.desk import TheDesk
from limner.serve.fields import DecodeQuery, DescribeQuery, EncodeFields, InspectQuery
from limner.serve.forms import JSON, LIMN, MULTIPART, OCTETS
from limner.serve.openapi import BODY, WORK, binary, problems
from limner.serve.problems import Refused
from limner.serve.wire import Json, Message

router = APIRouter(prefix="/v1", tags=["coding"])

MEDIA = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
PICTURE = "A picture: JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP, JPEG 2000, PPM, QOI, PCX, PSD."
BLOB_HEADERS = {"X-Limner-Bytes": "Of the file", "X-Limner-System": "Which system coded"}
PICTURE_HEADERS = {**BLOB_HEADERS, "X-Limner-Detail": "What is to be thought of the picture's detail"}


@router.post(
    "/encode",
    response_model=None,
    responses={
        200: {**binary(LIMN, what="The file; as JSON, with what it holds", headers=BLOB_HEADERS), "model": Encoded},
        **problems(*BODY, *WORK, 409),
    },
    openapi_extra=forms.form_body("image", EncodeFields, PICTURE),
)
async def encode(request: Request, desk: TheDesk) -> Response:
    """A picture as a file. With `Accept: application/json` the file comes in base64, with its layers and every byte's owner."""
    desk.admit()
    picture, fields = await forms.form_of(request, "image", EncodeFields)
    answer = await desk.work(request, asks.Encode(**fields.model_dump()), picture)
    return encoded(request, answer)


def encoded(request: Request, answer: Message) -> Response:
    """A file as it is, or in JSON."""
    facts = facts_of(answer)
    headers = {"X-Limner-Bytes": str(len(answer.body)), "X-Limner-System": str(facts["system"])}
    if JSON not in request.headers.get("accept", ""):
        return Response(answer.body, headers=headers, media_type=LIMN)
    made = Encoded.model_validate({**facts, "blob": base64.b64encode(answer.body).decode("ascii")})
    return Response(made.model_dump_json(), headers=headers, media_type=JSON)


@router.post(
    "/decode",
    response_model=None,
    responses={
        200: binary(*MEDIA.values(), what="The picture", headers=PICTURE_HEADERS),
        **problems(*BODY, *WORK, 409),
    },
    openapi_extra=forms.blob_body(),
)
async def decode(request: Request, desk: TheDesk, query: Annotated[DecodeQuery, Query()]) -> Response:
    """The picture of a file. Of systems that diffusion paints, what needs no painter; the rest is a job."""
    desk.admit()
    blob = await forms.blob_of(request, LIMN, OCTETS, MULTIPART)
    return painted(await desk.work(request, asks.Decode(**query.model_dump()), blob), query.format)


def painted(answer: Message, format: str) -> Response:
    facts = facts_of(answer)
    headers = {
        "X-Limner-Bytes": str(facts["bytes"]),
        "X-Limner-System": str(facts["system"]),
        "X-Limner-Detail": str(facts["detail"]),
    }
    return Response(answer.body, headers=headers, media_type=MEDIA[format])


@router.post(
    "/inspect", responses={200: {"model": Report}, **problems(*BODY, *WORK)}, openapi_extra=forms.blob_body()
)
async def inspect(request: Request, desk: TheDesk, query: Annotated[InspectQuery, Query()]) -> Report:
    """Every byte of a file and its owner; the words of every layer that has some."""
    desk.admit()
    blob = await forms.blob_of(request, LIMN, OCTETS, MULTIPART)
    answer = await desk.work(request, asks.Inspect(**query.model_dump()), blob)
    return Report.model_validate(facts_of(answer))


describing = APIRouter(prefix="/v1", tags=["coding"])


@describing.post(
    "/describe", responses={200: {"model": Scene}, **problems(*BODY, *WORK, 502)}, openapi_extra=forms.picture_body()
)
async def describe(request: Request, desk: TheDesk, query: Annotated[DescribeQuery, Query()]) -> Scene:
    """What is in a picture, by whom the operator has named; 501 where that is nobody."""
    if not desk.settings.describer:
        raise Refused("missing", "the operator of this service has named nobody who describes pictures")
    desk.admit(long=True)
    picture, _ = await forms.form_of(request, "image", forms.Nothing)
    answer = await desk.work(request, asks.Describe(**query.model_dump()), picture, long=True)
    return Scene.model_validate(facts_of(answer))


def facts_of(answer: Message) -> Mapping[str, Json]:
    facts = answer.fields.get("facts")
    return facts if isinstance(facts, dict) else {}
