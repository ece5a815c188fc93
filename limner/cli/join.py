"""``limner packets join``: messages, as they come -> files."""

from __future__ import annotations

import errno
import json as standard_json
import os
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.cli import options
from limner.cli.messages import BINARY, NDEF, QR, TEXTS, heard, known, undressed
from limner.cli.plan import STREAM
from limner.cli.streams import shown, write
from limner.errors import DecodeError, EncodeError

if TYPE_CHECKING:
    from limner.container.joiner import Joiner, State
    from limner.container.packets import PictureId

NAME_DIGITS = 8  # of the file's hash, of which the id is the first three: ids alone would soon meet again


def join(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, - for stdin.", show_default=False)],
    output: Annotated[str, typer.Option("--output", "-o", help="File for one picture, folder for several, or -.")],
    armour: Annotated[str, typer.Option(help=f"{BINARY}, {NDEF}: a file is a packet; {', '.join(TEXTS)}: a line is.")] = BINARY,
    salvage: Annotated[bool, typer.Option("--salvage", help="Write the whole layers of a picture that is not whole.")] = False,
    cut: Annotated[
        bool, typer.Option("--cut", help="Write of a picture that is not whole what is before the gap: see decode --cut.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout for every packet.")] = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Join packets, in any order, to the files that they were cut from.

    Packets may be there more than once, from several receivers, of several pictures; what is none is counted and left out. A
    picture is written as soon as it is whole. The exit code is 0 if one was written.
    """
    from limner.container.joiner import Joiner

    known(armour, without=QR)
    options.only_one({"--salvage": salvage or None, "--cut": cut or None})
    if STREAM in inputs and armour not in TEXTS:
        raise typer.BadParameter("on stdin a packet is a line: name its --armour", param_hint="INPUT")
    if json and output == STREAM:
        raise typer.BadParameter("--json and the picture cannot share stdout", param_hint="-o")
    desk = Desk(Joiner(), Target(output, overwrite), json)
    for message in heard(inputs, armour):
        desk.take(message, armour)
    desk.close(salvage, cut)
    raise typer.Exit(int(not desk.target.written))


@dataclass
class Target:
    """Where pictures go: a folder, one file, or stdout."""

    output: str
    overwrite: bool
    written: set[bytes] = field(default_factory=set)

    @property
    def is_folder(self) -> bool:
        return self.output.endswith(("/", os.sep)) or os.path.isdir(self.output)

    def put(self, picture: PictureId, file: bytes, note: str, *, part: bool = False) -> None:
        """Write a picture's file, with magic. Raises EncodeError for a second one where there is place for one, OSError."""
        from limner.container.blob import MAGIC

        digest = sha256(file).digest()
        if digest in self.written:
            return  # sent again, cut otherwise
        if self.written and not self.is_folder:
            raise EncodeError(f"{note}, beside another picture: name a folder with -o, as pictures/")
        place = self.output
        if self.is_folder:
            sender = "".join(char if char.isalnum() or char in "-." else "_" for char in picture.sender.decode("ascii"))
            name = f"{picture.number:03x}.part" if part else digest.hex()[:NAME_DIGITS]
            place = str(Path(self.output, f"{sender}{'_' * bool(sender)}{name}.limn"))
        if place != STREAM and os.path.isfile(place) and not self.overwrite and Path(place).read_bytes() != MAGIC + file:
            raise FileExistsError(errno.EEXIST, "exists: --overwrite", place)
        write(place, MAGIC + file)
        self.written.add(digest)
        typer.echo(f"{note} -> {shown(place)}", err=True)


@dataclass
class Desk:
    """Takes messages, writes what is whole, counts what is not ours."""

    joiner: Joiner
    target: Target
    json: bool
    refused: Counter[str] = field(default_factory=Counter)

    def take(self, message: bytes, armour: str) -> None:
        try:
            state = self.joiner.add(undressed(message, armour))
        except DecodeError as error:
            self.refused[type(error).__name__] += 1
            self.tell({"event": "refused", "error": type(error).__name__, "message": str(error)})
            return
        self.tell(as_facts(state))
        if state.event == "whole":
            self.target.put(state.picture, self.joiner.whole(state.picture), str(state))

    def close(self, salvage: bool, cut: bool) -> None:
        """Say what is missing, and write what can be salvaged, or the bytes before the first gap."""
        from limner.container import pack, unpack

        for picture in self.joiner.pictures():
            state = self.joiner.state(picture)
            if state.is_whole:
                continue
            certain = self.joiner.partial(picture)
            layers = unpack(certain, salvage=True) if certain else None
            typer.echo(f"{state}; {len(layers.layers) if layers else 0} whole layers", err=True)
            if self.target.written and not self.target.is_folder:
                continue
            if layers is not None and salvage:
                self.target.put(picture, pack(layers, bare=True), f"{picture}: whole layers", part=True)
            if cut and (start := self.joiner.start(picture)):
                self.target.put(picture, start, f"{picture}: {len(start)} bytes before the gap", part=True)
        for name, count in sorted(self.refused.items()):
            typer.echo(f"left out: {count} ({name})", err=True)

    def tell(self, facts: dict[str, object]) -> None:
        if self.json:
            typer.echo(standard_json.dumps(facts))


def as_facts(state: State) -> dict[str, object]:
    facts = {"picture": str(state.picture), "event": state.event, "have": state.have, "count": state.picture.count}
    return {**facts, "missing": list(state.missing), "needed": state.needed}
