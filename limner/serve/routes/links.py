"""Packets for links, and links by name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request

from limner.serve import asks, forms, sending
from limner.serve.answers import Channels, Joined, Packets
from limner.serve.desk import TheDesk
from limner.serve.fields import ChannelsQuery, JoinFields, PacketsQuery
from limner.serve.forms import JSON, LIMN, MULTIPART, OCTETS
from limner.serve.openapi import BODY, WORK, problems
from limner.serve.routes.coding import facts_of

router = APIRouter(prefix="/v1", tags=["links"])


@router.post(
    "/packets", responses={200: {"model": Packets}, **problems(*BODY, *WORK)}, openapi_extra=forms.blob_body()
)
async def packets(request: Request, desk: TheDesk, query: Annotated[PacketsQuery, Query()]) -> Packets:
    """A file in packets of at most what a message of a link carries."""
    desk.admit()
    blob = await forms.blob_of(request, LIMN, OCTETS, MULTIPART)
    answer = await desk.work(request, asks.Pack(**query.model_dump()), blob)
    return Packets.model_validate(facts_of(answer))


@router.post(
    "/join", responses={200: {"model": Joined}, **problems(*BODY, *WORK)}, openapi_extra=forms.json_body(JoinFields)
)
async def join(request: Request, desk: TheDesk) -> Joined:
    """Packets, in any order and of several pictures, to files, or to what is missing."""
    desk.admit()
    # The worker reads it: nothing that is long is taken apart here.
    answer = await desk.work(request, asks.Join(), await forms.blob_of(request, JSON))
    return Joined.model_validate(facts_of(answer))


@router.get("/channels", responses={200: {"model": Channels}, **problems(422)})
async def channels(query: Annotated[ChannelsQuery, Query()]) -> Channels:
    """Links that have a name; with `bytes`, what a file of that size takes on each."""
    return Channels.model_validate({"channels": sending.channels(query.bytes, query.parity)})
