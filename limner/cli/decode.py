"""``limner decode``: files -> pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.painting import Painting, watch
from limner.cli.plan import STREAM, Job, Naming, writing_jobs
from limner.cli.streams import read_blob, shown, write, write_pieces
from limner.cli.talk import carry_out
from limner.detail import ALONE, INVENTED, detail, notes
from limner.suffixes import FILES

if TYPE_CHECKING:
    from limner.image import Pixels
    from limner.layers.prefix import Part
    from limner.pixels.strips import Strips
    from limner.render.stages import Keep

PAINTERS = ("faithful", "vivid")  # those of limner.systems.miniature, which is not to be loaded for --help


@dataclass(frozen=True)
class Staging:
    """How far a file of sedic is painted, and into which folder each stage is written; what is read of a damaged file, and
    whether it may be the start of one."""

    stages: int | None = None
    folder: Path | None = None
    salvage: bool = False
    cut: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing is asked of stages."""
        return self.stages is None and self.folder is None

    def keep(self, source: str) -> Keep | None:
        """Writes each stage as a picture, named by its number."""
        if self.folder is None:
            return None
        stem, folder = Path("stdin" if source == STREAM else source).stem, self.folder

        def kept(number: int, pixels: Pixels) -> None:
            from limner.image import to_file

            folder.mkdir(parents=True, exist_ok=True)
            write(str(folder / f"{stem}.{number}.png"), to_file(pixels, ".png"))

        return kept


@dataclass(frozen=True)
class Decode:
    """Hold the settings of a batch; calling it does one job."""

    size: tuple[int, int] | None
    painter: str
    strength: float
    weights: Path | None
    painting: Painting
    staging: Staging
    preview: bool
    max_pixels: int

    def __call__(self, job: Job) -> Outcome:
        from limner.image import png_pieces, to_file
        from limner.pixels.strips import Held, joined

        blob = read_blob(job.source)
        system = self.system_of(blob)
        parts: list[Part] = []
        target = job.target or STREAM
        suffix = ".png" if target == STREAM else Path(target).suffix
        said = detail(system, self.painter, self.staging.stages, preview=self.preview)
        streamed = system == "miniature" and suffix.lower() == ".png" and not self.preview and self.staging.plain
        painted = self.by_strips(blob, parts) if streamed else Held(self.whole(job, blob, parts))
        noted, width_px, height_px = notes(system, len(blob), said), painted.width_px, painted.height_px
        line = f"{job.source} -> {shown(target)}: {width_px} x {height_px} px from {len(blob)} bytes{self.alone()}"
        facts = {"system": system, "bytes": len(blob), "invented": said == INVENTED}
        facts |= {"width_px": width_px, "height_px": height_px}
        for part in parts:
            noted["limner:part"], facts["part"] = start_of(part), round(part.share, 3)
        write_pieces(target, png_pieces(painted, noted) if streamed else (to_file(joined(painted), suffix, notes=noted),))
        warnings = tuple(f"{job.source}: {start_of(part)}" for part in parts)
        return Outcome(job.source, target, "done", line, warnings=warnings, facts=facts)

    def by_strips(self, blob: bytes, parts: list[Part]) -> Strips:
        """The picture of a file of miniature, painted as it is written."""
        from limner import api
        from limner.systems.miniature import Painting

        return api.decode_strips(
            blob,
            size=self.size,
            painting=Painting(self.painter, self.strength),
            salvage=self.staging.salvage,
            cut=self.staging.cut,
            told=parts.append,
            max_pixels=self.max_pixels,
        )

    def whole(self, job: Job, blob: bytes, parts: list[Part]) -> Pixels:
        from limner import api

        return api.decode(
            blob,
            size=self.size,
            painter=self.painter,
            strength=self.strength,
            weights=self.weights,
            settings=self.painting.settings,
            machine=self.painting.machine(),
            stages=self.staging.stages,
            keep=self.staging.keep(job.source),
            salvage=self.staging.salvage,
            cut=self.staging.cut,
            told=parts.append,
            watch=watch(),
            preview=self.preview,
            max_pixels=self.max_pixels,
        )

    def system_of(self, blob: bytes) -> str:
        from limner.container.blob import SYSTEMS, unpack
        from limner.container.start import unpack_start

        if self.staging.cut:
            return SYSTEMS[unpack_start(blob, max_pixels=self.max_pixels).blob.system]
        return SYSTEMS[unpack(blob, max_pixels=self.max_pixels, salvage=self.staging.salvage).system]

    def alone(self) -> str:
        return f" ({ALONE})" if self.staging.stages == 0 else ""


def start_of(part: Part) -> str:
    """Say how much of a file is there, and what that is worth."""
    return f"the start of a file, about {100 * part.share:.0f} % of it: no check guards it"


def as_pictures(plan: list[Job]) -> None:
    """Refuse names of outputs that say no kind of picture that is written."""
    from limner.image import SUFFIXES

    for job in plan:
        target = job.target or STREAM
        if target != STREAM and Path(target).suffix.lower() not in SUFFIXES:
            raise typer.BadParameter(f"a picture's name ends in {', '.join(SUFFIXES)}, not {target!r}", param_hint="--output")


def decode(
    inputs: options.Inputs,
    output: options.Output = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Paint at another size.", show_default=False)] = None,
    painter: Annotated[str, typer.Option(help="faithful: blurs what is not known; vivid: paints likely detail.")] = "faithful",
    strength: Annotated[float, typer.Option(min=0, max=1, help="How much of the vivid painter.")] = 1.0,
    weights: options.Weights = None,
    settings: options.Settings = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Of pic and pics: a card of what was sent; needs no painter.")
    ] = False,
    stages: Annotated[
        int | None,
        typer.Option(min=0, help="Of sedic: end after so many objects; 0: the reference, unpainted.", show_default=False),
    ] = None,
    keep_stages: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Of sedic: write each stage as a picture.", file_okay=False, show_default=False),
    ] = None,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Of a file that is cut or damaged, paint the layers that are whole.")
    ] = False,
    cut: Annotated[
        bool, typer.Option("--cut", help="Paint what is there of a file whose end was lost, but of which no byte was changed.")
    ] = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    offload: options.Offload = "auto",
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip: options.Skip = False,
    jobs: options.Jobs = 1,
    json: options.Json = False,
) -> None:
    """Paint the pictures of files.

    photo.limn becomes photo.png beside it, unless -o says otherwise: also .jpg and .webp.
    """
    options.only_one({"--overwrite": overwrite or None, "--skip": skip or None})
    options.only_one({"--salvage": salvage or None, "--cut": cut or None})
    if painter not in PAINTERS:
        raise typer.BadParameter(f"one of {', '.join(PAINTERS)}, not {painter!r}", param_hint="--painter")
    painting = Painting(settings, device=device, precision=precision, offload=offload)
    staging = Staging(stages, keep_stages, salvage, cut)
    task = Decode(options.size_px(size), painter, strength, weights, painting, staging, preview, max_pixels)
    plan = writing_jobs(inputs, FILES, Naming(output, ".png", overwrite, skip), recursive=recursive)
    as_pictures(plan)
    carry_out(task, plan, processes=jobs, json_lines=json)
