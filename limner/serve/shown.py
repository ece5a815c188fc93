"""What is in a file, as the page and programs are told: every byte's owner, layers with their words, and pictures of some."""

from __future__ import annotations

import base64
from dataclasses import asdict

import numpy as np

from limner import api, image
from limner.container.blob import KINDS, Blob, unpack
from limner.container.explain import Report
from limner.errors import DecodeError
from limner.files import Beside, read_beside
from limner.layers.masks import Masks
from limner.layers.sketch import Sketch
from limner.layers.text import Text
from limner.render import card
from limner.serve.wire import Json
from limner.systems import textsketch


def report(blob: bytes, max_pixels: int, *, pictures: bool = False) -> dict[str, Json]:
    """The report of a file. ``pictures``: of masks and sketches too, where the weights are here. Raises DecodeError."""
    found = api.inspect(blob, max_pixels=max_pixels)
    header = unpack(blob, max_pixels=max_pixels)
    return {
        "system": found.system,
        "width": found.width_px,
        "height": found.height_px,
        "bytes": found.size_bytes,
        "bpp": found.bpp,
        "bare": found.bare,
        "model": header.model.hex(),
        "rows": [asdict(row) for row in found.rows],
        "layers": layers(found, header, beside(blob, header), pictures),
    }


def beside(blob: bytes, header: Blob) -> list[Beside | None]:
    """The layers that are read without weights; none of a file in which one cannot be read."""
    try:
        return read_beside(blob, header)
    except DecodeError:
        return [None] * len(header.layers)


def layers(found: Report, header: Blob, read: list[Beside | None], pictures: bool) -> list[Json]:
    """The header, then every layer: its bytes with all that goes with it, and what it says."""
    sizes: dict[str, int] = {}
    said: dict[str, str] = {}
    for row in found.rows:
        sizes[row.owner] = sizes.get(row.owner, 0) + row.length
        if row.field == "body":
            said[row.owner] = row.value
    kinds: list[tuple[str, Beside | None]] = [("header", None)]
    kinds += [(KINDS.get(layer.kind, "unknown"), made) for layer, made in zip(header.layers, read, strict=True)]
    return [
        entry(number, kind, sizes[owner], found.size_bytes, said.get(owner, ""), made, pictures)
        for number, (owner, (kind, made)) in enumerate(zip(sizes, kinds, strict=True))
    ]


def entry(
    number: int, kind: str, size_bytes: int, of_bytes: int, said: str, made: Beside | None, pictures: bool
) -> Json:
    return {
        "number": number,
        "kind": kind,
        "owner": kind if number == 0 else f"layer {number} {kind}",
        "bytes": size_bytes,
        "share_percent": 100 * size_bytes / of_bytes,
        "said": said,
        "words": made.words if isinstance(made, Text) else None,
        "picture": drawn(made) if pictures else None,
    }


def drawn(made: Beside | None) -> str | None:
    """A layer as a PNG in base64: masks white on black, a sketch as ink on paper; None for what has no picture."""
    if isinstance(made, Masks) and made.masks:
        held = np.any(np.stack(made.masks), axis=0)
        pixels = np.repeat(held[..., None].astype(np.uint8) * 255, 3, axis=2)
    elif isinstance(made, Sketch):
        try:
            pixels = card.inked(textsketch.sketch_map(made))
        except DecodeError:
            return None
    else:
        return None
    return base64.b64encode(image.to_file(pixels, ".png")).decode("ascii")
