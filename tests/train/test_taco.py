"""TACO's recipe and the reference codec's: settings, losses worked out by hand, refusals, and a few steps of the loop."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import scene
from PIL import Image

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("transformers")

import tiny_clip  # noqa: E402

from limner.errors import LimnerError, MissingError  # noqa: E402
from limner.nets.cheng2020 import Cheng2020  # noqa: E402
from limner.nets.codec import Widths  # noqa: E402
from limner.nets.elic import Elic  # noqa: E402
from limner.nets.miniature import Coded  # noqa: E402
from limner.nets.noise import Noise  # noqa: E402
from limner.nets.taco import Taco  # noqa: E402
from limner.nets.words import WordEncoder  # noqa: E402
from limner.train import codec, pairs, photos, reference, taco  # noqa: E402
from limner.train.captioned import Kept, Photos, as_texts  # noqa: E402
from limner.train.draws import draws  # noqa: E402
from limner.train.feed import Batches, Part  # noqa: E402
from limner.train.joint import clip_pair, joint  # noqa: E402
from limner.train.loop import train  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.state import LAST, begin  # noqa: E402
from limner.train.task import Schedule  # noqa: E402

HERE = Machine("cpu", precision="32-true")
QUICK = Schedule(steps=2, minutes=5, warm_up_steps=1)
TINY = taco.Recipe(
    QUICK, perceptual="ms-ssim", joint="small-pair", inner=8, latent=12, slices=(4, 8), batch=2, crop_px=64, dropped_part=0.5
)

WIDTHS = Widths(TINY.inner, TINY.latent)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PHOTOS = Photos(
    [Kept(png(scene(80, 70, seed)), (f"a hill {seed}", f"grass {seed}")) for seed in range(4)],
    [Kept(png(scene(80, 70, 9)), ("a sky",)), Kept(png(scene(70, 80, 8)), ("a slope",))],
)


@pytest.fixture(scope="module")
def judges() -> taco.Judges:
    torch.manual_seed(0)
    told = tiny_clip.reader(width=16)
    pair = pairs.SmallPair(pairs.Eyes(told.sentence_width).requires_grad_(False).eval(), told)
    return taco.Judges(told, taco.unlike("ms-ssim", None), pair)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), lambda_mse=st.floats(1e-4, 0.02), k_p=st.floats(0.1, 5), k_j=st.floats(1e-3, 0.1))
def test_the_loss_is_the_sum_of_its_parts(judges: taco.Judges, seed: int, lambda_mse: float, k_p: float, k_j: float) -> None:
    source = torch.Generator().manual_seed(seed)
    x = torch.rand(2, 3, 32, 48, generator=source)
    coded = Coded(x + 0.1 * torch.randn(x.shape, generator=source), torch.tensor([300.0, 500.0]), torch.tensor([20.0, 40.0]))
    recipe = replace(TINY, lambda_mse=lambda_mse, perceptual_weight=k_p, joint_weight=k_j)
    found = taco.Task(recipe, PHOTOS, judges).judged(coded, x, ["a", "b"])
    assert judges.unlike is not None and judges.pair is not None
    mse = ((coded.picture - x) ** 2).mean()
    wanted = lambda_mse * 255**2 * mse + (300 + 500 + 20 + 40) / (2 * 32 * 48)
    wanted = wanted + k_p * judges.unlike(x, coded.picture).mean() + k_j * joint(judges.pair, x, coded.picture, ["a", "b"], 40)
    assert found.total.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_the_papers_settings() -> None:
    recipe = taco.paper()
    assert (recipe.lambda_mse, recipe.perceptual_weight, recipe.joint_weight, recipe.beta) == (0.0004, 3.5, 0.0025, 40)
    assert (recipe.perceptual, recipe.joint, recipe.texts, recipe.dropped_part) == ("lpips", "clip", "clip", 0)
    assert taco.LAMBDAS == (0.0004, 0.0008, 0.0016, 0.004, 0.009, 0.015)
    schedule = recipe.schedule
    epoch = 10_348  # batches of 8 out of 82,783
    assert schedule.steps == 50 * epoch and taco.paper(processes=4).schedule.steps == 50 * 2587
    rates = [schedule.rate_of_learning(k * epoch, schedule.progress(k * epoch, 1e9)) for k in (1, 44, 45, 46, 48, 49, 50)]
    assert rates[:3] == pytest.approx([1e-4] * 3, rel=1e-3) and rates[-1] == pytest.approx(1e-6)
    assert all(one > other for one, other in pairwise(rates[2:]))


def test_settings_that_mean_nothing_are_refused() -> None:
    for fault in ({"perceptual": "psnr"}, {"joint": "blip"}, {"dropped_part": 1.5}, {"joint_weight": -1.0}):
        with pytest.raises(LimnerError):
            replace(TINY, **fault)


def test_nothing_takes_the_place_of_missing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(taco.compact(), texts=str(tmp_path / "words.pt"))
    torch.save(WordEncoder().state_dict(), tmp_path / "words.pt")
    with pytest.raises(MissingError, match="the small pair is trained first: limner train pairs"):
        taco.judges(own)
    with pytest.raises(MissingError, match="ask for its substitute by its name, ms-ssim"):
        taco.judges(replace(own, perceptual="lpips", joint="none"))
    with pytest.raises(MissingError, match="put there torchvision's trunk"):
        taco.judges(replace(own, perceptual="lpips", joint="none"), lpips_weights=str(tmp_path))
    monkeypatch.setattr(taco, "clip_pair", lambda: clip_pair(str(tmp_path)))
    for recipe in (taco.paper(), replace(own, joint="clip")):
        with pytest.raises(MissingError, match="no usable CLIP"):
            taco.judges(recipe)
    found = taco.judges(replace(own, perceptual="none", joint="none"))
    assert found.unlike is None and found.pair is None and found.told.width == 128


def test_clip_is_opened_once_for_words_and_for_the_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, opened = str(tiny_clip.write(tmp_path)), []
    monkeypatch.setattr(taco, "clip_pair", lambda: opened.append(1) or clip_pair(folder))
    found = taco.judges(replace(taco.paper(), perceptual="none"))
    assert opened == [1] and found.pair is not None and found.pair.name == "clip" and found.told.width == 32


def test_a_batch_is_crops_captions_and_whose_are_left_out(judges: taco.Judges) -> None:
    task = taco.Task(replace(TINY, batch=40), PHOTOS, judges)
    x, packed, dropped, _ = Batches(task, Part())[3].batch
    assert x.shape == (40, 3, 64, 64) and x.dtype == torch.uint8 and 5 < int(dropped.sum()) < 35
    assert set(as_texts(packed)) <= {caption for one in PHOTOS.train for caption in one.captions}
    again = Batches(task, Part())[3].batch
    assert all(torch.equal(one, other) for one, other in zip(again[:3], (x, packed, dropped), strict=True))
    assert not torch.equal(Batches(task, Part(process=1, processes=2))[3].batch[0], x)


def test_what_is_left_out_is_not_read_but_told_to_the_loss(judges: taco.Judges) -> None:
    read: list[torch.Tensor] = []

    def model(x: torch.Tensor, text: torch.Tensor, noise: Noise) -> Coded:
        read.append(text)
        assert noise.part == 1.0
        return Coded(x * 0.9, x.new_zeros(2), x.new_zeros(2))

    task = taco.Task(TINY, PHOTOS, judges)
    x, packed, _, keys = task.batch(draws(0, 2))
    first, second = as_texts(packed)
    kept, left = (task.losses(model, (x, packed, torch.tensor(which), keys), 0.1) for which in ([False, False], [True, False]))
    assert torch.equal(read[0], judges.told.of([first, second])) and torch.equal(read[1], judges.told.of(["", second]))
    assert torch.equal(kept.total, left.total)


def test_taco_trains_and_tells_of_words(judges: taco.Judges, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "SETTLED_EVERY", 1)
    said: list[str] = []
    train(taco.Task(TINY, PHOTOS, judges), tmp_path, HERE, said.append)
    assert "bpp" in said[-1] and "cost by words: true" in said[-1] and "shuffled" in said[-1]
    kept = torch.load(tmp_path / LAST, weights_only=True)
    model = Taco(WIDTHS, TINY.slices, 16)
    model.load_state_dict(kept["ema"])
    assert not torch.equal(kept["model"]["entropy_bottleneck.quantiles"][0, 0], torch.tensor([-10.0, 0.0, 10.0]))
    # Words can matter from the first step on: what lets them in begins at 0 and moves.
    assert kept["model"]["g_a.analysis_transform.8.gamma"].abs().max() > 0
    more: list[str] = []
    train(taco.Task(replace(TINY, schedule=replace(QUICK, steps=3)), PHOTOS, judges), tmp_path, HERE, more.append)
    assert "from step 2" in more[0]


@pytest.mark.parametrize("muon", [False, True])
def test_quantiles_follow_without_gradients(muon: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "SETTLED_EVERY", 2)
    torch.manual_seed(0)
    net = codec.ready(Elic(WIDTHS, TINY.slices))
    prior = net.entropy_bottleneck
    moves = codec.optimiser(net, 1e-2, muon)
    before = prior.quantiles.clone()
    for step in range(2):
        prior.rate(torch.randn(1, 8, 2, 2, generator=torch.Generator().manual_seed(step)) + 3, None).sum().backward()
        moves.step()
        assert torch.equal(prior.quantiles, before) == (step == 0)
    at = prior.logits(prior.quantiles.double().float())
    assert at[:, 0, 1].abs().max() < 1e-4


@settings(max_examples=20)
@given(h=st.integers(1, 9), w=st.integers(1, 9), stride=st.integers(2, 3), seed=st.integers(0, 99))
def test_a_picked_convolution_is_the_same_function(h: int, w: int, stride: int, seed: int) -> None:
    torch.manual_seed(seed)
    conv = torch.nn.Conv2d(3, 5, 1, stride)
    x = torch.randn(2, 3, h, w)
    picked = codec.Picked.of(conv)
    assert torch.allclose(picked(x), conv(x), atol=1e-6) and picked.state_dict().keys() == conv.state_dict().keys()


def test_no_convolution_that_goes_astray_is_left() -> None:
    net = Cheng2020(8).eval()
    names, wanted = set(net.state_dict()), net(torch.ones(1, 3, 32, 32)).picture
    astray = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d) and codec.astray(m)]
    assert astray
    assert not [m for m in codec.ready(net).modules() if isinstance(m, torch.nn.Conv2d) and codec.astray(m)]
    assert set(net.state_dict()) == names and torch.allclose(net(torch.ones(1, 3, 32, 32)).picture, wanted, atol=1e-5)


def test_the_reference_trains_from_published_weights_and_from_none(tmp_path: Path) -> None:
    source = photos.Photos([scene(80, 70, seed) for seed in range(3)], [scene(80, 70, 9)])
    recipe = reference.Recipe(QUICK, batch=2, crop_px=64, inner=8)
    assert reference.Recipe().lambda_mse == pytest.approx(0.0018 / 10) and reference.Recipe().inner == 128
    torch.manual_seed(1)
    torch.save({"state_dict": Cheng2020(8).state_dict()}, tmp_path / "published.pth")
    task = reference.Task(recipe, source, tmp_path / "published.pth")
    torch.manual_seed(1)
    wanted = Cheng2020(8).state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in begin(task).model.state_dict().items())
    with pytest.raises(LimnerError, match="no cheng2020-attn with N = 16"):
        reference.Task(replace(recipe, inner=16), source, tmp_path / "published.pth").begin()
    said: list[str] = []
    train(reference.Task(recipe, source), tmp_path / "run", HERE, said.append)
    assert "bpp" in said[-1] and "dB" in said[-1]


def test_the_references_loss_is_rate_and_squared_error() -> None:
    x = torch.rand(2, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    coded = Coded(x + 0.1, torch.tensor([100.0, 200.0]), torch.tensor([10.0, 20.0]))
    found = codec.measured(coded, x).cost(0.00018)
    rates = np.array([110, 220]) / (16 * 32)
    assert found.numpy() == pytest.approx(rates + 0.00018 * 255**2 * 0.01, rel=1e-4)


def test_compact_presets_are_whole() -> None:
    recipe = taco.compact()
    assert sum(recipe.slices) == recipe.latent and (recipe.perceptual, recipe.joint) == ("ms-ssim", "small-pair")
    assert reference.compact().inner < reference.Recipe().inner
