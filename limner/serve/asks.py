"""What is asked of a worker, and what it answers, as the front and the worker both know them. Standard library only.

An ask travels as JSON, its picture or file as bytes beside it. What a picture is called never travels: no name becomes a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

from limner.serve.wire import Json


@dataclass(frozen=True)
class Encode:
    """A picture -> a file. As for ``limner.encode``; ``channel``, ``messages``: a link and how many of its messages. ``scene``:
    JSON. ``settings``: the name of a preset. ``background``: #rrggbb. ``long``: may take as long as diffusion does."""

    verb: ClassVar[str] = "encode"
    system: str = "miniature"
    target_bytes: int | None = None
    bpp: float | None = None
    quality: int | None = None
    channel: str | None = None
    messages: int | None = None
    caption: str = ""
    scene: str = ""
    level: str | None = None
    proved: bool = False
    settings: str | None = None
    candidates: int | None = None
    seed: int = 0
    bare: bool = False
    background: str = "#ffffff"
    long: bool = False


@dataclass(frozen=True)
class Decode:
    """A file -> a picture. As for ``limner.decode``; ``format``: png, webp or jpeg."""

    verb: ClassVar[str] = "decode"
    format: str = "png"
    size: str | None = None
    painter: str = "faithful"
    strength: float = 1.0
    stages: int | None = None
    salvage: bool = False
    preview: bool = False
    long: bool = False


@dataclass(frozen=True)
class Inspect:
    """A file -> every byte's owner. ``pictures``: of layers that can be drawn, too."""

    verb: ClassVar[str] = "inspect"
    pictures: bool = False


@dataclass(frozen=True)
class Describe:
    """A picture -> a scene. ``things``, ``words``: the most of each."""

    verb: ClassVar[str] = "describe"
    things: int = 3
    words: int = 50


@dataclass(frozen=True)
class Pack:
    """A file -> packets. ``channel`` or ``payload``: how many bytes one may have. ``armour``: how they are written."""

    verb: ClassVar[str] = "packets"
    channel: str | None = None
    payload: int | None = None
    parity: int = 0
    sender: str = ""
    wrap: bool = False
    armour: str | None = None


@dataclass(frozen=True)
class Join:
    """Packets -> files, or what is missing. The body: JSON, {"packets": [texts], "armour": how they are written}."""

    verb: ClassVar[str] = "join"


@dataclass(frozen=True)
class Survey:
    """What is here: which systems can encode and paint."""

    verb: ClassVar[str] = "survey"


Ask = Encode | Decode | Inspect | Describe | Pack | Join | Survey
ASKS: Mapping[str, type[Ask]] = {kind.verb: kind for kind in (Encode, Decode, Inspect, Describe, Pack, Join, Survey)}


@dataclass(frozen=True)
class Begin:
    """What a worker is told at its start: its limits, and who describes."""

    pixels: int
    memory_bytes: int = 0
    describer: str = ""
    describer_model: str = "default"
    warm: bool = True


@dataclass(frozen=True)
class Answer:
    """What a worker answers: ``facts``, of which the front makes JSON or headers, and ``body``, a file or a picture."""

    facts: Mapping[str, Json] = field(default_factory=dict)
    body: bytes = b""


def fields_of(ask: Ask | Begin) -> dict[str, Json]:
    return asdict(ask)


def ask_of(verb: str, fields: Mapping[str, Json]) -> Ask:
    """The inverse of ``fields_of``. KeyError or TypeError for what is none: front and worker are of one version."""
    made: Ask = ASKS[verb](**fields)  # type: ignore[arg-type]
    return made
