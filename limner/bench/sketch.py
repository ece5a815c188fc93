"""``python -m limner.bench.sketch``: soft edge maps by the learned codec, by classical codecs, and as lines.

    picture -> EdgeNet -> map -+-> learned codec at budgets and qualities -------+
                               +-> WebP, JPEG XL at the same budgets ------------+-> bytes, PSNR and MS-SSIM of maps, F of lines
                               +-> lines over a threshold: WebP lossless; our ---+
                                   bitmap coder, whole and on coarser grids

F: the lines of what is decoded (crests over the threshold, thinned) against those of the map, matched one to one as on BSDS500
(``limner.bench.edges``). Of ours the bytes are those of a layer's body, of others those of a file.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import morphology

from limner import image
from limner.bench import baselines
from limner.bench.edges import matched
from limner.bench.metrics import figures
from limner.bench.rows import mean, number, table, write_page
from limner.describe.edges import EdgeNet, ridges
from limner.errors import BudgetError
from limner.layers import sketch
from limner.layers.layer import MOST_CELLS
from limner.systems import sketches
from limner.systems.sketches import LatentCodec, SketchCodec
from limner.weights import DATA, at

BUDGETS_BYTES = (200, 400, 600, 800, 1200, 2000, 4000)
QUALITIES = (0, 9, 18, 27, 36, 45, 54, 63)
THRESHOLD = 0.52  # where the lines of the package's net agree best with those that people drew
GRIDS = (1, 2, 3, 4)  # pixels of a cell's side
CLASSICAL = {"webp": "WebP", "jxl": "JPEG XL"}
OURS, LINES, LOSSLESS = "learned codec", "lines, our bitmap coder", "lines, WebP lossless"

Floats = NDArray[np.float32]
Lines = NDArray[np.bool_]


@dataclass(frozen=True)
class Row:
    """A map in one way. budget_bytes: what it had to fit, None where size follows from the setting; f: of its lines."""

    picture: str
    way: str
    setting: str
    width_px: int
    height_px: int
    budget_bytes: int | None
    bytes: int
    psnr_db: float
    ms_ssim: float
    f: float

    @property
    def bpp(self) -> float:
        return 8 * self.bytes / (self.width_px * self.height_px)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture's map (h, w) of 0..1, and its lines."""

    picture: str
    edges: Floats
    lines: Lines

    def row(self, way: str, setting: str, size_bytes: int, found: Floats, budget_bytes: int | None = None) -> Row:
        """Hold a map that was decoded against this one."""
        height_px, width_px = self.edges.shape
        seen = figures(sketches.grey(self.edges), sketches.grey(found), quick=True)
        f = matched(lines_of(found), self.lines.astype(np.int64), 1).f
        psnr_db = min(seen.psnr_db, 99.0)  # JSON has no infinity
        like = seen.ms_ssim if seen.ms_ssim is not None else math.nan
        return Row(self.picture, way, setting, width_px, height_px, budget_bytes, size_bytes, psnr_db, like, round(f, 4))


def lines_of(edges: Floats) -> Lines:
    """Crests of a map over the threshold, a pixel wide."""
    found: Lines = morphology.thin(ridges(edges) >= THRESHOLD)  # type: ignore[no-untyped-call]
    return found


def drawn(path: Path) -> Drawn:
    edges = EdgeNet().edges(image.load(path).pixels)
    return Drawn(path.name, edges, lines_of(edges))


def rows_of(path: Path, folder: Path, budgets_bytes: Sequence[int]) -> list[Row]:
    """A picture's map in all ways; where a budget is too small for a way, it has no row there."""
    one = drawn(path)
    codec = sketches.codec_of(at(folder))
    return [*learned(one, codec, budgets_bytes), *classical(one, budgets_bytes), *as_lines(one)]


def learned(one: Drawn, codec: SketchCodec, budgets_bytes: Sequence[int]) -> Iterator[Row]:
    for budget in budgets_bytes:
        try:
            made = codec.fit_within(one.edges, budget)
        except BudgetError:
            continue
        yield one.row(OURS, "", len(sketch.write(made)), codec.read(made), budget)
    for quality in QUALITIES if isinstance(codec, LatentCodec) else ():
        made = codec.fit(one.edges, quality)
        yield one.row(OURS, f"q{quality}", len(sketch.write(made)), codec.read(made))


def classical(one: Drawn, budgets_bytes: Sequence[int]) -> Iterator[Row]:
    """The best file by PSNR at any scale."""
    height_px, width_px = one.edges.shape
    for codec, way in CLASSICAL.items():
        best = baselines.best_of_codec(sketches.grey(one.edges), budgets_bytes, codec, baselines.PLAIN)
        for budget, coded in best.items():
            if coded is not None:
                found = sketches.edges_of(coded.picture(width_px, height_px))
                yield one.row(way, coded.setting, coded.bytes, found, budget)


def as_lines(one: Drawn) -> Iterator[Row]:
    """The lines alone: exactly, and on coarser grids."""
    height_px, width_px = one.lines.shape
    whole = one.lines.astype(np.float32)
    yield one.row(LOSSLESS, "1/1", len(webp(one.lines)), whole)
    for cell_px in GRIDS:
        rows, columns = -(-height_px // cell_px), -(-width_px // cell_px)
        size_bytes, found = on_grid(one.lines, rows, columns)
        yield one.row(LINES, f"1/{cell_px}", size_bytes, found)


def on_grid(lines: Lines, rows: int, columns: int) -> tuple[int, Floats]:
    """Bytes of lines on a grid, and what comes back at their size. A grid over the limit of the format goes in pieces."""
    most = max(1, MOST_CELLS // columns)
    height_px, width_px = lines.shape
    tops = [first * height_px // rows for first in (*range(0, rows, most), rows)]
    size_bytes, pieces = 0, []
    for k, first in enumerate(range(0, rows, most)):
        piece = lines[tops[k] : tops[k + 1]]
        made = sketch.fit(piece, min(most, rows - first), columns)
        size_bytes += len(sketch.write(made))
        pieces.append(sketch.expand(made, width_px, len(piece)))
    return size_bytes, (np.concatenate(pieces) > 0).astype(np.float32)


def webp(lines: Lines) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(255 * lines.astype(np.uint8)).save(stream, "WEBP", lossless=True, quality=100, method=6)
    return stream.getvalue()


def means(rows: Sequence[Row], pictures: int) -> list[str]:
    """Cells of a line: bytes, bpp, PSNR, MS-SSIM, F; dashes where a picture is missing."""
    whole = len(rows) == pictures
    got: list[Callable[[Row], float]] = [
        lambda row: row.bytes,
        lambda row: row.bpp,
        lambda row: row.psnr_db,
        lambda row: row.ms_ssim,
        lambda row: row.f,
    ]
    return [number(mean(map(take, rows)) if whole else None, digits) for take, digits in zip(got, (0, 4, 2, 4, 3), strict=True)]


HEAD = ["bytes", "bpp", "PSNR, dB", "MS-SSIM", "F of lines"]


def budget_table(rows: Sequence[Row], pictures: int) -> str:
    keys = sorted({row.budget_bytes for row in rows if row.budget_bytes is not None})
    lines = []
    for budget in keys:
        for way in (OURS, *CLASSICAL.values()):
            some = [row for row in rows if (row.budget_bytes, row.way) == (budget, way)]
            lines.append([str(budget), way, *means(some, pictures)])
    return table(["budget", "way", *HEAD], lines)


def setting_table(rows: Sequence[Row], pictures: int, ways: Sequence[str]) -> str:
    some = [row for row in rows if row.budget_bytes is None and row.way in ways]
    keys = dict.fromkeys((row.way, row.setting) for row in some)
    lines = [
        [way, setting, *means([r for r in some if (r.way, r.setting) == (way, setting)], pictures)] for way, setting in keys
    ]
    return table(["way", "setting", *HEAD], lines)


def page(rows: Sequence[Row], weights: str, command: str) -> str:
    pictures = len({row.picture for row in rows})
    return "\n".join(
        [
            "# Sketches: soft edge maps in a few hundred bytes\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"Means over {pictures} pictures. The map of each is drawn by the edge net of the package; weights of the codec:",
            f"{weights}. Bytes of ours are those of a sketch layer's body, of others those of a file. PSNR and MS-SSIM hold",
            f"what is decoded against the map; F is that of the lines over {THRESHOLD:g} of both. A dash: not every picture",
            "fits the budget.\n",
            "## At equal budgets\n",
            "WebP and JPEG XL may code the map smaller; of all scales and qualities that fit, the best by PSNR is shown.\n",
            budget_table(rows, pictures),
            "## By quality\n",
            setting_table(rows, pictures, (OURS,)),
            "## Lines alone\n",
            "The map's lines over the threshold as a bitmap, exactly (1/1, much as JBIG2 would code them) and on grids of",
            "larger cells; a bitmap of more cells than a file may have goes in pieces, whose bytes are added. PSNR and MS-SSIM",
            "are low by nature: of a soft map only its crests are left.\n",
            setting_table(rows, pictures, (LINES, LOSSLESS)),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``sketch.md`` and ``sketch.jsonl``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.sketch", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak"), help="folder of PNG files")
    parser.add_argument("--weights", type=Path, default=DATA / "sketch", help="folder of the codec's set of weights")
    parser.add_argument("--budgets", type=int, nargs="+", default=list(BUDGETS_BYTES), help="bytes")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    options = parser.parse_args(argv)
    paths = sorted(options.data.glob("*.png"))
    work = partial(rows_of, folder=options.weights, budgets_bytes=options.budgets)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
        rows = [row for found in executor.map(work, paths) for row in found]
    write_page(options.out / "sketch.jsonl", "".join(json.dumps(asdict(row)) + "\n" for row in rows))
    text = page(rows, at(options.weights).name, "python -m limner.bench.sketch --data PATH")
    write_page(options.out / "sketch.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
