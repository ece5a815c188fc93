"""``limner encode``: pictures -> files of a few hundred bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from limner.cli import options
from limner.cli.batch import Outcome
from limner.cli.painting import WORDS, Painting
from limner.cli.plan import STREAM, Job, Naming, writing_jobs
from limner.cli.streams import shown, stdin, write
from limner.cli.talk import carry_out

# What is taken from a folder; a file named by itself may have any suffix.
PICTURES = frozenset(
    {
        *(".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".tif", ".tiff"),
        *(".gif", ".bmp", ".jp2", ".ppm", ".pgm", ".qoi"),
    }
)


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
    bare: bool
    max_pixels: int
    background: tuple[int, int, int]

    def __call__(self, job: Job) -> Outcome:
        from limner import api
        from limner.image import load

        piped = job.source == STREAM
        source = stdin().read() if piped else job.source
        picture = load(source, max_pixels=self.max_pixels, background=self.background, name="stdin" if piped else job.source)
        blob = api.encode(
            picture.pixels,
            target_bytes=self.target_bytes,
            bpp=self.bpp,
            quality=self.quality,
            system=self.system,
            caption=self.caption,
            weights=self.weights,
            wish=self.painting.wish() if self.system in WORDS else None,
            bare=self.bare,
            max_pixels=self.max_pixels,
        )
        target = job.target or STREAM
        write(target, blob)
        height_px, width_px = picture.pixels.shape[:2]
        rate_bpp = 8 * len(blob) / (width_px * height_px)
        line = f"{job.source} -> {shown(target)}: {len(blob)} bytes, {rate_bpp:.4f} bpp, {width_px} x {height_px} px"
        facts = {"system": self.system, "bytes": len(blob), "bpp": rate_bpp, "width_px": width_px, "height_px": height_px}
        return Outcome(job.source, target, "done", line, facts=facts, warnings=picture.warnings)


def encode(
    inputs: options.Inputs,
    output: options.Output = None,
    target_bytes: Annotated[int | None, typer.Option(min=1, help="Bytes a file may have at most.", show_default=False)] = None,
    bpp: Annotated[float | None, typer.Option(help="Bits a pixel at most.", show_default=False)] = None,
    quality: Annotated[
        int | None, typer.Option(min=0, max=63, help="0..63; 32 if nothing is asked.", show_default=False)
    ] = None,
    system: Annotated[str, typer.Option(help="Which system codes.")] = "miniature",
    caption: Annotated[str, typer.Option(help="The words that pic and pics send, or that taco's encoder reads.")] = "",
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
    options.only_one({"--target-bytes": target_bytes, "--bpp": bpp, "--quality": quality})
    options.only_one({"--overwrite": overwrite or None, "--skip": skip or None})
    if bpp is not None and not 0 < bpp < float("inf"):
        raise typer.BadParameter("a rate is over 0", param_hint="--bpp")
    if system not in WORDS and (settings, candidates, seed) != (None, None, 0):
        raise typer.BadParameter("--settings, --candidates and --seed are of pic and pics")
    painting = Painting(settings, candidates, seed, device, precision, offload)
    named, behind = options.system(system), options.colour(background)
    task = Encode(target_bytes, bpp, quality, named, caption, weights, painting, bare, max_pixels, behind)
    plan = writing_jobs(inputs, PICTURES, Naming(output, ".limn", overwrite, skip), recursive=recursive)
    carry_out(task, plan, processes=jobs, json_lines=json)
