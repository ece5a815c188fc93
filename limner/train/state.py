"""What a checkpoint holds, and how it outlives a kill.

    last.partial --written, on disk--> last.pt                the checkpoint before it stays, as last.prev.pt

A name changes hands in one instant, so last.pt is whole whenever the machine goes away. A disk that lost what it had promised
to keep can still tear it: then the one before is opened.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.train.task import Task

LAST, PREVIOUS = "last.pt", "last.prev.pt"

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Places:
    """Where the streams of a run are. split: processes, workers of each and crops of each step and process, which say who reads
    what. at: (processes workers 3), as ``limner.train.stream`` has it; negative where nothing was read."""

    split: tuple[int, int, int]
    at: Tensor


@dataclass
class State(Generic[Model]):
    """What a checkpoint holds. ``scaler``: of losses in 16-mixed."""

    model: Model
    ema: Model
    optimiser: torch.optim.Optimizer
    step: int = 0
    minutes: float = 0.0
    scaler: dict[str, Any] = field(default_factory=dict)
    places: Places | None = None

    def save(self, path: Path) -> None:
        """Write a checkpoint whole or not at all; what stood at ``path`` stays as last.prev.pt."""
        parts = {"model": self.model.state_dict(), "ema": self.ema.state_dict(), "optimiser": self.optimiser.state_dict()}
        streams = {} if self.places is None else {"split": list(self.places.split), "places": self.places.at}
        partial = path.with_suffix(".partial")
        torch.save({**parts, "step": self.step, "minutes": self.minutes, "scaler": self.scaler, **streams}, partial)
        to_disk(partial)
        if path.exists():
            set_aside(path)
        os.replace(partial, path)
        # Not every system can do that for a folder.
        with suppress(OSError):
            to_disk(path.parent)

    def load(self, path: Path) -> None:
        """Take all of a checkpoint. LimnerError if it cannot be read or is of another model."""
        self.take(opened(path), path)

    def take(self, kept: dict[str, Any], path: Path) -> None:
        """What ``path`` holds. LimnerError if it is of another model."""
        try:
            self.model.load_state_dict(kept["model"])
            self.ema.load_state_dict(kept["ema"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.step, self.minutes = kept["step"], kept["minutes"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise LimnerError(f"{path} is of another recipe or of other sizes: give another folder") from error
        self.scaler = kept.get("scaler", {})
        if "places" in kept:
            processes, workers, crops = kept["split"]
            self.places = Places((processes, workers, crops), kept["places"])

    def begin_from(self, path: Path) -> None:
        """Take the averaged weights of another run, and nothing else."""
        weights = opened(path)["ema"]
        self.model.load_state_dict(weights)
        self.ema.load_state_dict(weights)

    def go_on(self, folder: Path, say: Callable[[str], None]) -> bool:
        """Go on from the last checkpoint of a folder that is whole; False if it has none.

        LimnerError if there are some and none of them is.
        """
        there = [folder / name for name in (LAST, PREVIOUS) if (folder / name).exists()]
        for path in there:
            try:
                kept = opened(path)
            except LimnerError as error:
                say(f"{error}; looking for the one before")
                continue
            self.take(kept, path)
            return True
        if there:
            raise LimnerError(f"{folder}: no checkpoint can be read; take them away, and the run begins anew")
        return False


def begin(task: Task[Model]) -> State[Model]:
    """A state at step 0."""
    torch.manual_seed(task.schedule.seed)
    model = task.begin().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    return State(model, ema, task.optimiser(model))


def opened(path: Path) -> dict[str, Any]:
    """What a checkpoint holds. LimnerError if it is none, or not whole."""
    try:
        found: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    # A damaged file can end in whatever error of those who read it.
    except Exception as error:
        raise LimnerError(f"{path} is no whole checkpoint ({type(error).__name__})") from error
    return found


def to_disk(path: Path) -> None:
    """Wait until a file or a folder's names are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> None:
    """Keep a checkpoint under the name of the one before. Where files can have two names, it has both."""
    aside, second = path.with_name(f"{path.stem}.prev{path.suffix}"), path.with_suffix(".second")
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
        os.replace(second, aside)
    except OSError:
        os.replace(path, aside)
