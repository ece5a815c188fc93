"""Butteraugli: how well a difference can be seen, by the program ``butteraugli_main`` of libjxl.

There is no package of it for Python to count on, and other programs of that name give other numbers: it is measured where this
one is installed and absent elsewhere.

Source: Alakuijala et al. 2017, "Guetzli"; as in libjxl.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from limner.bench.measures.measure import Measure
from limner.describe.similarity import check_pair
from limner.errors import LimnerError, MissingError
from limner.image import Pixels

PROGRAM = "butteraugli_main"
LEAST_PX = 8
NITS = 80  # of white; the program's default in libjxl 0.7
TIMEOUT_S = 600
SAID = re.compile(r"^([0-9.eE+-]+)\s*\n3-norm: ([0-9.eE+-]+)\s*$")


def missing() -> str:
    """Nothing if the program is installed, else what to do."""
    return "" if shutil.which(PROGRAM) else f"the program {PROGRAM} is not installed: Debian has it in libjxl-devtools"


def distances(original: Pixels, painted: Pixels) -> tuple[float, float]:
    """Two pictures (h, w, 3) uint8 sRGB -> the largest distance, and the 3-norm over the picture; 0 for equal ones.

    MissingError without the program, LimnerError if it fails.
    """
    check_pair(original, painted)
    return _distances(original.tobytes(), painted.tobytes(), (original.shape[1], original.shape[0]))


# The program gives both numbers at once.
@lru_cache(maxsize=1)
def _distances(original: bytes, painted: bytes, size_px: tuple[int, int]) -> tuple[float, float]:
    if why := missing():
        raise MissingError(why)
    with TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("original.png", "painted.png")]
        for path, data in zip(paths, (original, painted), strict=True):
            Image.frombytes("RGB", size_px, data).save(path, compress_level=0)
        try:
            command = [PROGRAM, *map(str, paths), "--intensity_target", str(NITS)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LimnerError(f"{PROGRAM} cannot be run: {error}") from error
    said = SAID.match(done.stdout.strip())
    if done.returncode or not said:
        raise LimnerError(f"{PROGRAM} failed (exit code {done.returncode}): {(done.stderr + done.stdout).strip()[-300:]}")
    return float(said[1]), float(said[2])


HOW = f"program {PROGRAM} of libjxl, white of {NITS} nits; 8-bit sRGB"
BUTTERAUGLI_MEASURES = (
    Measure(
        "butteraugli",
        -1,
        f"{HOW}; the largest distance in the picture",
        "",
        lambda original, painted, told: distances(original, painted)[0],
        missing,
        LEAST_PX,
    ),
    Measure(
        "butteraugli_3norm",
        -1,
        f"{HOW}; 3-norm of the distances in the picture",
        "",
        lambda original, painted, told: distances(original, painted)[1],
        missing,
        LEAST_PX,
    ),
)
