"""The vivid painter: trained for a codec, written beside it, mixed by strength."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import scene

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("onnxscript")

from limner.bench.metrics import ssimulacra2  # noqa: E402
from limner.describe.similarity import ms_ssim  # noqa: E402
from limner.errors import ImageError, LimnerError, MissingError  # noqa: E402
from limner.nets.miniature import Miniature as Floats  # noqa: E402
from limner.systems.miniature import Miniature, Painting, Setting  # noqa: E402
from limner.train import export, loop, photos, state, vivid  # noqa: E402
from limner.train.draws import draws  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.perceptual import MsSsim, Ssimulacra2  # noqa: E402
from limner.train.task import Schedule  # noqa: E402
from limner.weights import at  # noqa: E402

PICTURES = [scene(100, 80, seed) for seed in range(3)]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a codec that knows nothing."""
    path = tmp_path_factory.mktemp("codec") / "last.pt"
    torch.manual_seed(0)
    torch.save({"ema": Floats().state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def weights(codec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That codec's weights, with a painter of three steps."""
    run, folder = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("weights")
    recipe = vivid.Recipe(Schedule(steps=3, learning_rate=1e-3, warm_up_steps=1), batch=2, crop_px=64)
    task = vivid.Task(recipe, photos.Photos(PICTURES, PICTURES[:1]), codec)
    said: list[str] = []
    loop.train(task, run, Machine("cpu", precision="32-true"), said.append)
    assert "vivid" in said[-1] and "faithful" in said[-1]
    model = Floats()
    model.load_state_dict(torch.load(codec, weights_only=True)["ema"])
    export.export(model, PICTURES[:1], folder, "trial")
    before = at(folder).model_id
    with pytest.raises(MissingError, match=r"vivid\.onnx"):
        _ = Miniature(at(folder)).vivid
    export.add_vivid(run / "last.pt", folder)
    assert at(folder).model_id == before
    return folder


def test_strength_mixes_the_painters(weights: Path) -> None:
    codec = Miniature(at(weights))
    fitted = codec.fit(codec.describe(PICTURES[0]), Setting(40))
    faithful = codec.render(fitted, 100, 80).astype(int)
    pictures = [codec.render(fitted, 100, 80, Painting("vivid", part)).astype(int) for part in (0.0, 0.5, 1.0)]
    assert np.array_equal(pictures[0], faithful)
    assert not np.array_equal(pictures[2], faithful)
    # Both are cut to 0..255 and rounded before they are mixed.
    assert np.abs(2 * pictures[1] - pictures[0] - pictures[2]).max() <= 1


@pytest.mark.parametrize(("painter", "strength"), [("bold", 1.0), ("vivid", -0.1), ("vivid", float("nan"))])
def test_an_unknown_way_to_paint_is_an_error(painter: str, strength: float) -> None:
    with pytest.raises(ImageError):
        Painting(painter, strength)


def test_a_painter_of_another_codec_is_refused(weights: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    other = Floats()
    with torch.no_grad():
        other.log_gain += 0.1
    torch.save({"ema": vivid.Vivid(other, 8).state_dict()}, tmp_path / "last.pt")
    with pytest.raises(LimnerError, match="was not trained for"):
        export.add_vivid(tmp_path / "last.pt", weights)


def test_only_the_painter_and_the_critic_are_moved(codec: Path) -> None:
    task = vivid.Task(vivid.Recipe(batch=2, crop_px=64), photos.Photos(PICTURES, []), codec)
    model = state.begin(task).model
    losses = task.losses(model, task.batch(draws(0, 2)), progress=1.0)
    losses.total.backward()
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"painter", "critic"}


def test_the_critic_is_not_moved_by_what_the_painter_wants() -> None:
    critic = torch.nn.Linear(2, 1)
    x = torch.ones(1, 2, requires_grad=True)
    with vivid.held(critic):
        critic(x).sum().backward()
    assert x.grad is not None and critic.weight.grad is None and critic.weight.requires_grad


def test_the_loss_is_the_metric() -> None:
    metric = Ssimulacra2()
    one = scene(320, 256)
    blurred = np.asarray((one[::2, ::2] // 2 + one[1::2, 1::2] // 2).repeat(2, 0).repeat(2, 1), np.uint8)
    brighter = np.clip(one.astype(int) + 25, 0, 255).astype(np.uint8)
    for other in (one, blurred, brighter):
        with torch.no_grad():
            loss = metric(*(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255 for picture in (one, other))).item()
        # The published function of the weighted sum.
        total = 0.9562382616834844 * loss
        curve = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
        assert 100 - 10 * max(curve, 0) ** 0.6276336467831387 == pytest.approx(ssimulacra2(one, other), abs=12)


def test_ms_ssim_as_a_loss_is_the_metric() -> None:
    one, other = (
        scene(192, 176, 1),
        np.clip(scene(192, 176, 1).astype(int) + scene(192, 176, 2) % 31 - 15, 0, 255).astype(np.uint8),
    )
    x, y = (torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in (one, other))
    y.requires_grad_()
    found = MsSsim()(x, y)
    # Even sides: the metric's own padding of odd ones does not come in.
    assert found.item() == pytest.approx(ms_ssim(one, other, peak=255.0), abs=2e-4)
    found.sum().backward()
    assert y.grad is not None and torch.isfinite(y.grad).all()
    assert MsSsim()(x, x).item() == pytest.approx(1, abs=1e-5)
