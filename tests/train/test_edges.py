"""The edge net: its data, its crops, a few steps of training, and the file that comes of it."""

from __future__ import annotations

from pathlib import Path

import drawn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pictures import scene

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("onnxscript")

from limner.describe.edges import EdgeNet  # noqa: E402
from limner.errors import LimnerError  # noqa: E402
from limner.nets.edges import MULTIPLE, Edges, Sigmoid  # noqa: E402
from limner.train import boundaries, edges, loop  # noqa: E402
from limner.train.boundaries import Drawn, annotators  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.task import Schedule  # noqa: E402
from limner.weights import at  # noqa: E402

HILL = Drawn("hill", scene(80, 60), (255 * drawn.outline(80, 60)).astype(np.uint8))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), arrays.arrays(np.int64, (4, 6), elements=st.integers(0, 9)), st.booleans())
def test_votes_follow_from_their_mean(count: int, votes: np.ndarray, truncated: bool) -> None:
    votes = np.minimum(votes, count)
    votes[0, 0], votes[0, 1] = count, 1  # somebody drew alone, and all drew together
    mean = 255 * votes / count
    share = (np.floor(mean) if truncated else np.rint(mean)).astype(np.uint8)
    found = Drawn("", np.zeros((4, 6, 3), np.uint8), share)
    assert annotators(share) == count and np.array_equal(found.votes, votes)


def test_levels_of_no_mean_are_refused() -> None:
    with pytest.raises(LimnerError, match="no mean of at most"):
        annotators(np.arange(256, dtype=np.uint8))


def test_photographs_and_drawings_find_each_other(tmp_path: Path) -> None:
    found = boundaries.load(drawn.folder(tmp_path), "val")
    assert [one.name for one in found] == ["bsd_val0.jpg", "bsd_val1.jpg", "bsd_val2.jpg"]
    assert np.array_equal(found[1].pixels, scene(80, 60, 1)) and annotators(found[1].share) == 2
    with pytest.raises(LimnerError, match="no photographs of"):
        boundaries.load(tmp_path, "nothing")
    (tmp_path / "boundaries.tar").write_bytes(b"no tar")
    with pytest.raises(LimnerError, match="cannot be read"):
        boundaries.load(tmp_path, "val")


def test_a_share_is_spread_and_never_over_one() -> None:
    share = np.zeros((5, 7), np.uint8)
    share[2, 3], share[2, 4] = 200, 100
    near = edges.spread(Drawn("", np.zeros((5, 7, 3), np.uint8), share)).share
    assert near[1, 2] == 200 and near[3, 3] == 255 and near[2, 5] == 100 and near[0].max() == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_crop_and_its_share_move_together(seed: int) -> None:
    """The picture is its own drawing: what is done to one is done to the other."""
    recipe = edges.Recipe(crop_px=48, colour=0.0)
    grey = scene(80, 60)[..., 0]
    pixels, share = edges.crop(Drawn("", np.repeat(grey[..., None], 3, 2), grey), recipe, np.random.default_rng(seed))
    assert pixels.shape == (48, 48, 3) and share.shape == (48, 48)
    assert abs(pixels[..., 0].astype(int) - share).max() <= 1


def test_scales_are_halved_and_the_finest_is_the_pictures() -> None:
    sides = [tuple(part.shape[2:]) for part in Edges()(torch.zeros(1, 3, 2 * MULTIPLE, 3 * MULTIPLE))]
    assert sides == [(32, 48), (8, 12), (4, 6), (2, 3)]


def test_the_better_map_costs_less() -> None:
    recipe, share = edges.Recipe(), torch.zeros(1, 1, 16, 16)
    share[..., 8, :] = 1
    coarse = [torch.zeros(1, 1, 4, 4)]
    right, wrong = 8 * share - 4, 4 - 8 * share
    assert recipe.judged([right, *coarse], share) < recipe.judged([wrong, *coarse], share)


def test_trained_and_exported(tmp_path: Path) -> None:
    recipe = edges.Recipe(Schedule(steps=3, warm_up_steps=1), batch=2, crop_px=64)
    said: list[str] = []
    loop.train(edges.Task(recipe, [HILL] * 3), tmp_path / "run", Machine("cpu", precision="32-true"), said.append)
    assert "cross entropy" in said[-1]
    checkpoint = tmp_path / "run" / "last.pt"
    edges.export(checkpoint, tmp_path / "set", "edges-trial")
    pixels = scene(64, 48)
    net = Edges()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["ema"])
    with torch.no_grad():
        wanted = Sigmoid(net)(torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None].float() / 255)[0, 0].numpy()
    # Weights are stored as float16.
    assert np.allclose(EdgeNet(at(tmp_path / "set")).edges(pixels), wanted, atol=5e-3)
    torch.save({"ema": {"other": torch.zeros(1)}}, checkpoint)
    with pytest.raises(LimnerError, match="no checkpoint of the edge net"):
        edges.export(checkpoint, tmp_path / "set", "edges-trial")
