"""``limner packets simulate``: what arrives of a file whose packets go over a link that loses some."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import options
from limner.cli.messages import as_sender
from limner.cli.sending import chosen
from limner.cli.streams import read_blob, shown, write
from limner.errors import LimnerError

if TYPE_CHECKING:
    from PIL import Image

    from limner.bench.losses import Link
    from limner.bench.sheet import Panel

Paint = Callable[[bytes], "Image.Image | None"]
SHOWN = 8
IN_A_ROW = 4
TEXT_KIND = 2


def simulate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .limn file.", show_default=False)],
    payload: options.Payload = None,
    channel: options.Channel = None,
    parity: Annotated[int, typer.Option(min=0, max=64, help="The most parity to try.")] = 2,
    sender: options.Sender = "",
    loss: Annotated[float, typer.Option(min=0, max=0.99, help="Share of messages that are lost.")] = 0.1,
    burst: Annotated[float | None, typer.Option(min=1, help="Mean length of runs of losses.", show_default=False)] = None,
    trials: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many times the file is sent.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed loses other packets.")] = 0,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="PNG with pictures of what arrives.", show_default=False)
    ] = None,
) -> None:
    """Print how often a file arrives whole, in part or not at all, for every parity up to the one that is given."""
    from limner.bench.losses import Link, by_joiner, sent
    from limner.container import packets

    if output is not None and Path(output).suffix.lower() != ".png":
        raise typer.BadParameter(f"pictures are shown in a .png, not {output!r}", param_hint="-o")
    options.only_one({"--payload": payload, "--channel": channel})
    most = chosen(channel).payload_bytes if channel else payload
    if most is None:
        raise typer.BadParameter("say how much a message carries: --payload BYTES, or --channel NAME", param_hint="--payload")
    link, blob = Link(loss, burst), read_blob(file)
    bare = packets.bare(blob)
    typer.echo(f"{shown(file)}: {len(bare)} bytes, {told(link)}, {trials} times, seed {seed}")
    typer.echo(f"{'parity':>6} {'packets':>7} {'bytes':>6} {'whole':>9} {'partial':>9} {'nothing':>9}")
    for more in range(parity + 1):
        made = packets.make(blob, most, more, as_sender(sender))
        found = sent(link, len(made), by_joiner(made, bare), trials, f"{seed}/{more}")
        cells = " ".join(f"{100 * count / trials:7.2f} %" for count in (found.whole, found.partial, found.nothing))
        typer.echo(f"{more:6} {len(made):7} {sum(map(len, made)):6} {cells}")
    if output is not None:
        write(output, strip(bare, made, link, f"{seed}/{parity}", shown(file)))


def told(link: Link) -> str:
    """Describe a link in words."""
    runs = "each for itself" if link.burst is None else f"in runs of {link.burst:g} on average"
    return f"{100 * link.loss:g} % of messages lost, {runs}"


def strip(file: bytes, packets: Sequence[bytes], link: Link, seed: str, name: str) -> bytes:
    """Return a PNG of what is there to see after each of the first trials."""
    from limner.bench.losses import trials
    from limner.bench.sheet import Shelf, as_pixels, sheet
    from limner.image import to_file

    # Most trials show one of few pictures.
    paint = cache(painted)
    panels = [panel(file, packets, arrived, paint) for arrived in trials(link, len(packets), SHOWN, seed)]
    rows = [tuple(panels[at : at + IN_A_ROW]) for at in range(0, SHOWN, IN_A_ROW)]
    shelves = [Shelf(f"Sent {len(packets)} packets", told(link), rows[0]), *(Shelf("", "", row) for row in rows[1:])]
    return to_file(as_pixels(sheet(name, "What arrives", shelves)))


def panel(file: bytes, packets: Sequence[bytes], arrived: Sequence[bool], paint: Paint) -> Panel:
    """Show one trial: a sign for each packet, and the picture, the words, or nothing."""
    from limner.bench.losses import heard
    from limner.bench.sheet import Panel, blank_image, panel_size
    from limner.container import pack, unpack

    signs = "".join("+" if there else "-" for there in arrived)
    whole = unpack(file)
    size = panel_size(whole.width_px, whole.height_px)
    found = heard(packets, arrived)
    if found is None:
        return Panel("nothing", blank_image(size, "nothing"), (signs,))
    layers = unpack(found, salvage=True)
    heading = "whole" if layers == whole else f"{len(layers.layers)} of {len(whole.layers)} layers"
    return Panel(heading, paint(pack(layers)) or blank_image(size, words(found)), (signs,))


def painted(blob: bytes) -> Image.Image | None:
    """Return the picture of a file, if it can be painted here from what it holds."""
    from limner import api
    from limner.bench.sheet import picture_image

    try:
        return picture_image(api.decode(blob, size=None, max_pixels=options.MAX_PIXELS))
    except LimnerError:
        return None


def words(certain: bytes) -> str:
    """Return what the words of whole layers say."""
    from limner.container import unpack
    from limner.layers import text

    said = []
    for layer in unpack(certain, salvage=True).layers:
        if layer.kind == TEXT_KIND:
            try:
                said.append(text.read(layer.body).words)
            except LimnerError:
                continue
    return "\n".join(textwrap.wrap(" ".join(said), 40)) or "layers that show nothing alone"
