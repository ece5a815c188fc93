"""``limner weights``: what others publish and some systems need."""

from __future__ import annotations

import json as standard_json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.catalog import CATALOG, RECIPES
from limner.errors import LimnerError
from limner.extras import need

if TYPE_CHECKING:
    from limner.fetch import Wanted

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help=f"Names of the list, systems ({', '.join(RECIPES)}), ids of the hub as owner/name."),
]
To = Annotated[
    Path | None,
    typer.Option("--to", help="A folder of your own, for LIMNER_WEIGHTS, in place of the hub's cache.", file_okay=False),
]

USERS = tuple(sorted({*RECIPES, *(user for kept in CATALOG.values() for user in kept.systems)}))

app = typer.Typer(no_args_is_help=True, help="Weights that others publish: list, fetch, check, convert.")


@app.command("list")
def list_(
    system: Annotated[str | None, typer.Option(help=f"What one of these can use: {', '.join(USERS)}.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say which weights there are, under which licence, how large, what needs them, and whether they are here."""
    if system is not None and system not in USERS:
        raise typer.BadParameter(f"{', '.join(USERS)}: not {system!r}", param_hint="--system")
    needed = RECIPES.get(system or "", ())
    for name in sorted(CATALOG, key=lambda name: name not in needed):
        kept = CATALOG[name]
        if system is not None and system not in kept.systems:
            continue
        where = here(name)
        if json:
            typer.echo(standard_json.dumps({"name": name, **asdict(kept), "here": where}))
        else:
            typer.echo(f"{name}: {kept.what}; for {', '.join(kept.systems)}{'; needed by default' if name in needed else ''}")
            typer.echo(f"    {kept.repositories[0]}, {kept.licence}, about {kept.size_mb} MB")
            typer.echo(f"    {where or f'not here: limner weights fetch {name}'}")


@app.command()
def fetch(names: Names, to: To = None) -> None:
    """Fetch weights, and check that they are as published; nothing else ever fetches any.

    A system's name stands for what its default needs. A fetch that was broken off goes on where it stopped.
    """
    from limner import fetch

    wanted = fetch.wanted(names, to)
    absent = [one for one in wanted if one.folder is None]
    tell(names, wanted)
    total_mb = sum(one.size_mb for one in absent)
    if absent:
        free_mb = fetch.free_bytes(to) // fetch.MB
        typer.echo(f"to be fetched: {len(absent)}, about {total_mb} MB; {free_mb} MB are free in {fetch.place(to)}")
        fetch.make_room(total_mb * fetch.MB, to)
    each(wanted, lambda one: one.folder or fetch.fetch(one.name, to))


@app.command()
def check(names: Names, to: To = None) -> None:
    """Check that weights are here and as published: files, and names and shapes of tensors. Nothing is fetched or loaded."""
    from limner import fetch, weights

    each(fetch.wanted(names, to), lambda one: to / one.name if to else weights.published(one.name))


def tell(asked: Sequence[str], wanted: Sequence[Wanted]) -> None:
    """Say what is meant, how large it is and under which licence."""
    for name in asked:
        if not RECIPES.get(name, (name,)):
            typer.echo(f"{name} needs no weights of others by default: its own are in the package")
    for one in wanted:
        size = f"about {one.size_mb} MB" if one.size_mb else "size unknown"
        typer.echo(f"{one.name}: {size}, {one.licence}{', here' if one.folder else ''}")


def each(wanted: Sequence[Wanted], folder_of: Callable[[Wanted], Path]) -> None:
    """Find or fetch each, and check it; one that fails does not keep back the others. Exit code 1 if any failed."""
    from limner import fetch

    failed = []
    for one in wanted:
        try:
            folder = folder_of(one)
            typer.echo(f"{one.name}: {folder}: {fetch.checked(one.name, folder)}")
        except LimnerError as error:
            failed.append(one.name)
            typer.echo(f"error: {error}", err=True)
    if failed and len(wanted) > 1:
        typer.echo(f"error: {len(failed)} of {len(wanted)} failed: {' '.join(failed)}", err=True)
    if failed:
        raise typer.Exit(1)


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
