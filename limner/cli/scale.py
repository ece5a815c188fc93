"""``limner scale``: the same verbs over very many pictures, on this machine or on a cluster."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import options

if TYPE_CHECKING:
    from limner.scale.engine import Engine
    from limner.scale.run import Run, Totals
    from limner.scale.verbs import Coding
    from limner.scale.work import Done

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Very many pictures, on this machine or a cluster (pip install 'limner[ray]').",
)

Input = Annotated[
    str, typer.Option("--input", "-i", help="A folder, a .tar, a .parquet, or names with * or {000..007}; here or a URL.")
]
Output = Annotated[str, typer.Option("--output", "-o", help="A folder, here or by its URL; one that is begun is gone on with.")]
Address = Annotated[
    str, typer.Option(help="Of the cluster: auto for the one that this machine is in, or local for one of its own.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="How many, else one for each core or GPU of the cluster.", show_default=False)
]
Gpus = Annotated[float, typer.Option(min=0, help="Of each worker; it may be a fraction.")]
Plain = Annotated[bool, typer.Option("--plain", help="Without a cluster: by -j processes of this machine.")]
Column = Annotated[str, typer.Option(help="Of tables: that with the pictures' or files' bytes.")]
Part = Annotated[int, typer.Option(min=1, help="Pictures of a folder that are done together.")]
Retry = Annotated[bool, typer.Option("--retry", help="Try once more what failed in an earlier run.")]
Json = Annotated[bool, typer.Option("--json", help="The totals as a JSON object on stdout.")]
Target = Annotated[int | None, typer.Option("--target-bytes", min=1, help="Bytes of a file at most.", show_default=False)]
Bpp = Annotated[float | None, typer.Option(help="Bits a pixel at most.", show_default=False)]
Quality = Annotated[int | None, typer.Option(min=0, max=63, help="0..63; 32 if nothing is asked.", show_default=False)]
System = Annotated[str, typer.Option(help="Which system codes: miniature or taco.")]
Bare = Annotated[bool, typer.Option("--bare", help="Leave out the two bytes by which files are known.")]
Background = Annotated[str, typer.Option(help="Colour behind transparent parts: #rrggbb or a name.")]
Format = Annotated[str, typer.Option(help="parquet: tables with the files in them; shards: .tar beside them; files.")]


@app.command()
def encode(
    input: Input,
    output: Output,
    target_bytes: Target = None,
    bpp: Bpp = None,
    quality: Quality = None,
    system: System = "miniature",
    weights: options.Weights = None,
    bare: Bare = False,
    background: Background = "white",
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    column: Column = "image",
    format: Format = "parquet",
    part: Part = 256,
    retry: Retry = False,
    address: Address = "local",
    workers: Workers = None,
    gpus_per_worker: Gpus = 0,
    plain: Plain = False,
    jobs: options.Jobs = 1,
    json: Json = False,
) -> None:
    """Turn pictures into files of a few hundred bytes, in tables or shards."""
    from limner.scale.run import Run
    from limner.scale.verbs import Encode

    coding = _coding(target_bytes, bpp, quality, system, _named(weights), bare, max_pixels, background)
    engine = _engine(plain, jobs, address, workers, gpus_per_worker)
    _carry_out(Run(Encode(coding, column), input, output, format, part, retry), engine, json)


@app.command()
def decode(
    input: Input,
    output: Output,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Paint at another size.", show_default=False)] = None,
    painter: Annotated[str, typer.Option(help="faithful: blurs what is not known; vivid: paints likely detail.")] = "faithful",
    strength: Annotated[float, typer.Option(min=0, max=1, help="How much of the vivid painter.")] = 1.0,
    weights: options.Weights = None,
    device: options.Device = "auto",
    suffix: Annotated[str, typer.Option(help="Of pictures: .png, .webp or .jpg.")] = ".png",
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    column: Column = "blob",
    format: Format = "files",
    part: Part = 256,
    retry: Retry = False,
    address: Address = "local",
    workers: Workers = None,
    gpus_per_worker: Gpus = 0,
    plain: Plain = False,
    jobs: options.Jobs = 1,
    json: Json = False,
) -> None:
    """Paint the pictures of files, of tables that encode has written, or of shards."""
    from limner.scale.run import Run
    from limner.scale.verbs import Decode

    verb = Decode(options.size_px(size), painter, strength, _named(weights), device, max_pixels, suffix, column)
    engine = _engine(plain, jobs, address, workers, gpus_per_worker)
    _carry_out(Run(verb, input, output, format, part, retry), engine, json)


@app.command()
def bench(
    input: Input,
    output: Output,
    target_bytes: Target = None,
    bpp: Bpp = None,
    quality: Quality = None,
    system: System = "miniature",
    measures: Annotated[
        str, typer.Option(help="With commas between: of psnr_db, ssim, ms_ssim, ssimulacra2, flip, delta_e.")
    ] = "psnr_db,ssim,ms_ssim",
    painter: Annotated[str, typer.Option(help="faithful or vivid.")] = "faithful",
    weights: options.Weights = None,
    bare: Bare = False,
    background: Background = "white",
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    column: Column = "image",
    part: Part = 256,
    retry: Retry = False,
    address: Address = "local",
    workers: Workers = None,
    gpus_per_worker: Gpus = 0,
    plain: Plain = False,
    jobs: options.Jobs = 1,
    json: Json = False,
) -> None:
    """Encode, decode and measure: tables with bytes, seconds and measures of each picture."""
    from limner.bench.scale.verb import Bench
    from limner.scale.run import Run

    coding = _coding(target_bytes, bpp, quality, system, _named(weights), bare, max_pixels, background)
    verb = Bench(coding, tuple(name.strip() for name in measures.split(",") if name.strip()), painter, column)
    engine = _engine(plain, jobs, address, workers, gpus_per_worker)
    _carry_out(Run(verb, input, output, "parquet", part, retry), engine, json)


def _coding(
    target_bytes: int | None,
    bpp: float | None,
    quality: int | None,
    system: str,
    weights: str | None,
    bare: bool,
    max_pixels: int,
    background: str,
) -> Coding:
    options.only_one({"--target-bytes": target_bytes, "--bpp": bpp, "--quality": quality})
    from limner.scale.verbs import Coding

    return Coding(target_bytes, bpp, quality, system, weights, bare, max_pixels, options.colour(background))


def _named(folder: Path | None) -> str | None:
    return None if folder is None else str(folder.absolute())


def _engine(plain: bool, jobs: int, address: str, workers: int | None, gpus: float) -> Engine:
    if plain and (workers is not None or gpus or address != "local"):
        raise typer.BadParameter("--address, --workers and --gpus-per-worker are of a cluster: leave out --plain")
    if not plain and jobs != 1:
        raise typer.BadParameter("processes of this machine are --plain; a cluster has --workers", param_hint="--jobs")
    from limner.scale import engine

    return engine.Plain(jobs) if plain else engine.Ray(address, workers, gpus)


def _carry_out(run: Run, engine: Engine, json_line: bool) -> None:
    """Do it, tell of each part on stderr, and end with 1 if a picture failed, in this run or before."""
    import json
    import time

    from limner.scale.run import carried_out

    begun_s = time.monotonic()
    with redirect_stdout(sys.stderr):  # Ray tells there of workers that died
        totals = carried_out(run, engine, lambda done, so_far: _tell(done, so_far, time.monotonic() - begun_s))
    wall_s = time.monotonic() - begun_s
    before = f"; {totals.before} were there" if totals.before else ""
    _say(f"{run.output}: {_pictures(totals.done)} done, {totals.failed} failed{before}")
    if json_line:
        print(json.dumps({**asdict(totals), "wall_s": round(wall_s, 3)}), flush=True)
    raise typer.Exit(int(totals.failed > 0))


def _tell(done: Done, totals: Totals, wall_s: float) -> None:
    for fault in done.faults:
        _say(f"error: {fault}")
    if (more := done.failed - len(done.faults)) > 0:
        _say(f"error: and {more} more of part-{done.name}")
    new = totals.done + totals.failed - totals.before
    _say(f"part {totals.parts}: {_pictures(new)}, {new / max(wall_s, 1e-9):.1f} a second")


def _pictures(number: int) -> str:
    return f"{number} picture{'' if number == 1 else 's'}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
