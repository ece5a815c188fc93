"""The loop counts on its checkpoints, its schedule, and its optimiser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

import tiny_recipes  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402
from lightning_fabric.loggers.tensorboard import TensorBoardLogger  # noqa: E402
from lightning_fabric.plugins.precision.amp import MixedPrecision  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.train.curve import Curve, is_due  # noqa: E402
from limner.train.draws import Draw  # noqa: E402
from limner.train.loop import train  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.muon import Muon, dense_weights, orthogonal  # noqa: E402
from limner.train.state import LAST, PREVIOUS, State, begin  # noqa: E402
from limner.train.task import Batch, Check, Losses, Schedule  # noqa: E402

HERE = Machine(accelerator="cpu", precision="32-true")


@dataclass(frozen=True)
class Line:
    """Find the line through points: a task as small as they come."""

    schedule: Schedule = field(default_factory=lambda: Schedule(steps=60, warm_up_steps=1, learning_rate=0.03))

    @property
    def crops(self) -> int:
        return 8

    @property
    def compares(self) -> bool:
        return False

    def begin(self) -> nn.Linear:
        return nn.Linear(4, 3)

    def optimiser(self, model: nn.Linear) -> torch.optim.Optimizer:
        return Muon(model, self.schedule.learning_rate)

    def batch(self, draws: Sequence[Draw]) -> Batch:
        return (torch.from_numpy(np.stack([one.rng.normal(size=4) for one in draws])).float(),)

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        wanted = batch[0][:, :3] * 0.5 + 0.25
        total: Tensor = (model(batch[0]) - wanted).square().mean()
        return Losses(total, {"loss": total})

    def check(self, model: nn.Linear) -> Check:
        return Check("looked", {"bias": float(model.bias.detach().mean())}, {"grey": np.full((4, 4, 3), 9, np.uint8)})


def test_a_run_learns_says_so_and_draws_a_board(tmp_path: Path) -> None:
    said: list[str] = []
    train(Line(), tmp_path, HERE, said.append)
    model = nn.Linear(4, 3)
    model.load_state_dict(torch.load(tmp_path / "last.pt", weights_only=True)["model"])
    assert torch.allclose(model.bias, torch.full((3,), 0.25), atol=0.05)
    assert said[0].startswith("from step 0") and "looked" in said[-1] and any("step 50" in line for line in said)
    assert list((tmp_path / "board").glob("events.*"))


def test_a_run_in_two_parts_is_the_run_in_one(tmp_path: Path) -> None:
    halves, whole = tmp_path / "halves", tmp_path / "whole"
    # Where a run ends decides how its rate of learning falls; so only what comes before that is compared.
    early = Schedule(steps=1000, minutes=1e9, warm_up_steps=1)
    train(Stopping(early, after=5), halves, HERE, lambda line: None)
    train(Stopping(early, after=9), halves, HERE, lambda line: None)
    train(Stopping(early, after=9), whole, HERE, lambda line: None)
    parts, once = (torch.load(folder / "last.pt", weights_only=True) for folder in (halves, whole))
    assert parts["step"] == once["step"] == 9
    assert all(torch.equal(parts["model"][name], once["model"][name]) for name in once["model"])


@dataclass(frozen=True)
class Stopping(Line):
    """A line whose run is cut after some steps, as if the machine had been taken away."""

    after: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", Cut(**self.schedule.__dict__, after=self.after))


@dataclass(frozen=True)
class Cut(Schedule):
    after: int = 0

    def progress(self, step: int, minutes: float) -> float:
        return 1.0 if step >= self.after else super().progress(step, minutes)


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state: State[nn.Linear] = begin(Line())
    state.save(tmp_path / "last.pt")
    before = (tmp_path / "last.pt").read_bytes()
    monkeypatch.setattr(torch, "save", lambda parts, path: path.write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        state.save(tmp_path / "last.pt")
    assert (tmp_path / "last.pt").read_bytes() == before


def test_the_checkpoint_before_stays_and_is_opened_where_the_last_is_torn(tmp_path: Path) -> None:
    state: State[nn.Linear] = begin(Line())
    for step in range(3):
        state.step = step
        state.save(tmp_path / LAST)
    assert sorted(path.name for path in tmp_path.iterdir()) == [PREVIOUS, LAST]
    (tmp_path / LAST).write_bytes((tmp_path / LAST).read_bytes()[:700])
    said: list[str] = []
    other: State[nn.Linear] = begin(Line())
    assert other.go_on(tmp_path, said.append) and other.step == 1 and "no whole checkpoint" in said[0]
    (tmp_path / PREVIOUS).write_bytes(b"")
    with pytest.raises(LimnerError, match="no checkpoint can be read"):
        other.go_on(tmp_path, said.append)
    assert not other.go_on(tmp_path / "nothing", said.append)


def test_where_a_file_has_one_name_a_checkpoint_is_still_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(one: Path, other: Path) -> None:
        raise OSError("not here")

    monkeypatch.setattr("os.link", refused)
    state: State[nn.Linear] = begin(Line())
    for _ in range(2):
        state.save(tmp_path / LAST)
    assert sorted(path.name for path in tmp_path.iterdir()) == [PREVIOUS, LAST]


def test_checkpoints_of_before_are_opened_and_others_refused(tmp_path: Path) -> None:
    state: State[nn.Linear] = begin(Line())
    parts = {"model": state.model.state_dict(), "ema": state.ema.state_dict(), "optimiser": state.optimiser.state_dict()}
    torch.save({**parts, "step": 7, "minutes": 1.5}, tmp_path / LAST)
    state.load(tmp_path / LAST)
    assert (state.step, state.minutes, state.places) == (7, 1.5, None)
    torch.save({**parts, "model": nn.Linear(2, 2).state_dict(), "step": 7, "minutes": 1.5}, tmp_path / LAST)
    with pytest.raises(LimnerError, match="of another recipe or of other sizes"):
        state.load(tmp_path / LAST)


def test_a_curve_has_every_step_once(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    one = Curve(path, 0)
    for step in range(1, 6):
        one.add(step, 1, {"loss": float("nan") if step == 2 else 1 / step})
    with path.open("a") as stream:
        stream.write('{"step": 6, "ov')
    other = Curve(path, 3)
    other.add(4, 1, {"loss": 9.0})
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["step"], row["loss"]) for row in rows] == [(1, 1.0), (2, None), (3, 1 / 3), (4, 9.0)]
    assert [step for step in range(1, 201) if is_due(step)] == [*range(1, 51), 100, 150, 200]


def test_a_machine_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for fault in ({"precision": "16-mixed"}, {"precision": "bf16-true"}, {"devices": 0}, {"accumulate": 0}, {"workers": -1}):
        with pytest.raises(LimnerError):
            Machine(**{"accelerator": "cpu", **fault})
    assert Machine(devices=2, nodes=3).processes == 6
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("WORLD_SIZE", "8"), ("LOCAL_WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    assert Machine().shape() == (4, 2)


def test_weights_and_their_average_are_float32_in_mixed_precision(tmp_path: Path) -> None:
    train(Line(), tmp_path, Machine("cpu", precision="bf16-mixed"), lambda line: None)
    kept = torch.load(tmp_path / LAST, weights_only=True)
    assert {tensor.dtype for part in ("model", "ema") for tensor in kept[part].values()} == {torch.float32}
    assert kept["model"]["bias"].sub(0.25).abs().max() < 0.05


def test_gradients_that_are_no_numbers_move_nothing(tmp_path: Path) -> None:
    train(Broken(), tmp_path, HERE, lambda line: None)
    kept = torch.load(tmp_path / LAST, weights_only=True)
    was = begin(Line()).model.state_dict()
    assert kept["step"] == 60 and all(torch.equal(kept["model"][name], was[name]) for name in was)


class Scaling(Machine):
    """A CPU whose losses are scaled as a GPU's in float16 are."""

    def fabric(self, board: Path) -> Fabric:
        fabric = Fabric(
            accelerator="cpu",
            devices=1,
            plugins=MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0**40, growth_interval=3)),
            loggers=TensorBoardLogger(root_dir=board.parent, name=board.name, version=""),
        )
        fabric.launch()
        return fabric


def test_a_scaler_leaves_out_what_overflows_learns_and_is_kept(tmp_path: Path) -> None:
    early = replace(Line().schedule, largest_norm=1e9)
    with pytest.raises(tiny_recipes.Away):
        train(tiny_recipes.Cut(Line(early), 2), tmp_path, Scaling("cpu"), lambda line: None, save_minutes=0)
    kept = torch.load(tmp_path / LAST, weights_only=True)
    was = begin(Line()).model.state_dict()
    assert all(torch.equal(kept["model"][name], was[name]) for name in was) and kept["scaler"]["scale"] == 2.0**38
    train(Line(early), tmp_path, Scaling("cpu"), lambda line: None)
    kept = torch.load(tmp_path / LAST, weights_only=True)
    assert kept["scaler"]["scale"] < 2.0**38 and kept["model"]["bias"].sub(0.25).abs().max() < 0.15


@dataclass(frozen=True)
class Broken(Line):
    """A line whose loss is never a number."""

    def losses(self, model: nn.Module, batch: Batch, progress: float) -> Losses:
        total: Tensor = model(batch[0]).mean() * float("nan")
        return Losses(total, {"loss": total})


def test_the_rate_of_learning_rises_stays_and_falls() -> None:
    schedule = Schedule(learning_rate=1.0, warm_up_steps=10, constant_part=0.5, final_part=0.1)
    rates = [
        schedule.rate_of_learning(step, progress) for step, progress in ((0, 0), (9, 0), (500, 0.5), (700, 0.75), (999, 1))
    ]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.55, 0.1])


def test_orthogonal_brings_every_direction_to_about_one() -> None:
    torch.manual_seed(0)
    for shape in ((6, 20), (20, 6)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape) @ torch.diag(torch.logspace(0, -1.5, shape[1]))))
        assert values.min() > 0.5 and values.max() < 1.3


def test_muon_steps_matrices_alike_and_leaves_depthwise_kernels_to_adam() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 2, 1))
    assert [tuple(weight.shape) for weight in dense_weights(net)] == [(8, 4, 3, 3), (2, 8, 1, 1)]
    before = net[0].weight.detach().clone()
    optimiser = Muon(net, lr=0.01)
    net(torch.randn(2, 4, 9, 9)).square().sum().backward()
    optimiser.step()
    step = (net[0].weight - before).square().mean().sqrt()
    assert 0.005 < step < 0.012
