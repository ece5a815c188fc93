"""Bytes that nobody wrote, made from files that somebody might have."""

from __future__ import annotations

import random
from binascii import crc_hqx
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner import api
from limner.container import KINDS, SYSTEMS, Blob, Layer, is_bare, pack, unpack
from limner.container.blob import MAGIC
from limner.container.fields import SIZES, group_bytes, read_varint
from limner.describe.scene import Scene, Thing
from limner.errors import LimnerError, MissingError
from limner.layers import choice, masks, painter, sketch, text
from limner.painted import Wish
from limner.render.painter import Painter
from limner.systems import levels
from limner.systems.presets import Settings

WIDTH_PX, HEIGHT_PX = 160, 120
EDGE_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)
LISTED, LAST = 0x04, 0x80
SIZE_BYTES = (*(group_bytes(fields) for fields in SIZES.values()), 0)
"""By size class; the reserved one counts as none."""


@cache
def seeds() -> tuple[bytes, ...]:
    """Return valid files to start from: of every system, listed and alone, full and bare; painted ones if weights are there."""
    latent, words, things, lines, pick, drawn = (Layer(kind, body) for kind, body in zip(KINDS, _bodies(), strict=True))
    blobs = [
        Blob(1, b"\x00\x00", 7, 5, (latent,)),
        Blob(2, b"\x00\x00", 300, 200, (words,)),
        Blob(2, b"\x00\x00", 64, 64, (words, pick)),
        Blob(3, b"\x12\x34", 768, 512, (words, lines, pick)),
        Blob(4, b"\x12\x34", 5000, 300, (latent,)),
        Blob(5, b"\x12\x34", WIDTH_PX, HEIGHT_PX, (latent, drawn, words, things, words, Layer(31, b"new", may_skip=True))),
        Blob(5, b"\x00\x00", WIDTH_PX, HEIGHT_PX, (drawn, words, Layer(3, _bodies()[2]), words)),
    ]
    return (*(pack(blob, bare=bare) for blob in blobs for bare in (False, True)), *_painted_seeds())


def _bodies() -> tuple[bytes, ...]:
    """Return a body of each kind, in the order of their numbers; the latent one is no real one."""
    down, right = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    disc = (down - 40) ** 2 + (right - 50) ** 2 < 900
    box = (abs(down - 60) < 20) & (abs(right - 90) < 30)
    return (
        bytes(range(7, 247, 5)),
        text.write(text.fit("a red boat in the harbour, two gulls")),
        masks.write(masks.fit([disc, box])),
        sketch.write(sketch.fit(disc ^ np.roll(disc, 1), 24, 32)),
        choice.write(choice.Choice(12345, 16, 11)),
        painter.write(painter.PainterId(b"\x56\x78")),
    )


def _painted_seeds() -> list[bytes]:
    down, right = np.mgrid[0:48, 0:60]
    picture = np.stack([down * 5, right * 4, (down * right) % 251], axis=2).astype(np.uint8)
    sizes = ((1, 1), (16, 16), (48, 60))
    try:
        pictures = [np.ascontiguousarray(picture[:rows, :columns]) for rows, columns in sizes]
        boxes = Wish(settings=replace(levels.PRESETS["fast"], masks="box"), seed=7)
        small = Wish(settings=Settings(Painter(area_px=4096, short_px=None, multiple=8)))
        return [
            *(api.encode(one, quality=quality, bare=bare) for one in pictures for quality in (5, 40) for bare in (False, True)),
            *(api.encode(one, system="pics", caption="a hill", quality=9, wish=small) for one in pictures),
            *(api.encode(one, system="taco") for one in pictures),
            *(api.encode(one, system="sedic", scene=_told(one), wish=boxes) for one in pictures),
        ]
    except MissingError:
        return []


def _told(picture: NDArray[np.uint8]) -> Scene:
    """Words for a picture (h, w, 3), and a thing that is all of it."""
    height_px, width_px = picture.shape[:2]
    return Scene(overall="a hill under the sky", things=(Thing("hill", (0, 0, width_px, height_px), "green"),))


def heaviest() -> tuple[bytes, ...]:
    """Return what takes longest to read beside latents: noise in every cell and modelled letter that a file may have, and
    four times as much."""
    rows, columns = 256, 512
    noise = np.random.default_rng(0).integers(0, 2, (rows, columns)).astype(bool)
    things = Layer(3, masks.write(masks.Masks(1, (noise[:, : columns // 2],))))
    lines = Layer(4, sketch.write(sketch.draw(noise[: rows // 2])))
    letters = np.random.default_rng(1).integers(97, 123, text.MOST_MODELLED_BYTES).astype(np.uint8).tobytes().decode()
    words = Layer(2, text.write(text.Text(letters, text.MODELLED)))
    most = (words, things, lines), (words,) * 4 + (things,) * 7 + (lines,)
    blobs = [Blob(5, b"\x12\x34", columns // 2, rows, layers) for layers in most]
    return tuple(pack(blob) for blob in blobs)


def invented(rng: random.Random, pool: Sequence[bytes]) -> bytes:
    """Return one blob that nobody wrote."""
    make = rng.choice(
        (_noise, _noise_behind_header, _changed, _changed, _repaired_change, _repaired_change, _reformed, _reformed)
    )
    return make(rng, pool)


def _noise(rng: random.Random, pool: Sequence[bytes]) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 2, 3, 8, 30, 300)))


def _noise_behind_header(rng: random.Random, pool: Sequence[bytes]) -> bytes:
    seed = rng.choice(pool)
    start = rng.randint(1, min(12, len(seed)))
    data = seed[:start] + rng.randbytes(rng.randint(0, 60))
    return repaired(data) if rng.random() < 0.7 else data


def _changed(rng: random.Random, pool: Sequence[bytes]) -> bytes:
    data = rng.choice(pool)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        data = rng.choice((_flip, _set, _cut, _insert, _remove, _double, _splice))(rng, data, pool)
    return data


def _repaired_change(rng: random.Random, pool: Sequence[bytes]) -> bytes:
    return repaired(_changed(rng, pool))


def _reformed(rng: random.Random, pool: Sequence[bytes]) -> bytes:
    """Change fields and bodies of a parsed file and write it again, so that every check and length is right."""
    try:
        blob = unpack(rng.choice(pool))
        layers = tuple(replace(layer, body=_body(rng, layer.body, pool)) for layer in blob.layers)
        if rng.random() < 0.3:
            blob = replace(blob, system=rng.choice(list(SYSTEMS)))
        if rng.random() < 0.3:
            blob = replace(blob, width_px=_side(rng), height_px=_side(rng))
        return pack(replace(blob, layers=layers), bare=rng.random() < 0.5)
    except LimnerError:
        return b""


def _body(rng: random.Random, body: bytes, pool: Sequence[bytes]) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.choice((0, 1, 2, 10, 50, 500)))
    if kind == 1:
        return bytes([rng.choice(EDGE_BYTES)]) * rng.choice((1, 8, 100))
    return rng.choice((_flip, _set, _cut, _insert, _remove, _double))(rng, body, pool)


def _side(rng: random.Random) -> int:
    return rng.choice((1, 2, 16, 17, 255, 256, 257, 4096, 65536, rng.randint(1, 2000)))


def _flip(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    return _with(data, rng.randrange(len(data)), lambda byte: byte ^ 1 << rng.randrange(8)) if data else data


def _set(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    value = rng.choice((*EDGE_BYTES, rng.randrange(256)))
    return _with(data, rng.randrange(len(data)), lambda _: value) if data else data


def _with(data: bytes, at: int, change: Callable[[int], int]) -> bytes:
    return data[:at] + bytes([change(data[at])]) + data[at + 1 :]


def _cut(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    return data[: rng.randint(0, len(data))]


def _insert(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 2, 9))) + data[at:]


def _remove(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.randint(1, 5) :]


def _double(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    return data + data[rng.randint(0, len(data)) :]


def _splice(rng: random.Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    other = rng.choice(pool)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def repaired(data: bytes) -> bytes:
    """Return ``data`` with the right check behind every layer, as far as lengths can be followed."""
    start = 0 if is_bare(data) else len(MAGIC)
    if len(data) <= start:
        return data
    body_at = start + 3 + SIZE_BYTES[data[start] & 3]
    state = crc_hqx(data[start:body_at], crc_hqx(MAGIC, 0xFFFF))
    if not data[start] & LISTED:
        return data[:-2] + _check(crc_hqx(data[body_at:-2], state)) if len(data) >= body_at + 2 else data
    return data[:body_at] + _repaired_layers(data[body_at:], state)


def _repaired_layers(data: bytes, state: int) -> bytes:
    """Repair a layer list; ``state``: running CRC of what stands before it, checks left out."""
    done, at = b"", 0
    while at < len(data):
        try:
            length, body_at = (len(data) - 2 - at, at) if data[at] & LAST else read_varint(data, at + 1, "length")
        except LimnerError:
            break
        end = body_at + length
        if length < 0 or end + 2 > len(data):
            break
        state = crc_hqx(data[at:end], state)
        done += data[at:end] + _check(state)
        at = end + 2
    return done + data[at:]


def _check(state: int) -> bytes:
    return (state ^ 0xFFFF).to_bytes(2, "big")
