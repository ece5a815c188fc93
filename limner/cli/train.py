"""``limner train``: recipes that make weights. They need ``limner[train]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.extras import need

app = typer.Typer(no_args_is_help=True, help="Make weights: miniature, export.")


@app.command()
def miniature(
    data: Annotated[Path, typer.Option(help="Folder of photographs, or of tar shards of them.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints; a run that was stopped goes on from there.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="End of the schedule in minutes of training.")] = 120.0,
    steps: Annotated[int, typer.Option(min=1, help="End of the schedule in steps, if that comes first.")] = 12_000,
    batch: Annotated[int, typer.Option(min=1, help="Crops a step.")] = 16,
    crop: Annotated[int, typer.Option(min=64, help="Side of a crop in pixels, a multiple of 64.")] = 256,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves the choice to torch.")] = 0,
    begin_from: Annotated[
        Path | None, typer.Option(help="Begin with the weights of this checkpoint.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Train the embedded codec: all rates at once, least squares."""
    if crop % 64:
        raise typer.BadParameter("a crop's side is a multiple of 64", param_hint="--crop")
    torch = need("torch", extra="train")
    from limner.train.miniature import Recipe, train

    if threads:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    recipe = Recipe(steps=steps, minutes=minutes, batch=batch, crop_px=crop)
    train(data, out, recipe, lambda line: typer.echo(line, err=True), begin_from)


@app.command()
def export(
    run: Annotated[Path, typer.Option(help="A checkpoint, e.g. runs/mine/last.pt.", exists=True, dir_okay=False)],
    data: Annotated[Path, typer.Option(help="Photographs that show how large activations get.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for the weights and their manifest.")],
    name: Annotated[str, typer.Option(help="Name of the set of weights.")],
) -> None:
    """Write a checkpoint as weights for the codec: integers for the entropy path, ONNX for the transforms."""
    need("torch", extra="train")
    need("onnx", extra="train")
    from limner.train.export import from_checkpoint

    from_checkpoint(run, data, out, name)
