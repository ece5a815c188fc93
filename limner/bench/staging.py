"""``python -m limner.bench.staging``: seconds and memory of sedic, painted by models with random weights.

    random models of a published form -> objects x steps -> ours, ours in windows, a plain loop of the same -> seconds, MB
    photograph, boxes, words          -> the encoder, part by part                                          -> seconds

All in one run, in one process, with the same models. What comes out shows nothing; what it takes is as with trained weights.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from limner import api, image
from limner.bench import plain_stages, random_models, sedic_paper
from limner.bench.demo import sample_photo
from limner.bench.random_models import FORMS
from limner.bench.rows import number, table, write_page
from limner.bench.speed.machine import cpu_model
from limner.describe.scene import Scene
from limner.describe.scene import Thing as Told
from limner.extras import need
from limner.image import Pixels
from limner.painted import Wish
from limner.render.machine import CHOICES, Machine
from limner.render.stagepainter import STAGE_PAINTERS, StagePainter
from limner.render.stages import Stages, Thing
from limner.systems import objects, references, sedic
from limner.systems.levels import HIGH, LEVELS, PRESETS
from limner.systems.presets import LIGHT, PAPER
from limner.systems.references import Reference
from limner.systems.sedic import Amount

MARGIN_PX = 64
SIZE_PX = (768, 512)
SEED = 1
WHOLE = "photograph of a table by a window, everyday things on it, soft light from the left, warm colours, a dark ground behind"
DETAIL = "smooth round form with a bright edge, reflections of the window on its upper side, a long soft shadow to the right"
BOXES = ((0.05, 0.1, 0.35, 0.45), (0.4, 0.3, 0.7, 0.65), (0.65, 0.55, 0.95, 0.9))
"""Left, top, right, bottom in parts of the picture: each about a tenth of it."""
OURS, WINDOWS, PLAIN = "ours", "ours, in windows", "plain loop"
CODECS = {"cheng2020": "reference", "miniature": references.MINIATURE}
QUALITY = 16  # of miniature's reference


@dataclass(frozen=True)
class Cell:
    """A way to paint: median seconds of some turns, peak of what torch held in MB, weights included; None on a CPU."""

    way: str
    steps: int
    objects: int
    seconds: float
    peak_mb: float | None


def painter_of(steps: int, size_px: tuple[int, int]) -> StagePainter:
    """The paper's, with so many steps in each stage, painting at this size."""
    sized = replace(STAGE_PAINTERS[PAPER], short_px=None, area_px=size_px[0] * size_px[1], multiple=8)
    return replace(sized, object_steps=(steps,), last_steps=steps)


def things_of(size_px: tuple[int, int], count: int) -> list[Thing]:
    """Objects in boxes."""
    found = []
    for box in boxes_of(size_px)[:count]:
        mask = np.zeros((size_px[1], size_px[0]), np.bool_)
        mask[box[1] : box[3], box[0] : box[2]] = True
        found.append(Thing(DETAIL, mask))
    return found


def boxes_of(size_px: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    width, height = size_px
    return [(int(a * width), int(b * height), int(c * width), int(d * height)) for a, b, c, d in BOXES]


def cells(models: Stages, picture: Pixels, steps: Sequence[int], counts: Sequence[int], turns: int) -> Iterator[Cell]:
    """Every way at every number of steps and objects. The first painting, which is not counted, warms the machine up."""
    size_px = picture.shape[1], picture.shape[0]
    ways(with_settings(models, painter_of(1, size_px)), picture, things_of(size_px, 1))[PLAIN]()
    for step in steps:
        for count in counts:
            here = with_settings(models, painter_of(step, size_px))
            for way, action in ways(here, picture, things_of(size_px, count)).items():
                yield Cell(way, step, count, *measured(action, models.nets.device, turns))


def ways(models: Stages, picture: Pixels, things: Sequence[Thing]) -> dict[str, Callable[[], object]]:
    size_px = picture.shape[1], picture.shape[0]
    narrow = with_settings(models, replace(models.painter, margin_px=MARGIN_PX))
    return {
        OURS: lambda: models.paint(picture, things, WHOLE, SEED, size_px),
        WINDOWS: lambda: narrow.paint(picture, things, WHOLE, SEED, size_px),
        PLAIN: lambda: plain_stages.paint(models, picture, things, WHOLE, SEED, size_px),
    }


def with_settings(models: Stages, painter: StagePainter) -> Stages:
    """The same models, painting otherwise."""
    return Stages(painter, models.machine, replace(models.nets, painter=painter))


def measured(action: Callable[[], object], device: str, turns: int) -> tuple[float, float | None]:
    """Median seconds of some turns, and the most that torch held in MB. What is painted has come back to the CPU by then."""
    torch = need("torch", extra="diffusion")
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = median_s(action, turns)
    return seconds, torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else None


def median_s(action: Callable[[], object], turns: int) -> float:
    found = []
    for _ in range(turns):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def encoder_s(picture: Pixels, turns: int) -> dict[str, float]:
    """Seconds of the encoder's parts, all on the CPU: the first turn, which opens models, is not counted."""
    size_px = picture.shape[1], picture.shape[0]
    told = Scene("", WHOLE, tuple(Told("thing", box, DETAIL) for box in boxes_of(size_px)), size_px)
    settings, limits = PRESETS[LIGHT], LEVELS[HIGH].limits
    seen = objects.seen(picture, told, settings, limits)
    parts: dict[str, Callable[[], object]] = {
        "masks of 3 boxes by GrabCut": partial(objects.seen, picture, told, settings, limits),
        "words and masks, coded": partial(worded, seen, settings.painter),
    }
    for shown, name in CODECS.items():
        ask = partial(api.encode, picture, system=sedic.NAME, scene=told, wish=Wish(settings=replace(settings, reference=name)))
        parts[f"reference by {shown}, coded"] = partial(coded, references.named(name), picture)
        parts[f"a file at level high, reference by {shown}"] = ask
        parts[f"reference by {shown}, decoded"] = partial(api.decode, ask(), stages=0)
    for action in parts.values():
        action()
    return {name: median_s(action, turns) for name, action in parts.items()}


def worded(seen: sedic.Scene, painter: StagePainter) -> None:
    """Three objects and the whole, with all their words."""
    limits = LEVELS[HIGH].limits
    everything = Amount(limits.overall_words, tuple((place, limits.detail_words) for place in range(len(seen.objects))))
    sedic.write(sedic.fit(seen, everything, painter))


def coded(codec: Reference, picture: Pixels) -> None:
    codec.of(picture).fit(QUALITY)


def cells_table(found: Sequence[Cell]) -> str:
    """Seconds and memory of the three ways beside each other."""
    lines = []
    for steps, count in dict.fromkeys((cell.steps, cell.objects) for cell in found):
        some = {cell.way: cell for cell in found if (cell.steps, cell.objects) == (steps, count)}
        seconds = [number(some[way].seconds, 3) for way in (OURS, WINDOWS, PLAIN)]
        times = number(some[PLAIN].seconds / some[OURS].seconds, 2)
        peaks = [number(some[way].peak_mb, 0) for way in (OURS, WINDOWS, PLAIN)]
        lines.append([f"J = {count}, {steps} steps", *seconds, times, *peaks])
    head = [f"{OURS}, s", f"{WINDOWS}, s", f"{PLAIN}, s", "times as long", f"{OURS}, MB", f"{WINDOWS}, MB", f"{PLAIN}, MB"]
    return table(["what is painted", *head], lines)


def page(found: Sequence[Cell], encoder: Mapping[str, float], where: str, what: str, command: str) -> str:
    return "\n".join(
        [
            "# sedic: seconds and memory\n",
            "Computed by the command below; nothing here is written by hand.\n",
            f"```\n{command}\n```\n",
            f"{where}. {what}, random weights: what is painted shows nothing, and takes as long.\n",
            "## Painting\n",
            PAINTING,
            cells_table(found),
            "## Encoding\n",
            f"On the CPU ({cpu_model()}), with a scene that is given. What opens models is not counted.\n",
            table(["what", "seconds"], [[name, number(seconds, 3)] for name, seconds in encoder.items()]),
            "## What the paper reports\n",
            "For Kodak on an RTX 4090, not measured here. Whose steps these are it does not say: one stage's or all.\n",
            sedic_paper.table_2(),
        ]
    )


PAINTING = f"""Each stage has so many steps; there is one for each of J objects, and one for the whole. Objects are boxes of a
tenth of the picture. The plain loop runs the nets with the words and without one after the other, and all of the U-Net for the
energy's slope; it paints the same picture but for rounding. In windows an object is painted with {MARGIN_PX} px around it, and
not on the whole picture as in the paper. Seconds are the median of some turns, from the reference's pixels to the picture's,
and begin with the models in place. MB (10^6 bytes): the most that torch held, weights included; a dash without a GPU.
"""


def where_words(models: Stages) -> str:
    """On what it was painted."""
    torch, nets = need("torch", extra="diffusion"), models.nets
    name = torch.cuda.get_device_name() if nets.device == "cuda" else cpu_model()
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", "diffusers", "transformers"))
    return f"{name}, {nets.precision}; {versions}"


def parser() -> argparse.ArgumentParser:
    asked = argparse.ArgumentParser(prog="python -m limner.bench.staging", description=main.__doc__)
    asked.add_argument("--models", choices=FORMS, default="sd21", help="of which form; tiny: on any machine")
    asked.add_argument("--steps", type=int, nargs="+", default=[20, 50], help="of each stage")
    asked.add_argument("--objects", type=int, nargs="+", default=[0, 1, 3], choices=range(len(BOXES) + 1))
    asked.add_argument("--turns", type=int, default=3)
    asked.add_argument("--picture", type=Path, help="a photograph; one of scikit-image if left out")
    asked.add_argument("--size", type=int, nargs=2, default=SIZE_PX, metavar=("W", "H"), help="multiples of 8")
    asked.add_argument("--device", choices=CHOICES["device"], default="auto")
    asked.add_argument("--precision", choices=CHOICES["precision"], default="auto")
    asked.add_argument("--out", type=Path, default=Path("results"))
    return asked


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``staging.md`` and ``staging.jsonl``."""
    options = parser().parse_args(argv)
    photo = image.load(options.picture).pixels if options.picture else sample_photo().pixels
    picture = image.resize(photo, *options.size)
    encoder = encoder_s(picture, options.turns)
    models = random_models.stages(
        FORMS[options.models], painter_of(1, options.size), Machine(options.device, options.precision, "none")
    )
    found = list(cells(models, picture, options.steps, options.objects, options.turns))
    write_page(options.out / "staging.jsonl", "".join(json.dumps(asdict(cell)) + "\n" for cell in found))
    what = f"Models of the form {options.models}, a picture of {options.size[0]} x {options.size[1]} px"
    text = page(found, encoder, where_words(models), what, f"python -m limner.bench.staging --models {options.models}")
    write_page(options.out / "staging.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
