"""What the examples share: a file becomes the messages of a link, and what a link brings becomes files.

    .limn --packets_of--> messages --deliver--> a device, with the silences that the link asks for
    a device --Inbox.take--> .limn and .png in a folder
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from wire import LinkError

from limner import LimnerError
from limner.atomic import write_atomic
from limner.channels import Channel, gap_s
from limner.cli import main as limner
from limner.container.blob import MAGIC
from limner.container.joiner import Joiner
from limner.container.packets import PictureId, make
from limner.container.start import unpack_start
from limner.errors import DecodeError

Sleep = Callable[[float], None]
NAME_DIGITS = 8


def say(text: object) -> None:
    print(text, file=sys.stderr, flush=True)


def parser(doc: str | None, channel: str, device: str) -> argparse.ArgumentParser:
    """Return the options that all have; ``channel`` and ``device`` are where nothing else is said."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("verb", choices=("send", "receive"))
    found.add_argument("path", type=Path, help="the .limn file to send, or the folder for what comes")
    found.add_argument("--device", default=device, help="/dev/NAME or HOST:PORT; %(default)s")
    found.add_argument("--channel", default=channel, help="see limner channels; %(default)s")
    found.add_argument("--parity", type=int, default=0, help="send: so many messages may be lost; %(default)s")
    found.add_argument("--sender", default="", help="send: call sign in every packet")
    found.add_argument("--count", type=int, help="receive: stop after so many pictures")
    found.add_argument("--idle", type=float, help="receive: stop after so many seconds in which nothing came")
    return found


def packets_of(path: Path, link: Channel, parity: int, sender: str = "", *, wrap: bool = False) -> list[bytes]:
    """Cut a file into messages of a link. Raises LimnerError, OSError."""
    return make(path.read_bytes(), link.payload_bytes, parity, sender.encode(), wrap=wrap)


def deliver(messages: Sequence[bytes], link: Channel, send: Callable[[bytes], None], sleep: Sleep = time.sleep) -> None:
    """Send one message after the other. Behind each, wait while it is on the air, and as long as the link must be silent."""
    for number, message in enumerate(messages, 1):
        send(message)
        wait_s = (link.air_s(len(message)) or 0.0) + gap_s(link, len(message))
        more = number < len(messages)
        say(f"{number} of {len(messages)}: {len(message)} bytes" + f", {wait_s:.0f} s of silence" * (more and wait_s >= 1))
        if more:
            sleep(wait_s)


@dataclass
class Inbox:
    """Joins what comes, and writes pictures into a folder as soon as they are whole."""

    folder: Path
    joiner: Joiner = field(default_factory=Joiner)
    written: set[str] = field(default_factory=set)

    def take(self, message: bytes) -> None:
        """Take a message; what is none of ours is named and left out."""
        try:
            state = self.joiner.add(message)
        except DecodeError as error:
            say(f"left out: {error}")
            return
        say(state)
        if state.event == "whole":
            self._write(state.picture, self.joiner.whole(state.picture), "")

    def drain(self, messages: Iterable[bytes], count: int | None = None) -> int:
        """Take messages until they end, or so many pictures are there; then write what is there of the others.

        Returns 0 if a picture was written, else 1.
        """
        try:
            for message in messages:
                self.take(message)
                if count is not None and len(self.written) >= count:
                    break
        except KeyboardInterrupt:
            say("stopped")
        finally:
            self._write_parts()
        return int(not self.written)

    def _write_parts(self) -> None:
        """Of pictures that are not whole, write what is there before the first gap, if it says anything."""
        for picture in self.joiner.pictures():
            state, start = self.joiner.state(picture), self.joiner.start(picture)
            if not state.is_whole:
                say(state)
                with suppress(DecodeError):
                    unpack_start(start)
                    self._write(picture, start, ".part", "--cut")

    def _write(self, picture: PictureId, file: bytes, mark: str, *options: str) -> None:
        sender = "".join(char for char in picture.sender.decode("ascii") if char.isalnum() or char == "-")
        name = f"{sender}{'_' * bool(sender)}{sha256(file).hexdigest()[:NAME_DIGITS]}{mark}"
        if name in self.written:
            return
        self.written.add(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / f"{name}.limn", MAGIC + file)
        say(f"{self.folder / name}.limn: {len(file)} bytes")
        # The command says in the picture what made it, and what is missing or invented.
        limner(["decode", str(self.folder / f"{name}.limn"), "--overwrite", *options])


def run(work: Callable[[], int]) -> int:
    """Do the work; what goes wrong is one line and exit code 1."""
    try:
        return work()
    except (LimnerError, LinkError, OSError) as error:
        say(f"error: {error}")
        return 1
