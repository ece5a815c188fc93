"""What every system of a benchmark is to the run: settings, an encoder, and a command that decodes.

    Subject --encode--> Encoded (bytes, and how to decode them) --sealed command--> picture
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from limner.bench.harness.record import Cost
from limner.bench.harness.seal import Command, Ended, Seal
from limner.describe.scene import Scene
from limner.errors import LimnerError
from limner.image import Pixels

MOST_MESSAGE = 500


class StageError(LimnerError):
    """A codec's failure as a record tells it. ``error``: the name of a class of errors, or of how a process ended."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True)
class Setting:
    """One point of a system. ``text``: as in the record; ``quality``: of those systems that have some, else ""."""

    text: str
    budget_bytes: int | None = None
    quality: str = ""


def with_budget(budget_bytes: int | None, way: str) -> Setting:
    """The setting of a budget, or of none, and a way of using a system."""
    words = [*([] if budget_bytes is None else [f"target_bytes={budget_bytes}"]), *way.split()]
    return Setting(" ".join(words) or "default", budget_bytes)


@dataclass(frozen=True, eq=False)
class Subject:
    """What an encoder gets: ``pixels`` (h, w, 3), the ``scene`` with the words that go with them, and a ``seed``."""

    pixels: Pixels
    scene: Scene
    seed: int

    @property
    def size_px(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Decoding:
    """How a file is decoded: the command, run in a folder with the file as ``source``, writes a picture as ``target``, within
    ``limit_s`` seconds if the seal has no lower limit."""

    command: Command
    source: str
    target: str
    limit_s: float = math.inf


@dataclass(frozen=True)
class Encoded:
    """A file, and what is to be known of it. ``cost``: None if it was not measured; ``chosen``: what its encoder chose."""

    blob: bytes
    decoding: Decoding
    cost: Cost | None = None
    layer_bytes: Mapping[str, int] = field(default_factory=dict)
    chosen: str = ""


class System(Protocol):
    """A codec, used in one way. It travels to worker processes."""

    @property
    def name(self) -> str:
        """As in the record."""

    @property
    def ours(self) -> bool:
        """Whether a failure of it is one of this package."""

    @property
    def takes_words(self) -> bool: ...

    @property
    def device(self) -> str:
        """Where it runs: "cpu", or the name of an accelerator."""

    @property
    def weights_sha256(self) -> str | None: ...

    def versions(self) -> dict[str, str]:
        """Of all that its files and pictures depend on."""

    def settings(self) -> Sequence[Setting]: ...

    def encode(self, subject: Subject, setting: Setting, seal: Seal) -> Encoded:
        """Make the file of a picture. Raises StageError, or another LimnerError."""


def output_of(ended: Ended, program: str, limit_s: float) -> bytes:
    """The file that a process was to write. Raises StageError with what became of it in place."""
    if ended.code is None:
        raise StageError("TimeoutError", f"{program} took over {limit_s:g} s")
    if ended.code < 0:
        raise StageError("Killed", f"{program} was ended by signal {-ended.code}{said(ended)}")
    if ended.code > 0:
        own = own_words(ended.stdout)
        raise own or StageError("ExitStatus", f"{program} ended with exit code {ended.code}{said(ended)}")
    if ended.output is None:
        raise StageError("NoOutput", f"{program} wrote no plain file under the name it was given{said(ended)}")
    return ended.output


def own_words(stdout: str) -> StageError | None:
    """The error that a program of ours tells of as a line of JSON."""
    for line in reversed(stdout.splitlines()):
        try:
            found = json.loads(line)
            return StageError(str(found["error"]), one_line(str(found["message"])))
        except (KeyError, TypeError, ValueError):
            continue
    return None


def said(ended: Ended) -> str:
    """The last of what a process said, in one line."""
    text = one_line(ended.stderr or ended.stdout)
    return f": {text}" if text else ""


def one_line(text: str) -> str:
    return " ".join(text.split())[-MOST_MESSAGE:]


def installed(*names: str) -> dict[str, str]:
    """Versions of packages, of those that are here."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def existing(paths: Sequence[str | Path]) -> tuple[Path, ...]:
    """Those of the paths that are there."""
    return tuple(Path(path) for path in paths if Path(path).exists())
