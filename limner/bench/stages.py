"""``python -m limner.bench.stages``: seconds of each stage of taco at full size, on a CPU.

    weights (a set, or random ones of the paper's sizes) -> a photograph through every verb -> seconds, the median of some turns

Random weights cost what trained ones do, but for the coder, which has more to write for them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from limner import image, transform
from limner.bench.rows import table, write_page
from limner.bench.speed.machine import machine_words
from limner.entropy.coder import Writer
from limner.layers import hyperlatent
from limner.layers.latent import LATENT_PX, Geometry
from limner.nets.taco import TEXT_WIDTH, Taco
from limner.systems import taco
from limner.train.codec_set import Words, write_set
from limner.weights import at

TURNS = 5
WORDS = 38
Pixels = NDArray[np.uint8]


def random_set(folder: Path, picture: Pixels) -> None:
    """A set of TACO at the paper's sizes with random weights. Its words are read by nobody: vectors stand in for them."""
    torch.manual_seed(0)
    write_set(Taco(), [picture], folder, "random", Words(torch.zeros(1, WORDS, TEXT_WIDTH)))


def words_for(codec: taco.Taco) -> NDArray[np.float32] | None:
    """Vectors as the analysis wants them, if it reads words."""
    wanted = [one.shape for one in codec.analysis.get_inputs() if one.name == "text"]
    return np.zeros(wanted[0], np.float32) if wanted else None


def seconds(action: Callable[[], object]) -> float:
    """The median of some turns after the first."""
    action()
    found = []
    for _ in range(TURNS):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def stages(codec: taco.Taco, picture: Pixels) -> list[tuple[str, float]]:
    """Seconds of each stage, in the order of a file's way."""
    height_px, width_px = picture.shape[:2]
    scene = taco.Scene(picture, words_for(codec))
    padded = image.pad(picture, LATENT_PX)
    x = np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32) / np.float32(255)
    y = transform.run(codec.analysis, x, text=scene.words)
    z = transform.run(codec.hyper_analysis, y)
    fitted = codec.fit(scene)
    geometry = Geometry(width_px, height_px, 0)
    return [
        ("analysis transform", seconds(lambda: transform.run(codec.analysis, x, text=scene.words))),
        ("hyper analysis", seconds(lambda: transform.run(codec.hyper_analysis, y))),
        ("entropy path and coding, writing", seconds(lambda: hyperlatent.fit(y, z, geometry, codec.path, Writer()))),
        ("entropy path and coding, reading", seconds(lambda: hyperlatent.read(fitted.body, width_px, height_px, codec.path))),
        ("synthesis transform", seconds(lambda: codec.render(fitted, width_px, height_px))),
        ("encode, whole", seconds(lambda: codec.fit(scene))),
    ]


def page(found: Sequence[tuple[str, float]], what: str, size_px: str, size_bytes: int, command: str) -> str:
    return "\n".join(
        [
            "# taco at full size: seconds of each stage\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"{machine_words()}",
            f"OMP_NUM_THREADS is {os.environ.get('OMP_NUM_THREADS') or 'not set'}. {what}, a picture of {size_px} px, a file",
            f"of {size_bytes:,} bytes (large for random weights). The median of {TURNS} turns after the first.\n",
            table(["stage", "seconds"], [[name, f"{value:.2f}"] for name, value in found]),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``taco-speed.md``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.stages", description=main.__doc__)
    parser.add_argument("--picture", type=Path, default=Path("../shared/data/kodak/kodim05.png"))
    parser.add_argument("--weights", type=Path, help="folder of a set; random weights of the paper's sizes if left out")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for taco-speed.md")
    options = parser.parse_args(argv)
    picture = image.load(options.picture).pixels
    with tempfile.TemporaryDirectory() as made:
        folder = options.weights or Path(made)
        if options.weights is None:
            random_set(folder, picture)
        codec = taco.Taco(at(folder))
        found = stages(codec, picture)
        what = "random weights of the paper's sizes" if options.weights is None else f"weights {codec.weights.name}"
        size_bytes = codec.fit(taco.Scene(picture, words_for(codec))).size_bytes
    size_px = f"{picture.shape[1]} x {picture.shape[0]}"
    text = page(found, what.capitalize(), size_px, size_bytes, "OMP_NUM_THREADS=2 python -m limner.bench.stages")
    write_page(options.out / "taco-speed.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
