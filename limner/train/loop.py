"""The loop of every recipe: steps, an average of the weights, checkpoints that survive a kill, figures to look at.

    Task     what is trained, on what, with which losses  (task)     Machine  device, precision, processes  (machine)
    Batches  a process's part of every batch              (feed)     State    what a checkpoint holds       (state)

The same command runs on a CPU, a GPU or many. Every process draws its own crops, and their gradients are averaged; or one
process takes several passes and adds them up. What is random about a crop follows from the seed, the step and the crop's number
in the batch of all: so it does not matter who draws it, and a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.train.curve import EVERY_STEP_UNTIL, FILE, Curve, is_due
from limner.train.feed import Fed, Part, batches, split
from limner.train.gather import gathered
from limner.train.machine import Machine
from limner.train.state import LAST, Model, Places, State, begin
from limner.train.stops import Asked
from limner.train.task import Task

if TYPE_CHECKING:
    from limner.train.stream import Stream

SAY_EVERY = 50  # steps
LONGEST_STEP_S = 120.0


def train(
    task: Task[Model],
    out: Path,
    machine: Machine,
    say: Callable[[str], None],
    begin_from: Path | None = None,
    stream: Stream | None = None,
    save_minutes: float = 4.0,
    check_minutes: float = 16.0,
) -> bool:
    """Train, going on from ``out``/last.pt if it is there; it is written every few minutes and at the end.

    ``begin_from``: a checkpoint of another run, whose averaged weights a new run begins with. ``stream``: that of the task's
    source, if it has one. Returns whether the end of the schedule was reached: False, in the first process, if SIGTERM asked it
    to stop. LimnerError for a checkpoint that does not fit, and for passes where the task compares crops.
    """
    if task.compares and machine.accumulate > 1:
        raise LimnerError("this recipe compares the crops of a batch with each other: it cannot take them in several passes")
    with Asked() as asked:
        fabric = machine.fabric(out / "board")
        out.mkdir(parents=True, exist_ok=True)
        own = say if fabric.is_global_zero else unsaid
        state = begin(task)
        if not state.go_on(out, own) and begin_from is not None:
            state.begin_from(begin_from)
        part = Part(fabric.global_rank, fabric.world_size, machine.accumulate, max(1, machine.workers))
        run = Run(task, state, fabric, part, out, own)
        finished = run.go(run.passes(stream, machine.workers), asked, 60 * save_minutes, 60 * check_minutes)
    # One voice is enough: who started the others would take theirs for failures.
    return finished or not fabric.is_global_zero


def unsaid(line: str) -> None:
    """What only the first process says."""


class Run(Generic[Model]):
    """A state on its way through a schedule."""

    def __init__(
        self, task: Task[Model], state: State[Model], fabric: Fabric, part: Part, out: Path, say: Callable[[str], None]
    ) -> None:
        self.task, self.state, self.fabric, self.part, self.out, self.say = task, state, fabric, part, out, say
        self.model, self.optimiser = fabric.setup(state.model, state.optimiser)
        state.ema.to(fabric.device)
        beside_weights(state.optimiser)
        if state.scaler:
            fabric.strategy.precision.load_state_dict(state.scaler)
        self.scales = bool(fabric.strategy.precision.state_dict())
        self.recent: list[dict[str, Tensor]] = []
        self.streams, self.at = False, torch.full((part.workers, 3), -1)
        self.curve = Curve(out / FILE, state.step) if fabric.is_global_zero else None
        if self.summed([float(state.step)]) != [float(state.step * fabric.world_size)]:
            raise LimnerError(f"the processes found different checkpoints in {out}: it must be a folder that all of them share")

    def passes(self, stream: Stream | None, workers: int) -> Iterator[Sequence[Fed]]:
        """The passes of each step that is left."""
        self.streams = stream is not None
        places = self.state.places
        if stream is not None and places is not None:
            if places.split == split(self.task, self.part):
                self.at = places.at.reshape(self.part.processes, self.part.workers, 3)[self.part.process].clone()
            else:
                self.say("other processes, workers or crops than before: streams begin anew")
                places = None
        source = batches(self.task, self.part, self.state.step, workers, stream, places)
        while found := list(islice(source, self.part.passes)):
            yield found

    def go(self, steps: Iterator[Sequence[Fed]], asked: Asked, save_s: float, check_s: float) -> bool:
        """Take steps until the schedule ends, or until a process was asked to stop: then False, with all saved."""
        before = saved = checked = time.monotonic()
        self.say(f"from step {self.state.step}, minute {self.state.minutes:.1f}")
        for passes in steps:
            now = time.monotonic()
            # A machine that slept did not train.
            minutes = self.state.minutes + min(now - before, LONGEST_STEP_S) / 60
            due = now - saved > save_s, now - checked > check_s
            self.state.minutes, to_save, to_check, to_stop = self.agreed(minutes, *due, asked.to_stop)
            before = now
            if to_stop:
                self.save(LAST)
                self.say(f"asked to stop: saved at step {self.state.step}; the same command goes on from there")
                return False
            progress = self.task.schedule.progress(self.state.step, self.state.minutes)
            if progress >= 1:
                break
            if to_save:
                self.save(LAST)
                saved = now
            if to_check:
                # A run can go astray: what was judged is kept, so that it can be taken back.
                self.save(f"step-{self.state.step}.pt")
                self.check()
                checked = now
            self.step(passes, progress)
        self.save(LAST)
        self.check()
        return True

    def agreed(self, minutes: float, to_save: bool, to_check: bool, to_stop: bool) -> tuple[float, bool, bool, bool]:
        """The first process's clock holds for all; who is asked to stop stops all."""
        mine = [minutes, float(to_save), float(to_check)] if self.fabric.is_global_zero else [0.0, 0.0, 0.0]
        agreed, saves, checks, stops = self.summed([*mine, float(to_stop)])
        return agreed, saves > 0, checks > 0, stops > 0

    def summed(self, values: Sequence[float]) -> list[float]:
        """Each, summed over the processes."""
        if self.fabric.world_size == 1:
            return list(values)
        found: Any = self.fabric.all_reduce(torch.tensor(values, dtype=torch.float64), reduce_op="sum")
        return [float(value) for value in found]

    def step(self, passes: Sequence[Fed], progress: float) -> None:
        schedule, state = self.task.schedule, self.state
        for group in self.optimiser.param_groups:
            group["lr"] = schedule.rate_of_learning(state.step, progress)
        self.optimiser.zero_grad(set_to_none=True)
        figures = [self.learn(fed, progress, last=number == len(passes)) for number, fed in enumerate(passes, 1)]
        # Gradients are those of all processes by now: all of them come to the same norm, and to the same decision.
        norm = self.fabric.clip_gradients(self.model, self.optimiser, max_norm=schedule.largest_norm, error_if_nonfinite=False)
        # A scaler decides for itself, and learns from a step that it leaves out.
        if self.scales or (norm is not None and torch.isfinite(norm)):
            self.optimiser.step()
        for number, fed in enumerate(passes):
            if len(fed.place):
                self.at[(state.step * len(passes) + number) % self.part.workers] = fed.place
        state.step += 1
        follow(state.ema, state.model, min(schedule.ema_decay, state.step / (state.step + 10)))
        self.recent.append({name: torch.stack([one[name] for one in figures]).mean() for name in figures[0]})
        self.report()

    def learn(self, fed: Fed, progress: float, last: bool) -> dict[str, Tensor]:
        """Add a pass's part of the gradients; the last one brings those of all processes together."""
        batch = tuple(part.to(self.fabric.device, non_blocking=True) for part in fed.batch)
        with self.fabric.no_backward_sync(self.model, enabled=not last):
            losses = self.task.losses(self.model, batch, progress)
            self.fabric.backward(losses.total / self.part.passes if self.part.passes > 1 else losses.total)
        return {name: value.detach() for name, value in losses.figures.items()}

    def report(self) -> None:
        """Means over the last steps: a row of the curve, a line, and points on the board."""
        step = self.state.step
        some = self.recent[-1:] if step <= EVERY_STEP_UNTIL else self.recent
        if is_due(step):
            means = self.means(some)
            if self.curve is not None:
                self.curve.add(step, len(some), means)
        if step % SAY_EVERY == 0:
            means = self.means(self.recent)
            self.recent.clear()
            self.fabric.log_dict({f"training/{name}": value for name, value in means.items()}, step)
            words = " ".join(f"{name} {value:.4g}" for name, value in means.items())
            self.say(f"step {step} minute {self.state.minutes:.1f} {words}")

    def means(self, some: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
        """Of each figure, over steps and processes."""
        own = [float(torch.stack([one[name] for one in some]).mean()) for name in some[0]]
        return {name: value / self.part.processes for name, value in zip(some[0], self.summed(own), strict=True)}

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
        self.state.scaler = self.fabric.strategy.precision.state_dict()
        if self.streams:
            self.state.places = Places(split(self.task, self.part), gathered(self.at.to(self.fabric.device)).cpu())
        if self.fabric.is_global_zero:
            self.state.save(self.out / name)
        self.fabric.barrier()


@torch.no_grad()
def follow(ema: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights on by one step."""
    torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - decay)


def beside_weights(optimiser: torch.optim.Optimizer) -> None:
    """Put what an optimiser knows of each weight beside it: a checkpoint is opened on the CPU. Counts of steps may stay."""
    for weight, known in optimiser.state.items():
        for name, value in known.items():
            if isinstance(value, Tensor) and not name.startswith("step"):
                known[name] = value.to(weight.device)
