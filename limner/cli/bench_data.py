"""``limner bench data``: the data sets of the field, which are here, and whether they are what they should be."""

from __future__ import annotations

import json as standard_json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from limner.errors import LimnerError

app = typer.Typer(no_args_is_help=True, help="Data sets by name: list, check, pin, fetch.")

Given = Annotated[str, typer.Argument(metavar="DATA", help="A data set by name, or a folder of pictures.", show_default=False)]
Root = Annotated[
    Path | None, typer.Option(help="Where a data set with a name lies.", exists=True, file_okay=False, show_default=False)
]


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Say which data sets have a name, how large they are, and whether they are here."""
    from limner.bench.datasets import SOURCES

    for name, source in SOURCES.items():
        where = here(name)
        if json:
            typer.echo(standard_json.dumps({"name": name, **asdict(source), "here": where}))
            continue
        size_mb = sum(remote.size_bytes for remote in source.files) / 1e6
        typer.echo(f"{name}: {source.what}; {source.pictures} pictures, {source.sizes}")
        typer.echo(f"    {source.page}{f', about {size_mb:.0f} MB' if size_mb else ''}")
        if source.note:
            typer.echo(f"    {source.note}")
        typer.echo(f"    {where or f'not here: limner bench data fetch {name}'}")


@app.command()
def check(data: Given, root: Root = None) -> None:
    """Read every picture, and hold it against its hash where there is one."""
    from limner.bench.datasets import opened

    found = opened(data, root=root)
    found.check()
    typer.echo(f"{found.name}: {len(found.pictures)} pictures, {found.checked}")


@app.command()
def pin(
    data: Given,
    root: Root = None,
    origin: Annotated[str, typer.Option(help="What is known of where the pictures come from.")] = "",
) -> None:
    """Write the hashes of the pictures beside them, to be held against from now on."""
    from limner.bench.datasets import opened
    from limner.bench.datasets import pin as pinned

    typer.echo(f"{pinned(opened(data, root=root), origin)}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Of the list.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", help="Folder that the set's own is made in.", file_okay=False)],
) -> None:
    """Fetch a data set, and check it; nothing else ever fetches any."""
    from limner.bench.datasets import PLACES
    from limner.bench.datasets import fetch as fetched

    found = fetched(name, to, told if sys.stderr.isatty() else None)
    typer.echo(f"{found.name}: {len(found.pictures)} pictures in {found.folder}, {found.checked}")
    typer.echo(f"{PLACES} is to name {to}, or give --root {found.folder}")


def told(name: str, here_bytes: int, whole_bytes: int) -> None:
    """One line, written over until the next file."""
    of = f" of {whole_bytes / 1e6:.0f}" if whole_bytes else ""
    sys.stderr.write(f"\r{name}: {here_bytes / 1e6:.0f}{of} MB" + ("\n" if here_bytes == whole_bytes else ""))
    sys.stderr.flush()


def here(name: str) -> str | None:
    """The folder of a data set; None if it is not here."""
    from limner.bench.datasets import opened

    try:
        return str(opened(name).folder)
    except LimnerError:
        return None
