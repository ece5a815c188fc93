"""A codec that is a pair of commands, described by a small file of TOML:

    name = "webp-tool"                                           as in records
    encode = ["cwebp", "-q", "{quality}", "{input}", "-o", "{output}"]
    decode = ["dwebp", "{input}", "-o", "{output}"]
    version = ["cwebp", "-version"]                              its first line is the version
    input = "png"                                                what encode reads: png, ppm or y4m
    output = "png"                                               what decode writes
    suffix = ".webp"                                             of the file between them
    qualities = "0..100"                                         or a list; from the smallest file to the largest
    timeout_s = 600                                              for each process
    needs = ["models"]                                           files and folders that the programs read

Commands are run as they stand, without a shell, in an empty folder. In them stand

    {input} {output}              files, in both commands
    {width} {height}              of the picture, in pixels
    {quality}                     one of the qualities
    {budget}                      bytes that the file may have, for an encoder that can aim
    {words_file}                  a text with the words that go with the picture, for an encoder that reads some
    {here}                        the folder of this file

A decoder may be told width and height; the records say so. It is told neither quality nor budget nor words: what it needs has
to be in the file.
"""

from __future__ import annotations

import shlex
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from limner.bench.harness.pictures import FORMATS
from limner.errors import LimnerError

FIELDS = {"name", "encode", "decode", "version", "input", "output", "suffix", "qualities", "timeout_s", "needs"}
NEEDED = ("name", "encode", "decode")
BOTH = {"input", "output", "width", "height", "here"}
ENCODING = BOTH | {"quality", "budget", "words_file"}
TIMEOUT_S = 600.0
MOST_QUALITIES = 1000


@dataclass(frozen=True)
class Programs:
    """A codec as its file describes it; ``here``: the folder of that file. Raises LimnerError for what makes no sense."""

    name: str
    encode: tuple[str, ...]
    decode: tuple[str, ...]
    here: Path
    version: tuple[str, ...] = ()
    input: str = "png"
    output: str = "png"
    suffix: str = ".bin"
    qualities: tuple[str, ...] = ()
    timeout_s: float = TIMEOUT_S
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or not set(self.name) <= {*string.ascii_letters, *string.digits, *"-_."}:
            raise LimnerError(f"name: letters, digits and -_. are expected, not {self.name!r}")
        self._check_placeholders()
        for name, kind in (("input", self.input), ("output", self.output)):
            if kind not in FORMATS:
                raise LimnerError(f"{name}: {', '.join(FORMATS)} are known, not {kind!r}")
        if not self.suffix.startswith(".") or "/" in self.suffix:
            raise LimnerError(f"suffix: as .bin, not {self.suffix!r}")
        if not self.timeout_s > 0:
            raise LimnerError(f"timeout_s: seconds over 0 are expected, not {self.timeout_s}")
        if len(set(self.qualities)) != len(self.qualities):
            raise LimnerError("qualities: one of them is there twice")

    def _check_placeholders(self) -> None:
        three = ("encode", self.encode, ENCODING), ("decode", self.decode, BOTH), ("version", self.version, {"here"})
        for name, words, known in three:
            used = placeholders(name, words)
            if used - known:
                raise LimnerError(f"{name}: there is no {braces(used - known)} in it, only {braces(known)}")
            missing = {"input", "output"} - used
            if name != "version" and missing:
                raise LimnerError(f"{name}: {braces(missing)} is missing")
        if ("quality" in self.used) != bool(self.qualities):
            raise LimnerError("qualities and {quality} in encode come together")
        if {"quality", "budget"} <= self.used:
            raise LimnerError("encode: {quality} and {budget} exclude each other")

    @property
    def used(self) -> set[str]:
        """Placeholders of the encoder."""
        return placeholders("encode", self.encode)

    @property
    def knows_size(self) -> bool:
        """Whether the decoder is told width and height."""
        return bool({"width", "height"} & placeholders("decode", self.decode))


def read(path: Path) -> Programs:
    """Read a file. Raises LimnerError that names it and the field at fault."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        unknown, missing = sorted(found.keys() - FIELDS), [name for name in NEEDED if name not in found]
        if unknown:
            raise LimnerError(f"{unknown[0]}: there is no such field, only {', '.join(sorted(FIELDS))}")
        if missing:
            raise LimnerError(f"{missing[0]}: is missing")
        return Programs(
            text(found, "name", ""),
            command(found, "encode"),
            command(found, "decode"),
            path.resolve().parent,
            command(found, "version"),
            text(found, "input", "png"),
            text(found, "output", "png"),
            text(found, "suffix", ".bin"),
            qualities(found.get("qualities", [])),
            seconds(found.get("timeout_s", TIMEOUT_S)),
            texts(found, "needs"),
        )
    except OSError as error:
        raise LimnerError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise LimnerError(f"{path}: {error}") from error


def text(found: Mapping[str, object], name: str, otherwise: str) -> str:
    value = found.get(name, otherwise)
    if not isinstance(value, str):
        raise LimnerError(f"{name}: text is expected, not {value!r}")
    return value


def texts(found: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = found.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise LimnerError(f"{name}: a list of texts is expected, not {value!r}")
    return tuple(value)


def command(found: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list of words, or a line that is split as a shell would."""
    if name not in found:
        return ()
    value = found[name]
    words = tuple(shlex.split(value)) if isinstance(value, str) else texts(found, name)
    if not words:
        raise LimnerError(f"{name}: a program and its arguments are expected")
    return words


def qualities(value: object) -> tuple[str, ...]:
    """A list, or a range of whole numbers as 0..100 or 51..0, with both ends."""
    if isinstance(value, str):
        first, _, last = value.partition("..")
        try:
            start, end = int(first), int(last)
        except ValueError:
            raise LimnerError(f"qualities: a list, or a range as 0..100, is expected, not {value!r}") from None
        if abs(end - start) > MOST_QUALITIES:
            raise LimnerError(f"qualities: there are over {MOST_QUALITIES}")
        step = 1 if start <= end else -1
        return tuple(str(one) for one in range(start, end + step, step))
    if not isinstance(value, list) or not all(type(one) in (int, float, str) for one in value):
        raise LimnerError(f"qualities: a list of numbers or texts is expected, not {value!r}")
    return tuple(str(one) for one in value)


def seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LimnerError(f"timeout_s: a number is expected, not {value!r}")
    return float(value)


def placeholders(name: str, words: tuple[str, ...]) -> set[str]:
    """What stands in braces. Raises LimnerError for braces that hold no name."""
    found: set[str] = set()
    for word in words:
        try:
            parts = [part for part in string.Formatter().parse(word) if part[1] is not None]
        except ValueError as error:
            raise LimnerError(f"{name}: {word!r}: {error}; a brace itself is written twice") from error
        for _, field, form, conversion in parts:
            if not field or form or conversion:
                raise LimnerError(f"{name}: {word!r}: a name is expected in the braces; a brace itself is written twice")
            found.add(field)
    return found


def braces(names: set[str]) -> str:
    return " ".join(f"{{{name}}}" for name in sorted(names))
