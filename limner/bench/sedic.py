"""``python -m limner.bench.sedic``: files of sedic, layer by layer, beside what the authors' program would have counted.

    picture, given scene -> at both levels, and within budgets -> file -> its bytes by layer
          x two codecs of the reference                             |--> reference, decoded elsewhere (--stages 0)
                                                                    |--> what of the lost detail is under the masks
                                                                    \\-> the accounting of the authors' program

Nothing is painted: scenes are given, objects are cut out of their boxes by GrabCut, and the package's weights are enough.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from limner import api, files
from limner.bench import datasets, sedic_page
from limner.bench.datasets import Item, prepared_scene
from limner.bench.fresh import decode_elsewhere
from limner.bench.metrics import figures
from limner.bench.preparations import PREPARATIONS
from limner.bench.rows import write_page
from limner.bench.sedic_row import DETAILS, LATENT, MASKS, REST, WHOLE, Asked, Failure, Row
from limner.bench.sedic_told import Told, told
from limner.container.explain import Report
from limner.describe.scene import Scene
from limner.errors import BudgetError, LimnerError
from limner.files import OfSedic
from limner.image import Pixels
from limner.layers import masks
from limner.painted import Wish
from limner.render.regions import covered
from limner.staged import Extent
from limner.systems import references, sedic
from limner.systems.levels import HIGH, LEVELS, PRESETS
from limner.systems.presets import LIGHT
from limner.systems.spending import contrast

CODECS = {"cheng2020": "reference", "miniature": references.MINIATURE}
"""Of the reference: whose they are, as settings name them."""
BUDGETS_BYTES = (250, 500, 1000, 1500, 2000)


def asked_of(budgets_bytes: Sequence[int]) -> list[Asked]:
    """Both levels, then the budgets, of which the encoder spends what it likes within the higher level."""
    return [*(Asked(level) for level in LEVELS), *(Asked(HIGH, budget) for budget in budgets_bytes)]


def rows_of(
    item: Item, preparation: str, budgets_bytes: Sequence[int], codecs: Sequence[str], weights: Path | None
) -> list[Row | Failure]:
    """A picture with each codec of the reference, as much as is asked for. ``weights``: in place of cheng2020's."""
    pixels, scene = prepared(item, preparation)
    if scene is None:
        raise LimnerError(f"nobody says what {item.name} shows: a scenes.json beside the pictures does, or --scenes")
    found: list[Row | Failure] = []
    for codec in codecs:
        settings = replace(PRESETS[LIGHT], reference=CODECS[codec])
        folder = weights if CODECS[codec] != references.MINIATURE else None
        for asked in asked_of(budgets_bytes):
            try:
                blob = api.encode(
                    pixels,
                    system=sedic.NAME,
                    scene=scene,
                    extent=Extent(asked.level),
                    target_bytes=asked.target_bytes,
                    wish=Wish(settings=settings),
                    weights=folder,
                )
            except BudgetError as error:
                found.append(Failure(item.name, codec, asked, str(error)))
                continue
            found.append(row_of(item.name, codec, asked, pixels, scene, blob, folder))
    return found


def prepared(item: Item, preparation: str) -> tuple[Pixels, Scene | None]:
    """A picture and what is said of it; None if nobody says anything."""
    pixels = datasets.pixels(item)
    scene = prepared_scene(item.scene, (pixels.shape[1], pixels.shape[0]), preparation)
    return datasets.pixels(item, preparation), None if item.scene == Scene() else scene


def row_of(
    name: str, codec: str, asked: Asked, pixels: Pixels, scene: Scene, blob: bytes, weights: Path | None = None
) -> Row:
    """A file, decoded in another process."""
    report, read = api.verify(blob, weights=weights), files.read(blob, weights=weights)
    assert isinstance(read, OfSedic)
    options = [] if weights is None else ["--weights", str(weights.resolve())]
    painted, _ = decode_elsewhere(blob, "--stages", "0", *options)
    seen = figures(pixels, painted, quick=True)
    covers, share = under_masks(pixels, painted, read.layers)
    return Row(
        picture=name,
        codec=codec,
        asked=asked,
        model=read.header.model.hex(),
        width_px=report.width_px,
        height_px=report.height_px,
        objects=len(read.layers.objects),
        layers_bytes=by_layer(report),
        bytes=len(blob),
        psnr_db=seen.psnr_db,
        ms_ssim=seen.ms_ssim,
        covered_share=round(covers, 5),
        lost_share=round(share, 5),
        told=told(read.layers, list(names_of(read.layers, scene)), read.size_px),
    )


def by_layer(report: Report) -> dict[str, int]:
    """Bytes of the bodies of each kind; the rest is header, leads, lengths and checks."""
    found = dict.fromkeys((LATENT, WHOLE, DETAILS, MASKS, REST), 0)
    for row in report.rows:
        kind = row.owner.rpartition(" ")[2] if row.field == "body" else REST
        if kind == "text":
            kind = DETAILS if found[MASKS] else WHOLE
        found[kind if kind in found else REST] += row.length
    return found


def names_of(layers: sedic.Layers, scene: Scene) -> Iterator[str]:
    """The names of the objects that are sent, which are not: those of the things whose words begin alike, in their order."""
    things = iter(scene.things)
    for one in layers.objects:
        words = one.words.words if one.words else ""
        yield next(thing.name for thing in things if (thing.detail or thing.name).startswith(words))


def under_masks(pixels: Pixels, reference: Pixels, layers: sedic.Layers) -> tuple[float, float]:
    """Which share of the picture is under a mask; and which share of the detail that the reference has lost."""
    height_px, width_px = pixels.shape[:2]
    under = np.zeros((height_px, width_px), np.bool_)
    for one in layers.objects:
        under |= masks.expand(one.masks, width_px, height_px)[0]
    lost = np.maximum(contrast(pixels) - contrast(reference), 0)
    there = covered(under, (lost.shape[0], lost.shape[1]))
    return float(under.mean()), float((lost * there).sum() / lost.sum()) if lost.any() else 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Write ``sedic.md`` and ``sedic.jsonl``."""
    parser = argparse.ArgumentParser(prog="python -m limner.bench.sedic", description=main.__doc__)
    parser.add_argument("--data", default="../shared/data/kodak", help="folder of pictures, or a data set by its name")
    parser.add_argument("--scenes", type=Path, help="JSON with scenes by picture; scenes.json beside the pictures if left out")
    parser.add_argument("--preparation", choices=PREPARATIONS, default="none", help="what is done to the pictures first")
    parser.add_argument("--codecs", choices=CODECS, nargs="+", default=list(CODECS), help="of the reference")
    parser.add_argument("--weights", type=Path, help="folder with weights of cheng2020; the package's if left out")
    parser.add_argument("--budgets", type=int, nargs="*", default=list(BUDGETS_BYTES), help="bytes of a file at most")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes, a picture each")
    parser.add_argument("--page-only", action="store_true", help="make the page again from the rows that are there")
    options = parser.parse_args(argv)
    lines = options.out / "sedic.jsonl"
    if options.page_only:
        found = [kept(line) for line in lines.read_text("utf-8").splitlines()]
    else:
        found = measured(options)
        write_page(lines, "".join(json.dumps(asdict(one)) + "\n" for one in found))
    rows, failures = [one for one in found if isinstance(one, Row)], [one for one in found if isinstance(one, Failure)]
    text = sedic_page.page(rows, failures, "python -m limner.bench.sedic --data PATH --out results")
    write_page(options.out / "sedic.md", text)
    sys.stdout.write(text)
    return 0


def kept(line: str) -> Row | Failure:
    """A row that was written."""
    fields = json.loads(line)
    fields["asked"] = Asked(**fields["asked"])
    return Failure(**fields) if "failure" in fields else Row(**fields | {"told": Told(**fields["told"])})


def measured(options: argparse.Namespace) -> list[Row | Failure]:
    """The rows of all pictures, in processes."""
    data = datasets.opened(options.data, options.preparation, scene_file=options.scenes)
    work = partial(
        rows_of,
        preparation=options.preparation,
        budgets_bytes=options.budgets,
        codecs=options.codecs,
        weights=options.weights,
    )
    found: list[Row | Failure] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
        for number, some in enumerate(executor.map(work, data.pictures), 1):
            found += some
            print(f"{number} of {len(data.pictures)} pictures", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
