"""Where the seconds of a process go: every moment belongs to one stage, the innermost that is open.

    with clock.stage("entropy encoding"):      # 0.3 s of its own
        with clock.stage("analysis"): ...      # 0.5 s, which the outer stage is not charged for
    clock.taken() -> {"entropy encoding": Span(0.3, ...), "analysis": Span(0.5, ...)}
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

PYTHON, IMPORT, WEIGHTS, REST = "python", "import", "weights", "rest"
PICTURE, WORDS, SCALING, ANALYSIS, ENTROPY_ENCODING, PACKING = (
    *("picture", "words", "scaling", "analysis"),
    *("entropy encoding", "packing"),
)
UNPACKING, ENTROPY_DECODING, SYNTHESIS, RESIZE, PNG = "unpacking", "entropy decoding", "synthesis", "resize", "png"

STAGES = {
    PYTHON: "start and end of Python",
    IMPORT: "imports",
    WEIGHTS: "opening weights",
    PICTURE: "reading the picture",
    WORDS: "reading the words",
    SCALING: "scaling to what is coded",
    ANALYSIS: "analysis",
    ENTROPY_ENCODING: "entropy coding",
    PACKING: "packing",
    UNPACKING: "unpacking",
    ENTROPY_DECODING: "entropy decoding",
    SYNTHESIS: "synthesis",
    RESIZE: "crop and resize",
    PNG: "writing PNG",
    REST: "search and rest",
}
"""Name -> what it is called on a page, in the order of a file's way."""


class Span(NamedTuple):
    """Wall seconds, and CPU seconds of all threads of the process."""

    wall_s: float
    cpu_s: float


def now() -> Span:
    return Span(time.perf_counter(), time.process_time())


class Clock:
    """Charges time to stages. ``began``: since when, None for now; what lies outside of all stages is charged to "rest"."""

    def __init__(self, began: Span | None = None) -> None:
        self._mark = began or now()
        self._open = [REST]
        self._taken: dict[str, Span] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Charge to a stage what is done inside."""
        self.charge(self._open[-1])
        self._open.append(name)
        try:
            yield
        finally:
            self.charge(self._open.pop())

    def charge(self, name: str) -> None:
        """Charge what has passed since the last charge."""
        here, before = now(), self._taken.get(name, Span(0.0, 0.0))
        wall_s, cpu_s = here.wall_s - self._mark.wall_s, here.cpu_s - self._mark.cpu_s
        self._taken[name] = Span(before.wall_s + wall_s, before.cpu_s + cpu_s)
        self._mark = here

    def taken(self) -> dict[str, Span]:
        """What each stage has taken since the last call."""
        self.charge(self._open[-1])
        found, self._taken = self._taken, {}
        return found
