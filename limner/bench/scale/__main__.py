"""``python -m limner.bench.scale --data DIR --pictures 10000 --out results``: every engine over very many small pictures.

    photographs -> pieces --the plain loop--> hashes of files
                          --processes, a cluster, a cluster one worker of which is killed--> are they the same? how fast?
                -> some pieces, the photographs --limner scale bench--> seconds by size -> what a million costs

Returns 1 if files differ, or anything was lost or done twice.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from limner.bench.load import TARGET_BYTES
from limner.bench.many.folders import photographs
from limner.bench.many.runs import python
from limner.bench.rows import write_page
from limner.bench.scale.cost import Prices, Size, sizes
from limner.bench.scale.crops import crops, sample
from limner.bench.scale.page import Found, page
from limner.bench.scale.runs import Way, environment, looped, rows_of, run
from limner.bench.speed.machine import machine_words
from limner.errors import LimnerError

CLUSTER = ("--workers", "2")
WAYS = (
    Way("-j 2", ("--plain", "-j", "2"), 2),
    Way("Ray, 2 workers", CLUSTER, 2),
    Way("Ray, 2 workers, one killed in the middle", CLUSTER, 2, killed=True),
)
MEASURED = ("width_px", "height_px", "load_s", "encode_s", "decode_s", "source_bytes", "bytes")


def main(argv: Sequence[str] | None = None) -> int:
    options = _options().parse_args(argv)
    machine, photos = machine_words(), photographs(options.data)
    with TemporaryDirectory() as name:
        folder = Path(name)
        pictures = crops(photos, folder / "pictures", options.pictures)
        expected, loop_s, loop_wall_s = looped(pictures)
        results = [run(way, pictures, folder / f"out-{at}", options.part, expected) for at, way in enumerate(WAYS)]
        found_sizes = measured(sample(pictures, photos, folder / "sample", options.measured), folder / "bench")
    prices = Prices(options.core_hour, options.gpu_hour, options.gb_month, options.cores)
    gpu = {told.partition("=")[0]: float(told.partition("=")[2]) for told in options.gpu_seconds}
    found = Found(options.pictures, options.part, loop_s, loop_wall_s, results, found_sizes, prices, gpu)
    text = page(found, machine, command(options))
    print(text)
    if options.out:
        write_page(options.out / "scale.md", text)
    return int(not found.holds)


def measured(folder: Path, output: Path) -> list[Size]:
    words = ["-i", str(folder), "-o", str(output), "--target-bytes", str(TARGET_BYTES), "--measures", "psnr_db", "--plain"]
    done = subprocess.run(python("limner", "scale", "bench", *words), env=environment(), stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise LimnerError("limner scale bench failed")
    return sizes(rows_of(output, MEASURED))


def command(options: argparse.Namespace) -> str:
    told = "".join(f" --gpu-seconds '{one}'" for one in options.gpu_seconds)
    return (
        f"python -m limner.bench.scale --data DIR --out results --pictures {options.pictures} --part {options.part} "
        f"--measured {options.measured} --core-hour {options.core_hour:g} --gpu-hour {options.gpu_hour:g} "
        f"--gb-month {options.gb_month:g} --cores {options.cores}{told}"
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with photographs")
    parser.add_argument("--out", type=Path, default=None, help="folder for the page")
    parser.add_argument("--pictures", type=int, default=10_000, help="small ones that are made")
    parser.add_argument("--part", type=int, default=64, help="pictures of a part")
    parser.add_argument("--measured", type=int, default=500, help="small ones whose seconds are measured by size")
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core for an hour")
    parser.add_argument("--gpu-hour", type=float, default=2.5, help="price of a GPU for an hour")
    parser.add_argument("--gb-month", type=float, default=0.023, help="price of a GB of storage for a month")
    parser.add_argument("--cores", type=int, default=64, help="that work at once")
    parser.add_argument(
        "--gpu-seconds", action="append", default=[], metavar="NAME=SECONDS", help="of a picture on a GPU, measured elsewhere"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
