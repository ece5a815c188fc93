"""``limner bench report``: pages, tables and curves from records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FORMATS = "md,csv,tex,html,svg,png"


def report(
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of a run, or its file of records.", exists=True, show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.", file_okay=False, show_default=False)],
    anchor: Annotated[
        str | None,
        typer.Option(help="System beside which BD-rates are taken; jpeg, where it is there.", show_default=False),
    ] = None,
    formats: Annotated[str, typer.Option(help="What to make, with commas between.")] = FORMATS,
    name: Annotated[
        str, typer.Option(help="Of the pages, where several reports share a folder.", show_default="report.md, index.html")
    ] = "",
) -> None:
    """Make tables, rate curves and a page of pictures from the records of a run.

    Needs no model and no codec. The same records give the same bytes.
    """
    from limner.bench.report.make import Wish, opened, write

    wish = Wish(tuple(dict.fromkeys(formats.replace(",", " ").split())), anchor, name)
    made = write(opened(source), wish, out)
    typer.echo(f"{out}: {len(made)} files, {', '.join(path.name for path in made if path.parent == out)}")
