"""``python -m limner.bench.big``: the memory and the seconds that big pictures take, each in a process of its own.

    a photograph --enlarged by strips, with grain--> PNG --limner encode: libvips, Pillow--> file --limner decode--> PNG
                                                            peak memory, seconds               peak memory, seconds
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from limner.atomic import write_pieces
from limner.bench.demo import sample_photo
from limner.bench.fresh import run_python
from limner.bench.rows import number, table, write_page
from limner.bench.speed.machine import machine_words
from limner.errors import LimnerError
from limner.image import png_pieces
from limner.pixels.resample import resampled
from limner.pixels.strips import Held, Pixels, Strips

SIZES_MP = (12, 50, 100, 200, 400)
LARGEST_MP = 1000
WHOLE_MP = 100
TARGET_BYTES = 6000
QUALITY = 32
MOST_PIXELS = 2 * 10**9
GRAIN = 3
MP = 1e6
# The peak is that of the process alone; ru_maxrss would begin with what its parent held.
PROGRAM = """
import sys
if {hidden}:
    sys.modules["pyvips"] = None
from limner.cli import main
code = main(sys.argv[1:])
from limner.bench.speed.machine import peak_mb
print(peak_mb())
sys.exit(code)
"""


@dataclass(frozen=True)
class Row:
    """task: what was done, by whom. peak_mb, seconds: None where it failed."""

    megapixels: float
    task: str
    peak_mb: float | None
    seconds: float | None


@dataclass(frozen=True)
class Grainy:
    """A picture with grain, so that its file is as large as a photograph's; the grain comes again every 256 pixels."""

    given: Strips

    @property
    def width_px(self) -> int:
        return self.given.width_px

    @property
    def height_px(self) -> int:
        return self.given.height_px

    def __iter__(self) -> Iterator[Pixels]:
        grain = np.random.default_rng(0).integers(-GRAIN, GRAIN + 1, (256, 256, 1), np.int16)
        first = 0
        for strip in self.given:
            rows = np.arange(first, first + len(strip)) % 256
            across = np.resize(np.arange(256), self.width_px)
            yield np.clip(strip + grain[rows][:, across], 0, 255).astype(np.uint8)
            first += len(strip)


def picture(megapixels: float) -> Strips:
    """A photograph of three to two at a size."""
    height_px = round((megapixels * MP / 1.5) ** 0.5)
    return Grainy(resampled(Held(sample_photo().pixels), round(1.5 * height_px), height_px))


def measured(megapixels: float, task: str, arguments: Sequence[str], folder: Path, *, hidden: bool = False) -> Row:
    """Run the command in a fresh process. ``hidden``: as if pyvips were not installed."""
    began = time.perf_counter()
    words = [*arguments, "--overwrite", "--max-pixels", str(MOST_PIXELS)]
    done = run_python(["-c", PROGRAM.format(hidden=hidden), *words], folder=folder)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.stderr.write(done.stderr)
        return Row(megapixels, task, None, None)
    return Row(megapixels, task, float(done.stdout.split()[-1]), seconds)


def rows_of(megapixels: float, folder: Path, whole: bool) -> Iterator[Row]:
    """All tasks at a size. ``whole``: also those that code the picture at its own size."""
    write_pieces(folder / "a.png", png_pieces(picture(megapixels), {}))
    asked = {f"{TARGET_BYTES} bytes": ("--target-bytes", str(TARGET_BYTES))}
    if whole:
        asked[f"quality {QUALITY}"] = ("--quality", str(QUALITY))
    for name, options in asked.items():
        for reader, hidden in (("libvips", False), ("Pillow", True)):
            words = ["encode", "a.png", "-o", "a.limn", *options]
            yield measured(megapixels, f"encode, {name}, by {reader}", words, folder, hidden=hidden)
        yield measured(megapixels, f"decode, {name}", ["decode", "a.limn", "-o", "b.png"], folder)


def page(rows: Sequence[Row], machine: str, command: str) -> str:
    lines = [(f"{row.megapixels:g}", row.task, number(row.peak_mb, 0), number(row.seconds, 1)) for row in rows]
    return "\n".join(
        [
            "# Big pictures",
            "",
            "Printed by the command below; nothing here is written by hand.",
            "",
            f"```\n{command}\n```",
            "",
            machine,
            "",
            "A photograph enlarged to each size, with grain, as PNG. Each line is a fresh process of `limner`: the most memory",
            "that it held, and its seconds from start to end. For a few thousand bytes a picture is coded smaller than it is;",
            "for a quality, at its own size.",
            "",
            table(("megapixels", "task", "peak MB", "s"), lines),
            "## How memory grows",
            "",
            "Bytes more for each pixel more, from one size to the next.",
            "",
            table(("task", *steps(rows)), growths(rows)),
        ]
    )


def steps(rows: Sequence[Row]) -> list[str]:
    sizes = sorted({row.megapixels for row in rows})
    return [f"{small:g} to {large:g} MP" for small, large in pairwise(sizes)]


def growths(rows: Sequence[Row]) -> Iterator[list[str]]:
    """A line for each task."""
    sizes = sorted({row.megapixels for row in rows})
    for task in dict.fromkeys(row.task for row in rows):
        peaks = {row.megapixels: row.peak_mb for row in rows if row.task == task}
        yield [task, *(number(growth(peaks, *step), 2) for step in pairwise(sizes))]


def growth(peaks: dict[float, float | None], small: float, large: float) -> float | None:
    before, after = peaks.get(small), peaks.get(large)
    return None if before is None or after is None else (after - before) / (large - small)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with --out write big.md; 1 if a task failed."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.big", description=main.__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES_MP)), help="megapixels, with commas between")
    parser.add_argument("--largest", action="store_true", help=f"also {LARGEST_MP} megapixels")
    parser.add_argument("--whole", type=float, default=WHOLE_MP, help="up to how many megapixels a quality is asked for too")
    parser.add_argument("--out", type=Path, help="folder for big.md")
    options = parser.parse_args(argv)
    machine = machine_words()
    sizes = [float(size) for size in options.sizes.split(",")] + [float(LARGEST_MP)] * options.largest
    if not all(size > 0 for size in sizes):
        raise LimnerError("a picture has more than 0 megapixels")
    rows: list[Row] = []
    with TemporaryDirectory() as folder:
        for size in sorted(sizes):
            for row in rows_of(size, Path(folder), size <= options.whole):
                rows.append(row)
                print(row, file=sys.stderr)
    largest = " --largest" * options.largest
    command = f"python -m limner.bench.big --out results --sizes {options.sizes}{largest} --whole {options.whole:g}"
    text = page(rows, machine, command)
    sys.stdout.write(text)
    if options.out:
        write_page(options.out / "big.md", text)
    return int(any(row.peak_mb is None for row in rows))


if __name__ == "__main__":
    sys.exit(main())
