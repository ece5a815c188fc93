"""The verbs of the command, in the order of its help. Importing this must stay quick: heavy things wait in the verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from limner.cli import bench, packets, scale, train_codecs, weights
from limner.cli.channels import channels
from limner.cli.decode import decode
from limner.cli.describe import describe
from limner.cli.encode import encode
from limner.cli.inspect import inspect
from limner.cli.serve import serve
from limner.cli.verify import verify

EXIT_CODES = {
    0: "everything done, or skipped as asked",
    1: "at least one file failed; the others are done",
    2: "wrong usage; nothing done",
    130: "interrupted; no half file is left",
}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    # Plain help: the other kind takes twice the time.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    # The sign keeps the lines as they are.
    epilog="\b\nExit codes:\n" + "\n".join(f"{code:5}  {meaning}" for code, meaning in EXIT_CODES.items()),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"limner {version('limner')}")
        raise typer.Exit


@app.callback()
def limner(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Turn a picture into a few hundred bytes, and them into a picture."""


app.command()(encode)
app.command()(decode)
app.command()(describe)
app.command()(inspect)
app.command()(verify)
app.command()(channels)
app.command()(serve)
# Groups of verbs join here; their modules import torch and the like inside the verbs.
app.add_typer(packets.app, name="packets")
app.add_typer(train_codecs.app, name="train")
app.add_typer(weights.app, name="weights")
app.add_typer(bench.app, name="bench")
app.add_typer(scale.app, name="scale")
