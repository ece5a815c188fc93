"""What verbs ask of a diffusion, and what is said of its steps on a terminal."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.painted import Watch, Wish
    from limner.render.machine import Machine

WORDS = ("pic", "pics")
DIFFUSED = (*WORDS, "sedic")
"""Systems that diffusion paints."""


@dataclass(frozen=True)
class Painting:
    """Settings by name or file, None for those of a file's own preset; the other options as they were given."""

    settings: str | None = None
    candidates: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    offload: str = "auto"

    def machine(self) -> Machine:
        """Raises SceneError for what there is not."""
        from limner.render.machine import Machine

        return Machine(self.device, self.precision, self.offload)

    def wish(self) -> Wish:
        from limner.painted import Wish

        given = self.settings or "light"
        return Wish(given, self.candidates, self.seed, machine=self.machine(), watch=watch())


def watch() -> Watch | None:
    """Tells each step on a terminal; in a pipe nobody is told."""
    return told if sys.stderr.isatty() else None


def told(step: int, steps: int) -> None:
    """One line, written over until the last step."""
    sys.stderr.write(f"\rpainting: step {step} of {steps}" + ("\n" if step == steps else ""))
    sys.stderr.flush()
