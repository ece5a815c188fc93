"""The figures of a run by step, as lines of JSON: every step at first, when most happens, then means over some.

A run that goes on takes out what it had written after the checkpoint, so that no step is there twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from limner.atomic import write_atomic

FILE = "curve.jsonl"
EVERY_STEP_UNTIL = 50
THEN_EVERY = 50


def is_due(step: int) -> bool:
    """Whether a line is written after so many steps."""
    return step <= EVERY_STEP_UNTIL or step % THEN_EVERY == 0


class Curve:
    """The file of a run that has come to ``step``."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        if path.exists():
            write_atomic(path, "".join(line for line in lines(path) if json.loads(line)["step"] <= step).encode())

    def add(self, step: int, over: int, figures: Mapping[str, float]) -> None:
        """Means over the last ``over`` steps; what is no number is null."""
        told = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, "over": over, **told}) + "\n")


def lines(path: Path) -> Iterator[str]:
    """The lines of a curve; one that was not written to its end is passed over."""
    for line in path.read_text("utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith('{"step"') and line.endswith("}\n"):
            yield line
