"""Makers of requests that nobody means well with: each gives one, by chance, as the bytes that go over the wire.

Bombs (few bytes that become many), cut and mixed-up pictures, wrong types, forms and heads that break rules, bodies that do not
come or do not end, files of ours that are damaged or heavy.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from limner.bench.mutate import heaviest, invented, seeds

BOUNDARY = "limnerhostile"
LIMN = "image/x-limn"
heavy = cache(heaviest)


@dataclass(frozen=True)
class Attack:
    """A name for its kind, and all that is sent."""

    name: str
    data: bytes


Maker = Callable[[random.Random], Attack]


# --- requests


def request(path: str, body: bytes, kind: str, *, length: int | None = None, extra: str = "", method: str = "POST") -> bytes:
    """A request with a body. ``length``: what its head says, where that is not the truth."""
    said = len(body) if length is None else length
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"Content-Type: {kind}", f"Content-Length: {said}", extra]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n" + body


def form(picture: bytes, fields: dict[str, str] | None = None, filename: str = "a.png", name: str = "image") -> bytes:
    """A body of multipart."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in (fields or {}).items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
    return b"".join([*parts, head.encode(), picture, f"\r\n--{BOUNDARY}--\r\n".encode()])


def encode(name: str, picture: bytes, fields: dict[str, str] | None = None, filename: str = "a.png") -> Attack:
    return Attack(name, request("/v1/encode", form(picture, fields, filename), f"multipart/form-data; boundary={BOUNDARY}"))


# --- pictures


def png(width: int, height: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG, 8 bit grey, of these sides and this image data."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb_by_head(rng: random.Random) -> Attack:
    side = rng.randint(30_000, 65_535)
    return encode("bomb: a head that promises billions of pixels", png(side, side, zlib.compress(bytes(1000))))


def bomb_of_zeros(rng: random.Random) -> Attack:
    width, height = rng.randint(2000, 3000), 2000
    return encode("bomb: millions of pixels in kilobytes", png(width, height, zlib.compress(bytes((width + 1) * height), 9)))


def bomb_of_text(rng: random.Random) -> Attack:
    text = b"a\0\0" + zlib.compress(bytes(rng.randint(4, 16) << 20))
    return encode("bomb: text in a PNG", png(64, 64, zlib.compress(bytes(65 * 64)), (b"zTXt", text)))


def bomb_of_profile(rng: random.Random) -> Attack:
    profile = b"a\0\0" + zlib.compress(bytes(rng.randint(4, 16) << 20))
    return encode("bomb: a colour profile in a PNG", png(64, 64, zlib.compress(bytes(65 * 64)), (b"iCCP", profile)))


def longer_than_it_says(rng: random.Random) -> Attack:
    return encode("bomb: more image data than pixels", png(64, 64, zlib.compress(bytes(rng.randint(4, 16) << 20))))


def huge_bmp(rng: random.Random) -> Attack:
    height = rng.randint(2**20, 2**30)
    head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, 2**30, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return encode("bomb: a BMP of 2^30 columns", head + bytes(100), filename="a.bmp")


def huge_tiff(rng: random.Random) -> Attack:
    entries = [(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 2**28, 8), (279, 4, 2**28, 8)]
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    head = struct.pack("<2sHI", b"II", 42, 8)
    return encode("bomb: a TIFF of 2^28 strips", head + body + rng.randbytes(64), filename="a.tif")


def frames(rng: random.Random) -> Attack:
    stream = io.BytesIO()
    film = [Image.new("L", (64, 64), shade % 256) for shade in range(rng.randint(100, 300))]
    film[0].save(stream, "GIF", save_all=True, append_images=film[1:])
    return encode("a film of hundreds of frames", stream.getvalue(), filename="a.gif")


def _photo(rng: random.Random, kind: str) -> bytes:
    values = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, (48, 64, 3))
    stream = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(stream, kind)
    return stream.getvalue()


def cut(rng: random.Random) -> Attack:
    kind = rng.choice(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF"])
    data = _photo(rng, kind)
    return encode(f"cut: {kind}", data[: rng.randrange(1, len(data))])


def mixed_up(rng: random.Random) -> Attack:
    kind = rng.choice(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF"])
    data = bytearray(_photo(rng, kind))
    for _ in range(rng.randint(1, 40)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return encode(f"mixed up: {kind}", bytes(data))


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run\n"
WRONG = (b"", POSTSCRIPT, b"PK\x03\x04", b"<svg onload='x'/>", b"GIF89a", b"\xff\xd8", b"BM")


def wrong_type(rng: random.Random) -> Attack:
    return encode("wrong type: no picture", rng.choice(WRONG) + rng.randbytes(rng.choice([0, 10, 5000])))


# --- forms, heads, bodies


def path_as_name(rng: random.Random) -> Attack:
    name = rng.choice(["../../../etc/passwd", "/dev/zero", "C:\\boot.ini", "a\\..\\b", "|id", "a" * 3000])
    return encode("a path as the file's name", rng.randbytes(100), filename=name)


def hostile_fields(rng: random.Random) -> Attack:
    fields = rng.choice(
        [
            {"target_bytes": "9" * 5000},
            {"bpp": "nan"},
            {"settings": "/etc/passwd"},
            {"background": "url(file:///etc/passwd)"},
            {"channel": "/etc/passwd.toml:a"},
            {"system": "sedic", "scene": '{"objects":[{"name":"a","mask":"../../etc/passwd"}]}'},
            {"system": "sedic", "scene": "[" * 100_000},
            {"system": "sedic", "scene": '{"size":[' + "9" * 400 + ",1]}"},
            {"system": "pic", "caption": "\ud7ff" * 3000},
            {f"field{number}": "x" for number in range(200)},
        ]
    )
    return encode("fields that do not fit", _photo(rng, "PNG"), fields)


def broken_form(rng: random.Random) -> Attack:
    whole = form(_photo(rng, "PNG"))
    body = rng.choice(
        [
            whole[: rng.randrange(len(whole))],
            whole.replace(b'name="image"', b"name=image;;;"),
            whole.replace(b"\r\n", b"\n"),
            form(whole) * 30,
            f"--{BOUNDARY}\r\n{'X-Long: ' + 'a' * 50_000}\r\n\r\n".encode(),
            b"--" + BOUNDARY.encode() + b"\r\n" * 5000,
        ]
    )
    kind = rng.choice([f"multipart/form-data; boundary={BOUNDARY}", "multipart/form-data", "multipart/form-data; boundary="])
    return Attack("a broken form", request("/v1/encode", body, kind))


def wrong_kind(rng: random.Random) -> Attack:
    path = rng.choice(["/v1/encode", "/v1/decode", "/v1/inspect", "/v1/join", "/v1/packets?payload=100", "/v1/jobs/decode"])
    kind = rng.choice(["text/html", "application/xml", "application/json", "", "multipart/mixed", "\x7f"])
    return Attack("a body of another kind", request(path, rng.randbytes(200), kind))


def hostile_json(rng: random.Random) -> Attack:
    body = rng.choice(
        [
            b"[" * 200_000,
            b'{"packets":' + b"9" * 5000 + b"}",
            json.dumps({"packets": ["A" * 60] * 5000}).encode(),
            json.dumps({"packets": ["!" * 100_000], "armour": "base45"}).encode(),
            json.dumps({"packets": ["\ud800"], "armour": "hex"}).encode(),
            b"\xff\xfe{}",
        ]
    )
    return Attack("JSON that is not what it should be", request("/v1/join", body, "application/json"))


def long_head(rng: random.Random) -> Attack:
    lines = rng.choice(["X-A: " + "a" * 200_000 + "\r\n", "".join(f"X-{number}: a\r\n" for number in range(20_000))])
    return Attack("an oversized head", request("/healthz", b"", "text/plain", extra=lines, method="GET"))


def no_http(rng: random.Random) -> Attack:
    data = rng.choice([rng.randbytes(500), b"\x16\x03\x01" + rng.randbytes(200), b"GET\r\n\r\n", b"BREW /tea HTTP/9.9\r\n\r\n"])
    return Attack("no HTTP", data + b"\r\n\r\n")


def slow_head(rng: random.Random) -> Attack:
    return Attack("slow: a head that never ends", b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nX-A: ")


def slow_body(rng: random.Random) -> Attack:
    body = form(_photo(rng, "PNG"))
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return Attack("slow: a body that never ends", request("/v1/encode", body[:-20], kind, length=len(body)))


def slow_blob(rng: random.Random) -> Attack:
    return Attack("slow: a file that never ends", request("/v1/decode", rng.randbytes(5), LIMN, length=10**6))


def wrong_length(rng: random.Random) -> Attack:
    length = rng.choice([10**12, 2**63, 2**70])
    body = request("/v1/encode", b"x", "multipart/form-data; boundary=a", length=length)
    return Attack("a body that is said to be huge", body)


def too_long(rng: random.Random) -> Attack:
    piece = rng.randbytes(1 << 20)
    head = f"POST /v1/decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: {LIMN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    return Attack("a body over the limit, in chunks", head.encode() + chunk * 40 + b"0\r\n\r\n")


# --- files of ours


def damaged_file(rng: random.Random) -> Attack:
    blob = invented(rng, seeds())
    path = rng.choice(["/v1/decode", "/v1/inspect", "/v1/decode?salvage=true", "/v1/packets?payload=40&parity=3"])
    return Attack("a damaged file", request(path, blob, LIMN))


def heavy_file(rng: random.Random) -> Attack:
    blob = rng.choice(heavy())
    return Attack("a file that takes long", request(rng.choice(["/v1/inspect", "/v1/decode"]), blob, LIMN))


MAKERS: tuple[Maker, ...] = (
    *(bomb_by_head, bomb_of_zeros, bomb_of_text, bomb_of_profile, longer_than_it_says, huge_bmp, huge_tiff, frames),
    *(cut, mixed_up, wrong_type, path_as_name, hostile_fields, broken_form, wrong_kind, hostile_json),
    *(long_head, no_http, slow_head, slow_body, slow_blob, wrong_length, too_long, damaged_file, heavy_file),
)
