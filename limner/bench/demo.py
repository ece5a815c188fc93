"""``python -m limner.bench.demo``: one photograph all the way, in numbers and on one sheet.

photo -> encode -> file -> decode in a fresh process -> table, sheet
   |                 '---> inspect: the owner of every byte
   '---> best of the classical codecs at the same bytes
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from limner import api, image
from limner.bench import baselines, sheet
from limner.bench.fresh import decode_elsewhere
from limner.bench.metrics import psnr_db
from limner.container.explain import Report
from limner.errors import LimnerError
from limner.extras import need

LONGEST_SIDE_PX = 1024
"""Larger photographs are shrunk to this first, so that the classical codecs take part and the demo stays short."""
PEAK = 255.0
NAMES = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF", "jxl": "JPEG XL", "heic": "HEIC"}


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture (h, w, 3), its name, and a word on where it comes from."""

    name: str
    pixels: image.Pixels
    origin: str

    @property
    def size_px(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, eq=False)
class Shown:
    """What came of a photo at one budget."""

    budget_bytes: int
    blob: bytes
    report: Report
    painted: image.Pixels
    psnr_db: float
    encode_s: float
    decode_process_s: float
    classical: baselines.Coded | None


def sample_photo() -> Photo:
    """Return a free photograph that scikit-image carries (a cup of coffee, CC0)."""
    return Photo("coffee", image.load(need("skimage.data", extra="bench").coffee()).pixels, "sample of scikit-image, CC0")


def load_photo(path: Path) -> Photo:
    """Read a photograph, shrunk if it is large. Raises ImageError."""
    pixels = image.load(path).pixels
    height, width = pixels.shape[:2]
    longest = max(width, height)
    if longest <= LONGEST_SIDE_PX:
        return Photo(path.stem, pixels, path.name)
    size = (max(1, round(width * LONGEST_SIDE_PX / longest)), max(1, round(height * LONGEST_SIDE_PX / longest)))
    return Photo(path.stem, image.resize(pixels, *size), f"{path.name}, shrunk from {width} x {height}")


def show(photo: Photo, budgets_bytes: Sequence[int]) -> list[Shown]:
    """Take a photo through every budget. Raises LimnerError where one cannot be met."""
    classical = best_classical(photo.pixels, budgets_bytes)
    return [_shown(photo, budget, classical[budget]) for budget in budgets_bytes]


def best_classical(pixels: image.Pixels, budgets_bytes: Sequence[int]) -> dict[int, baselines.Coded | None]:
    """Return the best classical file of each budget, by a quick search; None where none fits."""
    best: dict[int, baselines.Coded | None] = dict.fromkeys(budgets_bytes)
    for codec in baselines.CODECS:
        for budget, coded in baselines.best_of_codec(pixels, budgets_bytes, codec, baselines.QUICK).items():
            best[budget] = baselines.better(best[budget], coded)
    return best


def _shown(photo: Photo, budget: int, classical: baselines.Coded | None) -> Shown:
    start = time.perf_counter()
    blob = api.encode(photo.pixels, target_bytes=budget)
    encode_s = time.perf_counter() - start
    painted, decode_s = decode_elsewhere(blob)
    measured_db = psnr_db(photo.pixels, painted, peak=PEAK)
    return Shown(budget, blob, api.inspect(blob), painted, measured_db, encode_s, decode_s, classical)


def result_table(shown: Sequence[Shown]) -> Table:
    """Return the table of bytes, PSNR and time, ours beside the best classical file."""
    table = Table(title="The whole way", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("at most", "bytes", "PSNR dB", "encode s", "decode s*", "best of the others", "PSNR dB"):
        table.add_column(name, justify="left" if name.startswith("best") else "right", no_wrap=True)
    for one in shown:
        coded = one.classical
        classical = (f"{NAMES[coded.codec]}, {coded.bytes} bytes", f"{coded.psnr_db:.2f}") if coded else ("none fits", "")
        times = (f"{one.encode_s:.2f}", f"{one.decode_process_s:.2f}")
        table.add_row(str(one.budget_bytes), str(len(one.blob)), f"{one.psnr_db:.2f}", *times, *classical)
    return table


def owner_table(one: Shown) -> Table:
    """Return the table of every byte and its owner."""
    table = Table(
        title=f"Every byte of the file of {len(one.blob)} bytes",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name in ("from", "bytes", "share", "owner", "field", "value"):
        table.add_column(name, justify="right" if name in ("from", "bytes", "share") else "left", no_wrap=name != "value")
    for row in one.report.rows:
        table.add_row(str(row.offset), str(row.length), f"{row.share_percent:.1f} %", row.owner, row.field, row.value)
    return table


def demo_sheet(photo: Photo, shown: Sequence[Shown]) -> image.Pixels:
    """Draw original, what was sent, the painted picture and the best classical one, a shelf for each budget."""
    width, height = photo.size_px
    subtitle = f"{photo.name} ({photo.origin}), {width} x {height} px, {width * height * 3:,} bytes of pixels"
    return sheet.as_pixels(sheet.sheet("limner", subtitle, [_shelf(photo, one) for one in shown]))


def _shelf(photo: Photo, one: Shown) -> sheet.Shelf:
    width, height = photo.size_px
    size = sheet.panel_size(width, height)
    bodies = tuple(row.value for row in one.report.rows if row.field == "body")
    sent = sheet.bytes_image(one.blob, one.report, size)
    panels = (
        sheet.Panel("original", sheet.picture_image(photo.pixels), (f"{width} x {height} px",)),
        sheet.Panel("what was sent: every byte", sent, tuple(map(_clipped, bodies)), sheet.legend(one.report)),
        sheet.Panel("what limner paints of it", sheet.picture_image(one.painted), _our_lines(one)),
        _classical_panel(one, photo),
    )
    note = f"{one.report.bpp:.4f} bits per pixel, 1 : {width * height * 3 / len(one.blob):,.0f}"
    return sheet.Shelf(f"{len(one.blob):,} bytes", note, panels)


def _our_lines(one: Shown) -> tuple[str, str]:
    return f"{one.psnr_db:.2f} dB", f"{one.report.system}, encoded in {one.encode_s:.2f} s, decoded in another process"


def _classical_panel(one: Shown, photo: Photo) -> sheet.Panel:
    heading, coded = "the best of the others", one.classical
    if coded is None:
        return sheet.Panel(heading, sheet.blank_image(sheet.panel_size(*photo.size_px), "none is small enough"))
    lines = (
        f"{coded.psnr_db:.2f} dB",
        f"{NAMES[coded.codec]}, {coded.bytes:,} bytes, shrunk to 1/{coded.scale}, quality {coded.quality}",
    )
    return sheet.Panel(heading, sheet.picture_image(coded.picture(*photo.size_px)), lines)


def _clipped(line: str) -> str:
    return line if len(line) <= 56 else line[:55] + "…"


def main(argv: Sequence[str] | None = None) -> int:
    """Encode a photograph at each budget, decode it in a fresh process, print tables and write files and a sheet."""
    options = _options().parse_args(argv)
    console, out = Console(), Path(options.out)
    try:
        photo = load_photo(Path(options.photo)) if options.photo else sample_photo()
        shown = show(photo, options.bytes)
        out.mkdir(parents=True, exist_ok=True)
        for one in shown:
            (out / f"{photo.name}-{one.budget_bytes}.limn").write_bytes(one.blob)
        image.save(demo_sheet(photo, shown), out / "sheet.png")
    except (LimnerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for table in (*map(owner_table, shown), result_table(shown)):
        console.print(table)
    console.print("* in a fresh process, Python's start included\n", markup=False, highlight=False)
    console.print(f"The sheet: {out / 'sheet.png'}", markup=False, highlight=False)
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.demo", description=main.__doc__)
    parser.add_argument("--photo", default="", help="a photograph of yours; otherwise a free sample")
    parser.add_argument("--out", default="demo", help="folder for the files and the sheet")
    parser.add_argument("--bytes", type=int, nargs="+", default=[500, 1500], help="budgets in bytes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
