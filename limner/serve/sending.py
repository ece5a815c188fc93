"""Files over links: packets and back, and what a link asks for."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict

from limner.channels import CHANNELS, Channel, find, plan, several_bytes
from limner.container import packets
from limner.container.armour import ARMOURS
from limner.container.blob import MAGIC
from limner.container.joiner import Joiner, State
from limner.container.packets import PictureId
from limner.errors import ChannelError, DecodeError, EncodeError, InvalidFieldError
from limner.serve.asks import Answer, Pack
from limner.serve.wire import Json

BASE64, QR = "base64", "qr"
MOST_PACKETS = 4096
PNG = "image/png"


def link_of(name: str) -> Channel:
    """Raises ChannelError for a link that is not known; files with links of one's own are not read here."""
    return find(name)


def plan_of(link: Channel, blob_bytes: int, parity: int = 0) -> dict[str, Json]:
    """What sending a file of so many bytes takes. Raises ChannelError if it cannot be sent."""
    return asdict(plan(link, blob_bytes, parity=parity))


def channels(blob_bytes: int | None, parity: int) -> list[dict[str, Json]]:
    """Every link that has a name; with ``blob_bytes`` also what a file of that size takes there, None where it does not go."""
    return [channel(link, blob_bytes, parity) for link in CHANNELS.values()]


def channel(link: Channel, blob_bytes: int | None, parity: int) -> dict[str, Json]:
    try:
        planned: Json = None if blob_bytes is None else plan_of(link, blob_bytes, parity)
    except ChannelError:
        planned = None
    return {
        "name": link.name,
        "what": link.what,
        "source": link.source,
        "payload_bytes": link.payload_bytes,
        "several_bytes": several_bytes(link),
        "armour": link.armour,
        "characters": link.size if link.armour else None,
        "joined": link.joined is not None,
        "air_s": link.air_s(link.payload_bytes),
        "duty": link.limits.duty,
        "interval_s": link.limits.interval_s,
        "messages_a_day": link.limits.messages_a_day,
        "fare_unit": None if link.fare is None else link.fare.unit,
        "plan": planned,
    }


# --- file -> packets


def pack(blob: bytes, ask: Pack) -> Answer:
    """Cut a file into packets, written as the link or the ask says. Raises LimnerError."""
    link = None if ask.channel is None else link_of(ask.channel)
    if (link is None) == (ask.payload is None):
        raise EncodeError("say how much a message carries: either channel or payload")
    if not ask.sender.isascii():
        raise EncodeError("a sender is visible ASCII")
    armour = ask.armour or (link.armour if link else "") or BASE64
    most = link.payload_bytes if link else ask.payload or 0
    made = packets.make(blob, most, ask.parity, ask.sender.encode(), wrap=ask.wrap)
    file_bytes = len(packets.bare(blob))
    facts: dict[str, Json] = {
        "armour": armour,
        "media_type": PNG if armour == QR else None,
        "payload_bytes": most,
        "parity": ask.parity,
        "packets": [packet(number, data, armour, len(made) - ask.parity) for number, data in enumerate(made)],
        "sending": None if link is None else plan_of(link, file_bytes, ask.parity),
    }
    return Answer(facts)


def packet(number: int, data: bytes, armour: str, of_data: int) -> Json:
    return {"index": number, "bytes": len(data), "parity": number >= of_data, "data": written(data, armour)}


def written(data: bytes, armour: str) -> str:
    if armour == QR:
        from limner import qr

        data, armour = qr.code(data), BASE64
    return base64.b64encode(data).decode("ascii") if armour == BASE64 else ARMOURS[armour].encode(data)


# --- packets -> files


def join(body: bytes) -> Answer:
    """Join packets, in any order and of several pictures. Raises EncodeError for a body that is not as it should be."""
    texts, armour = asked(body)
    joiner = Joiner()
    refused: list[Json] = []
    seen: list[Json] = []
    for index, text in enumerate(texts):
        try:
            state = joiner.add(taken(text, armour))
        except DecodeError as error:
            refused.append({"index": index, "detail": str(error)})
        else:
            seen.append({"index": index, "picture": str(state.picture), "event": state.event})
    pictures: list[Json] = [stood(joiner, one) for one in joiner.pictures()]
    facts: dict[str, Json] = {"pictures": pictures, "packets": seen, "refused": refused}
    return Answer(facts)


def asked(body: bytes) -> tuple[list[str], str]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EncodeError("the body is JSON, as {\"packets\": [\"...\"], \"armour\": \"base64\"}") from error
    if not isinstance(said, dict) or set(said) - {"packets", "armour"}:
        raise EncodeError("the body is an object with packets and armour, and nothing else")
    texts, armour = said.get("packets"), said.get("armour", BASE64)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise EncodeError("packets is a list of texts, not empty")
    if len(texts) > MOST_PACKETS:
        raise EncodeError(f"at most {MOST_PACKETS} packets are taken at once")
    if not isinstance(armour, str) or armour not in (BASE64, *ARMOURS):
        raise EncodeError(f"armour is one of {', '.join((BASE64, *ARMOURS))}")
    return texts, armour


def taken(text: str, armour: str) -> bytes:
    """The packet in a text. Raises DecodeError."""
    if armour != BASE64:
        return ARMOURS[armour].decode(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidFieldError("not base64", offset=0, field="packet") from error


def stood(joiner: Joiner, picture: PictureId) -> Json:
    """How a picture stands, with its file as far as it is certain."""
    state = joiner.state(picture)
    certain = joiner.partial(picture)
    whole = state.is_whole
    return {
        **_state(state),
        "blob": _text(certain) if whole else None,
        "partial": None if whole else _text(certain),
    }


def _state(state: State) -> dict[str, Json]:
    missing: list[Json] = list(state.missing)
    return {
        "picture": str(state.picture),
        "whole": state.is_whole,
        "have": state.have,
        "count": state.picture.count,
        "needed": state.needed,
        "missing": missing,
    }


def _text(file: bytes | None) -> str | None:
    return None if file is None else base64.b64encode(MAGIC + file).decode("ascii")
