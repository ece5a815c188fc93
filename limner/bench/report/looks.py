"""One look for the curves of a family wherever they are drawn: colour, dash, marker.

Colours after Okabe and Ito, "Color Universal Design", 2008, who chose them for colour-blind readers; two are darker here, to
show on white. More families than colours take other dashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b98000", "#3d97cf", "#8a8a8a")
DASHES = ("", "6 3", "2 2", "8 3 2 3")
MARKERS = "osD^v"


@dataclass(frozen=True)
class Look:
    """``dash``: lengths in pixels as SVG has them, empty for a whole line; ``marker``: as matplotlib names it."""

    colour: str
    dash: str
    marker: str


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """A look for each label, by its place."""
    return {label: _look(place) for place, label in enumerate(labels)}


def _look(place: int) -> Look:
    return Look(COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)], MARKERS[place % len(MARKERS)])
