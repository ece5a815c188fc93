"""What descriptions of links check themselves with."""

from __future__ import annotations

from limner.errors import ChannelError


def within(field: str, value: float, least: float, most: float) -> None:
    """Raise ChannelError unless ``value`` is a number in ``least..most``."""
    if not least <= value <= most:
        # What is much too large cannot always be printed.
        shown = f"is {value}, not" if abs(value) < 1e15 else "is not"
        raise ChannelError(f"{field} {shown} in {least}..{most}")


def said(field: str, text: str) -> None:
    """Raise ChannelError unless ``text`` is one line of printable text that says something."""
    if not text.strip() or not text.isprintable():
        raise ChannelError(f"{field} is {text!r}, not a line of text")
