"""``limner weights``: what others publish and some systems need."""

from __future__ import annotations

import json as standard_json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from limner.catalog import CATALOG
from limner.errors import LimnerError
from limner.extras import need

app = typer.Typer(no_args_is_help=True, help="Weights that others publish: list, fetch, convert.")


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Say which weights there are, under which licence, how large, what needs them, and whether they are here."""
    for name, kept in CATALOG.items():
        where = here(name)
        if json:
            typer.echo(standard_json.dumps({"name": name, **asdict(kept), "here": where}))
        else:
            typer.echo(f"{name}: {kept.what}; for {', '.join(kept.systems)}")
            typer.echo(f"    {kept.repositories[0]}, {kept.licence}, about {kept.size_mb} MB")
            typer.echo(f"    {where or f'not here: limner weights fetch {name}'}")


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(help="Names of the list, or ids of the hub as owner/name.")]) -> None:
    """Fetch weights; nothing else ever does."""
    from limner import weights

    for name in names:
        typer.echo(f"{name}: {weights.fetch(name)}")


@app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A published state: .pth, .pt, .tar or .safetensors.", dir_okay=False)],
    data: Annotated[Path, typer.Option(help="Photographs that show how large activations get.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for the set of weights.")],
    name: Annotated[str, typer.Option(help="Name of the set.")],
    texts: Annotated[str, typer.Option(help="Who reads words for a state of TACO: clip, as published, or minilm.")] = "clip",
) -> None:
    """Make weights for taco of somebody's checkpoint: TACO, ELIC, cheng2020, mbt2018, bmshj2018-hyperprior.

    Only tensors are read. The entropy path becomes exact integers, so files decode alike on every machine.
    """
    for module in ("torch", "onnx", "onnxscript"):
        need(module, extra="train")
    from limner.train.codec_set import convert as made

    made(checkpoint, data, out, name, texts)
    typer.echo(f"{out}: put it into a folder that LIMNER_WEIGHTS names, or give it by --weights")


def here(name: str) -> str | None:
    """The folder of weights that were fetched; None if they were not."""
    from limner import weights

    try:
        return str(weights.published(name))
    except LimnerError:
        return None
