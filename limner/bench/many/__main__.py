"""Measures, prints, and with --out writes many.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from limner.bench.many import batched, folders
from limner.bench.many.batched import Batched, Share
from limner.bench.many.loop import DECODE, ENCODE
from limner.bench.many.names import planned
from limner.bench.many.page import Found, page
from limner.bench.many.runs import Run, Way, run
from limner.bench.rows import write_page
from limner.bench.speed.machine import machine_words
from limner.bench.speed.processor import bound
from limner.errors import LimnerError
from limner.image import Pixels
from limner.many import many

WAYS = (
    *(Way(processes, 1, by_hand=True) for processes in (1, 2, 4)),
    *(Way(processes, 1) for processes in (1, 2, 4)),
    *(Way(processes) for processes in (1, 2)),
)
WATCHED = Way(2)
BATCHED_PX = (128, 256)


def main(argv: Sequence[str] | None = None) -> int:
    options = _options().parse_args(argv)
    machine = machine_words()
    photos = folders.photographs(options.data)
    squares = folders.cut(photos, options.pictures, options.side)
    with TemporaryDirectory() as folder:
        speeds = in_turns(Path(folder), squares, options.turns)
        memory = over_time(Path(folder), photos, options.memory, options.side)
    listed = planned(options.names) if options.names else None
    batches, shares = of_batches(photos) if options.batches else ([], [])
    found = Found(options.side, options.pictures, speeds, memory, WATCHED, listed, batches, shares)
    text = page(found, machine, command(options))
    print(text)
    if options.out:
        write_page(options.out / "many.md", text)
    return 0


def in_turns(folder: Path, squares: Sequence[Pixels], turns: int) -> dict[tuple[str, Way], list[Run]]:
    """All ways, then all again, so that other work on the machine meets each."""
    sources = {
        ENCODE: folders.of_pictures(folder / "pictures", squares),
        DECODE: folders.of_files(folder / "files", squares),
    }
    found: dict[tuple[str, Way], list[Run]] = {(verb, way): [] for verb in sources for way in WAYS}
    for _ in range(turns):
        for (verb, way), runs in found.items():
            runs.append(run(way, verb, sources[verb]))
    return found


def over_time(folder: Path, photos: Sequence[Path], numbers: Sequence[int], side_px: int) -> dict[int, Run]:
    found = {}
    for number in numbers:
        pictures = folders.of_pictures(folder / f"memory-{number}", folders.cut(photos, number, side_px, seed=1))
        found[number] = run(WATCHED, ENCODE, pictures, watched=True)
    return found


def of_batches(photos: Sequence[Path]) -> tuple[list[Batched], list[Share]]:
    """One size after the other, in processes that have one thread from their beginning."""
    squares = [square for side_px in BATCHED_PX for square in folders.cut(photos, 1, side_px)]
    with bound(1), closing(many(batched.of_square, squares, 2, died, window=1)) as results:
        found = list(results)
    return [one for batches, _ in found for one in batches], [one for _, shares in found for one in shares]


def died(_square: Pixels) -> tuple[list[Batched], list[Share]]:
    raise LimnerError("a process that measures has died")


def command(options: argparse.Namespace) -> str:
    memory = " ".join(map(str, options.memory))
    without = "" if options.batches else " --no-batches"
    return (
        f"python -m limner.bench.many --data DIR --out results --pictures {options.pictures} --side {options.side} "
        f"--turns {options.turns} --memory {memory} --names {options.names}{without}"
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.many", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with photographs")
    parser.add_argument("--out", type=Path, default=None, help="folder for the page")
    parser.add_argument("--pictures", type=int, default=100, help="of the folder whose speed is measured")
    parser.add_argument("--side", type=int, default=256, help="of the squares, in pixels")
    parser.add_argument("--turns", type=int, default=5, help="of every way")
    parser.add_argument("--memory", type=int, nargs="+", default=[50, 400], help="pictures of the folders for memory")
    parser.add_argument("--names", type=int, default=1_000_000, help="empty files that are planned; 0: none")
    parser.add_argument("--no-batches", dest="batches", action="store_false", help="leave batches out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
