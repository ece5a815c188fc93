"""The recipe runs, lowers its loss, resumes where it stopped, and its weights become a working codec."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from limner.cli import main  # noqa: E402
from limner.errors import LimnerError  # noqa: E402
from limner.layers.latent import Geometry  # noqa: E402
from limner.nets import miniature as nets  # noqa: E402
from limner.systems.miniature import Miniature, Setting  # noqa: E402
from limner.train import export, loop, photos  # noqa: E402
from limner.train import miniature as recipe  # noqa: E402
from limner.train.draws import draws  # noqa: E402
from limner.train.feed import Batches, Part  # noqa: E402
from limner.train.machine import Machine  # noqa: E402
from limner.train.real import real_bits  # noqa: E402
from limner.train.state import begin  # noqa: E402
from limner.train.task import Schedule  # noqa: E402
from limner.weights import at  # noqa: E402

HERE = Machine(accelerator="cpu", precision="32-true")


def quick(steps: int) -> recipe.Recipe:
    return recipe.Recipe(Schedule(steps=steps, minutes=5, warm_up_steps=2), batch=2, crop_px=64)


def train(shards: Path, out: Path, steps: int, begin_from: Path | None = None) -> list[str]:
    said: list[str] = []
    loop.train(recipe.Task(quick(steps), photos.load(shards)), out, HERE, said.append, begin_from)
    return said


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for shard in range(2):
        with tarfile.open(folder / f"photos-0{shard}.tar", "w") as tar:
            for number, name in enumerate(["bsd_1", "imagenet_2", "urban_3"]):
                path = folder / f"{name}-{shard}.jpg"
                Image.fromarray(scene(100, 80, seed=number)).save(path)
                tar.add(path, path.name)
    return folder


@pytest.fixture(scope="module")
def run(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    out = tmp_path_factory.mktemp("run")
    said = train(shards, out, 6)
    return out / "last.pt", said


def test_bsd_and_urban_pictures_of_the_last_shard_are_held_out(shards: Path) -> None:
    got = photos.load(shards)
    assert (len(got.train), len(got.held_out)) == (4, 2)


def test_a_folder_without_photographs_is_an_error(tmp_path: Path) -> None:
    Image.fromarray(scene(40, 30)).save(tmp_path / "only.png")
    with pytest.raises(LimnerError, match="1 photographs are too few"):
        photos.load(tmp_path)


def test_the_command_says_so_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "miniature", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path}: 0 photographs") and said.count("\n") == 1


def test_crops_have_their_size_even_from_smaller_pictures() -> None:
    some = photos.Photos([scene(30, 90), scene(90, 30), scene(200, 100)], [])
    assert photos.crops(some, 64, 0.5, draws(0, 9)).shape == (9, 64, 64, 3)


def test_a_run_goes_on_from_its_checkpoint(run: tuple[Path, list[str]], shards: Path) -> None:
    path, said = run
    assert any("held out" in line for line in said)
    again = train(shards, path.parent, 8)
    assert "from step 6" in again[0]
    assert torch.load(path, weights_only=True)["step"] == 8


def test_a_run_begins_with_the_weights_of_another(run: tuple[Path, list[str]], shards: Path, tmp_path: Path) -> None:
    path, _ = run
    said = train(shards, tmp_path, 1, begin_from=path)
    assert "from step 0" in said[0]
    before, after = torch.load(path, weights_only=True)["ema"], torch.load(tmp_path / "last.pt", weights_only=True)["model"]
    # One step moves a weight by little more than the rate of learning, which begins low.
    assert all((before[name] - after[name]).square().mean().sqrt() < 2e-3 for name in before)


def test_a_few_steps_lower_the_loss() -> None:
    task = recipe.Task(recipe.Recipe(Schedule(warm_up_steps=1), batch=4, crop_px=64), photos.Photos([], []))
    state = begin(task)
    x = torch.from_numpy(np.stack([scene(64, 64, seed) for seed in range(4)])).permute(0, 3, 1, 2)
    batch = (x, torch.tensor([0.1, 0.4, 0.6, 0.9]), torch.arange(4))
    found = []
    for step in range(25):
        losses = task.losses(state.model, batch, 0.3)
        losses.total.backward()
        state.optimiser.step()
        state.optimiser.zero_grad()
        found.append(losses.figures["psnr_db"].item())
        assert losses.total.isfinite(), step
    assert found[-1] > found[0] + 1.5


def test_what_is_lost_of_ms_ssim_counts_as_much_as_is_asked() -> None:
    x, t = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)), torch.tensor([0.5, 0.5])
    free = torch.zeros(2)

    def total(similarity: float, picture: torch.Tensor) -> float:
        coded = nets.Coded(picture, free, free)
        return recipe.Recipe(similarity=similarity).judged(coded, x, t).total.item()

    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    assert total(400, x) == pytest.approx(0, abs=1e-6)
    more = total(400, blurred) - total(0, blurred)
    assert more > 0 and total(800, blurred) - total(0, blurred) == pytest.approx(2 * more, rel=1e-4)


def test_a_recipe_draws_the_same_batch_for_the_same_step(shards: Path) -> None:
    task = recipe.Task(quick(1), photos.load(shards))
    one, other = (Batches(task, Part())[7].batch for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(one[0], Batches(task, Part(process=1, processes=2))[7].batch[0])


def test_real_bits_are_near_the_estimate(run: tuple[Path, list[str]], shards: Path) -> None:
    model = nets.Miniature()
    model.load_state_dict(torch.load(run[0], weights_only=True)["ema"])
    pictures = photos.load(shards).held_out
    estimated = sum(recipe.estimate(model.eval(), picture, 30).bits for picture in pictures)
    assert real_bits(model, pictures, [30]) == pytest.approx(estimated, rel=0.03)


def test_estimated_bits_grow_with_quality_by_the_gain_alone() -> None:
    torch.manual_seed(0)
    model = nets.Miniature().eval()
    gains = model.gain(torch.tensor([0.0, 0.5, 0.98]))
    assert (gains.diff(dim=0) > 0).all()


def test_exported_weights_are_a_codec(run: tuple[Path, list[str]], shards: Path, tmp_path: Path) -> None:
    export.from_checkpoint(run[0], shards, tmp_path, "trial", count=1)
    weights = at(tmp_path)
    assert weights.name == "trial"
    codec = Miniature(weights)
    picture = scene(90, 70)
    fitted = codec.fit(codec.describe(picture), Setting(40))
    assert codec.write(fitted.layer, 90, 70) == fitted.body
    painted = codec.render(fitted, 90, 70)
    # The ONNX transforms and the float model agree.
    model = nets.Miniature()
    model.load_state_dict(torch.load(run[0], weights_only=True)["ema"])
    geometry = Geometry(90, 70, 0)
    y = torch.from_numpy(fitted.values.astype(np.float32) / 128)[None]
    with torch.no_grad():
        t = torch.tensor([40 / 64])
        expected = model.eval().synthesis(y / model.gain(t), t)[0, :, : geometry.height_px, : geometry.width_px]
    assert np.abs(painted.transpose(2, 0, 1) - (expected.clamp(0, 1) * 255).numpy()).max() <= 1.5
    # Nothing in the files names the machine they were made on.
    assert all(str(Path(nets.__file__).parent.parent).encode() not in path.read_bytes() for path in tmp_path.glob("*.onnx"))
