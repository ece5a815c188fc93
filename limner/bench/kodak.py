"""``python -m limner.bench.kodak``: photographs through limner and through classical codecs at the same bytes.

picture -> encode here -> file -> decode in a fresh process -> metrics -> rows (JSON lines) -> page (Markdown)
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from limner import api, image
from limner.bench import baselines
from limner.bench.cache import cached_best_of_codec
from limner.bench.fresh import decode_elsewhere
from limner.bench.metrics import SMALLEST_SIDE_PX, flip, ms_ssim, psnr_db, ssimulacra2
from limner.bench.rows import OURS, PLAIN, TUNED, Row, from_lines, kodak_page, to_lines, write_page
from limner.container import unpack
from limner.errors import ImageError, LimnerError

PEAK = 255.0
PERCEPTUAL = "LIMNER_BENCH_QUICK"
"""A variable that, if it is set, leaves out the slow measures."""


def picture_rows(path: Path, budgets_bytes: Sequence[int], system: str, cache: Path, codecs: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of one picture: ours, then each classical codec, budget by budget."""
    picture = image.load(path).pixels
    for budget in budgets_bytes:
        yield our_row(path.stem, picture, budget, system)
    for way, effort in ((TUNED, baselines.THOROUGH), (PLAIN, baselines.PLAIN)):
        for codec in codecs:
            found = cached_best_of_codec(picture, budgets_bytes, codec, effort, cache)
            for budget in budgets_bytes:
                yield replace(classical_row(path.stem, picture, budget, codec, found[budget]), way=way)


def our_row(name: str, picture: image.Pixels, budget: int, system: str) -> Row:
    """Encode here, decode in a fresh process, measure; whatever of ours goes wrong becomes the row's failure."""
    height, width = picture.shape[:2]
    blank = Row(name, system, f"target_bytes={budget}", budget, width, height, versions=_our_versions(), failure="not run")
    start = time.perf_counter()
    try:
        blob = api.encode(picture, target_bytes=budget, system=system)
        encode_s = time.perf_counter() - start
        painted, decode_s = decode_elsewhere(blob)
        done = _measured(blank, picture, painted, blob)
    except LimnerError as error:
        return replace(blank, failure=f"{type(error).__name__}: {error}")
    return replace(done, encode_s=round(encode_s, 3), decode_process_s=round(decode_s, 3), model=unpack(blob).model.hex())


def classical_row(name: str, picture: image.Pixels, budget: int, codec: str, coded: baselines.Coded | None) -> Row:
    """Measure a classical file; None becomes a row that says that nothing fits."""
    height, width = picture.shape[:2]
    versions = tuple(f"{key} {value}" for key, value in baselines.library_versions().items() if key in ("pillow", codec))
    blank = Row(name, codec, "", budget, width, height, versions=versions, failure="no setting is small enough")
    if coded is None:
        return blank
    return _measured(replace(blank, setting=coded.setting), picture, coded.picture(width, height), coded.blob)


def _measured(blank: Row, picture: image.Pixels, painted: image.Pixels, blob: bytes) -> Row:
    large = min(picture.shape[:2]) >= SMALLEST_SIDE_PX
    return replace(
        blank,
        sha256=hashlib.sha256(blob).hexdigest(),
        bytes=len(blob),
        psnr_db=round(psnr_db(picture, painted, peak=PEAK), 4),
        ms_ssim=round(ms_ssim(picture, painted, peak=PEAK), 5) if large else None,
        ssimulacra2=round(ssimulacra2(picture, painted), 3) if PERCEPTUAL not in os.environ else None,
        flip=round(flip(picture, painted), 5) if PERCEPTUAL not in os.environ else None,
        failure=None,
    )


def _our_versions() -> tuple[str, ...]:
    names = ("limner", "numpy", "onnxruntime", "pillow")
    return (*(f"{name} {_version(name)}" for name in names), f"python {platform.python_version()}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def run(
    paths: Sequence[Path], budgets_bytes: Sequence[int], system: str, cache: Path, codecs: Sequence[str], processes: int
) -> list[Row]:
    """Return the rows of all pictures, telling on stderr where it is. With several processes seconds mean less."""
    work = partial(all_rows, budgets_bytes=budgets_bytes, system=system, cache=cache, codecs=codecs)
    if processes == 1:
        return [row for path in paths for row in work(path)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [row for rows in pool.map(work, paths) for row in rows]


def all_rows(path: Path, budgets_bytes: Sequence[int], system: str, cache: Path, codecs: Sequence[str]) -> list[Row]:
    print(path.name, file=sys.stderr, flush=True)
    return list(picture_rows(path, budgets_bytes, system, cache, codecs))


def main(argv: Sequence[str] | None = None) -> int:
    """Write rows and page of every PNG in a folder at every budget; return 1 if one of ours failed, else 0."""
    options = _options().parse_args(argv)
    rows_path, page_path = Path(options.out, "kodak.jsonl"), Path(options.out, "kodak.md")
    if options.page_only:
        rows = from_lines(rows_path.read_text("utf-8"))
    else:
        rows = run(
            _pictures(Path(options.data)), options.bytes, options.system, Path(options.cache), options.codecs, options.jobs
        )
        write_page(rows_path, to_lines(rows))
    budgets = " ".join(str(budget) for budget in sorted({row.budget_bytes for row in rows} or options.bytes))
    codecs = [codec for codec in baselines.CODECS if any(row.system == codec for row in rows)]
    some = f" --codecs {' '.join(codecs)}" if len(codecs) < len(baselines.CODECS) else ""
    command = f"python -m limner.bench.kodak --data PATH --bytes {budgets}{some} --out results"
    write_page(page_path, kodak_page(rows, options.system, command))
    failed = sum(row.failure is not None for row in rows if row.system == options.system)
    print(f"{page_path}: {len(rows)} rows, {failed} failures of {options.system}", file=sys.stderr)
    return int(failed > 0)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.kodak", description=main.__doc__)
    parser.add_argument("--data", required=True, help="folder of PNG files")
    parser.add_argument("--bytes", type=int, nargs="+", default=[250, 500, 1000, 1500, 3000, 6000], help="budgets in bytes")
    parser.add_argument("--out", default="results", help="folder for kodak.jsonl and kodak.md")
    parser.add_argument("--system", default="miniature", choices=OURS, help="which system of ours")
    parser.add_argument("--cache", default="runs/cache", help="where classical files are kept between runs")
    parser.add_argument("--codecs", nargs="+", choices=baselines.CODECS, default=list(baselines.CODECS), help="to stand beside")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    parser.add_argument("--page-only", action="store_true", help="make the page again from the rows that are there")
    return parser


def _pictures(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.png"))
    if not found:
        raise ImageError(f"{folder} holds no PNG")
    return found


if __name__ == "__main__":
    sys.exit(main())
