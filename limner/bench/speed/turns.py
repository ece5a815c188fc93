"""In the process whose stages are measured: one task, once as a fresh process does it, or in turns.

    request.json, picture.png | picture.limn --turns of encode or decode--> report.json

It does what the command does from file to file, but that it reads no command line and keeps what it makes in memory.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from limner import api, image, transform
from limner.bench.speed import energy
from limner.bench.speed.clock import IMPORT, PACKING, PNG, UNPACKING, WEIGHTS, Clock, Span
from limner.bench.speed.clock import PICTURE as PICTURE_STAGE
from limner.bench.speed.energy import Energy
from limner.bench.speed.request import FILE, PICTURE, REPORT, REQUEST, Report, Request, Turn
from limner.bench.speed.rows import ENCODE
from limner.bench.speed.tasks import TACO
from limner.bench.speed.watched import WatchedMiniature, WatchedTaco
from limner.container.blob import pack, unpack
from limner.errors import LimnerError
from limner.systems.miniature import Painting
from limner.weights import packaged

PROGRAM = """
import time
began = time.perf_counter(), time.process_time()
from limner.bench.speed.turns import main
main(began)
"""
"""The program: imports are counted from its first moment on."""
DIGITS = 6

Watched = WatchedMiniature | WatchedTaco


def main(began: tuple[float, float]) -> None:
    transform.runtime()
    clock = Clock(Span(*began))
    clock.charge(IMPORT)
    try:
        report = carried_out(Request.read(Path(REQUEST)), clock)
    except LimnerError as error:
        print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        sys.exit(1)
    Path(REPORT).write_text(report.to_json(), "utf-8")


def carried_out(request: Request, clock: Clock) -> Report:
    """All turns. What comes before the first is charged to it if it counts."""
    codec, meter = opened(request, clock), energy.opened(Path(request.powercap))
    for _ in range(request.warm_ups):
        made(request, codec, clock)
        clock.taken()
    start, turns = time.perf_counter(), list[Turn]()
    while not turns or (len(turns) < request.turns and time.perf_counter() - start < request.patience_s):
        before = meter.read_uj()
        blob, result = made(request, codec, clock)
        turns.append(turn_of(clock, meter, before))
    return Report(tuple(turns), len(blob), hashlib.sha256(result).hexdigest())


def turn_of(clock: Clock, meter: Energy, before: tuple[int, ...]) -> Turn:
    taken, after = clock.taken(), meter.read_uj()
    walls = {name: round(span.wall_s, DIGITS) for name, span in taken.items()}
    return Turn(
        walls,
        {name: round(span.cpu_s, DIGITS) for name, span in taken.items()},
        meter.joules(before, after, sum(walls.values())),
    )


def opened(request: Request, clock: Clock) -> Watched:
    with clock.stage(WEIGHTS):
        if request.system == TACO:
            return WatchedTaco(api.chosen(request.weights or None), clock)
        return WatchedMiniature(packaged(request.system), clock)


def made(request: Request, codec: Watched, clock: Clock) -> tuple[bytes, bytes]:
    """One turn: the file, and what came of it, which for an encoder is the file."""
    if request.task.verb == ENCODE:
        blob = encode(request, codec, clock)
        return blob, blob
    blob = Path(FILE).read_bytes()
    return blob, decode(request, codec, clock, blob)


def encode(request: Request, codec: Watched, clock: Clock) -> bytes:
    task = request.task
    with clock.stage(PICTURE_STAGE):
        pixels = image.load(PICTURE).pixels
    if isinstance(codec, WatchedTaco):
        body = api.fit_taco(codec, pixels, request.caption, task.target_bytes, False).body
    else:
        body = api.fit(codec, pixels, task.target_bytes, task.quality, False).body
    with clock.stage(PACKING):
        return pack(api.blob_of(codec, body, pixels.shape[1], pixels.shape[0]))


def decode(request: Request, codec: Watched, clock: Clock, blob: bytes) -> bytes:
    """The bytes of the pixels; a PNG of them is made and left."""
    with clock.stage(UNPACKING):
        header = unpack(blob)
    if isinstance(codec, WatchedTaco):
        pixels = codec.render(codec.read(header), header.width_px, header.height_px)
    else:
        painting = Painting(request.task.painter)
        pixels = codec.render(codec.read(header), header.width_px, header.height_px, painting)
    with clock.stage(PNG):
        image.to_file(pixels)
    return pixels.tobytes()
