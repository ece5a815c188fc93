"""Options that several verbs share, and how their texts are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="Files, folders (with -r), or - for stdin.", show_default=False)
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="File for one input, folder for several, or - for stdout.", show_default=False),
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Go into folders; the output keeps their tree.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Skip = Annotated[bool, typer.Option("--skip", help="Leave inputs whose output exists.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="How many processes.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout for every input.")]
MaxPixels = Annotated[int, typer.Option(min=1, help="Refuse larger pictures.")]

Weights = Annotated[
    Path | None,
    typer.Option(
        help="Folder with weights of taco, of the sketch of pics, or of the reference of sedic.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
Settings = Annotated[
    str | None, typer.Option(help="Of pic, pics and sedic: light, paper, fast, ..., or a file of JSON.", show_default=False)
]
Device = Annotated[str, typer.Option(help="Where diffusion runs: auto, cpu, cuda or mps.")]
Precision = Annotated[str, typer.Option(help="Of diffusion: auto, float32, bfloat16 or float16.")]
Offload = Annotated[str, typer.Option(help="What leaves the GPU while it is not used: auto, none, model or sequential.")]

Payload = Annotated[int | None, typer.Option(min=1, help="Bytes that one message of the link carries.", show_default=False)]
Channel = Annotated[str | None, typer.Option(help="Instead: a link by name, see limner channels.", show_default=False)]
Sender = Annotated[str, typer.Option(help="Call sign in every packet, up to 15 characters.")]

MAX_PIXELS = 100_000_000
ENCODERS = ("miniature", "pic", "pics", "taco", "sedic")


def size_px(text: str | None) -> tuple[int, int] | None:
    """Read ``WxH`` as (width, height) in pixels."""
    if text is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})[xX×]([1-9]\d{0,5})", text)
    if found is None:
        raise typer.BadParameter(f"a size is WIDTHxHEIGHT in pixels, as 768x512, not {text!r}", param_hint="--size")
    return int(found[1]), int(found[2])


def colour(text: str) -> tuple[int, int, int]:
    """Read a colour, ``#rrggbb`` or a name of CSS, as sRGB 0..255."""
    from PIL import ImageColor

    with suppress(ValueError):
        red, green, blue, *_ = ImageColor.getrgb(text)
        # rgb(300, 0, 0) is read as it stands.
        if max(red, green, blue) <= 255:
            return red, green, blue
    raise typer.BadParameter(f"a colour is #rrggbb or a name, not {text!r}", param_hint="--background")


def system(text: str) -> str:
    """Read the name of a system that can encode."""
    if text not in ENCODERS:
        raise typer.BadParameter(f"{' or '.join(ENCODERS)}, not {text!r}", param_hint="--system")
    return text


def only_one(given: Mapping[str, object]) -> None:
    """Refuse more than one of these options. ``given``: name -> value, None where the option was not used."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise typer.BadParameter(f"{' and '.join(names)} exclude each other")
