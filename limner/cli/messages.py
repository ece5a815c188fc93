"""Packets as a link takes them: bytes, lines of text, QR codes, NFC records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import typer

from limner.cli.plan import STREAM
from limner.cli.streams import read_blob, stdin
from limner.errors import EncodeError

BINARY, QR, NDEF = "none", "qr", "ndef"
TEXTS = ("hex", "base45", "base91", "gsm7")
SUFFIXES = {BINARY: ".packet", QR: ".png", NDEF: ".ndef"}


def known(armour: str, without: str = "") -> None:
    names = [name for name in (BINARY, *TEXTS, QR, NDEF) if name != without]
    if armour not in names:
        raise typer.BadParameter(f"one of {', '.join(names)}, not {armour!r}", param_hint="--armour")


def as_sender(text: str) -> bytes:
    """Return a call sign as a packet has it. Raises EncodeError for what is no ASCII."""
    if not text.isascii():
        raise EncodeError(f"a sender is visible ASCII, not {text!r}")
    return text.encode()


def room(payload: int | None, characters: int | None, armour: str, file_bytes: int) -> int:
    """Return how many bytes a packet may have."""
    from limner.container.armour import ARMOURS

    if characters is not None:
        if armour not in TEXTS:
            raise typer.BadParameter(f"characters are of a text: --armour {', '.join(TEXTS)}", param_hint="--characters")
        return ARMOURS[armour].fits(characters)
    if payload is None and armour != NDEF:
        message = "say how much a message carries: --payload BYTES, --channel NAME, or --characters N"
        raise typer.BadParameter(message, param_hint="--payload")
    return file_bytes if payload is None else payload


def dressed(packet: bytes, armour: str) -> bytes:
    """Return a packet as it is sent."""
    from limner.container import ndef
    from limner.container.armour import ARMOURS
    from limner.container.packets import is_packet

    if armour == QR:
        from limner import qr

        return qr.code(packet)
    if armour == NDEF:
        if is_packet(packet):
            raise EncodeError("an NFC tag holds a whole file: leave --payload, --sender and --wrap out")
        return ndef.message(packet)
    return packet if armour == BINARY else ARMOURS[armour].encode(packet).encode("ascii")


def undressed(message: bytes, armour: str) -> bytes:
    """Return the packet in a message. Raises DecodeError."""
    from limner.container import ndef
    from limner.container.armour import ARMOURS

    if armour == NDEF:
        return ndef.read_message(message)
    return message if armour == BINARY else ARMOURS[armour].decode(message.decode("latin-1"))


def heard(inputs: list[str], armour: str) -> Iterator[bytes]:
    """Yield messages as they come; of a folder, those in its files, by name."""
    for source in (file for one in inputs for file in files_of(one)):
        if armour not in TEXTS:
            yield read_blob(source)
        elif source == STREAM:
            yield from lines(stdin())
        else:
            with Path(source).open("rb") as stream:
                yield from lines(stream)


def files_of(source: str) -> list[str]:
    """A file, or those of a folder."""
    if source == STREAM or not os.path.isdir(source):
        return [source]
    return sorted(str(path) for path in Path(source).iterdir() if path.is_file())


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their ends, empty ones left out; one that is too long comes in parts."""
    from limner.container.armour import MAX_TEXT_CHARS

    while line := stream.readline(MAX_TEXT_CHARS):
        # Only the line's end: base45 has spaces.
        if message := line.rstrip(b"\r\n"):
            yield message
