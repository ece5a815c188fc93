"""``python -m limner.bench.tiny``: pictures in 60 to 250 bytes, beside BlurHash, ThumbHash and the best WebP thumbnail.

picture -> encode here -> file -> decode in a fresh process -> PSNR, MS-SSIM -> page (Markdown)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner import api, image
from limner.bench.fresh import decode_elsewhere
from limner.bench.metrics import psnr_db
from limner.bench.rows import mean, number, table, write_page
from limner.bench.thumbs import THUMBS
from limner.describe.similarity import ms_ssim
from limner.errors import BudgetError, ImageError

BUDGETS_BYTES = (60, 100, 150, 200, 250)
OURS = "miniature"
PEAK = 255.0


@dataclass(frozen=True)
class Figure:
    """One picture by one way within one budget; bytes None: nothing is that small."""

    picture: str
    way: str
    budget_bytes: int
    bytes: int | None = None
    psnr_db: float | None = None
    ms_ssim: float | None = None


def figures(path: Path, budgets_bytes: Sequence[int]) -> Iterator[Figure]:
    """All ways of one picture."""
    picture = image.load(path).pixels
    for budget in budgets_bytes:
        yield ours(path.stem, picture, budget)
        for way, make in THUMBS.items():
            thumb = make(picture, budget)
            if thumb is None:
                yield Figure(path.stem, way, budget)
            else:
                yield measured(Figure(path.stem, way, budget, thumb.bytes), picture, thumb.picture)


def ours(name: str, picture: image.Pixels, budget: int) -> Figure:
    try:
        blob = api.encode(picture, target_bytes=budget)
    except BudgetError:
        return Figure(name, OURS, budget)
    painted, _ = decode_elsewhere(blob)
    return measured(Figure(name, OURS, budget, len(blob)), picture, painted)


def measured(figure: Figure, picture: image.Pixels, shown: image.Pixels) -> Figure:
    values = psnr_db(picture, shown, peak=PEAK), ms_ssim(picture, shown, peak=PEAK)
    return Figure(figure.picture, figure.way, figure.budget_bytes, figure.bytes, *values)


def page(found: Sequence[Figure], command: str) -> str:
    """Means over the pictures, a line for each budget and way."""
    ways = (OURS, *THUMBS)
    budgets = sorted({figure.budget_bytes for figure in found})
    lines = []
    for budget in budgets:
        for way in ways:
            here = [figure for figure in found if (figure.budget_bytes, figure.way) == (budget, way)]
            there = [figure for figure in here if figure.bytes is not None]
            cells = [number(mean(value), digits) for value, digits in columns(there)]
            lines.append([str(budget), way, f"{len(there)} of {len(here)}", *cells])
    head = ["at most bytes", "way", "pictures that fit", "bytes", "PSNR dB", "MS-SSIM"]
    return "\n".join(
        [
            "# A picture in 60 to 250 bytes\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            "Means over the pictures that fit. Ours are files, decoded in another process. BlurHash: a byte a character, the",
            "numbers of components that serve the picture best. WebP: a thumbnail of the size and quality that serve it best.",
            "All are enlarged by the filter that serves them best.\n",
            table(head, lines),
        ]
    )


def columns(there: Sequence[Figure]) -> list[tuple[list[float | None], int]]:
    return [
        ([figure.bytes for figure in there], 1),
        ([figure.psnr_db for figure in there], 2),
        ([figure.ms_ssim for figure in there], 4),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``tiny.md`` for every PNG in a folder."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.tiny", description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of PNG files")
    parser.add_argument("--bytes", type=int, nargs="+", default=list(BUDGETS_BYTES), help="budgets in bytes")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for tiny.md")
    options = parser.parse_args(argv)
    paths = sorted(options.data.glob("*.png"))
    if not paths:
        raise ImageError(f"{options.data} holds no PNG")
    found = [figure for path in paths for figure in figures(path, options.bytes)]
    text = page(found, f"python -m limner.bench.tiny --data PATH --bytes {' '.join(map(str, options.bytes))} --out results")
    write_page(options.out / "tiny.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
