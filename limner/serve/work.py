"""The work itself: pictures -> files, files -> pictures, and what is in them. Runs in a worker; knows nothing of HTTP.

    ask, bytes --`do`--> limner.api --> facts, bytes

LimnerError for bad input; `NeedsJob` for what takes minutes and was not asked for as long work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageColor

from limner import api, image
from limner.container.blob import SYSTEMS, unpack
from limner.describe import scene as scenes
from limner.detail import detail, notes
from limner.errors import BudgetError, ChannelError, EncodeError, ImageError, LimnerError, MissingError, SceneError
from limner.extras import need
from limner.painted import Wish
from limner.serve import sending, shown, survey
from limner.serve.asks import Answer, Ask, Begin, Decode, Describe, Encode, Inspect, Join, Pack, Survey
from limner.serve.wire import Json
from limner.staged import Extent
from limner.systems import levels, presets

if TYPE_CHECKING:
    from limner.channels import Channel
    from limner.describe.caption import Describer
    from limner.describe.scene import Scene

WORDS = ("pic", "pics")
DIFFUSED = (*WORDS, "sedic")
SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
NAME = "the picture"
GRABCUT = ("box", "grabcut")

Watch = Callable[[int, int], None]


class NeedsJob(LimnerError):
    """What is asked for takes minutes, and should be a job."""


class DescriberFailed(LimnerError):
    """Who describes did not answer, or not as asked; why, the operator is told."""


@dataclass(frozen=True)
class Bench:
    """What a worker has at hand. ``watch``: is told steps of long work; what it raises ends the work."""

    begin: Begin
    watch: Watch | None = None

    @cached_property
    def describer(self) -> Describer:
        """MissingError if the operator named none, or it is not here."""
        said = self.begin.describer
        if said.startswith(("http://", "https://")):
            from limner.describe.endpoint import Endpoint

            return Endpoint(said, self.begin.describer_model)
        need("transformers.utils.logging", extra="diffusion").disable_progress_bar()
        return presets.describer_of(said)


def do(ask: Ask, body: bytes, bench: Bench) -> Answer:
    """Do what is asked. Raises LimnerError."""
    match ask:
        case Encode():
            return encode(body, ask, bench)
        case Decode():
            return decode(body, ask, bench)
        case Inspect():
            return Answer(shown.report(body, bench.begin.pixels, pictures=ask.pictures))
        case Describe():
            return describe(body, ask, bench)
        case Pack():
            return sending.pack(body, ask)
        case Join():
            return sending.join(body)
        case Survey():
            return Answer(survey.found(bench.begin.describer))


def warm() -> None:
    """Open miniature's networks, so that the first request does not wait for them."""
    blob = api.encode(np.zeros((64, 64, 3), np.uint8), target_bytes=200)
    for painter in ("faithful", "vivid"):
        api.decode(blob, painter=painter)


# --- picture -> file


def encode(picture: bytes, ask: Encode, bench: Bench) -> Answer:
    if is_long(ask) and not ask.long:
        raise NeedsJob("this paints, or opens models that describe: ask for it as a job")
    link = None if ask.channel is None else sending.link_of(ask.channel)
    target_bytes = budget_bytes(ask, link)
    read = image.load(picture, max_pixels=bench.begin.pixels, background=colour(ask.background), name=NAME)
    try:
        blob = api.encode(
            read.pixels,
            target_bytes=target_bytes,
            bpp=ask.bpp,
            quality=ask.quality,
            system=ask.system,
            caption=ask.caption,
            scene=scene_of(ask.scene) if ask.scene else None,
            extent=extent_of(ask),
            wish=wish_of(ask, bench),
            bare=ask.bare or link is not None,
            max_pixels=bench.begin.pixels,
        )
    except BudgetError as error:
        raise error if link is None else advised(error, link) from error
    facts = shown.report(blob, bench.begin.pixels)
    plan: Json = None if link is None else sending.plan_of(link, len(blob))
    warnings: list[Json] = [note.removeprefix(f"{NAME}: ") for note in read.warnings]
    return Answer({**facts, "sending": plan, "warnings": warnings}, blob)


def budget_bytes(ask: Encode, link: Channel | None) -> int | None:
    """The bytes that the file may have."""
    if link is None:
        if ask.messages is not None:
            raise EncodeError("messages are of a channel: name it")
        return ask.target_bytes
    if (ask.target_bytes, ask.bpp, ask.quality) != (None, None, None):
        raise EncodeError("a channel says how large the file may be: leave out target_bytes, bpp and quality")
    from limner.channels import budget_bytes

    return budget_bytes(link, ask.messages or 1)


def advised(error: BudgetError, link: Channel) -> BudgetError:
    """The same error, and how many messages would do."""
    from limner.channels import plan

    try:
        advice = f"{plan(link, error.least_bytes).messages} messages would do"
    except ChannelError as none_do:
        advice = str(none_do)
    return BudgetError(f"{error}; {link.name}: {advice}", error.least_bytes)


def colour(text: str) -> tuple[int, int, int]:
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise EncodeError(f"a background is #rrggbb, not {text!r}") from error
    return red, green, blue


def scene_of(text: str) -> Scene:
    """A scene from its JSON. SceneError also for one that names files: none is opened for a request."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"this is no JSON: {error}", field="scene") from error
    objects = told.get("objects") if isinstance(told, dict) else None
    for number, thing in enumerate(objects if isinstance(objects, list) else []):
        if isinstance(thing, dict) and thing.get("mask"):
            message = "no file is opened here: leave the mask out, it is cut by the box"
            raise SceneError(message, field=f"objects[{number}].mask")
    return scenes.from_json(text, Path("/"))


def extent_of(ask: Encode) -> Extent | None:
    if ask.system == "sedic":
        return Extent(ask.level or levels.HIGH, ask.proved)
    if ask.level is not None or ask.proved or ask.scene:
        raise EncodeError("scene, level and proved are of sedic: leave them out")
    return None


def wish_of(ask: Encode, bench: Bench) -> Wish | None:
    if ask.system in DIFFUSED:
        return Wish(ask.settings or presets.LIGHT, ask.candidates, ask.seed, watch=bench.watch)
    if (ask.settings, ask.candidates, ask.seed) != (None, None, 0):
        raise EncodeError("settings, candidates and seed are of pic, pics and sedic: leave them out")
    return None


def is_long(ask: Encode) -> bool:
    """Whether something is painted, or a model of others is opened, on the way to the file. SceneError for no such preset, and
    where nobody says what is in the picture."""
    name = ask.settings or presets.LIGHT
    if ask.system in WORDS:
        words = known(name, [kept for system, kept in presets.PRESETS if system == ask.system])
        kept = presets.PRESETS[ask.system, words]
        check_told(ask.caption or kept.words, "caption")
        painted = (kept.candidates if ask.candidates is None else ask.candidates) > 1
        return painted or bool(kept.words and not ask.caption) or (ask.system == "pics" and kept.edges != "net")
    if ask.system == "sedic":
        asked = levels.PRESETS[known(name, list(levels.PRESETS))]
        check_told(ask.scene or asked.words, "scene")
        return ask.proved or bool(asked.words and not ask.scene) or bool(asked.find) or asked.masks not in GRABCUT
    return False


def check_told(by: str, field: str) -> None:
    """Raises SceneError where neither the ask nor its preset says who describes."""
    if not by.strip():
        raise SceneError("say what is in the picture, or take the preset paper, which finds out", field=field)


def known(name: str, names: list[str]) -> str:
    """A preset's name. SceneError for another: settings are never read from a file here."""
    if name not in names:
        raise SceneError(f"there are {', '.join(names)}, not {name!r}", field="settings")
    return name


# --- file -> picture


def decode(blob: bytes, ask: Decode, bench: Bench) -> Answer:
    header = unpack(blob, max_pixels=bench.begin.pixels, salvage=ask.salvage)
    system = SYSTEMS[header.system]
    if paints_long(system, ask) and not ask.long:
        raise NeedsJob(f"a file of {system} is painted by diffusion: ask for it as a job; {QUICK[system]} needs none")
    pixels = api.decode(
        blob,
        size=size_of(ask.size),
        painter=ask.painter,
        strength=ask.strength,
        stages=ask.stages,
        salvage=ask.salvage,
        watch=bench.watch,
        preview=ask.preview,
        max_pixels=bench.begin.pixels,
    )
    said = detail(system, ask.painter, ask.stages, preview=ask.preview)
    made = image.to_file(pixels, SUFFIXES[ask.format], notes=notes(system, len(blob), said))
    height_px, width_px = pixels.shape[:2]
    facts: dict[str, Json] = {"system": system, "bytes": len(blob), "width": width_px, "height": height_px, "detail": said}
    return Answer(facts, made)


QUICK = {"pic": "preview", "pics": "preview", "sedic": "stages=0"}


def paints_long(system: str, ask: Decode) -> bool:
    return (system in WORDS and not ask.preview) or (system == "sedic" and ask.stages != 0)


def size_of(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width_px, _, height_px = text.partition("x")
    return int(width_px), int(height_px)


# --- picture -> scene


def describe(picture: bytes, ask: Describe, bench: Bench) -> Answer:
    from limner.describe.answer import Limits

    pixels = image.load(picture, max_pixels=bench.begin.pixels, name=NAME).pixels
    limits = Limits(things=ask.things, overall_words=ask.words)
    try:
        found = bench.describer.describe(pixels, limits)
    except (ImageError, MissingError):
        raise
    except LimnerError as error:
        sys.stderr.write(f"limner serve: describing: {error}\n")
        raise DescriberFailed("try again later") from error
    told: dict[str, Json] = json.loads(scenes.to_json(found))
    return Answer(told)
