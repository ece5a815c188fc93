"""``python -m limner.bench.kodak``: photographs through limner and through classical codecs at the same bytes.

picture -> encode here -> file -> decode in a fresh process -> metrics -> rows (JSON lines) -> page (Markdown)
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from limner import api, image
from limner.bench import baselines
from limner.bench.cache import cached_best_of_codec, cached_figures
from limner.bench.fresh import decode_elsewhere
from limner.bench.metrics import Figures, figures
from limner.bench.rows import FAITHFUL, OURS, PLAIN, TUNED, VIVID, Row, from_lines, kodak_page, to_lines, write_page
from limner.container import unpack
from limner.errors import ImageError, LimnerError

BUDGETS_BYTES = [250, 500, 1000, 1500, 3000, 6000]


@dataclass(frozen=True)
class Trial:
    """What is done with every picture. ``cache``: where classical files and their figures are kept; ``quick``: without the slow
    measures."""

    budgets_bytes: Sequence[int]
    system: str
    cache: Path
    codecs: Sequence[str]
    painters: Sequence[str] = (FAITHFUL,)
    quick: bool = False


def picture_rows(path: Path, trial: Trial) -> Iterator[Row]:
    """Yield the rows of one picture: ours, then each classical codec, budget by budget."""
    picture = image.load(path).pixels
    for budget in trial.budgets_bytes:
        yield from our_rows(path.stem, picture, budget, trial)
    for way, effort in ((TUNED, baselines.THOROUGH), (PLAIN, baselines.PLAIN)):
        for codec in trial.codecs:
            found = cached_best_of_codec(picture, trial.budgets_bytes, codec, effort, trial.cache)
            for budget in trial.budgets_bytes:
                yield replace(classical_row(path.stem, picture, budget, codec, found[budget], trial), way=way)


def our_rows(name: str, picture: image.Pixels, budget: int, trial: Trial) -> Iterator[Row]:
    """Encode here, decode in a fresh process by each painter, and measure; whatever goes wrong becomes a row's failure."""
    height, width = picture.shape[:2]
    blank = Row(
        name, trial.system, f"target_bytes={budget}", budget, width, height, versions=_our_versions(), failure="not run"
    )
    start = time.perf_counter()
    try:
        blob = api.encode(picture, target_bytes=budget, system=trial.system)
    except LimnerError as error:
        yield from (replace(blank, way=painter, failure=_why(error)) for painter in trial.painters)
        return
    encoded = replace(blank, encode_s=round(time.perf_counter() - start, 3), model=unpack(blob).model.hex())
    for painter in trial.painters:
        yield painted_row(replace(encoded, way=painter), picture, blob, trial.quick)


def painted_row(blank: Row, picture: image.Pixels, blob: bytes, quick: bool) -> Row:
    """Decode a file of ours in a fresh process and measure it."""
    try:
        painted, decode_s = decode_elsewhere(blob, "--painter", blank.way)
    except LimnerError as error:
        return replace(blank, failure=_why(error))
    return _measured(replace(blank, decode_process_s=round(decode_s, 3)), blob, figures(picture, painted, quick=quick))


def classical_row(
    name: str, picture: image.Pixels, budget: int, codec: str, coded: baselines.Coded | None, trial: Trial
) -> Row:
    """Measure a classical file; None becomes a row that says that nothing fits."""
    height, width = picture.shape[:2]
    versions = tuple(f"{name} {text}" for name, text in baselines.codec_versions().items() if name in ("pillow", codec))
    blank = Row(name, codec, "", budget, width, height, versions=versions, failure="no setting is small enough")
    if coded is None:
        return blank
    quick = trial.quick
    found = figures(picture, coded.picture(width, height), quick=True) if quick else cached_figures(picture, coded, trial.cache)
    return _measured(replace(blank, setting=coded.setting), coded.blob, found)


def _measured(blank: Row, blob: bytes, found: Figures) -> Row:
    return replace(
        blank,
        sha256=hashlib.sha256(blob).hexdigest(),
        bytes=len(blob),
        psnr_db=found.psnr_db,
        ms_ssim=found.ms_ssim,
        ssimulacra2=found.ssimulacra2,
        flip=found.flip,
        failure=None,
    )


def _why(error: LimnerError) -> str:
    return f"{type(error).__name__}: {error}"


def _our_versions() -> tuple[str, ...]:
    names = ("limner", "numpy", "onnxruntime", "pillow")
    return (*(f"{name} {_version(name)}" for name in names), f"python {platform.python_version()}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def run(paths: Sequence[Path], trial: Trial, processes: int) -> list[Row]:
    """Return the rows of all pictures, telling on stderr where it is. With several processes seconds mean less."""
    work = partial(all_rows, trial=trial)
    if processes == 1:
        return [row for path in paths for row in work(path)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [row for rows in pool.map(work, paths) for row in rows]


def all_rows(path: Path, trial: Trial) -> list[Row]:
    print(path.name, file=sys.stderr, flush=True)
    return list(picture_rows(path, trial))


def main(argv: Sequence[str] | None = None) -> int:
    """Write rows and page of every PNG in a folder at every budget; return 1 if one of ours failed, else 0."""
    options = _options().parse_args(argv)
    rows_path, page_path = Path(options.out, "kodak.jsonl"), Path(options.out, "kodak.md")
    if options.page_only:
        rows = from_lines(rows_path.read_text("utf-8"))
    else:
        trial = Trial(options.bytes, options.system, Path(options.cache), options.codecs, options.painters, options.quick)
        rows = run(_pictures(Path(options.data)), trial, options.jobs)
        write_page(rows_path, to_lines(rows))
    write_page(page_path, kodak_page(rows, options.system, command_for(rows)))
    failed = sum(row.failure is not None for row in rows if row.system == options.system)
    print(f"{page_path}: {len(rows)} rows, {failed} failures of {options.system}", file=sys.stderr)
    return int(failed > 0)


def command_for(rows: Sequence[Row]) -> str:
    """The command that makes these rows."""
    words = ["python -m limner.bench.kodak --data PATH --out results"]
    budgets = sorted({row.budget_bytes for row in rows})
    if budgets != BUDGETS_BYTES:
        words += ["--bytes", *map(str, budgets)]
    codecs = [codec for codec in baselines.CODECS if any(row.system == codec for row in rows)]
    if len(codecs) < len(baselines.CODECS):
        words += ["--codecs", *codecs]
    if not any(row.way == VIVID for row in rows):
        words += ["--painters", FAITHFUL]
    if all(row.flip is None for row in rows):
        words.append("--quick")
    return " ".join(words)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.kodak", description=main.__doc__)
    parser.add_argument("--data", required=True, help="folder of PNG files")
    parser.add_argument("--bytes", type=int, nargs="+", default=BUDGETS_BYTES, help="budgets in bytes")
    parser.add_argument("--out", default="results", help="folder for kodak.jsonl and kodak.md")
    parser.add_argument("--system", default="miniature", choices=OURS, help="which system of ours")
    parser.add_argument("--cache", default="runs/cache", help="where classical files are kept between runs")
    parser.add_argument("--codecs", nargs="+", choices=baselines.CODECS, default=list(baselines.CODECS), help="to stand beside")
    parser.add_argument("--painters", nargs="+", choices=[FAITHFUL, VIVID], default=[FAITHFUL, VIVID], help="of ours")
    parser.add_argument("--quick", action="store_true", help="without SSIMULACRA2 and FLIP, which take seconds a picture")
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
