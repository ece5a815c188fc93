"""What the service answers, field by field: the schemas of its OpenAPI."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from limner.serve.problems import Problem


class Row(BaseModel):
    """One stretch of a file."""

    offset: int
    length: int
    owner: str
    field: str
    value: str
    share_percent: float


class Layer(BaseModel):
    """The header (number 0) or a layer: all its bytes, and what it says. ``picture``: a PNG in base64."""

    number: int
    kind: str
    owner: str
    bytes: int
    share_percent: float
    said: str
    words: str | None
    picture: str | None


class Plan(BaseModel):
    """What it takes to send a file over a link."""

    channel: str
    blob_bytes: int
    messages: int
    header_bytes: int
    last_bytes: int
    left_bytes: int
    air_s: float | None
    wait_s: float
    rest_s: float
    cost: int | None
    price: float | None
    files_a_day: int | None


class Report(BaseModel):
    """What a file holds."""

    system: str
    width: int
    height: int
    bytes: int
    bpp: float
    bare: bool
    model: str
    rows: list[Row]
    layers: list[Layer]


class Encoded(Report):
    """A file, and what it holds. ``blob``: base64. ``sending``: where a channel was named."""

    blob: str
    sending: Plan | None
    warnings: list[str]


class Thing(BaseModel):
    """Something in a picture."""

    name: str
    box: list[int] | None = None
    detail: str = ""


class Scene(BaseModel):
    """What is in a picture, as ``scene`` takes it."""

    size: list[int] | None = None
    caption: str = ""
    overall: str = ""
    objects: list[Thing] = []


class Packet(BaseModel):
    """One packet. ``data``: as ``armour`` says; of qr a PNG in base64."""

    index: int
    bytes: int
    parity: bool
    data: str


class Packets(BaseModel):
    """A file in packets. ``parity``: how many of them repair."""

    armour: str
    media_type: str | None
    payload_bytes: int
    parity: int
    packets: list[Packet]
    sending: Plan | None


class Taken(BaseModel):
    """What a packet was: ``event`` is new, more, again, anew or whole."""

    index: int
    picture: str
    event: str


class Declined(BaseModel):
    """A packet that is none, or damaged."""

    index: int
    detail: str


class Stood(BaseModel):
    """How a picture stands. ``blob``: its file in base64, once it is whole; ``partial``: its whole layers before that."""

    picture: str
    whole: bool
    have: int
    count: int
    needed: int
    missing: list[int]
    blob: str | None
    partial: str | None


class Joined(BaseModel):
    """What packets came to."""

    pictures: list[Stood]
    packets: list[Taken]
    refused: list[Declined]


class Channel(BaseModel):
    """A link. ``plan``: where bytes were asked for, and they go there."""

    name: str
    what: str
    source: str
    payload_bytes: int
    several_bytes: int
    armour: str
    characters: int | None
    joined: bool
    air_s: float | None
    duty: float | None
    interval_s: float
    messages_a_day: int | None
    fare_unit: str | None
    plan: Plan | None


class Channels(BaseModel):
    """All links that have a name."""

    channels: list[Channel]


class PresetHere(BaseModel):
    """A preset, and what its painter lacks."""

    name: str
    missing: list[str]


class SystemHere(BaseModel):
    """A system. ``encodes``, ``paints``: here, now; ``missing``, ``painter_missing``: what that lacks. ``diffusion``: whether
    painting takes a job."""

    name: str
    what: str
    encodes: bool
    missing: list[str]
    paints: bool
    painter_missing: list[str]
    painters: list[str]
    diffusion: bool
    presets: list[PresetHere]


class ServiceLimits(BaseModel):
    """What a request may take."""

    upload_bytes: int
    pixels: int
    time_s: float
    job_time_s: float
    queue: int
    workers: int


class Systems(BaseModel):
    """What is here."""

    version: str
    describes: bool
    systems: list[SystemHere]
    limits: ServiceLimits


class Job(BaseModel):
    """A job. ``step`` of ``steps`` are done, 0 before any. ``created``: seconds since 1970. ``problem``: why it failed.
    ``bytes``, ``media_type``: of its result, once there is one."""

    id: str
    kind: Literal["encode", "decode"]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    step: int
    steps: int
    created: float
    problem: Problem | None = None
    bytes: int | None = None
    media_type: str | None = None


class Health(BaseModel):
    """Whether work can be done. ``status``: ok, starting or stopping."""

    status: Literal["ok", "starting", "stopping"]
    version: str
    workers: int
    workers_alive: int
    queue: int
    jobs: int
