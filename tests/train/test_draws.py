"""Every crop has a chance of its own, and a batch is cut among processes and passes without a trace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from tiny_recipes import made  # noqa: E402

from limner.errors import LimnerError  # noqa: E402
from limner.train.draws import Draw, draw, draws, strata  # noqa: E402
from limner.train.feed import Batches, Part  # noqa: E402


@given(st.integers(0, 999), st.integers(0, 9999), st.integers(1, 9))
def test_a_draw_is_its_own_and_strata_are_covered(seed: int, step: int, count: int) -> None:
    some = draws(seed, count, step)
    again = draw(seed, step, count - 1, count)
    assert again.key == some[-1].key and again.rng.random() == draws(seed, count, step)[-1].rng.random()
    assert len({one.key for one in some}) == count and all(0 <= one.key < 2**63 for one in some)
    assert (strata(some) * count).floor().long().clamp(max=count - 1).tolist() == list(range(count))


def test_a_crop_that_there_is_not_is_refused() -> None:
    with pytest.raises(LimnerError):
        Draw(draws(0, 1)[0].rng, 3, 3, 0, 0)


@settings(max_examples=12)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 50))
def test_processes_and_passes_share_out_one_batch(processes: int, passes: int, step: int) -> None:
    crops = 2
    together = Batches(made("miniature", 99, crops * processes * passes), Part())[step].batch
    task = made("miniature", 99, crops)
    parts = [
        Batches(task, Part(process, processes, passes))[step * passes + number].batch
        for number in range(passes)
        for process in range(processes)
    ]
    for whole, *cut in zip(together, *parts, strict=True):
        assert torch.equal(whole, torch.cat(cut))


def test_another_step_or_seed_is_another_batch() -> None:
    one, other = Batches(made("miniature", 9, 2), Part()), Batches(made("miniature", 9, 2, seed=2), Part())
    assert not torch.equal(one[0].batch[0], one[1].batch[0]) and not torch.equal(one[0].batch[2], other[0].batch[2])
