"""A step is the same whoever takes it: one process, one in several passes, or two."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("ssimulacra2")
pytest.importorskip("transformers")

from tiny_recipes import HERE, RECIPES, apart, made, silent, started  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.train.draws import draws  # noqa: E402
from limner.train.loop import train  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.state import begin  # noqa: E402

TOLERANCE = 1e-4
ALONE = [name for name in RECIPES if not made(name, 1, 1).compares]


def in_two(*asked: object) -> list[int]:
    """Run the program in two processes as torchrun would, and return their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    both = [
        started(*asked, **meet, TORCHELASTIC_RUN_ID="two", RANK=rank, LOCAL_RANK=rank, GROUP_RANK="0") for rank in ("0", "1")
    ]
    return [process.wait(200) for process in both]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps of every recipe by two processes, and of one whose processes draw what they should not."""
    out = tmp_path_factory.mktemp("two")
    assert in_two(out, *RECIPES, "edges:own", "--steps", "3", "--batch", "1") == [0, 0]
    return out


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_are_one_with_the_double_batch(name: str, two: Path, tmp_path: Path) -> None:
    train(made(name, 3, 2), tmp_path, HERE, silent)
    assert apart(tmp_path, two / name) < TOLERANCE
    if name == "edges":
        assert apart(tmp_path, two / "edges:own") > TOLERANCE


@pytest.mark.parametrize("name", ALONE)
def test_two_passes_are_one_with_the_double_batch(name: str, tmp_path: Path) -> None:
    train(made(name, 3, 2), tmp_path / "one", HERE, silent)
    train(made(name, 3, 1), tmp_path / "two", Machine("cpu", precision="32-true", threads=1, accumulate=2), silent)
    assert apart(tmp_path / "one", tmp_path / "two") < TOLERANCE


@pytest.mark.parametrize("name", sorted(RECIPES.keys() - ALONE))
def test_what_compares_the_crops_of_a_batch_is_not_cut(name: str, tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="cannot take them in several passes"):
        train(made(name, 1, 2), tmp_path, Machine("cpu", accumulate=2), silent)


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_draws_from_no_generator_that_others_share(name: str) -> None:
    task = made(name, 9, 2)
    model = begin(task).model
    before = torch.get_rng_state()
    batch = task.batch(draws(1, 2))
    first, again = (task.losses(model, batch, 0.9).total.item() for _ in range(2))
    assert first == again and torch.equal(before, torch.get_rng_state())
