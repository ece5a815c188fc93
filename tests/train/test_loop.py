"""The loop counts on its checkpoints, its schedule, and its optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from torch import Tensor, nn  # noqa: E402

from limner.train.loop import Batch, Check, Losses, Machine, Schedule, State, begin, train  # noqa: E402
from limner.train.muon import Muon, dense_weights, orthogonal  # noqa: E402

HERE = Machine(accelerator="cpu", precision="32-true")


@dataclass(frozen=True)
class Line:
    """Find the line through points: a task as small as they come."""

    schedule: Schedule = field(default_factory=lambda: Schedule(steps=60, warm_up_steps=1, learning_rate=0.03))

    def begin(self) -> nn.Linear:
        return nn.Linear(4, 3)

    def optimiser(self, model: nn.Linear) -> torch.optim.Optimizer:
        return Muon(model, self.schedule.learning_rate)

    def batch(self, rng: np.random.Generator) -> Batch:
        return (torch.from_numpy(rng.normal(size=(8, 4))).float(),)

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
