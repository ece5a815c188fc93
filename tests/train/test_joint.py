"""The joint loss: laws, the published form worked out by hand, CLIP's way of looking, and the small pair that stands in."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
transformers = pytest.importorskip("transformers")

import tiny_clip  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from limner.errors import MissingError  # noqa: E402
from limner.train import pairs  # noqa: E402
from limner.train.captioned import Captioned, Kept, Photos  # noqa: E402
from limner.train.draws import draws  # noqa: E402
from limner.train.joint import BETA, LOGIT_SCALE, ClipPair, clip_pair, contrast, joint, middle  # noqa: E402
from limner.train.loop import train  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.state import LAST  # noqa: E402
from limner.train.task import Schedule  # noqa: E402

COLOURS = {"red": (210, 40, 30), "green": (40, 190, 50), "blue": (30, 60, 220), "grey": (128, 128, 128)}


@dataclass(frozen=True)
class Flat:
    """Eyes that see mean colours, words that name them."""

    name: str = "flat"

    def pictures(self, x: Tensor) -> Tensor:
        return F.normalize(x.mean((2, 3)) + 0.05, dim=1)

    def words(self, captions: Sequence[str]) -> Tensor:
        return F.normalize(torch.tensor([COLOURS[caption] for caption in captions]).float(), dim=1)


def noise(seed: int, b: int = 3, side: int = 8) -> Tensor:
    return torch.rand(b, 3, side, side, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30)
@given(seed=st.integers(0, 9999), order=st.permutations([0, 1, 2]))
def test_the_loss_does_not_depend_on_the_order_of_a_batch(seed: int, order: list[int]) -> None:
    x, x_hat, captions = noise(seed), noise(seed + 1), list(COLOURS)[:3]
    turned = joint(Flat(), x[order], x_hat[order], [captions[k] for k in order])
    assert torch.allclose(joint(Flat(), x, x_hat, captions), turned, atol=1e-4)


@settings(max_examples=30)
@given(seed=st.integers(0, 9999), b=st.integers(1, 6), scale=st.floats(0.1, 50))
def test_the_contrast_is_at_best_nothing_and_for_equals_the_log_of_b(seed: int, b: int, scale: float) -> None:
    words, pictures = (F.normalize(torch.randn(b, 7, generator=torch.Generator().manual_seed(seed + k)), dim=1) for k in (0, 1))
    assert contrast(words, pictures, scale) >= 0
    assert contrast(words, pictures, scale).item() == pytest.approx(contrast(pictures, words, scale).item(), abs=1e-5)
    same = words[:1].expand(b, -1)
    assert contrast(same, same, scale).item() == pytest.approx(np.log(b), abs=1e-4)


def test_the_loss_is_the_papers() -> None:
    """In NumPy: both cross entropies, halved, and beta times a length over all of the batch."""
    x, x_hat, captions = noise(3), noise(4), ["red", "blue", "green"]
    e_hat, e, words = (part.double().numpy() for part in (Flat().pictures(x_hat), Flat().pictures(x), Flat().words(captions)))
    likeness = LOGIT_SCALE * words @ e_hat.T
    by_words = -np.mean(np.diag(likeness) - np.log(np.exp(likeness).sum(1)))
    by_pictures = -np.mean(np.diag(likeness) - np.log(np.exp(likeness).sum(0)))
    wanted = (by_words + by_pictures) / 2 + 40 * np.sqrt(((e_hat - e) ** 2).sum())
    assert BETA == 40 and pytest.approx(14.285, abs=1e-3) == LOGIT_SCALE
    assert joint(Flat(), x, x_hat, captions).item() == pytest.approx(wanted, rel=1e-5)


def test_a_perfect_reconstruction_has_a_finite_gradient() -> None:
    x = noise(5)
    x_hat = x.clone().requires_grad_()
    joint(Flat(), x, x_hat, ["red", "blue", "green"]).backward()
    assert x_hat.grad is not None and x_hat.grad.isfinite().all()


@settings(max_examples=40)
@given(h=st.integers(3, 60), w=st.integers(3, 60), side=st.integers(3, 40))
def test_the_middle_has_its_side_and_keeps_flat_pictures_flat(h: int, w: int, side: int) -> None:
    flat = torch.full((1, 3, h, w), 0.3)
    found = middle(flat, side)
    assert found.shape == (1, 3, side, side) and torch.allclose(found, torch.full_like(found, 0.3), atol=1e-5)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipPair:
    return clip_pair(str(tiny_clip.write(tmp_path_factory.mktemp("clip"))))


def test_clip_sees_what_its_own_processor_would_show_it(clip: ClipPair) -> None:
    smooth = np.asarray(Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)).resize((56, 40), 2))
    x = torch.from_numpy(smooth.copy()).permute(2, 0, 1)[None].float() / 255
    found = clip.pictures(x)[0]
    wanted = clip.clip.of_picture(smooth)
    # Its processor's resizing is bicubic, in whole levels.
    assert found.shape == (16,) and float(found @ wanted) > 0.999


def test_clip_joins_pictures_and_words_with_gradients_to_the_picture(clip: ClipPair) -> None:
    x, x_hat = noise(0, 2, 48), noise(1, 2, 48).requires_grad_()
    joint(clip, x, x_hat, ["a red door", "a hill"]).backward()
    assert x_hat.grad is not None and x_hat.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in clip.clip.model.parameters())


def test_clip_that_is_not_here_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no usable CLIP"):
        clip_pair(str(tmp_path))


def painted(colour: str, seed: int) -> Kept:
    """A photograph of one colour, with some noise."""
    rng = np.random.default_rng(seed)
    pixels = np.clip(np.array(COLOURS[colour]) + rng.normal(0, 12, (140, 150, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return Kept(buffer.getvalue(), (colour,))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], Photos]:
    photos = Photos([painted(c, s) for c in COLOURS for s in range(4)], [painted(c, 100) for c in COLOURS])
    schedule = Schedule(steps=20, minutes=5, warm_up_steps=2, learning_rate=3e-3, ema_decay=0.8)
    task = pairs.Task(pairs.Recipe(schedule, batch=8), photos, tiny_clip.reader())
    said: list[str] = []
    out = tmp_path_factory.mktemp("run")
    train(task, out, Machine("cpu", precision="32-true"), said.append)
    return out / LAST, said, photos


def test_the_small_pair_learns_what_is_red(run: tuple[Path, list[str], Photos]) -> None:
    checkpoint, said, photos = run
    assert "small pair: own caption first 100 %" in said[-1] and "by chance 25 and 100 %" in said[-1]
    pair = pairs.opened(checkpoint, tiny_clip.reader())
    assert pair.name == "small pair" and (pairs.found_at(pair, photos.held_out) == 0).all()
    x = torch.from_numpy(photos.held_out[0].pixels.copy()).permute(2, 0, 1)[None].float() / 255
    seen, words = pair.pictures(x), pair.words(list(COLOURS))
    assert torch.allclose(seen.norm(dim=1), torch.ones(1)) and torch.allclose(words.norm(dim=1), torch.ones(4))
    x_hat = x.clone().requires_grad_()
    joint(pair, x, x_hat, ["blue"]).backward()
    assert x_hat.grad is not None and x_hat.grad.isfinite().all()


def test_another_file_is_no_small_pair(run: tuple[Path, list[str], Photos], tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no small pair for words of width 9"):
        pairs.opened(run[0], tiny_clip.reader(sentence_width=9))
    (tmp_path / "a.pt").write_bytes(b"PK nothing")
    for path in (tmp_path / "a.pt", tmp_path / "none.pt"):
        with pytest.raises(MissingError, match="limner train pairs makes one"):
            pairs.opened(path, tiny_clip.reader())


def test_captions_that_tell_left_from_right_keep_their_picture() -> None:
    photo = np.zeros((128, 128, 3), np.uint8)
    photo[:, 64:] = 255
    for caption, both in (("a wall on the left", False), ("RIGHT of it a wall", False), ("a brightly lit wall", True)):
        found = {bool(pairs.looked_at(photo, caption, 1.0, np.random.default_rng(k))[0, 0, 0]) for k in range(12)}
        assert found == ({False, True} if both else {False}), caption


def test_a_batch_is_squares_and_captions(run: tuple[Path, list[str], Photos]) -> None:
    task = pairs.Task(pairs.Recipe(Schedule(), batch=3), run[2], tiny_clip.reader())
    x, captions = task.batch(draws(0, 3))
    assert x.shape == (3, 3, 128, 128) and x.dtype == captions.dtype == torch.uint8
    assert isinstance(run[2].draw(np.random.default_rng(0)), Captioned)
