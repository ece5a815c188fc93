"""``python -m limner.bench.ablation``: what each layer of sedic is worth, by the rows of the paper's Table 1.

    scene -> words, masks -> what a row sends -----------+-> files -> one fresh process -> pictures -> measures -> page
    picture -> reference, the same in every row that has it           paints, where the painter's weights are here;
                                                                      else gives the reference alone, and the page says so

Any pictures, any models. Without words for the whole the last stage is painted all the same, with none; without a reference,
all begins with grey.

Source: Song et al. 2025 (SEDIC), section 4.3, Table 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from limner import image
from limner.bench import ablation_page, datasets, measures
from limner.bench.ablation_page import Row
from limner.bench.datasets import DataSet, Item
from limner.bench.fresh import run_python
from limner.bench.measures import Measure, Told
from limner.bench.preparations import PREPARATIONS
from limner.bench.rows import write_page
from limner.bench.sedic import prepared
from limner.bench.sedic_paper import VARIANTS, Variant
from limner.container.blob import pack
from limner.describe.answer import Limits
from limner.errors import LimnerError, MissingError
from limner.extras import need
from limner.image import Pixels
from limner.painted import torch_device
from limner.render.machine import CHOICES, Machine
from limner.render.parts import demand
from limner.render.stagepainter import StagePainter
from limner.systems import levels, objects, references, sedic
from limner.systems.levels import Settings
from limner.systems.presets import LIGHT
from limner.systems.sedic import Amount
from limner.weights import PLACES, places

REFERENCE_BPP = 0.0182
"""Of a codec that has rates; what the paper's takes, by rows 6 and 7."""
NAMES = ("lpips_alex", "dists", "psnr_db", "ms_ssim")
ASKED = "only the references were asked for"


@dataclass(frozen=True)
class Making:
    """How files are made. weights: folder of the reference's, None for those that the settings name."""

    settings: Settings
    variants: tuple[Variant, ...] = VARIANTS
    preparation: str = "none"
    reference_bpp: float = REFERENCE_BPP
    weights: Path | None = None
    seed: int = 0
    device: str = "cpu"

    @property
    def limits(self) -> Limits:
        """The most that any row sends."""
        return Limits(
            things=max(one.objects for one in self.variants),
            detail_words=max(1, *(one.detail_words for one in self.variants)),
            overall_words=max(1, *(one.overall_words for one in self.variants)),
        )


@dataclass(frozen=True)
class File:
    """What a row made of a picture. objects: how many are sent; a scene may have fewer than the row wants."""

    picture: str
    variant: Variant
    objects: int
    size_px: tuple[int, int]
    blob: bytes


def files_of(item: Item, making: Making) -> list[File]:
    """A picture in every row. MissingError if weights are not here, BudgetError for a rate that the reference cannot have."""
    pixels, scene = prepared(item, making.preparation)
    seen = objects.seen(pixels, scene, making.settings, making.limits, making.device)
    coding = references.named(making.settings.reference, making.weights).of(pixels)
    limit_bytes = int(making.reference_bpp * pixels.shape[0] * pixels.shape[1] / 8)
    reference = coding.fit_within(limit_bytes, 0) if coding.has_rates else coding.fit(0)
    found = []
    for variant in making.variants:
        sent = amount(variant, len(seen.objects), making.settings.cell_px)
        layers = sedic.fit(seen, sent, making.settings.painter, making.seed)
        layers = replace(layers, reference=reference if variant.reference else None)
        blob = pack(sedic.blob(layers, seen.size_px))
        found.append(File(item.name, variant, len(layers.objects), seen.size_px, blob))
    return found


def amount(variant: Variant, most: int, cell_px: int) -> Amount:
    """What a row sends of a scene with so many objects."""
    sent = tuple((place, variant.detail_words) for place in range(min(variant.objects, most)))
    return Amount(variant.overall_words, sent, cell_px)


def lacking(painter: StagePainter) -> str:
    """What is not here of a painter, and what to do; "" if it can paint."""
    try:
        demand(painter)
        for module in ("torch", "diffusers", "transformers"):
            need(module, extra="diffusion")
    except MissingError as error:
        return str(error)
    return ""


def decoded(found: Sequence[File], options: Sequence[str]) -> Iterator[Pixels]:
    """All files through one ``limner decode`` in a fresh process, which opens models once. LimnerError with what it said."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number:06d}.limn") for number in range(len(found))]
        for path, file in zip(paths, found, strict=True):
            path.write_bytes(file.blob)
        # Settings may name folders by their way from here.
        command = ["-m", "limner", "decode", "-r", folder, "-o", folder, *options]
        done = run_python(command, folder=Path.cwd(), variables=own_places())
        if done.returncode:
            raise LimnerError(f"decoding failed (exit code {done.returncode}): {done.stderr.strip()[-500:]}")
        for path in paths:
            yield image.load(path.with_suffix(".png")).pixels


def own_places() -> dict[str, str]:
    """Where weights lie, from the root."""
    return {PLACES: os.pathsep.join(str(place.resolve()) for place in places())} if places() else {}


def rows_of(
    data: DataSet, found: Sequence[File], options: Sequence[str], painted: bool, kept: Mapping[str, Measure]
) -> Iterator[Row]:
    """Every file decoded and measured."""
    items = {item.name: item for item in data.pictures}
    for file, pixels in zip(found, decoded(found, options), strict=True):
        item = items[file.picture]
        figures, _ = measures.measured(data.pixels(item), pixels, Told(item.words), None, kept)
        rounded = {name: round(value, 5) for name, value in figures.items()}
        yield Row(file.picture, file.variant, file.objects, *file.size_px, len(file.blob), painted, rounded)


def parser() -> argparse.ArgumentParser:
    asked = argparse.ArgumentParser(prog="python -m limner.bench.ablation", description=main.__doc__)
    asked.add_argument("--data", default="../shared/data/kodak", help="folder of pictures, or a data set by its name")
    asked.add_argument("--scenes", type=Path, help="JSON with scenes by picture; scenes.json beside the pictures if left out")
    asked.add_argument("--preparation", choices=PREPARATIONS, default="none", help="what is done to the pictures first")
    asked.add_argument("--settings", default=LIGHT, help="of sedic: a preset, or a file of JSON")
    asked.add_argument("--weights", type=Path, help="folder with the reference's; that of the settings if left out")
    asked.add_argument("--reference-bpp", type=float, default=REFERENCE_BPP, help="of a reference that has rates")
    numbers = [one.number for one in VARIANTS]
    asked.add_argument("--rows", type=int, nargs="+", choices=numbers, default=numbers, help="of the paper's Table 1")
    asked.add_argument("--unpainted", action="store_true", help="measure the references alone, whatever is here")
    asked.add_argument("--seed", type=int, default=0, help="of the painting")
    for name, known in CHOICES.items():
        asked.add_argument(f"--{name}", choices=known, default="auto", help="of the painting")
    asked.add_argument("--out", type=Path, default=Path("results"))
    asked.add_argument("-j", "--jobs", type=int, default=1, help="processes, if nothing is painted")
    return asked


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``ablation.md`` and ``ablation.jsonl``."""
    options = parser().parse_args(argv)
    machine = Machine(options.device, options.precision, options.offload)
    settings, device = levels.settings_of(options.settings), torch_device(machine)
    variants = tuple(one for one in VARIANTS if one.number in options.rows)
    making = Making(
        settings, variants, options.preparation, options.reference_bpp, options.weights, options.seed, device
    )
    unpainted = ASKED if options.unpainted else lacking(settings.painter)
    data = datasets.opened(options.data, options.preparation, scene_file=options.scenes)
    jobs = options.jobs if unpainted else 1
    if jobs > 1:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
            files = [file for found in executor.map(partial(files_of, making=making), data.pictures) for file in found]
    else:
        files = [file for item in data.pictures for file in files_of(item, making)]
    told = ["--settings", options.settings]
    told += [word for name in CHOICES for word in (f"--{name}", getattr(options, name))]
    told += [] if options.weights is None else ["--weights", str(options.weights)]
    told += ["--stages", "0", "-j", str(jobs)] if unpainted else []
    table = measures.on(device)
    kept = {name: table[name] for name in NAMES}
    rows = list(rows_of(data, files, told, not unpainted, kept))
    write_page(options.out / "ablation.jsonl", "".join(json.dumps(asdict(row)) + "\n" for row in rows))
    facts = f"Settings {Path(options.settings).name}, seed {options.seed}."
    text = ablation_page.page(rows, kept, facts, unpainted, "python -m limner.bench.ablation --data PATH --settings SETTINGS")
    write_page(options.out / "ablation.md", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
