"""``python -m limner.bench.layered``: what the first part of a file shows, and what that costs the whole.

    picture -> file of N bytes -> its first 10 % ... 100 % -> decode, cut -> figures     "start": the file is as it always is
            -> file of as many bytes as that start         -> decode      -> figures     "file"
            -> file of 40 % of N, and one of the rest      -> decode both -> figures     "two files": what layers might be
    --strip FILE: the same starts and files of one photograph, to be looked at
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from limner import api, image
from limner.bench import gallery
from limner.bench.gallery import Panel
from limner.bench.metrics import figures
from limner.bench.rows import mean, number, table, write_page
from limner.errors import BudgetError, DecodeError, ImageError
from limner.layers.prefix import Part

BUDGETS_BYTES = (500, 1000, 2000)
PERCENTS = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
FIRST_PERCENT = 40
START, FILE, TWO = "start", "file", "two files"
STRIP_PHOTO, STRIP_BYTES, STRIP_PERCENTS, STRIP_QUALITY = "cat", 1000, (20, 40, 60, 100), 70


@dataclass(frozen=True)
class Row:
    """A picture of at most ``budget_bytes``, of which the first ``percent`` are there.

    way: start, file or two files. bytes: those that were decoded; of the second of two files, both. share: what a reader takes
    a start for, 0 to 1. All None: nothing is that small.
    """

    picture: str
    budget_bytes: int
    way: str
    percent: int
    bytes: int | None = None
    psnr_db: float | None = None
    ms_ssim: float | None = None
    share: float | None = None


def rows(path: Path, budgets_bytes: Sequence[int]) -> list[Row]:
    """All of one picture."""
    picture = image.load(path).pixels
    return [row for budget in budgets_bytes for row in of_budget(path.stem, picture, budget)]


def of_budget(name: str, picture: image.Pixels, budget_bytes: int) -> Iterator[Row]:
    blob = api.encode(picture, target_bytes=budget_bytes)
    for percent in PERCENTS:
        start = blob[: len(blob) * percent // 100]
        yield of_start(Row(name, budget_bytes, START, percent), picture, start)
        yield of_file(Row(name, budget_bytes, FILE, percent), picture, len(start))
    small = of_file(Row(name, budget_bytes, TWO, FIRST_PERCENT), picture, budget_bytes * FIRST_PERCENT // 100)
    yield small
    if small.bytes is not None:
        yield of_file(Row(name, budget_bytes, TWO, 100), picture, budget_bytes - small.bytes, small.bytes)


def of_start(row: Row, picture: image.Pixels, start: bytes) -> Row:
    """Decode what there is of a file."""
    parts: list[Part] = []
    try:
        pixels = api.decode(start, cut=True, told=parts.append)
    except DecodeError:
        return row
    return judged(row, picture, pixels, len(start), parts[0].share if parts else 1.0)


def of_file(row: Row, picture: image.Pixels, most_bytes: int, more_bytes: int = 0) -> Row:
    """Encode to at most so many bytes; ``more_bytes`` were sent beside it."""
    try:
        blob = api.encode(picture, target_bytes=most_bytes)
    except BudgetError:
        return row
    return judged(row, picture, api.decode(blob), len(blob) + more_bytes)


def judged(row: Row, picture: image.Pixels, pixels: image.Pixels, size_bytes: int, share: float | None = None) -> Row:
    found = figures(picture, pixels, quick=True)
    place = (row.picture, row.budget_bytes, row.way, row.percent)
    return Row(*place, size_bytes, found.psnr_db, found.ms_ssim, share)


INTRODUCTION = """Means over {pictures} pictures. A dash: not every picture has a figure.

- *Start*: the first bytes of a file of at most so many bytes, decoded with `--cut`. The file is the one that is always written:
  that it is readable from its start costs it nothing.
- *File*: another file, of at most as many bytes as the start has. It is better than the start, but is the start of nothing.
- *Two files*: one of {first} % of the bytes, and one of all that remain. That is what a coarse layer under a fine one would be
  if the fine one could make no use of it: its first part is as good as can be, its end is that of a file without these bytes.
- *Told*: how much of the file `--cut` says is there, from what the tables expect of the rest.
"""


def page(found: Sequence[Row], command: str) -> str:
    """A table for each budget, and what two files lose."""
    pictures = len({row.picture for row in found})
    parts = [
        "# The first part of a file\n",
        "Computed from `layered.jsonl` by the command below; nothing here is written by hand.\n",
        f"```\n{command}\n```\n",
        INTRODUCTION.format(pictures=pictures, first=FIRST_PERCENT),
    ]
    for budget in sorted({row.budget_bytes for row in found}):
        here = [row for row in found if row.budget_bytes == budget]
        parts += [f"## At most {budget} bytes\n", _table(here), _loss(here)]
    return "\n".join(parts)


def _table(here: Sequence[Row]) -> str:
    head = ["there", "bytes", "told", "start, PSNR dB", "MS-SSIM", "file, PSNR dB", "MS-SSIM", "two files, PSNR dB", "MS-SSIM"]
    lines = []
    for percent in PERCENTS:
        start, file, two = ([row for row in here if (row.way, row.percent) == (way, percent)] for way in (START, FILE, TWO))
        share = mean(row.share for row in start)
        told = "–" if share is None else f"{100 * share:.0f} %"
        size = number(mean(row.bytes for row in start), 0)
        lines.append([f"{percent} %", size, told, *_cells(start), *_cells(file), *_cells(two)])
    return table(head, lines)


def _cells(some: Sequence[Row]) -> list[str]:
    return [number(mean(row.psnr_db for row in some), 2), number(mean(row.ms_ssim for row in some), 4)]


def _loss(here: Sequence[Row]) -> str:
    """How much worse than the file the end of two files is, and how far what is told is from the truth."""

    def at_end(way: str) -> float | None:
        return mean(row.psnr_db for row in here if (row.way, row.percent) == (way, 100))

    whole, two = at_end(FILE), at_end(TWO)
    loss = "–" if whole is None or two is None else f"{whole - two:.2f}"
    off = [abs(100 * row.share - row.percent) for row in here if row.way == START and row.share is not None]
    most = f"{max(off):.0f}" if off else "–"
    return f"At the end two files are {loss} dB behind the one. What is told is at most {most} points off.\n"


def strip(name: str, budget_bytes: int) -> Image.Image:
    """Starts of a file of one photograph over files of as many bytes, each with its figures."""
    picture = gallery.fitting(gallery.samples()[name])
    blob = api.encode(picture, target_bytes=budget_bytes)
    grid: list[list[Panel | None]] = []
    for percent in STRIP_PERCENTS:
        start = blob[: len(blob) * percent // 100]
        whole = api.encode(picture, target_bytes=len(start))
        shown = f"the first {len(start)} of {len(blob)} bytes", f"a file of {len(whole)} bytes"
        both = api.decode(start, cut=True), api.decode(whole)
        grid.append([gallery.judged(picture, pixels, words) for pixels, words in zip(both, shown, strict=True)])
    return gallery.strip(picture, grid)


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``layered.jsonl`` and ``layered.md`` for every PNG in a folder; or a strip of pictures."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.layered", description=main.__doc__)
    parser.add_argument("--data", type=Path, help="folder of PNG files")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the page and its rows")
    parser.add_argument("--bytes", type=int, nargs="+", default=list(BUDGETS_BYTES), help="budgets")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    parser.add_argument("--strip", type=Path, metavar="FILE", help="draw a strip of one photograph instead, as .webp or .png")
    options = parser.parse_args(argv)
    if options.strip is not None:
        strip(STRIP_PHOTO, STRIP_BYTES).save(options.strip, quality=STRIP_QUALITY, method=6)
        return 0
    paths = sorted(options.data.glob("*.png")) if options.data is not None else []
    if not paths:
        raise ImageError(f"{options.data} holds no PNG: name a folder with --data")
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        work = partial(rows, budgets_bytes=sorted(options.bytes))
        found = [row for some in pool.map(work, paths) for row in some]
    text = page(found, "python -m limner.bench.layered --data PATH --out results")
    write_page(options.out / "layered.jsonl", "".join(json.dumps(asdict(row)) + "\n" for row in found))
    write_page(options.out / "layered.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
