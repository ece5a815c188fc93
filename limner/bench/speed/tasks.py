"""What is measured of a system: encoding at a quality and for a number of bytes, decoding both files by every painter."""

from __future__ import annotations

from dataclasses import dataclass

from limner.bench.speed.rows import DECODE, ENCODE, MINIATURE
from limner.errors import LimnerError
from limner.layers.quadtree import QUALITIES
from limner.systems.miniature import PAINTERS

TACO = "taco"
STAGED = (MINIATURE, TACO)
"""Systems that show their stages; of others whole processes are measured."""
FAITHFUL = PAINTERS[0]


@dataclass(frozen=True)
class Task:
    """``quality``, ``target_bytes``: of the file; None where it is not asked for. ``painter``: of decoding."""

    verb: str
    quality: int | None = None
    target_bytes: int | None = None
    painter: str = FAITHFUL

    def __post_init__(self) -> None:
        if self.quality is not None and not 0 <= self.quality < QUALITIES:
            raise LimnerError(f"a quality is 0 to {QUALITIES - 1}, not {self.quality}")
        if self.target_bytes is not None and self.target_bytes < 1:
            raise LimnerError(f"a target is a number of bytes over 0, not {self.target_bytes}")

    @property
    def setting(self) -> str:
        words = [] if self.quality is None else [f"quality={self.quality}"]
        words += [] if self.target_bytes is None else [f"target_bytes={self.target_bytes}"]
        return " ".join([*(words or ["default"]), *([] if self.painter == FAITHFUL else [f"painter={self.painter}"])])


def tasks(system: str, quality: int, target_bytes: int) -> list[Task]:
    """Of a system that shows its stages. taco has the one quality of its weights, and one painter."""
    own = [Task(ENCODE, quality=quality) if system == MINIATURE else Task(ENCODE), Task(ENCODE, target_bytes=target_bytes)]
    painters = PAINTERS if system == MINIATURE else (FAITHFUL,)
    return own + [Task(DECODE, made.quality, made.target_bytes, painter) for made in own for painter in painters]
