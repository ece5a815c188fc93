"""The text layer: words, readable without any model.

coding      1 byte    0: plain UTF-8; others are unassigned
words       the rest  at most 65,535 bytes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limner.errors import DamagedError, EncodeError, InvalidFieldError, LimitError, TruncatedError

PLAIN = 0
MOST_BYTES = 65_535


@dataclass(frozen=True)
class Text:
    """Hold words: any Unicode text of at most 65,535 bytes as UTF-8. EncodeError for more, or for a lone surrogate."""

    name: ClassVar[str] = "text"
    words: str

    def __post_init__(self) -> None:
        if len(_utf8(self.words)) > MOST_BYTES:
            raise EncodeError(f"the words are more than {MOST_BYTES} bytes")


def fit(words: str, most_bytes: int = MOST_BYTES) -> Text:
    """Make one line of ``words``, white space drawn together, and cut it to ``most_bytes`` of UTF-8 at a character."""
    line = _utf8(" ".join(words.split()))[: max(most_bytes, 0)]
    return Text(line.decode("utf-8", errors="ignore").rstrip())


def write(text: Text) -> bytes:
    """Write the body."""
    return bytes([PLAIN]) + _utf8(text.words)


def read(body: bytes) -> Text:
    """Read a body; DecodeError for what ``write`` does not produce."""
    if not body:
        raise TruncatedError("a text layer has a coding byte", offset=0, field="coding")
    if body[0] != PLAIN:
        raise InvalidFieldError(f"coding {body[0]} of words is not assigned", offset=0, field="coding")
    if len(body) - 1 > MOST_BYTES:
        raise LimitError(f"the words are more than {MOST_BYTES} bytes", offset=1, field="words")
    try:
        return Text(bytes(body[1:]).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DamagedError("the words are not UTF-8", offset=1 + error.start, field="words") from error


def expand(text: Text) -> str:
    """Give the words."""
    return text.words


def _utf8(words: str) -> bytes:
    try:
        return words.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EncodeError("the words hold a lone surrogate") from error
