"""The start of a file whose end is missing: header, whole layers, and the layer in which the bytes end.

    header | whole layers, each with its check | first bytes of a latent layer | nothing

The check that would guard that last layer is not there, and a file that was changed looks like one that was cut. So nobody
but who knows how the bytes came may say that they are a start. Mirrors ``spec/limn-1.md``, *A file whose end is missing*.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from limner.container.blob import (
    CHECK_BYTES,
    MAX_PIXELS,
    OWN_KIND,
    Blob,
    Header,
    Layer,
    read_header,
    read_lead,
    stands_alone,
    unpack,
)
from limner.container.fields import read_varint, write_varint
from limner.errors import DamagedError, DecodeError, EncodeError, InvalidFieldError, TruncatedError

BEGUN_KIND = 1
"""Latent layers can be read from their first bytes; of any other, half is nothing."""


@dataclass(frozen=True)
class Start:
    """Hold what is there of a file. ``cut``: index of the layer, the last, whose body is not whole; None if all are. ``at``:
    offset of that body in the bytes."""

    blob: Blob
    cut: int | None = None
    at: int = 0


def unpack_start(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Start:
    """Read bytes that are a file, full or bare, or the start of one; they must be right as far as they go.

    Raises DecodeError, as ``unpack`` does, where nothing is begun behind the header, or a fault lies before the end.
    """
    try:
        return Start(unpack(data, max_pixels=max_pixels))
    except DecodeError as fault:
        try:
            return _of_cut(bytes(data), max_pixels)
        except (DecodeError, EncodeError):
            raise fault from None


def end_of(header_end: int, layers: Sequence[Layer]) -> int:
    """Return the offset behind the whole first layers of a list, none of them its last."""
    return header_end + sum(1 + len(write_varint(len(one.body))) + len(one.body) + CHECK_BYTES for one in layers)


def _of_cut(data: bytes, max_pixels: int) -> Start:
    header = read_header(data, max_pixels)
    whole: tuple[Layer, ...] = ()
    if header.has_list:
        with suppress(DecodeError):  # if not even the first is whole
            whole = unpack(data, max_pixels=max_pixels, salvage=True).layers
        layer, at = _begun(data, header, whole)
    else:
        # The last byte that is there may be the first of the check.
        layer, at = Layer(OWN_KIND[header.system], data[header.end : -1]), header.end
    begun = () if layer is None or layer.kind != BEGUN_KIND else (layer,)
    if not whole and not begun:
        raise TruncatedError("the bytes end before the end of a layer", offset=len(data), field="body")
    blob = Blob(header.system, header.model, header.width_px, header.height_px, (*whole, *begun))
    return Start(blob, len(whole), at) if begun else Start(blob)


def _begun(data: bytes, header: Header, whole: tuple[Layer, ...]) -> tuple[Layer | None, int]:
    """Return the layer behind the whole ones, its body as far as it is there, and the offset of that; None if no body is."""
    at = end_of(header.end, whole)
    try:
        lead = read_lead(data, at, whole)
        length, body_at = (None, at + 1) if lead["last"] else read_varint(data, at + 1, "length")
    except TruncatedError:
        return None, at
    if length is not None and len(data) >= body_at + length + CHECK_BYTES:
        raise DamagedError("the check does not fit the bytes before it", offset=body_at + length, field="check")
    end = len(data) - 1 if length is None else body_at + length
    layer = Layer(lead["kind"], data[body_at:end], bool(lead["may-skip"]))
    if length is None and stands_alone(header.system, (*whole, layer)):
        raise InvalidFieldError("a layer list where none is needed", offset=header.at, field="list")
    return layer, body_at
