"""``python -m limner.bench.codec_exact``: what exact integers and real coding cost a trained codec, and whether they are equal.

    run (float networks) -> rounded likelihoods                 -> estimated bits
    set (its integers)   -> body of a file, scale 0             -> bits written       more = written / estimated - 1
                            \\-> read by NumPy, by torch on every device, with 1 and 2 threads -> the same integers?

Both see the same words: none. A set is set against the checkpoint that it was exported from.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from limner import api, image
from limner.atomic import write_atomic
from limner.bench.exact import in_a_process
from limner.bench.rows import table, write_page
from limner.container.blob import pack
from limner.errors import LimnerError
from limner.layers import hyperlatent
from limner.layers.hyperlatent import Walked
from limner.layers.hyperpath import HyperPath
from limner.layers.latent import LATENT_PX
from limner.nets import published
from limner.nets.codec import LEAST_SCALE, MOST_SCALE, Codec
from limner.nets.exact import on_torch
from limner.nets.hyperprior import Raster
from limner.nets.miniature import bounded, rate
from limner.systems.taco import Fitted, Scene, Taco, opened
from limner.train.codec import estimate
from limner.train.integers import as_input
from limner.weights import at

CHILD = """
import sys
from limner import files
from limner.bench.codec_exact import fingerprint
for name in sys.argv[2:]:
    print(fingerprint(files.read(open(name, "rb").read(), weights=sys.argv[1]).fitted.walked))
"""


@dataclass(frozen=True)
class Cost:
    """A set beside its run: bits written and estimated, summed over pictures; of how many, and equal integers by reader."""

    name: str
    written_bits: float
    estimated_bits: float
    pictures: int
    equal: dict[str, int]

    @property
    def more(self) -> float:
        return self.written_bits / self.estimated_bits - 1


def fingerprint(walked: Walked) -> str:
    """Hash of all integers that the entropy path decides."""
    arrays = (walked.layer.hyper, walked.layer.symbols, walked.values, walked.index)
    return hashlib.sha256(b"".join(array.astype(">i2").tobytes() for array in arrays)).hexdigest()


def whole(path: Path) -> Scene:
    """A picture cut to whole latent positions, which is what the estimate sees."""
    pixels = image.load(path).pixels
    height_px, width_px = (side // LATENT_PX * LATENT_PX for side in pixels.shape[:2])
    if not height_px or not width_px:
        raise LimnerError(f"{path} is smaller than a latent position")
    return Scene(pixels[:height_px, :width_px], None)


def cost(checkpoint: Path, folder: Path, paths: Sequence[Path], work: Path) -> Cost:
    """A set beside its run over some pictures. ``work``: a folder for the files that other processes read."""
    kept, floats = at(folder), published.load(checkpoint)
    floats.entropy_bottleneck.settle()
    codec = opened(kept.folder, kept.identity)
    scenes = [codec.describe(whole(path).pixels) for path in paths]
    fitted = [codec.fit(scene) for scene in scenes]
    estimated = sum(estimated_bits(floats, scene) for scene in scenes)
    written = sum(8 * one.size_bytes for one in fitted)
    equal = by_network(codec, scenes, fitted) | by_process(codec, scenes, fitted, folder, work)
    return Cost(kept.name, written, estimated, len(scenes), equal)


@torch.no_grad()
def estimated_bits(codec: Codec, scene: Scene) -> float:
    """Of a picture, by float networks. Where each symbol depends on all before it, they are gone through in their order: all at
    once, as in training, every context would see latents that no decoder has."""
    if not isinstance(codec, Raster):
        text = None if scene.words is None else torch.from_numpy(scene.words)
        return float(estimate(codec, scene.pixels, text).bpp * math.prod(scene.size_px))
    y = codec.analysis(as_input(scene.pixels))
    z = codec.hyper_analysis(y)
    features = codec.hyper_synthesis(codec.entropy_bottleneck.quantised(z), y.shape[2], y.shape[3])
    found = codec.in_order(features, y)
    latent_bits = rate(y - found.mean, bounded(found.scale, LEAST_SCALE, MOST_SCALE))
    bits: float = (latent_bits + codec.entropy_bottleneck.rate(z)).item()
    return bits


def by_network(codec: Taco, scenes: Sequence[Scene], fitted: Sequence[Fitted]) -> dict[str, int]:
    """How many bodies give the encoder's integers, by who multiplies."""
    ways: dict[str, HyperPath] = {"NumPy": codec.path}
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        ways[f"torch on {device}"] = on_torch(codec.path, device)
    wanted = [fingerprint(one.walked) for one in fitted]
    found = {}
    for way, path in ways.items():
        read = [hyperlatent.read(one.body, *scene.size_px, path) for one, scene in zip(fitted, scenes, strict=True)]
        found[way] = sum(fingerprint(walked) == one for walked, one in zip(read, wanted, strict=True))
    return found


def by_process(codec: Taco, scenes: Sequence[Scene], fitted: Sequence[Fitted], folder: Path, work: Path) -> dict[str, int]:
    """How many files give the encoder's integers in a fresh process, by its threads."""
    files = [work / f"{number}.limn" for number in range(len(scenes))]
    for file, scene, one in zip(files, scenes, fitted, strict=True):
        write_atomic(file, pack(api.blob_of(codec, one.body, *scene.size_px)))
    wanted = [fingerprint(one.walked) for one in fitted]
    found = {}
    for threads in (1, 2):
        got = in_a_process([folder, *files], threads, CHILD)
        found[f"{threads} thread{'s' * (threads > 1)}"] = sum(a == b for a, b in zip(got, wanted, strict=True))
    return found


def page(costs: Sequence[Cost], command: str) -> str:
    rate = [[c.name, f"{c.written_bits:.0f}", f"{c.estimated_bits:.0f}", f"{100 * c.more:+.2f} %"] for c in costs]
    equal = [[c.name, *(f"{number} of {c.pictures}" for number in c.equal.values())] for c in costs]
    return "\n".join(
        [
            "# Exact integers of trained codecs with a hyperprior\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            "Bits of bodies as they are written, against the rounded likelihoods of the float networks that the integers were",
            "made from (estimated bits), summed over the pictures.\n",
            table(["weights", "bits written", "estimated bits, floats", "more"], rate),
            "Bodies and files whose every integer is that of the encoder, by reader.\n",
            table(["weights", *costs[0].equal], equal),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``codec-exact.md``; return 1 if any integer differs."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.codec_exact", description=main.__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="checkpoints, in the order of the sets")
    parser.add_argument("--sets", type=Path, nargs="+", required=True, help="folders of the sets made from them")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak"), help="folder of PNG files")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--work", type=Path, default=Path("runs/exact"), help="folder for the files")
    options = parser.parse_args(argv)
    if len(options.runs) != len(options.sets):
        parser.error("as many --runs as --sets")
    paths = sorted(options.data.glob("*.png"))
    options.work.mkdir(parents=True, exist_ok=True)
    costs = [cost(run, made, paths, options.work) for run, made in zip(options.runs, options.sets, strict=True)]
    text = page(costs, "python -m limner.bench.codec_exact --runs CHECKPOINTS --sets FOLDERS --data PATH")
    write_page(options.out / "codec-exact.md", text)
    sys.stdout.write(text)
    return int(any(number != c.pictures for c in costs for number in c.equal.values()))


if __name__ == "__main__":
    sys.exit(main())
