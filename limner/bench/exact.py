"""``python -m limner.bench.exact``: are the integers the same everywhere, and what does exactness cost?

Every picture is encoded at three qualities, and its file is read again in every way there is: with one and two threads, by
NumPy and by torch (CPU, and CUDA where there is one), with float32 products allowed and not. With ``--run`` (a training
checkpoint, the one that the packaged weights were exported from) the rate is set against the float networks' estimate, both
for latents that are rounded to the nearest.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner import api, image
from limner.atomic import write_atomic
from limner.container.blob import pack
from limner.entropy.coder import Writer
from limner.entropy.fixedpoint import Network
from limner.extras import need
from limner.layers import latent
from limner.layers.latent import Walked
from limner.layers.path import Path as EntropyPath
from limner.layers.path import networks, of_networks
from limner.systems.miniature import Fitted, Miniature, Scene, Setting, embedded

QUALITIES = (8, 32, 56)
NEVER_LOWER = 1e9
CHILD = """
import sys
from limner import files
from limner.bench.exact import fingerprint
for name in sys.argv[1:]:
    print(fingerprint(files.read(open(name, "rb").read()).fitted.walked))
"""


@dataclass(frozen=True)
class Case:
    """One picture at one quality: what was written, and the same file by name for other processes."""

    name: str
    quality: int
    fitted: Fitted
    width_px: int
    height_px: int


def fingerprint(walked: Walked) -> str:
    """Hash of all integers that the entropy path decides."""
    arrays = (walked.layer.hyper, walked.layer.symbols, walked.values, walked.index)
    return hashlib.sha256(b"".join(array.astype(">i2").tobytes() for array in arrays)).hexdigest()


def cases(codec: Miniature, paths: Sequence[Path]) -> Iterator[Case]:
    for path in paths:
        scene = codec.describe(image.load(path).pixels)
        for quality in QUALITIES:
            yield Case(path.stem, quality, codec.fit(scene, Setting(quality)), *scene.size_px)


def variants(path: EntropyPath) -> dict[str, EntropyPath]:
    """The entropy path computed in other ways."""
    torch = need("torch", extra="train")
    from limner.nets.fixed import OnTorch

    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    ways = {"NumPy, float64 products only": of_networks([Network(net.layers, fast=False) for net in networks(path)])}
    for device in devices:
        ways[f"torch on {device}"] = of_networks([OnTorch(net.layers, device=device) for net in networks(path)])
    return ways


def in_a_process(files: Sequence[Path], threads: int, program: str = CHILD) -> list[str]:
    """What a program says of files, fingerprints as a rule, in a fresh process with a number of threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    command = [sys.executable, "-c", program, *map(str, files)]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout.split()


def count_equal(codec: Miniature, found: Sequence[Case], folder: Path) -> dict[str, int]:
    """How many files give the same integers, by way of reading."""
    expected = [fingerprint(case.fitted.walked) for case in found]
    equal = {}
    for way, path in variants(codec.path).items():
        read = [latent.read(case.fitted.body, case.width_px, case.height_px, path) for case in found]
        equal[way] = sum(fingerprint(walked) == hash_ for walked, hash_ in zip(read, expected, strict=True))
    files = [folder / f"{case.name}-{case.quality}.limn" for case in found]
    for file, case in zip(files, found, strict=True):
        blob = api.blob_of(codec, case.fitted.body, case.width_px, case.height_px)
        write_atomic(file, pack(blob))
    for threads in (1, 2):
        got = in_a_process(files, threads)
        equal[f"fresh process, {threads} thread{'s' * (threads > 1)}"] = sum(a == b for a, b in zip(got, expected, strict=True))
    return equal


def float_bits(codec: Miniature, checkpoint: Path, found: Sequence[Case], data: Path) -> dict[int, tuple[float, float]]:
    """For each quality: bits of bodies with plainly rounded latents, and the float networks' estimate for the same pictures."""
    torch = need("torch", extra="train")
    from limner.nets.miniature import Miniature as Floats

    model = Floats()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["ema"])
    model.eval()
    sums = {quality: (0.0, 0.0) for quality in QUALITIES}
    for case in found:
        scene = codec.describe(image.load(data / f"{case.name}.png").pixels)
        pixels = scene.view(0).pixels
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            coded = model(x, torch.tensor([case.quality / 64]))
        real, estimate = sums[case.quality]
        estimate += float(coded.latent_bits + coded.hyper_bits)
        sums[case.quality] = (real + plainly_coded_bits(codec, scene, case.quality), estimate)
    return sums


def plainly_coded_bits(codec: Miniature, scene: Scene, quality: int) -> int:
    """Bits of a body whose latents are rounded to the nearest, as the estimate's are; the encoder lowers some to save bits."""
    y = codec.latent(scene, Setting(quality))
    writer = Writer()
    z = codec.analysis.hyper_latent(y, quality)
    latent.fit(y, z, quality, scene.geometry(0), codec.path, writer, bits_per_error=NEVER_LOWER)
    return 8 * len(writer.finish())


def page(equal: dict[str, int], count: int, costs: dict[int, tuple[float, float]]) -> str:
    lines = [
        "# Exact integers",
        "",
        "Made by `python -m limner.bench.exact`; do not edit by hand.",
        "",
        f"{count} files (each picture at quality {', '.join(map(str, QUALITIES))}). All integers of the entropy path are",
        "compared with those that the encoder had: hyper symbols, symbols, table indices, and latents with their means.",
        "",
        "| read by | files with equal integers |",
        "|---|---|",
        *(f"| {way} | {number} of {count} |" for way, number in equal.items()),
    ]
    if costs:
        lines += [
            "",
            "What fixed point and real coding cost: bits of bodies whose latents are rounded to the nearest, against the",
            "rounded likelihoods of the float networks they were converted from (estimated bits), summed over the pictures.",
            "(The files above are smaller: the encoder lowers symbols where that pays.)",
            "",
            "| quality | bits written | estimated bits, floats | more |",
            "|---|---|---|---|",
            *(
                f"| {q} | {real:.0f} | {floats:.0f} | {100 * (real / floats - 1):+.2f} % |"
                for q, (real, floats) in costs.items()
            ),
        ]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``exact.md``; return 1 if any integer differs."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.exact", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak"), help="folder of PNG files")
    parser.add_argument("--run", type=Path, help="the checkpoint of the packaged weights")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for exact.md")
    parser.add_argument("--work", type=Path, default=Path("runs/exact"), help="folder for the files")
    options = parser.parse_args(argv)
    options.work.mkdir(parents=True, exist_ok=True)
    codec = embedded()
    found = list(cases(codec, sorted(options.data.glob("*.png"))))
    equal = count_equal(codec, found, options.work)
    costs = float_bits(codec, options.run, found, options.data) if options.run else {}
    text = page(equal, len(found), costs)
    write_atomic(options.out / "exact.md", text.encode())
    sys.stdout.write(text)
    return int(any(number != len(found) for number in equal.values()))


if __name__ == "__main__":
    sys.exit(main())
