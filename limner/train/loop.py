"""The loop of every recipe: steps, an average of the weights, checkpoints that survive a kill, figures to look at.

    Task      what is trained, on what, with which losses          Schedule   how long and how fast
    Machine   device, precision, processes (Lightning Fabric)      State      what a checkpoint holds

The same command runs on a CPU, a GPU or many; every process draws its own crops, and their gradients are averaged. Step n
of process r draws the same batch whatever went before, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

SAY_EVERY = 50  # steps
LAST = "last.pt"
LONGEST_STEP_S = 120.0

Batch = tuple[Tensor, ...]
Model = TypeVar("Model", bound=nn.Module)
TaskModel = TypeVar("TaskModel", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. ``minutes`` ends it early if ``steps`` are not reached; both say when the rate of learning falls.

    ``constant_part`` of the run has the whole ``learning_rate``, then it falls as a cosine to ``final_part`` of it.
    """

    steps: int = 1_000_000
    minutes: float = 120.0
    learning_rate: float = 1e-3
    warm_up_steps: int = 200
    constant_part: float = 0.65
    final_part: float = 0.02
    largest_norm: float = 1.0
    ema_decay: float = 0.998
    seed: int = 1

    def rate_of_learning(self, step: int, progress: float) -> float:
        """At ``step``, with ``progress`` (0..1) of the run behind it."""
        warm = min(1.0, (step + 1) / self.warm_up_steps)
        tail = max(0.0, (progress - self.constant_part) / (1 - self.constant_part))
        fall = self.final_part + (1 - self.final_part) * 0.5 * (1 + math.cos(math.pi * min(1.0, tail)))
        return self.learning_rate * warm * fall

    def progress(self, step: int, minutes: float) -> float:
        return max(step / self.steps, minutes / self.minutes)


@dataclass(frozen=True)
class Machine:
    """Where a run takes place. ``precision`` "auto": bfloat16 where the hardware multiplies it, else float32.

    ``threads``: of the CPU, 0 leaves them to torch; ``workers``: processes that cut crops, 0 for none beside the loop.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "auto"
    threads: int = 0
    workers: int = 0

    def fabric(self, board: Path) -> Fabric:
        """Start the processes; each returns with its own Fabric. ``board``: folder of the TensorBoard figures."""
        torch.set_flush_denormal(True)
        if self.threads:
            torch.set_num_threads(self.threads)
        precision: Any = self.fitting_precision() if self.precision == "auto" else self.precision
        logger = TensorBoardLogger(root_dir=board.parent, name=board.name, version="")
        fabric = Fabric(
            accelerator=self.accelerator, devices=self.devices, num_nodes=self.nodes, precision=precision, loggers=logger
        )
        fabric.launch()
        return fabric

    def fitting_precision(self) -> str:
        """``bf16-mixed`` on a GPU and on a CPU with matrix units for it; elsewhere it is slower than ``32-true``."""
        if self.accelerator != "cpu" and torch.cuda.is_available():
            return "bf16-mixed"
        return "bf16-mixed" if torch.cpu._is_amx_tile_supported() else "32-true"


@dataclass(frozen=True)
class Losses:
    """What a step gives: the sum to be made small, and figures to be averaged and shown."""

    total: Tensor
    figures: dict[str, Tensor]


@dataclass(frozen=True)
class Check:
    """What a look at held-out data gives: a line, figures, and pictures (h, w, 3) uint8."""

    words: str
    figures: dict[str, float]
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


class Task(Protocol[TaskModel]):
    """One recipe."""

    @property
    def schedule(self) -> Schedule: ...

    def begin(self) -> TaskModel:
        """A model with fresh weights; the seed is set."""

    def optimiser(self, model: TaskModel) -> torch.optim.Optimizer:
        """What moves its weights; the rate of learning is set at every step."""

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw one batch."""

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        """Losses of a batch; ``model`` is called, nothing else of it is used."""

    def check(self, model: TaskModel) -> Check:
        """Look at held-out data with the averaged weights."""


@dataclass
class State(Generic[Model]):
    """What a checkpoint holds."""

    model: Model
    ema: Model
    optimiser: torch.optim.Optimizer
    step: int = 0
    minutes: float = 0.0

    def save(self, path: Path) -> None:
        partial = path.with_suffix(".partial")
        parts = {"model": self.model.state_dict(), "ema": self.ema.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save({**parts, "step": self.step, "minutes": self.minutes}, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True, map_location="cpu")
        self.model.load_state_dict(kept["model"])
        self.ema.load_state_dict(kept["ema"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step, self.minutes = kept["step"], kept["minutes"]

    def begin_from(self, path: Path) -> None:
        """Take the averaged weights of another run, and nothing else."""
        weights = torch.load(path, weights_only=True, map_location="cpu")["ema"]
        self.model.load_state_dict(weights)
        self.ema.load_state_dict(weights)


def begin(task: Task[Model]) -> State[Model]:
    """A state at step 0."""
    torch.manual_seed(task.schedule.seed)
    model = task.begin().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(model).requires_grad_(False).eval()
    return State(model, ema, task.optimiser(model))


class Batches(Dataset[Batch]):
    """The batches of one process, by step."""

    def __init__(self, task: Task[Model], process: int) -> None:
        self.task, self.process = task, process

    def __getitem__(self, step: int) -> Batch:
        return self.task.batch(np.random.default_rng((self.task.schedule.seed, self.process, step)))


def batches(task: Task[Model], fabric: Fabric, first: int, workers: int) -> Iterator[Batch]:
    """Batches from step ``first`` on, cut ahead by ``workers`` processes."""
    steps = range(first, task.schedule.steps)
    source = DataLoader(Batches(task, fabric.global_rank), batch_size=None, sampler=steps, num_workers=workers)
    for batch in source:
        yield tuple(part.to(fabric.device, non_blocking=True) for part in batch)


def train(
    task: Task[Model],
    out: Path,
    machine: Machine,
    say: Callable[[str], None],
    begin_from: Path | None = None,
    save_minutes: float = 4.0,
    check_minutes: float = 16.0,
) -> None:
    """Train, going on from ``out``/last.pt if it is there; it is written every few minutes and at the end.

    ``begin_from``: a checkpoint of another run, whose averaged weights a new run begins with.
    """
    fabric = machine.fabric(out / "board")
    out.mkdir(parents=True, exist_ok=True)
    state = begin(task)
    if (out / LAST).exists():
        state.load(out / LAST)
    elif begin_from is not None:
        state.begin_from(begin_from)
    run = Run(task, state, fabric, out, say if fabric.is_global_zero else lambda line: None)
    run.go(batches(task, fabric, state.step, machine.workers), 60 * save_minutes, 60 * check_minutes)


class Run(Generic[Model]):
    """A state on its way through a schedule."""

    def __init__(self, task: Task[Model], state: State[Model], fabric: Fabric, out: Path, say: Callable[[str], None]) -> None:
        self.task, self.state, self.fabric, self.out, self.say = task, state, fabric, out, say
        self.model, self.optimiser = fabric.setup(state.model, state.optimiser)
        state.ema.to(fabric.device)
        self.recent: list[dict[str, Tensor]] = []

    def go(self, source: Iterator[Batch], save_s: float, check_s: float) -> None:
        """Take steps until the schedule ends."""
        before = saved = checked = time.monotonic()
        self.say(f"from step {self.state.step}, minute {self.state.minutes:.1f}")
        for batch in source:
            now = time.monotonic()
            # A machine that slept did not train.
            self.state.minutes = self.agreed(self.state.minutes + min(now - before, LONGEST_STEP_S) / 60)
            before = now
            progress = self.task.schedule.progress(self.state.step, self.state.minutes)
            if progress >= 1:
                break
            self.step(batch, progress)
            if self.agreed(now - saved) > save_s:
                self.save(LAST)
                saved = now
            if self.agreed(now - checked) > check_s:
                # A run can go astray: what was judged is kept, so that it can be taken back.
                self.save(f"step-{self.state.step}.pt")
                self.check()
                checked = now
        self.save(LAST)
        self.check()

    def agreed(self, value: float) -> float:
        """The first process's clock holds for all."""
        if self.fabric.world_size == 1:
            return value
        agreed: float = self.fabric.broadcast(value)
        return agreed

    def step(self, batch: Batch, progress: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.task.schedule.rate_of_learning(self.state.step, progress)
        losses = self.task.losses(self.model, batch, progress)
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(losses.total)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.task.schedule.largest_norm)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.state.step += 1
        follow(self.state.ema, self.state.model, min(self.task.schedule.ema_decay, self.state.step / (self.state.step + 10)))
        self.recent.append({name: value.detach() for name, value in losses.figures.items()})
        if self.state.step % SAY_EVERY == 0:
            self.report()

    def report(self) -> None:
        """Means over the last steps, as a line and on the board."""
        means = {name: float(torch.stack([one[name] for one in self.recent]).mean()) for name in self.recent[0]}
        self.recent.clear()
        self.fabric.log_dict({f"training/{name}": value for name, value in means.items()}, self.state.step)
        words = " ".join(f"{name} {value:.4g}" for name, value in means.items())
        self.say(f"step {self.state.step} minute {self.state.minutes:.1f} {words}")

    def check(self) -> None:
        if self.fabric.is_global_zero:
            with torch.no_grad():
                found = self.task.check(copy.deepcopy(self.state.ema).cpu())
            self.fabric.log_dict({f"held out/{name}": value for name, value in found.figures.items()}, self.state.step)
            board: Any = self.fabric.logger.experiment  # type: ignore[attr-defined]
            for name, picture in found.pictures.items():
                board.add_image(name, picture, self.state.step, dataformats="HWC")
            board.flush()
            self.say(f"held out at minute {self.state.minutes:.0f}: {found.words}")
        self.fabric.barrier()

    def save(self, name: str) -> None:
        if self.fabric.is_global_zero:
            self.state.save(self.out / name)
        self.fabric.barrier()


@torch.no_grad()
def follow(ema: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights on by one step."""
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)
