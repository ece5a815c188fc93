"""The text layer: words, plain or in the model of English descriptions.

coding      1 byte    0: plain UTF-8, which needs nothing to be read; 1..15 are unassigned
words       the rest  at most 65,535 bytes

or, where the first byte is 16..255, the whole body is range coded: a symbol that keeps the first byte there, then the words
by ``limner.entropy.textmodel``, at most 2,048 bytes of them in all layers of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from limner.entropy.coder import Reader, Writer
from limner.entropy.tables import TOTAL, Table
from limner.entropy.textmodel import english
from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, TruncatedError

PLAIN, MODELLED = 0, 16
MOST_BYTES = 65_535
MOST_MODELLED_BYTES = 2_048
"""Limit of the format: modelled words of a file together (about half a second to read)."""
CODINGS = 256


@dataclass(frozen=True)
class Text:
    """Hold words: any Unicode text of at most 65,535 bytes as UTF-8, and how they are coded (``fit`` takes the shorter way).

    Raises EncodeError for more, for more than 2,048 bytes that are to be modelled, or for a lone surrogate.
    """

    name: ClassVar[str] = "text"
    words: str
    coding: int = PLAIN

    def __post_init__(self) -> None:
        if self.coding not in (PLAIN, MODELLED):
            raise EncodeError(f"coding {self.coding} of words is not assigned")
        most = MOST_BYTES if self.coding == PLAIN else MOST_MODELLED_BYTES
        if len(_utf8(self.words)) > most:
            raise EncodeError(f"the words are more than {most} bytes")

    @property
    def modelled_bytes(self) -> int:
        """How much of the file's share of modelled words these take."""
        return len(_utf8(self.words)) if self.coding == MODELLED else 0


def fit(words: str, most_bytes: int = MOST_BYTES) -> Text:
    """Make one line of ``words``, white space drawn together, cut to ``most_bytes`` of UTF-8 at a character; coded the
    shorter way."""
    line = _utf8(" ".join(words.split()))[: max(most_bytes, 0)]
    plain = Text(line.decode("utf-8", errors="ignore").rstrip())
    if len(_utf8(plain.words)) > MOST_MODELLED_BYTES:
        return plain
    modelled = Text(plain.words, MODELLED)
    return min(plain, modelled, key=lambda text: len(write(text)))


def write(text: Text) -> bytes:
    """Write the body."""
    words = _utf8(text.words)
    plain = bytes([PLAIN]) + words
    if text.coding == PLAIN:
        return plain
    writer = Writer()
    writer.code(np.ones(1, np.int32), first_byte())
    english().code(writer, words, MOST_MODELLED_BYTES)
    return writer.finish()


def read(body: bytes, most_modelled_bytes: int = MOST_MODELLED_BYTES) -> Text:
    """Read a body; DecodeError for what ``write`` does not produce, or for more modelled words than may be."""
    if not body:
        raise TruncatedError("a text layer has a coding byte", offset=0, field="coding")
    if body[0] >= MODELLED:
        return read_modelled(body, most_modelled_bytes)
    if body[0] != PLAIN:
        raise InvalidFieldError(f"coding {body[0]} of words is not assigned", offset=0, field="coding")
    if len(body) - 1 > MOST_BYTES:
        raise LimitError(f"the words are more than {MOST_BYTES} bytes", offset=1, field="words")
    return Text(_words(bytes(body[1:]), 1))


def read_modelled(body: bytes, most_bytes: int) -> Text:
    """Read words that were range coded."""
    reader = Reader(body)
    if reader.code(np.zeros(1, np.int32), first_byte())[0] != 1:
        raise DamagedError("the words begin with a symbol that no writer sends", offset=0, field="words")
    words = english().code(reader, None, most_bytes)
    reader.finish()
    return Text(_words(words, 0), MODELLED)


def expand(text: Text) -> str:
    """Give the words."""
    return text.words


def first_byte() -> Table:
    """The table of the first symbol, which is 1: it keeps the first byte of a body at 16 or more."""
    # One more than the share of the bytes below, since the coder rounds its unit down.
    low = TOTAL * MODELLED // CODINGS + 1
    return Table(0, np.array([low, TOTAL - low], np.uint32))


def _words(data: bytes, start: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = start + error.start if start else 0
        raise DamagedError("the words are not UTF-8", offset=offset, field="words") from error


def _utf8(words: str) -> bytes:
    try:
        return words.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EncodeError("the words hold a lone surrogate") from error
