"""``limner packets``: files -> messages of a small link, and back.

    file --make--> messages: files, lines of text, QR codes, NFC records --join--> file
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Annotated

import typer

from limner.cli import options
from limner.cli.join import join
from limner.cli.messages import BINARY, NDEF, QR, SUFFIXES, TEXTS, as_sender, dressed, known, room
from limner.cli.plan import STREAM
from limner.cli.sending import chosen
from limner.cli.simulate import simulate
from limner.cli.streams import read_blob, shown, write

app = typer.Typer(no_args_is_help=True, help="Send a file in packets over a link that loses some: make, join, simulate.")


@app.command()
def make(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .limn file, or - for stdin.", show_default=False)],
    payload: options.Payload = None,
    channel: options.Channel = None,
    characters: Annotated[
        int | None, typer.Option(min=1, help="Instead: characters of one message, with --armour.", show_default=False)
    ] = None,
    parity: Annotated[int, typer.Option(min=0, max=64, help="How many more packets: any so many may be lost.")] = 0,
    sender: options.Sender = "",
    wrap: Annotated[bool, typer.Option("--wrap", help="Head and check even where the file fits into one packet.")] = False,
    armour: Annotated[
        str | None, typer.Option(help=f"{BINARY}, {', '.join(TEXTS)}, {QR} or {NDEF}; else the link's.", show_default=False)
    ] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", help="Folder, or - for lines.", show_default=False)] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Cut a file into packets.

    Text goes to stdout, one packet a line, unless -o names a folder; bytes, QR codes (PNG) and NFC records go into a folder.
    """
    from limner.container import packets

    link = None if channel is None else chosen(channel)
    options.only_one({"--payload": payload, "--channel": channel, "--characters": characters})
    armour = armour or (link.armour if link else "") or BINARY
    known(armour)
    if output == STREAM and armour not in TEXTS:
        raise typer.BadParameter("bytes of several packets would run together: name a folder, or an --armour", param_hint="-o")
    blob = read_blob(file)
    if link is not None and armour in TEXTS:
        characters = link.size
    most = link.payload_bytes if link and characters is None else room(payload, characters, armour, len(blob))
    made = packets.make(blob, most, parity, as_sender(sender), wrap=wrap)
    messages = [dressed(data, armour) for data in made]
    typer.echo(f"{shown(file)}: {len(made)} packets of at most {max(map(len, made))} bytes", err=True)
    if armour in TEXTS and output in (None, STREAM):
        for message in messages:
            typer.echo(message)
        return
    folder = Path(output or f"{Path('stdin' if file == STREAM else file).stem}.packets")
    places = [folder / f"{place:03d}{SUFFIXES.get(armour, '.txt')}" for place in range(1, len(messages) + 1)]
    taken = [place for place in places if place.exists()]
    if taken and not overwrite:
        raise FileExistsError(errno.EEXIST, "exists: --overwrite", str(taken[0]))
    for place, message in zip(places, messages, strict=True):
        write(str(place), message)


app.command()(join)
app.command()(simulate)
