"""The recipe of the sketch codec: miniature's net, thinner, on soft edge maps in place of photographs.

    photographs (h, w, 3) --> EdgeNet --> maps (h, w) uint8, kept in the run's folder --> crops, three equal channels
                                                                                            |
                              rate + lambda (squared error + similarity (1 - MS-SSIM))  <-- net

Text + Sketch (Lei et al. 2023) codes the maps of holistically nested edges by a learned codec that was trained for MS-SSIM. The
range of lambda begins far lower than for photographs: a sketch may have a hundredth of a bit a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from limner.atomic import write_atomic
from limner.describe.edges import EdgeDetector, picture_file
from limner.errors import LimnerError
from limner.nets.miniature import Miniature, Widths
from limner.train import miniature, photos
from limner.train.draws import Draw
from limner.train.export import export
from limner.train.photos import Photos, Pixels
from limner.train.task import Schedule

WIDTHS = Widths(quarter=24, eighth=64, sixteenth=96, features=64, hyper_features=32)
COUNT = 1500  # maps that are trained on
MAPS = "maps"  # folder in a run's
CALIBRATED = 12  # held-out maps that show the converter how large activations get
SAY_EVERY = 100

Map = NDArray[np.uint8]


@dataclass(frozen=True)
class Maps:
    """Edge maps (h, w) in memory as a source of grey pictures (h, w, 3)."""

    train: list[Map]
    maps_held_out: list[Map]

    @property
    def held_out(self) -> list[Pixels]:
        return [grey(one) for one in self.maps_held_out]

    def draw(self, draw: Draw) -> Pixels:
        return grey(self.train[draw.rng.integers(len(self.train))])


def grey(one: Map) -> Pixels:
    """A map as three equal channels (h, w, 3)."""
    return np.repeat(one[..., None], 3, 2)


def recipe(schedule: Schedule, batch: int = 16, crop_px: int = 256, similarity: float = 1000.0) -> miniature.Recipe:
    """About 0.004 to 0.08 bits a pixel of a map of 768 x 512."""
    return miniature.Recipe(schedule, batch=batch, crop_px=crop_px, lambda_low=3e-6, lambda_high=8e-4, similarity=similarity)


def net() -> Miniature:
    """A net with fresh weights."""
    return Miniature(WIDTHS)


def task(given: miniature.Recipe, maps: Maps) -> miniature.Task:
    """The recipe on maps, for ``limner.train.loop``."""
    return miniature.Task(given, maps, net)


def load(data: Path, folder: Path, detector: EdgeDetector, count: int, say: Callable[[str], None]) -> Maps:
    """Maps of the first ``count`` photographs of ``data`` and of some held out; those that ``folder`` has are not drawn again.

    LimnerError without photographs.
    """
    pictures = photos.load(data)
    folder.mkdir(parents=True, exist_ok=True)
    kept = Photos(pictures.train[:count], pictures.held_out[: miniature.CHECKED])
    train = drawn(kept.train, folder, "train", detector, say)
    return Maps(train, drawn(kept.held_out, folder, "held_out", detector, say))


def drawn(pictures: Sequence[Pixels], folder: Path, part: str, detector: EdgeDetector, say: Callable[[str], None]) -> list[Map]:
    """The map of each picture, as a grey PNG in ``folder`` too."""
    maps = []
    for number, picture in enumerate(pictures):
        path = folder / f"{part}-{number:05}.png"
        if not path.exists():
            write_atomic(path, picture_file(detector.edges(picture)))
        with Image.open(path) as image:
            maps.append(np.asarray(image.convert("L")))
        if (number + 1) % SAY_EVERY == 0:
            say(f"{number + 1} of {len(pictures)} maps to {part.replace('_', ' ')}")
    return maps


def export_sketch(checkpoint: Path, folder: Path, name: str) -> None:
    """Write the averaged weights of a checkpoint as a set, calibrated on the held-out maps that lie beside it.

    LimnerError if the checkpoint is of another net, or if its maps are gone.
    """
    paths = sorted((checkpoint.parent / MAPS).glob("held_out-*.png"))[:CALIBRATED]
    if not paths:
        raise LimnerError(f"{checkpoint.parent / MAPS} has no held-out maps: give a checkpoint in its run's folder")
    model = net()
    try:
        model.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["ema"])
    except RuntimeError as error:
        raise LimnerError(f"{checkpoint} is no checkpoint of the sketch codec") from error
    export(model, [grey(np.asarray(Image.open(path).convert("L"))) for path in paths], folder, name, system="sketch")
