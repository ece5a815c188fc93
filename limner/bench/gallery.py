"""``python -m limner.bench.gallery``: a page of pictures, to be looked at.

A dozen free photographs, five budgets; under each other both painters and the best classical file of the same budget.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw
from skimage import data

from limner import api, image
from limner.bench import baselines
from limner.bench.cache import cached_best_of_codec
from limner.bench.demo import NAMES
from limner.bench.metrics import psnr_db, ssimulacra2
from limner.bench.sheet import INK, PAPER, RULE, SOFT, text_font
from limner.errors import MissingError
from limner.systems.miniature import PAINTERS

BUDGETS_BYTES = (250, 500, 1000, 1500, 3000)
FILES = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "hubble": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
"""Photographs that scikit-image carries."""
HOPPER = "hopper"
"""The one that matplotlib carries."""
LONGEST_SIDE_PX = 768
PANEL_PX, GAP_PX, CAPTION_PX, MARGIN_PX = 320, 8, 40, 16
QUALITY = 82


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture, and the words under it."""

    picture: image.Pixels
    words: str


def samples() -> dict[str, Path]:
    """The photographs by name."""
    carried = {name: Path(data.__file__).parent / file for name, file in FILES.items()}
    return dict(sorted({**carried, HOPPER: Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")}.items()))


def fitting(path: Path) -> image.Pixels:
    """A photograph, at most 768 px long."""
    pixels = image.load(path).pixels
    height, width = pixels.shape[:2]
    part = min(1.0, LONGEST_SIDE_PX / max(height, width))
    return image.resize(pixels, round(width * part), round(height * part))


def columns(picture: image.Pixels, budgets_bytes: Sequence[int], cache: Path) -> Iterator[list[Panel | None]]:
    """For each budget: what each painter makes of our file, and the best classical one; None where there is none."""
    height, width = picture.shape[:2]
    classical = {
        codec: cached_best_of_codec(picture, budgets_bytes, codec, baselines.QUICK, cache) for codec in baselines.CODECS
    }
    for budget in budgets_bytes:
        blob = api.encode(picture, target_bytes=budget)
        column = [painted(picture, blob, painter) for painter in PAINTERS]
        best: baselines.Coded | None = None
        for found in classical.values():
            best = baselines.better(best, found[budget])
        shown = None if best is None else best.picture(width, height)
        words = "" if best is None else f"{NAMES[best.codec]}, {best.bytes} bytes"
        yield [*column, None if shown is None else judged(picture, shown, words)]


def painted(picture: image.Pixels, blob: bytes, painter: str) -> Panel | None:
    try:
        return judged(picture, api.decode(blob, painter=painter), f"{painter}, {len(blob)} bytes")
    except MissingError:
        return None


def judged(picture: image.Pixels, shown: image.Pixels, words: str) -> Panel:
    return Panel(shown, f"{words}\n{psnr_db(picture, shown, peak=255.0):.2f} dB, SSIMULACRA2 {ssimulacra2(picture, shown):.0f}")


def strip(picture: image.Pixels, grid: Sequence[Sequence[Panel | None]]) -> Image.Image:
    """The photograph on the left, then a column for each budget."""
    height = max(1, round(picture.shape[0] * PANEL_PX / picture.shape[1]))
    rows = [row for row in range(len(grid[0])) if any(column[row] for column in grid)]
    cell = height + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (2 * MARGIN_PX + (len(grid) + 1) * (PANEL_PX + GAP_PX), 2 * MARGIN_PX + len(rows) * cell), PAPER)
    draw = ImageDraw.Draw(sheet)
    place(sheet, draw, Panel(picture, "the photograph"), MARGIN_PX, MARGIN_PX, height)
    for across, column in enumerate(grid, 1):
        for down, row in enumerate(rows):
            place(sheet, draw, column[row], MARGIN_PX + across * (PANEL_PX + GAP_PX), MARGIN_PX + down * cell, height)
    return sheet


def place(sheet: Image.Image, draw: ImageDraw.ImageDraw, panel: Panel | None, left: int, top: int, height: int) -> None:
    if panel is None:
        draw.rectangle((left, top, left + PANEL_PX - 1, top + height - 1), RULE)
        draw.text((left, top + height + 4), "nothing is that small", SOFT, text_font(14))
        return
    sheet.paste(Image.fromarray(panel.picture).resize((PANEL_PX, height), Image.Resampling.LANCZOS), (left, top))
    draw.text((left, top + height + 4), panel.words, INK, text_font(14), spacing=2)


def page(names: Sequence[str], budgets_bytes: Sequence[int], command: str) -> str:
    lines = [
        "# Pictures",
        "",
        f"Each photograph in at most {', '.join(map(str, budgets_bytes))} bytes: what the painters make of one file, and the",
        "best of JPEG, WebP, AVIF, JPEG XL and HEIC at no more bytes, shrunk first where that serves it. Higher is better in",
        "both figures.",
        "The *vivid* painter paints likely detail where the file says nothing: it may be wrong.",
        "",
        "The photographs are samples that scikit-image and matplotlib carry. Rebuilt by",
        "",
        f"```sh\n{command}\n```",
    ]
    for name in names:
        lines += ["", f"## {name}", "", f"![{name} at {len(budgets_bytes)} budgets](pictures/{name}.webp)"]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``pictures.md`` and the folder ``pictures`` beside it."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.gallery", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder for pictures.md")
    parser.add_argument("--only", nargs="+", choices=samples(), default=list(samples()), help="some of the photographs")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where classical files are kept between runs")
    options = parser.parse_args(argv)
    folder = options.out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        picture = fitting(samples()[name])
        sheet = strip(picture, list(columns(picture, BUDGETS_BYTES, options.cache)))
        sheet.save(folder / f"{name}.webp", quality=QUALITY, method=6)
        sys.stdout.write(f"{folder / name}.webp: {sheet.width} x {sheet.height}\n")
    (options.out / "pictures.md").write_text(page(options.only, BUDGETS_BYTES, "python -m limner.bench.gallery"), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
