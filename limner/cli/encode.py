"""``limner encode``: pictures -> files of a few hundred bytes."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.painting import DIFFUSED, Painting
from limner.cli.plan import STREAM, Job, Naming, writing_jobs
from limner.cli.sending import Sending, sending
from limner.cli.streams import shown, stdin, write
from limner.cli.talk import carry_out
from limner.suffixes import PICTURES

if TYPE_CHECKING:
    from limner.staged import Extent

SEDIC = "sedic"

LEVELS = ("low", "high")  # those of limner.systems.levels, which is not to be loaded for --help


@dataclass(frozen=True)
class Told:
    """What sedic sends beside its reference, as it was asked for. scene: a sidecar, None for that beside the picture."""

    scene: Path | None = None
    level: str | None = None
    proved: bool = False

    def extent(self) -> Extent:
        from limner.staged import Extent

        return Extent(self.level or "high", self.proved)

    def scene_of(self, source: str) -> Path | None:
        """The sidecar of a picture, if there is one."""
        beside = Path(source).with_suffix(".json")
        return self.scene or (beside if source != STREAM and beside.is_file() else None)


@dataclass(frozen=True)
class Encode:
    """Hold the settings of a batch; calling it does one job."""

    target_bytes: int | None
    bpp: float | None
    quality: int | None
    system: str
    caption: str
    weights: Path | None
    painting: Painting
    told: Told
    bare: bool
    max_pixels: int
    background: tuple[int, int, int]
    way: Sending | None = None

    def __call__(self, job: Job) -> Outcome:
        from limner import api
        from limner.pixels.source import read_file

        piped = job.source == STREAM
        source = stdin().read() if piped else job.source
        name, streamed = "stdin" if piped else job.source, self.system == "miniature"
        picture = read_file(source, self.max_pixels, self.background, name, streamed)
        with nullcontext() if self.way is None else self.way.advising():
            blob = api.encode(
                picture,
                target_bytes=self.target_bytes,
                bpp=self.bpp,
                quality=self.quality,
                system=self.system,
                caption=self.caption,
                weights=self.weights,
                scene=self.told.scene_of(job.source) if self.system == SEDIC else None,
                extent=self.told.extent() if self.system == SEDIC else None,
                wish=self.painting.wish() if self.system in DIFFUSED else None,
                bare=self.bare,
                max_pixels=self.max_pixels,
            )
        target = job.target or STREAM
        write(target, blob)
        width_px, height_px = picture.width_px, picture.height_px
        rate_bpp = 8 * len(blob) / (width_px * height_px)
        line = f"{job.source} -> {shown(target)}: {len(blob)} bytes, {rate_bpp:.4f} bpp, {width_px} x {height_px} px"
        facts = {"system": self.system, "bytes": len(blob), "bpp": rate_bpp, "width_px": width_px, "height_px": height_px}
        if self.way is not None:
            line += f"; {self.way.line(len(blob))}"
            facts |= self.way.facts(len(blob))
        return Outcome(job.source, target, "done", line, facts=facts, warnings=picture.warnings)


def encode(
    inputs: options.Inputs,
    output: options.Output = None,
    target_bytes: Annotated[int | None, typer.Option(min=1, help="Bytes a file may have at most.", show_default=False)] = None,
    channel: Annotated[
        str | None, typer.Option(help="Fit a link, bare: its name (limner channels) or FILE.toml.", show_default=False)
    ] = None,
    messages: Annotated[int | None, typer.Option(min=1, help="How many on that link; else one.", show_default=False)] = None,
    bpp: Annotated[float | None, typer.Option(help="Bits a pixel at most.", show_default=False)] = None,
    quality: Annotated[
        int | None, typer.Option(min=0, max=63, help="0..63; 32 if nothing is asked.", show_default=False)
    ] = None,
    system: Annotated[str, typer.Option(help="Which system codes.")] = "miniature",
    caption: Annotated[str, typer.Option(help="The words that pic and pics send, or that taco's encoder reads.")] = "",
    scene: Annotated[
        Path | None,
        typer.Option(
            help="What sedic sends, in JSON (limner describe); else that beside the picture.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        str | None, typer.Option(help="Of sedic: low (one object) or high (three), as in the paper.", show_default=False)
    ] = None,
    proved: Annotated[
        bool, typer.Option("--proved", help="Of sedic: paint to see which words earn their bytes; needs the painter.")
    ] = False,
    weights: options.Weights = None,
    settings: options.Settings = None,
    candidates: Annotated[
        int | None, typer.Option(min=1, max=256, help="How many are painted; the best is meant.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the first candidate.")] = 0,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    offload: options.Offload = "auto",
    bare: Annotated[bool, typer.Option("--bare", help="Leave out the two bytes by which files are known.")] = False,
    background: Annotated[str, typer.Option(help="Colour behind transparent parts: #rrggbb or a name.")] = "white",
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip: options.Skip = False,
    jobs: options.Jobs = 1,
    json: options.Json = False,
) -> None:
    """Turn pictures into files of a few hundred bytes.

    photo.jpg becomes photo.limn beside it, unless -o says otherwise.
    """
    options.only_one({"--target-bytes": target_bytes, "--channel": channel, "--bpp": bpp, "--quality": quality})
    options.only_one({"--overwrite": overwrite or None, "--skip": skip or None})
    if bpp is not None and not 0 < bpp < float("inf"):
        raise typer.BadParameter("a rate is over 0", param_hint="--bpp")
    if system not in DIFFUSED and (settings, candidates, seed) != (None, None, 0):
        raise typer.BadParameter("--settings, --candidates and --seed are of pic, pics and sedic")
    if system != SEDIC and (scene, level, proved) != (None, None, False):
        raise typer.BadParameter("--scene, --level and --proved are of sedic")
    if level not in (None, *LEVELS):
        raise typer.BadParameter(f"{' or '.join(LEVELS)}, not {level!r}", param_hint="--level")
    if scene is not None and (len(inputs) > 1 or Path(inputs[0]).is_dir()):
        raise typer.BadParameter("a scene is of one picture: put those of several beside them", param_hint="--scene")
    painting = Painting(settings, candidates, seed, device, precision, offload)
    named, behind = options.system(system), options.colour(background)
    told = Told(scene, level, proved)
    if (way := sending(channel, messages)) is not None:
        target_bytes, bare = way.target_bytes, True
    task = Encode(target_bytes, bpp, quality, named, caption, weights, painting, told, bare, max_pixels, behind, way)
    plan = writing_jobs(inputs, PICTURES, Naming(output, ".limn", overwrite, skip), recursive=recursive)
    carry_out(task, plan, processes=jobs, json_lines=json)
