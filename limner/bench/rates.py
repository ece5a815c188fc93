"""``python -m limner.bench.rates``: all rates from one set of weights. Is a budget used, is a larger one of use?

picture -> encode for each rate -> file -> decode -> how full, how good -> page (Markdown)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from limner import api, image
from limner.bench.metrics import PEAK, psnr_db
from limner.bench.rows import table, write_page
from limner.errors import BudgetError, ImageError

RATES_BPP = (0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.045, 0.06, 0.08, 0.1, 0.12)
FULL_FROM_BYTES, FULL = 300, 0.97


@dataclass(frozen=True)
class Point:
    """A picture within a budget; bytes None: nothing is that small."""

    picture: str
    rate_bpp: float
    budget_bytes: int
    bytes: int | None = None
    psnr_db: float | None = None

    @property
    def part(self) -> float | None:
        """How much of the budget is used."""
        return None if self.bytes is None else self.bytes / self.budget_bytes


def points(path: Path, rates_bpp: Sequence[float]) -> list[Point]:
    """One picture at rising rates."""
    picture = image.load(path).pixels
    return [point(path.stem, picture, rate) for rate in rates_bpp]


def point(name: str, picture: image.Pixels, rate_bpp: float) -> Point:
    height, width = picture.shape[:2]
    budget = int(rate_bpp * width * height / 8)
    try:
        blob = api.encode(picture, target_bytes=budget)
    except BudgetError:
        return Point(name, rate_bpp, budget)
    return Point(name, rate_bpp, budget, len(blob), psnr_db(picture, api.decode(blob), peak=PEAK))


def falls(found: Sequence[Point]) -> Iterator[tuple[Point, float]]:
    """Points that are worse than that of the next lower rate of the same picture, and by how many dB."""
    for picture in dict.fromkeys(one.picture for one in found):
        last = -np.inf
        for one in sorted((p for p in found if p.picture == picture), key=lambda p: p.rate_bpp):
            if one.psnr_db is not None:
                if one.psnr_db < last:
                    yield one, last - one.psnr_db
                last = one.psnr_db


def page(found: Sequence[Point], command: str) -> str:
    """Means over the pictures, a line for each rate, and what is not as it should be."""
    lines = []
    for rate in sorted({one.rate_bpp for one in found}):
        here = [one for one in found if one.rate_bpp == rate]
        there = [one for one in here if one.psnr_db is not None]
        parts = [100 * one.part for one in there if one.part is not None]
        worse = [db for one, db in falls(found) if one.rate_bpp == rate]
        cells = [f"{here[0].budget_bytes}", f"{len(there)} of {len(here)}"]
        cells += [f"{np.mean(parts):.1f} %", f"{min(parts):.1f} %"] if parts else ["–", "–"]
        cells += [f"{np.mean([one.psnr_db for one in there if one.psnr_db is not None]):.2f}" if there else "–"]
        cells += [f"{len(worse)}", f"{max(worse, default=0):.2f}"]
        lines.append([f"{rate:g}", *cells])
    slack = [one for one in found if one.budget_bytes >= FULL_FROM_BYTES and one.part is not None and one.part < FULL]
    head = ["bpp at most", "bytes", "pictures that fit", "used, mean", "least", "PSNR dB"]
    head += ["worse than at the rate before", "by at most dB"]
    return "\n".join(
        [
            "# All rates from one set of weights\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            "Means over the pictures that fit; no file is over its budget, or this page would not be. Bytes: the budget of the",
            "first picture.\n",
            table(head, lines),
            f"Budgets of {FULL_FROM_BYTES} bytes and more of which less than {100 * FULL:g} % is used: {len(slack)} of "
            f"{sum(one.budget_bytes >= FULL_FROM_BYTES for one in found)}"
            + (f" ({', '.join(f'{one.picture} at {one.rate_bpp:g}' for one in slack)})" if slack else "")
            + ".\n",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``rates.md`` for every PNG in a folder."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.rates", description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of PNG files")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for rates.md")
    parser.add_argument("--bpp", type=float, nargs="+", default=list(RATES_BPP), help="rates")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    options = parser.parse_args(argv)
    paths = sorted(options.data.glob("*.png"))
    if not paths:
        raise ImageError(f"{options.data} holds no PNG")
    work = partial(points, rates_bpp=sorted(options.bpp))
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = [one for some in pool.map(work, paths) for one in some]
    text = page(found, "python -m limner.bench.rates --data PATH --out results")
    write_page(options.out / "rates.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
