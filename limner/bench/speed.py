"""``python -m limner.bench.speed``: start-up, seconds and memory, each measured in a fresh process.

    this process (stays small) -> one worker process for each measure, on two cores -> figures -> page

The worker prints one JSON line. Memory is the high-water mark of a worker that did nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from limner.bench.fresh import PACKAGE_PARENT, run_python
from limner.bench.rows import table, write_page
from limner.errors import LimnerError

CORES = 2
REPEATS = 5
TARGET_BYTES = 1500
CASES = (
    ("768x512 for 1500 bytes", (768, 512), TARGET_BYTES, 25, 0.15, 350.0),
    ("768x512 at the default quality", (768, 512), 0, 25, 0.15, 350.0),
    ("4000x3000 for 1500 bytes", (4000, 3000), TARGET_BYTES, 1, 12.0, 1500.0),
    ("4000x3000 at the default quality", (4000, 3000), 0, 1, 12.0, 1500.0),
)
"""Name, size in pixels, target in bytes (0: none), repeats, and the limits in s and MB."""
THREADS = {"OMP_NUM_THREADS": str(CORES), "OPENBLAS_NUM_THREADS": str(CORES), "MKL_NUM_THREADS": str(CORES)}

TIME_IMPORT = """
import sys, time
start = time.perf_counter()
import limner
taken = time.perf_counter() - start
heavy = sorted({"torch", "onnxruntime"} & set(sys.modules))
print(f'{{"seconds": {taken}, "heavy": {len(heavy)}}}')
"""


@dataclass(frozen=True)
class Figure:
    """One line of the page; ``limit``: what it has to stay under, if anything, with its unit."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value < self.limit

    @property
    def judged(self) -> list[str]:
        """Limit and whether it holds."""
        return ["-", "-"] if self.limit is None else [f"{self.limit:g} {self.unit}", "yes" if self.holds else "no"]

    @property
    def shown(self) -> str:
        return f"{self.value:.{3 if self.unit == 's' else 0}f} {self.unit}"


def import_seconds() -> float:
    """Return the median time of ``import limner``. Raises LimnerError if torch or onnxruntime came along."""
    found = [_json_of(["-c", TIME_IMPORT]) for _ in range(REPEATS)]
    if any(one["heavy"] for one in found):
        raise LimnerError("import limner imports torch or onnxruntime")
    return statistics.median(one["seconds"] for one in found)


def command_seconds(*arguments: str) -> float:
    """Return the median wall time of ``limner`` with some arguments, process and all."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        done = run_python(["-m", "limner", *arguments], folder=PACKAGE_PARENT, variables=THREADS)
        seconds.append(time.perf_counter() - start)
        if done.returncode:
            raise LimnerError(f"limner {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return statistics.median(seconds)


def decode_seconds(photo: str) -> float:
    """Return the median wall time of ``limner decode`` on a file of 768x512, process and all."""
    with TemporaryDirectory() as folder:
        png = Path(folder, "picture.png")
        _json_of(["-m", "limner.bench.speed", "--draw", str(png), "--size", "768", "512", "--photo", photo])
        _json_of(["-m", "limner.bench.speed", "--worker", "encode", "--file", str(png)])
        return command_seconds("decode", str(png.with_suffix(".limn")), "--overwrite")


def measure(verb: str, size_px: tuple[int, int], target_bytes: int, repeats: int, photo: str) -> dict[str, float]:
    """Return median seconds, first seconds and peak memory of ``encode`` or ``decode`` in a worker of its own."""
    worker = ["-m", "limner.bench.speed", "--target", str(target_bytes), "--worker"]
    with TemporaryDirectory() as folder:
        png = Path(folder, "picture.png")
        # Drawn in a process of its own: a worker's high-water mark must not hold the making of its input.
        _json_of(["-m", "limner.bench.speed", "--draw", str(png), "--size", *map(str, size_px), "--photo", photo])
        if verb == "decode":
            _json_of([*worker, "encode", "--file", str(png)])
        return _json_of([*worker, verb, "--file", str(png), "--repeats", str(repeats)])


def figures(photo: str) -> list[Figure]:
    """Measure everything; slow."""
    found = [
        Figure("import limner", import_seconds(), "s", 0.15),
        Figure("limner --help, whole process", command_seconds("--help"), "s", 0.5),
        Figure("limner decode of 768x512, whole process", decode_seconds(photo), "s", 1.0),
    ]
    for case, size_px, target_bytes, repeats, limit_s, limit_mb in CASES:
        for verb in ("encode", "decode"):
            one = measure(verb, size_px, target_bytes, repeats, photo)
            name = f"{verb} {case}"
            found.append(Figure(name, one["median_s"], "s", limit_s))
            found.append(Figure(f"{name}, the first in a process", one["first_s"], "s"))
            found.append(Figure(f"{name}, peak memory", one["peak_mb"], "MB", limit_mb))
    return found


def page(found: Sequence[Figure], machine: str) -> str:
    """Return the page of a run."""
    lines = [[one.name, one.shown, *one.judged] for one in found]
    return (
        "# Speed and memory\n\n"
        "Written by the command below; nothing here is written by hand.\n\n"
        "```\npython -m limner.bench.speed --out results\n```\n\n"
        f"{machine}\n\n"
        f"{table(['what', 'measured', 'limit', 'holds'], lines)}\n"
        f"Every line comes from fresh processes bound to {CORES} cores. Start-up is the median of {REPEATS} processes.\n"
        "Seconds of 768x512 are the median of 25 after the first, of 4000x3000 the second. Encoding begins with pixels in\n"
        "memory and decoding ends with them. The first in a process includes imports and the reading of weights. Peak memory\n"
        "is the high-water mark of a process that did nothing else, the picture's own pixels included. MB: 10^6 bytes.\n"
    )


def machine_words() -> str:
    """Say on what it was measured, and how busy that was."""
    load = os.getloadavg()[0]
    busy = " Other work shared it: read the seconds as upper bounds." if load > 1.5 else ""
    cores = f"{CORES} of {os.cpu_count()} cores"
    return f"{cpu_model()}, {cores}, Python {platform.python_version()}; load before the run {load:.1f}.{busy}"


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


# --- in the worker


def work(verb: str, path: Path, target_bytes: int, repeats: int) -> dict[str, float]:
    """Run one verb on a file ``repeats`` times after a first, and return its seconds and the process' peak memory."""
    task = _task(verb, path, target_bytes)
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return {"first_s": seconds[0], "median_s": statistics.median(seconds[1:]), "peak_mb": peak_mb()}


def _task(verb: str, path: Path, target_bytes: int) -> Callable[[], None]:
    file = path.with_suffix(".limn")
    if verb == "decode":
        blob = file.read_bytes()
        return lambda: _decode(blob)
    # Imported by Pillow alone, so that the first encoding still pays for limner's imports.
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))

    def encode() -> None:
        from limner import api

        file.write_bytes(api.encode(pixels, target_bytes=target_bytes or None))

    return encode


def _decode(blob: bytes) -> None:
    from limner import api

    api.decode(blob)


def draw(path: Path, size_px: tuple[int, int], photo: str) -> None:
    """Write a picture of that size: a photograph, mirrored outwards until it is large enough."""
    import numpy as np

    from limner import image
    from limner.bench.demo import sample_photo

    pixels = image.load(photo).pixels if photo else sample_photo().pixels
    height, width = pixels.shape[:2]
    right, below = max(0, size_px[0] - width), max(0, size_px[1] - height)
    large = np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="symmetric")
    image.save(np.ascontiguousarray(large[: size_px[1], : size_px[0]]), path)


def peak_mb() -> float:
    """Return the most memory that this process has held, in MB.

    Linux carries ``ru_maxrss`` over from the parent that started a process; VmHWM begins anew.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _bind_cores() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def _json_of(arguments: list[str]) -> dict[str, float]:
    done = run_python(arguments, folder=PACKAGE_PARENT, variables=THREADS)
    if done.returncode:
        raise LimnerError(f"{' '.join(arguments[:4])}: {done.stderr.strip()[-500:]}")
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write speed.md; return 1 if a limit is not held, else 0."""
    options = _options().parse_args(argv)
    _bind_cores()
    if options.worker:
        print(json.dumps(work(options.worker, Path(options.file), options.target, options.repeats)))
        return 0
    if options.draw:
        draw(Path(options.draw), tuple(options.size), options.photo)
        print("{}")
        return 0
    machine = machine_words()
    found = figures(options.photo)
    text = page(found, machine)
    write_page(Path(options.out, "speed.md"), text)
    print(text)
    return int(not all(one.holds for one in found))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m limner.bench.speed", description=main.__doc__)
    parser.add_argument("--out", default="results", help="folder for speed.md")
    parser.add_argument("--photo", default="", help="a photograph of yours; otherwise a free sample")
    for name in ("--worker", "--draw", "--file"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=int, default=TARGET_BYTES, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, nargs=2, default=(768, 512), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
