"""``python -m limner.bench.strip``: one photograph in one message of a few small links, as both painters paint it.

    photograph --each link's bytes--> file --both painters--> a cell --> one picture for the page on small links
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from limner import api
from limner.atomic import write_atomic
from limner.bench.demo import load_photo, sample_photo
from limner.bench.sheet import INK, PAPER, SOFT, text_font
from limner.channels import budget_bytes, find
from limner.image import Pixels
from limner.systems.miniature import PAINTERS

LINKS = {
    "lorawan-eu868-dr3": "LoRaWAN DR3",
    "sms-text": "SMS, text",
    "meshcore": "MeshCore",
    "qr-10-m": "QR version 10",
    "meshtastic": "Meshtastic",
    "ax25": "AX.25",
    "sbd": "Iridium SBD",
    "reticulum": "Reticulum",
    "ntag215": "NFC, NTAG215",
}
"""Links, in the order of what a message carries, and what stands under them."""
COLUMNS = 5
PANEL_PX, GAP_PX, CAPTION_PX, MARGIN_PX = 200, 6, 26, 10
MOST_BYTES, MOST_QUALITY = 80_000, 85


def cell(pictures: Sequence[Pixels], height_px: int, words: str) -> Image.Image:
    """Pictures under each other, each as wide as a panel, and words under them."""
    image = Image.new("RGB", (PANEL_PX, len(PAINTERS) * (height_px + GAP_PX) + CAPTION_PX), PAPER)
    for row, picture in enumerate(pictures):
        small = Image.fromarray(picture).resize((PANEL_PX, height_px), Image.Resampling.LANCZOS)
        image.paste(small, (0, row * (height_px + GAP_PX)))
    ImageDraw.Draw(image).text((0, len(PAINTERS) * (height_px + GAP_PX)), words, INK, text_font(14))
    return image


def cells(photo: Pixels) -> list[Image.Image]:
    """The photograph, and then each link's."""
    height_px = round(photo.shape[0] * PANEL_PX / photo.shape[1])
    first = cell([photo], height_px, "the photograph")
    said = "\n".join(f"{place}: {name}" for place, name in zip(("above", "below"), PAINTERS, strict=True))
    ImageDraw.Draw(first).text((0, height_px + 3 * GAP_PX), f"of one file\n{said}", SOFT, text_font(16), spacing=6)
    found = [first]
    for name, title in LINKS.items():
        blob = api.encode(photo, target_bytes=budget_bytes(find(name)), bare=True)
        pictures = [api.decode(blob, painter=painter) for painter in PAINTERS]
        found.append(cell(pictures, height_px, f"{title}: {len(blob)} bytes"))
    return found


def strip(photo: Pixels) -> Pixels:
    """Lay the cells out."""
    parts = cells(photo)
    width, height = parts[0].width + 2 * GAP_PX, parts[0].height
    rows = -(-len(parts) // COLUMNS)
    image = Image.new("RGB", (2 * MARGIN_PX + COLUMNS * width, 2 * MARGIN_PX + rows * height), PAPER)
    for place, part in enumerate(parts):
        image.paste(part, (MARGIN_PX + place % COLUMNS * width, MARGIN_PX + place // COLUMNS * height))
    return np.asarray(image)


def small_enough(pixels: Pixels, most_bytes: int = MOST_BYTES) -> bytes:
    """A WebP of at most so many bytes, as good as that allows."""
    for quality in range(MOST_QUALITY, 0, -5):
        stream = BytesIO()
        Image.fromarray(pixels).save(stream, "WEBP", quality=quality, method=6)
        if stream.tell() <= most_bytes:
            break
    return stream.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Write the strip."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.strip", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/small-links.webp"), help="%(default)s")
    parser.add_argument("--photo", type=Path, help="a photograph of yours; otherwise a free sample")
    options = parser.parse_args(argv)
    photo = load_photo(options.photo) if options.photo else sample_photo()
    data = small_enough(strip(photo.pixels))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(options.out, data)
    sys.stdout.write(f"{options.out}: {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
