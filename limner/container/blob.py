"""A limn-1 file: `Blob` <-> bytes. Mirrors ``spec/limn-1.md``; the tables here are the ones there.

`pack` has one form for each blob (and a second, bare one, without the magic), and `unpack` accepts no other:
``pack(unpack(data), bare=is_bare(data)) == data`` for every file that can be read.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Sequence
from dataclasses import dataclass

from limner.container.fields import (
    HEAD,
    LEAD,
    SIZES,
    VARINT_END,
    group_bytes,
    join_fields,
    read_varint,
    split_fields,
    take,
    write_varint,
)
from limner.errors import (
    DamagedError,
    DecodeError,
    EncodeError,
    InvalidFieldError,
    LimitError,
    NotLimnError,
    TrailingDataError,
    TruncatedError,
    UnsupportedLayerError,
    UnsupportedSystemError,
    UnsupportedVersionError,
)

MAGIC = b"\xa7\x4c"
VERSION = 1
# Wire numbers: written by hand, never reused.
SYSTEMS: dict[int, str] = {1: "miniature", 2: "pic", 3: "pics", 4: "taco", 5: "sedic"}
KINDS: dict[int, str] = {1: "latent", 2: "text", 3: "masks", 4: "sketch", 5: "choice", 6: "painter"}
# The kind that needs no layer list; systems that are not here always write one.
OWN_KIND: dict[int, int] = {1: 1, 2: 2, 4: 1}
# Other known kinds stand at most once in a file.
REPEATABLE: frozenset[int] = frozenset({2, 3})

MODEL_BYTES = 2
CHECK_BYTES = 2
MAX_LAYERS = 64
MAX_SIDE_PX = 65536
MAX_BODY_BYTES = VARINT_END - 1
MAX_PIXELS = 100_000_000

_CHECK_START = 0xFFFF
# The check is stored inverted. Uninverted, the running CRC is 0 behind every valid check and stays 0 for zero
# bytes, so that a file padded with zeros would pass.
_CHECK_INVERT = 0xFFFF
# What the running CRC would be behind any valid check.
_RESIDUE = crc_hqx(_CHECK_INVERT.to_bytes(2, "big"), 0)
# How far into the last body a reader looks for an earlier end. Bounds time, and wrong guesses (1 in 65,536 a byte).
_END_SEARCH_BYTES = 4096


@dataclass(frozen=True)
class Layer:
    """Carry one layer: its kind (0..31), its body, and whether a reader that does not know the kind may skip it.

    Raises EncodeError for a kind or length the format cannot carry, and for an unknown kind that may not be skipped.
    """

    kind: int
    body: bytes
    may_skip: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.kind <= 31:
            raise EncodeError(f"layer kind {self.kind} is not in 0..31")
        if self.kind not in KINDS and not self.may_skip:
            raise EncodeError(f"layer kind {self.kind} is unknown and may not be skipped")
        if len(self.body) > MAX_BODY_BYTES:
            raise EncodeError(f"a body of {len(self.body)} bytes is over {MAX_BODY_BYTES}")


@dataclass(frozen=True)
class Blob:
    """Hold what a file says: system number, model id (2 bytes), picture size in pixels, 1..64 layers in file order.

    Raises EncodeError for values the format cannot carry.
    """

    system: int
    model: bytes
    width_px: int
    height_px: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if self.system not in SYSTEMS:
            raise EncodeError(f"system {self.system} is not one of {sorted(SYSTEMS)}")
        if len(self.model) != MODEL_BYTES:
            raise EncodeError(f"a model id has {MODEL_BYTES} bytes, not {len(self.model)}")
        if not (1 <= self.width_px <= MAX_SIDE_PX and 1 <= self.height_px <= MAX_SIDE_PX):
            raise EncodeError(f"{self.width_px} x {self.height_px} px: sides are 1..{MAX_SIDE_PX}")
        if not 1 <= len(self.layers) <= MAX_LAYERS:
            raise EncodeError(f"{len(self.layers)} layers: a file has 1..{MAX_LAYERS}")
        single = [layer.kind for layer in self.layers if _is_single(layer.kind)]
        if len(single) != len(set(single)):
            raise EncodeError(f"a layer kind that stands at most once is repeated: {single}")


@dataclass(frozen=True)
class Part:
    """Name a stretch of a file: the field, its bytes, and the index of its layer (None: the header)."""

    field: str
    data: bytes
    layer: int | None = None


def pack(blob: Blob, *, bare: bool = False) -> bytes:
    """Write a blob as bytes; ``bare`` leaves out the magic."""
    return b"".join(part.data for part in parts(blob, bare=bare))


def parts(blob: Blob, *, bare: bool = False) -> tuple[Part, ...]:
    """Return the file of a blob as its fields in order: every byte stands in exactly one part."""
    listed = not stands_alone(blob.system, blob.layers)
    found = _header_parts(blob, listed)
    state = _running(found, _CHECK_START)
    for index, layer in enumerate(blob.layers):
        fresh = _lead_parts(layer, index, last=index == len(blob.layers) - 1) if listed else []
        fresh.append(Part("body", layer.body, index))
        # The check bytes themselves are left out of the running CRC: see `_read_list`.
        state = _running(fresh, state)
        found += [*fresh, Part("check", _check(state), index)]
    return tuple(found[1:] if bare else found)


def unpack(data: bytes, *, max_pixels: int = MAX_PIXELS, salvage: bool = False) -> Blob:
    """Read a file, full or bare.

    Layers of unknown kinds that may be skipped are kept as they are. ``max_pixels``: the most pixels to accept.
    ``salvage``: where a layer list is cut or damaged, return the whole layers before the fault, if there are any.

    Raises DecodeError, with the offset in ``data`` and the field at fault; TypeError for what is not bytes.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"a file is given as its bytes, not as {type(data).__name__}")
    try:
        return _unpack(bytes(data), max_pixels, salvage)
    except DecodeError as error:
        if not is_bare(data):
            raise
        message = f"{error.message} (read as a bare file, for it does not begin as others do: is it one?)"
        raise type(error)(message, offset=error.offset, field=error.field) from error


def _unpack(data: bytes, max_pixels: int, salvage: bool) -> Blob:
    header = read_header(data, max_pixels)
    state = crc_hqx(data[: header.end], crc_hqx(MAGIC, _CHECK_START) if is_bare(data) else _CHECK_START)
    if header.has_list:
        layers = _read_list(data, header, state, salvage)
    else:
        layers = (Layer(OWN_KIND[header.system], _read_body(data, header.end, header.end, None, state)[0]),)
    return Blob(header.system, header.model, header.width_px, header.height_px, layers)


@dataclass(frozen=True)
class Header:
    """Hold what stands before the layers. ``at``, ``end``: offset of its head, and of the byte behind it."""

    system: int
    model: bytes
    width_px: int
    height_px: int
    has_list: bool
    at: int
    end: int


def read_header(data: bytes, max_pixels: int) -> Header:
    """Read the header of a file, full or bare. Raises DecodeError."""
    head_at = _head_offset(data)
    head = _read_head(data, head_at)
    model_at = head_at + 1
    model = take(data, model_at, MODEL_BYTES, "model")
    size_at = model_at + MODEL_BYTES
    width_px, height_px, end = _read_size(data, size_at, head["size class"])
    if size_class(width_px, height_px) != head["size class"]:
        raise InvalidFieldError("a smaller size class would do", offset=head_at, field="size class")
    if width_px * height_px > max_pixels:
        message = f"{width_px} x {height_px} px is over the limit of {max_pixels} pixels"
        raise LimitError(message, offset=size_at, field="size")
    return Header(head["system"], model, width_px, height_px, bool(head["list"]), head_at, end)


def is_bare(data: bytes) -> bool:
    """Tell whether bytes start like a file of version 1 without magic: with a byte of 40..7F hex."""
    return bool(data) and data[0] >> 6 == VERSION


def size_class(width_px: int, height_px: int) -> int:
    """Return the smallest size class that carries both sides."""
    side = max(width_px, height_px)
    return next(number for number, fields in SIZES.items() if side <= 1 << fields[0].bits)


def _is_single(kind: int) -> bool:
    return kind in KINDS and kind not in REPEATABLE


def stands_alone(system: int, layers: Sequence[Layer]) -> bool:
    """Tell whether the file of these layers has no list."""
    return len(layers) == 1 and layers[0].kind == OWN_KIND.get(system) and not layers[0].may_skip


# --- writing


def _running(found: Sequence[Part], state: int) -> int:
    return crc_hqx(b"".join(part.data for part in found), state)


def _check(state: int) -> bytes:
    return (state ^ _CHECK_INVERT).to_bytes(CHECK_BYTES, "big")


def _header_parts(blob: Blob, listed: bool) -> list[Part]:
    number = size_class(blob.width_px, blob.height_px)
    head = {"version": VERSION, "system": blob.system, "list": int(listed), "size class": number}
    size = {"width": blob.width_px - 1, "height": blob.height_px - 1}
    return [
        Part("magic", MAGIC),
        Part("head", join_fields(HEAD, head)),
        Part("model", blob.model),
        Part("size", join_fields(SIZES[number], size)),
    ]


def _lead_parts(layer: Layer, index: int, *, last: bool) -> list[Part]:
    lead = {"last": int(last), "may-skip": int(layer.may_skip), "reserved": 0, "kind": layer.kind}
    found = [Part("lead", join_fields(LEAD, lead), index)]
    return found if last else [*found, Part("length", write_varint(len(layer.body)), index)]


# --- reading, in the order of the file


def _head_offset(data: bytes) -> int:
    if is_bare(data):
        return 0
    if data[:1] == MAGIC[:1] and len(data) == 1:
        raise TruncatedError("the bytes end before the end of the magic", offset=1, field="magic")
    if data[:2] != MAGIC:
        raise NotLimnError("not a limn file", offset=0, field="magic")
    return len(MAGIC)


def _read_head(data: bytes, offset: int) -> dict[str, int]:
    head = split_fields(HEAD, take(data, offset, 1, "head"))
    if head["version"] != VERSION:
        raise UnsupportedVersionError(f"version {head['version']} of the format", offset=offset, field="version")
    if head["system"] not in SYSTEMS:
        raise UnsupportedSystemError(f"unknown system {head['system']}", offset=offset, field="system")
    if head["size class"] not in SIZES:
        raise InvalidFieldError(f"size class {head['size class']} is reserved", offset=offset, field="size class")
    if not head["list"] and head["system"] not in OWN_KIND:
        raise InvalidFieldError(f"{SYSTEMS[head['system']]} always has a layer list", offset=offset, field="list")
    return head


def _read_size(data: bytes, offset: int, number: int) -> tuple[int, int, int]:
    """Return width and height in pixels and the offset behind them."""
    fields = SIZES[number]
    size = split_fields(fields, take(data, offset, group_bytes(fields), "size"))
    return size["width"] + 1, size["height"] + 1, offset + group_bytes(fields)


def _read_list(data: bytes, header: Header, state: int, salvage: bool) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    position = header.end
    last = False
    while not last:
        try:
            lead = read_lead(data, position, layers)
            last = bool(lead["last"])
            layer, end = _read_listed(data, position, lead, state)
        except DecodeError:
            if salvage and layers:
                break
            raise
        layers.append(layer)
        if last and stands_alone(header.system, layers):
            raise InvalidFieldError("a layer list where none is needed", offset=header.at, field="list")
        # Without the check: behind one the running CRC is the same in every file, and would forget what came before,
        # so that a layer of another file would pass.
        state = crc_hqx(data[position : end - CHECK_BYTES], state)
        position = end
    return tuple(layers)


def read_lead(data: bytes, offset: int, before: Sequence[Layer]) -> dict[str, int]:
    """Read the lead at ``offset`` of the layer that follows those ``before``. Raises DecodeError."""
    lead = split_fields(LEAD, take(data, offset, 1, "lead"))
    kind = lead["kind"]
    if len(before) == MAX_LAYERS:
        raise LimitError(f"more than {MAX_LAYERS} layers", offset=offset, field="lead")
    if lead["reserved"]:
        raise InvalidFieldError("a reserved bit is set", offset=offset, field="reserved")
    if kind not in KINDS and not lead["may-skip"]:
        raise UnsupportedLayerError(f"unknown layer kind {kind}", offset=offset, field="kind")
    if _is_single(kind) and any(layer.kind == kind for layer in before):
        raise InvalidFieldError(f"a second {KINDS[kind]} layer", offset=offset, field="kind")
    return lead


def _read_listed(data: bytes, offset: int, lead: dict[str, int], state: int) -> tuple[Layer, int]:
    """Read the layer whose lead stands at ``offset``; return it and the offset behind its check."""
    length, body_at = (None, offset + 1) if lead["last"] else read_varint(data, offset + 1, "length")
    body, end = _read_body(data, offset, body_at, length, state)
    return Layer(lead["kind"], body, bool(lead["may-skip"])), end


def _read_body(data: bytes, offset: int, body_at: int, length: int | None, state: int) -> tuple[bytes, int]:
    """Return a body and the offset behind its check. ``state``: the running CRC of what counts before ``offset``."""
    to_the_end = length is None
    if length is None:
        length = max(0, len(data) - CHECK_BYTES - body_at)
    if length > MAX_BODY_BYTES:
        raise LimitError(f"a body of {length} bytes is over {MAX_BODY_BYTES}", offset=body_at, field="body")
    body = take(data, body_at, length, "body")
    check_at = body_at + length
    check = take(data, check_at, CHECK_BYTES, "check")
    if check != _check(crc_hqx(data[offset:check_at], state)):
        earlier = _earlier_end(data, offset, body_at, state) if to_the_end else None
        if earlier is not None:
            raise TrailingDataError("bytes behind the end", offset=earlier, field="end")
        raise DamagedError("the check does not fit the bytes before it", offset=check_at, field="check")
    return body, check_at + CHECK_BYTES


def _earlier_end(data: bytes, offset: int, body_at: int, state: int) -> int | None:
    """Return where a shorter file would end with a right check, if anywhere near."""
    state = crc_hqx(data[offset:body_at], state)
    for position in range(body_at, min(len(data), body_at + _END_SEARCH_BYTES)):
        state = crc_hqx(data[position : position + 1], state)
        if state == _RESIDUE and position + 1 >= body_at + CHECK_BYTES:
            return position + 1
    return None
