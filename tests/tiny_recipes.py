"""Every recipe of training at sizes that a test can wait for, how runs compare, and a program that runs some of them.

    python tests/tiny_recipes.py OUT --steps 9 --batch 2 miniature edges      each into a folder of its name
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import drawn
import numpy as np
import torch
from pictures import scene
from PIL import Image

from limner.nets.miniature import Miniature, Widths
from limner.nets.words import WordEncoder
from limner.train import edges, miniature, pairs, photos, reference, sketch, taco, vivid, words
from limner.train.boundaries import Drawn
from limner.train.captioned import Kept, Photos
from limner.train.loop import train
from limner.train.machine import Machine
from limner.train.task import Losses, Schedule, Task

HERE = Machine("cpu", precision="32-true", threads=1)
THIN = Widths(quarter=8, eighth=16, sixteenth=16, features=16, hyper_features=8)
PICTURES = [scene(90, 80, seed) for seed in range(5)]
SOURCE = photos.Photos(PICTURES, PICTURES[:1])
CAPTIONS = [f"a hill, number {seed}" for seed in range(5)]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@cache
def captioned() -> Photos:
    some = [Kept(png(pixels), (caption,)) for pixels, caption in zip(PICTURES, CAPTIONS, strict=True)]
    return Photos(some, some[:2])


@cache
def codec() -> Path:
    """A checkpoint of a codec that knows nothing."""
    folder = TemporaryDirectory()
    kept.append(folder)
    torch.manual_seed(0)
    torch.save({"ema": Miniature().state_dict()}, Path(folder.name) / "last.pt")
    return Path(folder.name) / "last.pt"


kept: list[TemporaryDirectory[str]] = []


def of_miniature(schedule: Schedule, batch: int) -> Task[Any]:
    return miniature.Task(miniature.Recipe(schedule, batch=batch, crop_px=64), SOURCE, partial(Miniature, THIN))


def of_sketch(schedule: Schedule, batch: int) -> Task[Any]:
    maps = sketch.Maps([pixels[..., 0] for pixels in PICTURES], [PICTURES[0][..., 0]])
    return miniature.Task(sketch.recipe(schedule, batch, 64, similarity=100.0), maps, partial(Miniature, THIN))


def of_vivid(schedule: Schedule, batch: int) -> Task[Any]:
    return vivid.Task(vivid.Recipe(schedule, batch=batch, crop_px=64), SOURCE, codec())


def of_words(schedule: Schedule, batch: int) -> Task[Any]:
    some = [words.Captioned(pixels, caption) for pixels, caption in zip(PICTURES, CAPTIONS, strict=True)]
    torch.manual_seed(0)
    return words.Task(some, some[:1], codec(), WordEncoder(), miniature.Recipe(schedule, batch=batch, crop_px=64))


def of_edges(schedule: Schedule, batch: int) -> Task[Any]:
    hills = [Drawn(f"{k}", pixels, (255 * drawn.outline(90, 80)).astype(np.uint8)) for k, pixels in enumerate(PICTURES)]
    return edges.Task(edges.Recipe(schedule, batch=batch, crop_px=64), hills)


def of_pairs(schedule: Schedule, batch: int) -> Task[Any]:
    import tiny_clip

    return pairs.Task(pairs.Recipe(schedule, batch=batch), captioned(), tiny_clip.reader())


def of_reference(schedule: Schedule, batch: int) -> Task[Any]:
    return reference.Task(reference.Recipe(schedule, batch=batch, crop_px=64, inner=8, muon=True), SOURCE)


def of_taco(schedule: Schedule, batch: int, joint: str = "none") -> Task[Any]:
    import tiny_clip

    torch.manual_seed(0)
    told = tiny_clip.reader(width=16)
    pair = pairs.SmallPair(pairs.Eyes(told.sentence_width).requires_grad_(False).eval(), told) if joint != "none" else None
    recipe = taco.Recipe(
        schedule, perceptual="ms-ssim", joint=joint, inner=8, latent=12, slices=(4, 8), batch=batch, crop_px=64
    )
    recipe = replace(recipe, dropped_part=0.5)
    return taco.Task(recipe, captioned(), taco.Judges(told, taco.unlike("ms-ssim", None), pair))


RECIPES: Mapping[str, Callable[[Schedule, int], Task[Any]]] = {
    "miniature": of_miniature,
    "sketch": of_sketch,
    "vivid": of_vivid,
    "words": of_words,
    "edges": of_edges,
    "pairs": of_pairs,
    "reference": of_reference,
    "taco": of_taco,
    "taco-joint": partial(of_taco, joint="small-pair"),
}


def schedule(steps: int, seed: int = 1) -> Schedule:
    """Steps alone say when it ends."""
    return Schedule(steps=steps, minutes=math.inf, learning_rate=3e-4, warm_up_steps=5, constant_part=0.5, seed=seed)


def made(name: str, steps: int, batch: int, seed: int = 1) -> Task[Any]:
    return RECIPES[name](schedule(steps, seed), batch)


class Away(Exception):
    """The machine was taken away."""


class Cut:
    """A task whose machine is taken away after some passes."""

    def __init__(self, task: Task[Any], after: int) -> None:
        self.task, self.left = task, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def losses(self, *given: Any) -> Losses:
        self.left -= 1
        if self.left < 0:
            raise Away
        return self.task.losses(*given)


def curve(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's curve."""
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text("utf-8").splitlines()]


def apart(one: Path, other: Path) -> float:
    """By how much the figures of two runs differ at most, in parts of themselves."""
    rows, others = curve(one), curve(other)
    assert [row.keys() for row in rows] == [row.keys() for row in others] and rows
    pairs = [(row[name], beside[name]) for row, beside in zip(rows, others, strict=True) for name in row]
    return max(abs(a - b) / max(abs(a), 1e-6) for a, b in pairs)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Of a run's last checkpoint: the model's and their averages."""
    found = torch.load(folder / "last.pt", weights_only=True)
    return {**found["model"], **{f"ema.{name}": tensor for name, tensor in found["ema"].items()}}


def equal(one: Path, other: Path) -> bool:
    """Bit for bit."""
    mine, others = weights(one), weights(other)
    return mine.keys() == others.keys() and all(torch.equal(mine[name], others[name]) for name in mine)


def silent(line: str) -> None:
    """For runs that are not listened to."""


def started(*asked: object, **environment: str) -> subprocess.Popen[bytes]:
    """This program in a process of its own, and in a group of its own."""
    own = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    command = [sys.executable, __file__, *map(str, asked)]
    return subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL, start_new_session=True)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("recipes", nargs="+", help="with :own at its end, each process draws as if it were another run")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args(argv)
    ended = True
    for asked in options.recipes:
        name, _, own = asked.partition(":")
        seed = 1 + (int(os.environ.get("RANK", "0")) if own else 0)
        task = made(name, options.steps, options.batch, seed)
        ended &= train(task, options.out / asked, replace(HERE, workers=options.workers), say, save_minutes=0)
    return 0 if ended else 143


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
