"""``python -m limner.bench.textsketch``: bytes of pic and pics, layer by layer, beside what others would have counted.

    picture, caption -> pic                              -> file -> its parts, with owner
                     -> pics, its sketch at three rates  -> file -> its parts, with owner
                     -> the accounting of the authors' program, of the same words and the same sketch

Nothing is painted: the words are given and there is one candidate, so no weights but the package's are needed. Every file is
read again in full before it is counted.

The authors' program writes no file. It counts the words as a Python object (their zlib stream and a header of 33 bytes), the
sketch's streams without the sizes that its decoder needs, and log2 of the candidates; the picture's size is not counted.
Source: Lei et al. 2023 (Text + Sketch), its program.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from limner import api, image
from limner.bench.rows import mean, number, table, write_page
from limner.bench.taco import Job, jobs_of
from limner.container.explain import Report
from limner.painted import Wish
from limner.systems.presets import LIGHT

SKETCH_BYTES = (250, 500, 1000)
HEADER_OF_BYTES = 33  # sys.getsizeof(b"") of CPython
CANDIDATES = 4  # the program's
SKETCH_FRAME = 4 + 1 + 2  # of a sketch layer's body, what is no stream: sides, coding, model


@dataclass(frozen=True)
class Row:
    """A file, its layers' bodies, and the rest of it. told_bits: what the authors' program would say of it."""

    picture: str
    system: str
    sketch_budget_bytes: int
    width_px: int
    height_px: int
    letters: int
    words_bytes: int
    sketch_bytes: int
    rest_bytes: int
    bytes: int
    told_bits: float

    def __post_init__(self) -> None:
        if self.words_bytes + self.sketch_bytes + self.rest_bytes != self.bytes:
            raise ValueError(f"the layers of {self.picture} do not add up to its file")

    @property
    def bpp(self) -> float:
        return 8 * self.bytes / (self.width_px * self.height_px)

    @property
    def told_bpp(self) -> float:
        return self.told_bits / (self.width_px * self.height_px)


def body_bytes(report: Report, kind: str) -> int:
    """Bytes of the bodies of a kind."""
    return sum(row.length for row in report.rows if row.field == "body" and row.owner.endswith(kind))


def told_bits(words: str, sketch_bytes: int, candidates: int) -> float:
    """By the accounting of the authors' program."""
    streams = max(0, sketch_bytes - SKETCH_FRAME)
    return 8 * (len(zlib.compress(words.encode())) + HEADER_OF_BYTES + streams) + math.log2(candidates)


def rows_of(job: Job, budgets_bytes: Sequence[int], weights: Path | None) -> list[Row]:
    """A picture as pic, and as pics with the sketch at each budget."""
    pixels = image.load(job.path).pixels
    plain = api.encode(pixels, system="pic", caption=job.caption)
    found = [row_of(job, plain, 0)]
    for budget in budgets_bytes:
        wish = Wish(settings=LIGHT)
        blob = api.encode(
            pixels, system="pics", caption=job.caption, wish=wish, weights=weights, target_bytes=len(plain) + budget
        )
        found.append(row_of(job, blob, budget, weights))
    return found


def row_of(job: Job, blob: bytes, budget: int, weights: Path | None = None) -> Row:
    report = api.verify(blob, weights=weights)
    words, drawn = body_bytes(report, "text"), body_bytes(report, "sketch")
    return Row(
        picture=job.path.name,
        system=report.system,
        sketch_budget_bytes=budget,
        width_px=report.width_px,
        height_px=report.height_px,
        letters=len(job.caption),
        words_bytes=words,
        sketch_bytes=drawn,
        rest_bytes=len(blob) - words - drawn,
        bytes=len(blob),
        told_bits=told_bits(job.caption, drawn, CANDIDATES),
    )


COLUMNS: dict[str, tuple[Callable[[Row], float], int]] = {
    "letters": (lambda row: row.letters, 1),
    "words": (lambda row: row.words_bytes, 1),
    "sketch": (lambda row: row.sketch_bytes, 1),
    "rest": (lambda row: row.rest_bytes, 1),
    "file": (lambda row: row.bytes, 1),
    "bpp": (lambda row: row.bpp, 5),
    "bpp, authors' accounting": (lambda row: row.told_bpp, 5),
}


def means_table(rows: Sequence[Row]) -> str:
    lines = []
    for budget in sorted({row.sketch_budget_bytes for row in rows}):
        some = [row for row in rows if row.sketch_budget_bytes == budget]
        cells = [number(mean(map(get, some)), digits) for get, digits in COLUMNS.values()]
        lines.append([some[0].system, str(budget or "no sketch"), *cells])
    return table(["system", "room for the sketch", *COLUMNS], lines)


def pictures_table(rows: Sequence[Row]) -> str:
    """Every picture, with the sketch in the middle of the budgets."""
    budgets = sorted({row.sketch_budget_bytes for row in rows if row.sketch_budget_bytes})
    middle = budgets[len(budgets) // 2]
    some = [row for row in rows if row.sketch_budget_bytes == middle]
    columns = [(get, 5 if "bpp" in name else 0) for name, (get, _) in COLUMNS.items()]
    lines = [[row.picture, *(number(get(row), digits) for get, digits in columns)] for row in some]
    return table(["picture", *COLUMNS], lines)


def page(rows: Sequence[Row], command: str) -> str:
    pictures = len({row.picture for row in rows})
    return "\n".join(
        [
            "# pic and pics: bytes, layer by layer\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"Means over {pictures} pictures, whole files, read again in full. The words are their captions, the sketch",
            "is drawn by the edge net of the package. Bytes of words and of the sketch are those of their layers' bodies; the",
            "rest is header, layer list and checks. Nothing was painted: this page is about bytes alone.\n",
            means_table(rows),
            "The authors' accounting is that of their program for the same words and the same sketch: zlib and the header of a",
            f"Python object for the words, no sizes, log2 of {CANDIDATES} candidates.\n",
            "## Every picture, with the sketch in the middle\n",
            pictures_table(rows),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``textsketch.md`` and ``textsketch.jsonl``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.textsketch", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak"), help="folder of PNG files")
    parser.add_argument("--scenes", type=Path, help="JSON with captions by picture; DATA/scenes.json if left out")
    parser.add_argument("--field", default="caption", help="of a picture's scene that is its caption")
    parser.add_argument("--weights", type=Path, help="folder of the sketch codec's weights; the package's if left out")
    parser.add_argument("--budgets", type=int, nargs="+", default=list(SKETCH_BYTES), help="bytes that pics may add to pic")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    options = parser.parse_args(argv)
    jobs = jobs_of(options.data, options.scenes or options.data / "scenes.json", options.field)
    work = partial(rows_of, budgets_bytes=options.budgets, weights=options.weights)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
        rows = [row for found in executor.map(work, jobs) for row in found]
    write_page(options.out / "textsketch.jsonl", "".join(json.dumps(asdict(row)) + "\n" for row in rows))
    text = page(rows, "python -m limner.bench.textsketch --data PATH")
    write_page(options.out / "textsketch.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
