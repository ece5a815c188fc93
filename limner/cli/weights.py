"""``limner weights``: what others publish and some systems need."""

from __future__ import annotations

import json as standard_json
from dataclasses import asdict
from typing import Annotated

import typer

from limner.catalog import CATALOG
from limner.errors import LimnerError

app = typer.Typer(no_args_is_help=True, help="Weights that others publish: list, fetch.")


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


def here(name: str) -> str | None:
    """The folder of weights that were fetched; None if they were not."""
    from limner import weights

    try:
        return str(weights.published(name))
    except LimnerError:
        return None
