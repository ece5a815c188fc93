"""``python -m limner.bench.taco``: sets of weights of taco on Kodak, by files, and what words are worth to their encoders.

    picture x caption (true, none, another picture's, "NA") x set -> file -> decoded elsewhere -> bytes, PSNR, MS-SSIM -> page

The cost compares what the encoder was trained to make small: bits a pixel + lambda * squared error + weight * (1 - MS-SSIM).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from limner import api, image
from limner.bench.fresh import decode_elsewhere
from limner.bench.metrics import figures
from limner.bench.rows import number, table, write_page
from limner.describe.scene import MOST_BYTES
from limner.systems import taco
from limner.weights import at

TRUE, EMPTY, SHUFFLED, FIXED = "true", "empty", "shuffled", '"NA"'
NO_WORDS = "none are read"


@dataclass(frozen=True)
class Row:
    """One picture through one set with some words."""

    picture: str
    weights: str
    model: str
    words: str
    width_px: int
    height_px: int
    bytes: int
    psnr_db: float
    ms_ssim: float

    @property
    def bpp(self) -> float:
        return 8 * self.bytes / (self.width_px * self.height_px)

    def cost(self, lambda_mse: float, perceptual: float) -> float:
        """What training makes small, of the file itself; the joint loss is left out, which is one of a batch."""
        mse = 255**2 * 10 ** (-self.psnr_db / 10)
        return self.bpp + lambda_mse * mse + perceptual * (1 - self.ms_ssim)


@dataclass(frozen=True)
class Job:
    """A picture's path, its caption and another picture's."""

    path: Path
    caption: str
    other: str


def rows_of(job: Job, folder: Path) -> list[Row]:
    """A picture through a set with all words; of an encoder that reads none, one row."""
    kept = at(folder)
    reads = taco.WORDS in kept.files or kept.reads
    said = {TRUE: job.caption, EMPTY: "", SHUFFLED: job.other, FIXED: "NA"} if reads else {NO_WORDS: ""}
    pixels = image.load(job.path).pixels
    height_px, width_px = pixels.shape[:2]
    found = []
    for words, caption in said.items():
        blob = api.encode(pixels, system=taco.NAME, caption=caption, weights=folder)
        painted, _ = decode_elsewhere(blob, "--weights", str(folder.resolve()))
        seen = figures(pixels, painted, quick=True)
        model = kept.model_id.hex()
        found.append(
            Row(job.path.name, kept.name, model, words, width_px, height_px, len(blob), seen.psnr_db, seen.ms_ssim or 0.0)
        )
    return found


def jobs_of(folder: Path, scenes: Path, field: str) -> list[Job]:
    """Every PNG with its caption, and the next one's."""
    paths = sorted(folder.glob("*.png"))
    told = json.loads(scenes.read_bytes()[:MOST_BYTES])
    captions = [str(told.get(path.name, told.get(path.stem, {})).get(field, "")) for path in paths]
    return [
        Job(path, caption, other) for path, caption, other in zip(paths, captions, [*captions[1:], *captions[:1]], strict=True)
    ]


def means_table(rows: Sequence[Row]) -> str:
    """Means over the pictures, by set and words."""
    lines = []
    for weights, words in dict.fromkeys((row.weights, row.words) for row in rows):
        some = [row for row in rows if (row.weights, row.words) == (weights, words)]
        means = [float(np.mean([getattr(row, name) for row in some])) for name in ("bytes", "bpp", "psnr_db", "ms_ssim")]
        lines.append([weights, words, *(number(value, digits) for value, digits in zip(means, (0, 4, 2, 4), strict=True))])
    return table(["weights", "words", "bytes", "bpp", "PSNR, dB", "MS-SSIM"], lines)


def words_table(rows: Sequence[Row], lambda_mse: float, perceptual: float) -> str:
    """Less cost than without words, per cent: mean and standard error over the pictures."""
    lines = []
    for weights in dict.fromkeys(row.weights for row in rows if row.words == EMPTY):
        cost = {(row.words, row.picture): row.cost(lambda_mse, perceptual) for row in rows if row.weights == weights}
        for words in (TRUE, SHUFFLED, FIXED):
            pictures = [picture for some, picture in cost if some == words]
            gains = np.array([100 * (1 - cost[words, picture] / cost[EMPTY, picture]) for picture in pictures])
            error = float(gains.std(ddof=1)) / math.sqrt(len(gains)) if len(gains) > 1 else math.nan
            lines.append([weights, words, f"{gains.mean():+.3f} ± {error:.3f} %"])
    return table(["weights", "words", "less cost than without words"], lines)


def page(rows: Sequence[Row], lambda_mse: float, perceptual: float, command: str) -> str:
    pictures = len({row.picture for row in rows})
    return "\n".join(
        [
            "# taco: compact sets, and what words are worth to their encoders\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"Means over {pictures} pictures, whole files, decoded in a fresh process. Each set has one rate.\n",
            means_table(rows),
            f"Cost: bits a pixel + {lambda_mse:g} x squared error + {perceptual:g} x (1 - MS-SSIM), which training made small.",
            "More is better; mean over pictures ± standard error.\n",
            words_table(rows, lambda_mse, perceptual),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``taco.md`` and ``taco.jsonl``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.taco", description=main.__doc__)
    parser.add_argument("--sets", type=Path, nargs="+", required=True, help="folders of sets of weights")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak"), help="folder of PNG files")
    parser.add_argument("--scenes", type=Path, help="JSON with captions by picture; DATA/scenes.json if left out")
    parser.add_argument("--field", default="caption", help="of a picture's scene that is its caption")
    parser.add_argument("--lambda-mse", type=float, default=0.0004)
    parser.add_argument("--perceptual", type=float, default=3.5)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    options = parser.parse_args(argv)
    jobs = jobs_of(options.data, options.scenes or options.data / "scenes.json", options.field)
    rows: list[Row] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
        for folder in options.sets:
            rows += [row for found in executor.map(partial(rows_of, folder=folder), jobs) for row in found]
            print(f"{folder}: {len(rows)} rows", file=sys.stderr, flush=True)
    write_page(options.out / "taco.jsonl", "".join(json.dumps(asdict(row)) + "\n" for row in rows))
    text = page(rows, options.lambda_mse, options.perceptual, "python -m limner.bench.taco --sets FOLDERS --data PATH")
    write_page(options.out / "taco.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
