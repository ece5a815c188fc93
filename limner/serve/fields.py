"""What the service is asked, field by field: forms and queries, each with its range."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Strict = ConfigDict(extra="forbid")
System = Literal["miniature", "pic", "pics", "taco", "sedic"]
Preset = Literal["light", "paper", "fast", "released", "tile"]
Armour = Literal["base64", "hex", "base45", "base91", "gsm7", "qr"]
LINK = "^[a-z0-9]+(-[a-z0-9]+)*$"
MOST_TARGET_BYTES = 1 << 40
MOST_SCENE_CHARS = 1 << 19


def truth(text: object) -> object:
    """Takes no other words for yes and no than those of JSON. Raises ValueError."""
    if text in ("true", "false"):
        return text == "true"
    if isinstance(text, bool):
        return text
    raise ValueError("is true or false")


Truth = Annotated[bool, BeforeValidator(truth)]


class EncodeFields(BaseModel):
    """How a picture is encoded. At most one of target_bytes, bpp, quality and channel."""

    model_config = Strict
    system: Annotated[System, Field(description="Which system codes.")] = "miniature"
    target_bytes: Annotated[int | None, Field(ge=1, le=MOST_TARGET_BYTES, description="The most bytes; never exceeded.")] = None
    bpp: Annotated[float | None, Field(gt=0, le=1e6, allow_inf_nan=False, description="Bits a pixel at most.")] = None
    quality: Annotated[int | None, Field(ge=0, le=63, description="32 if nothing is asked.")] = None
    channel: Annotated[str | None, Field(pattern=LINK, max_length=64, description="Fit this link, bare.")] = None
    messages: Annotated[int | None, Field(ge=1, le=1 << 20, description="How many on that link; else one.")] = None
    caption: Annotated[str, Field(max_length=4000, description="Sent by pic and pics, read by taco's encoder.")] = ""
    scene: Annotated[
        str, Field(pattern=r"^\s*\{", max_length=MOST_SCENE_CHARS, description="Of sedic: what is there, in JSON.")
    ] = ""
    level: Annotated[Literal["low", "high"] | None, Field(description="Of sedic: one object, or three.")] = None
    settings: Annotated[Preset | None, Field(description="Of pic, pics and sedic: a preset's name.")] = None
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="Of pic, pics and sedic.")] = 0
    bare: Annotated[Truth, Field(description="Leave out the two bytes by which files are known.")] = False
    background: Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$", description="Behind transparent parts.")] = "#ffffff"


class JobEncodeFields(EncodeFields):
    """The same, and what takes as long as painting does."""

    proved: Annotated[Truth, Field(description="Of sedic: paint to see which words earn their bytes.")] = False
    candidates: Annotated[int | None, Field(ge=1, le=256, description="Of pic and pics: the best of so many is meant.")] = None


class DecodeQuery(BaseModel):
    """How a file is painted."""

    model_config = Strict
    format: Annotated[Literal["png", "webp", "jpeg"], Field(description="Of the picture.")] = "png"
    size: Annotated[
        str | None, Field(pattern="^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$", description="WIDTHxHEIGHT, if not its own.")
    ] = None
    painter: Annotated[
        Literal["faithful", "vivid"], Field(description="Of miniature; vivid invents likely detail.")
    ] = "faithful"
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description="How much of vivid.")] = 1.0
    stages: Annotated[int | None, Field(ge=0, le=64, description="Of sedic: end after so many; 0: the reference.")] = None
    salvage: Annotated[Truth, Field(description="Of a damaged file, paint the layers that are whole.")] = False
    preview: Annotated[Truth, Field(description="Of pic and pics: a card of what was sent.")] = False


class InspectQuery(BaseModel):
    """What is wanted of a report."""

    model_config = Strict
    pictures: Annotated[Truth, Field(description="Also draw masks and sketches.")] = False


class DescribeQuery(BaseModel):
    """How much is said of a picture."""

    model_config = Strict
    things: Annotated[int, Field(ge=0, le=16)] = 3
    words: Annotated[int, Field(ge=1, le=500, description="Of the whole.")] = 50


class PacketsQuery(BaseModel):
    """How a file is cut: channel or payload."""

    model_config = Strict
    channel: Annotated[str | None, Field(pattern=LINK, max_length=64, description="A link's name: see /v1/channels.")] = None
    payload: Annotated[int | None, Field(ge=1, le=1 << 20, description="Bytes that a message carries.")] = None
    parity: Annotated[int, Field(ge=0, le=64, description="Any so many packets may be lost.")] = 0
    sender: Annotated[str, Field(max_length=15, description="Call sign in every packet.")] = ""
    wrap: Annotated[Truth, Field(description="Head and check even where one packet would do.")] = False
    armour: Annotated[Armour | None, Field(description="How packets are written; else the link's, or base64.")] = None


class ChannelsQuery(BaseModel):
    """A file whose sending is planned."""

    model_config = Strict
    bytes: Annotated[int | None, Field(ge=1, le=1 << 28, description="Of a file without magic.")] = None
    parity: Annotated[int, Field(ge=0, le=64, description="Messages that repair lost ones.")] = 0


class JoinFields(BaseModel):
    """Packets, as they came."""

    model_config = Strict
    packets: Annotated[list[str], Field(min_length=1, max_length=4096)]
    armour: Literal["base64", "hex", "base45", "base91", "gsm7"] = "base64"
