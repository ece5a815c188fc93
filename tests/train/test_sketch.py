"""The recipe of sketches: maps are drawn once, training goes on where it stopped, and its weights code sketches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import scene
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from limner.cli import main  # noqa: E402
from limner.describe.edges import EdgeNet  # noqa: E402
from limner.errors import LimnerError  # noqa: E402
from limner.layers import sketch as layer  # noqa: E402
from limner.systems import sketches  # noqa: E402
from limner.train import sketch  # noqa: E402
from limner.train.draws import draws  # noqa: E402
from limner.weights import at  # noqa: E402

LIMIT_BYTES = 4_000_000


class Once:
    """Draws like the net of the package, and counts."""

    def __init__(self) -> None:
        self.net, self.drawn = EdgeNet(), 0

    def edges(self, pixels: np.ndarray) -> np.ndarray:
        self.drawn += 1
        return self.net.edges(pixels)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(4):
        Image.fromarray(scene(96, 80, number)).save(folder / f"{number}.png")
    return folder


def test_maps_are_drawn_once(photographs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    detector = Once()
    first = sketch.load(photographs, tmp_path / "maps", detector, 2, said.append)
    assert (len(first.train), len(first.held_out), detector.drawn) == (2, 1, 3)
    (tmp_path / "maps" / "train-00001.png").unlink()
    again = sketch.load(photographs, tmp_path / "maps", detector, 2, said.append)
    assert detector.drawn == 4
    assert all(np.array_equal(one, other) for one, other in zip(first.train, again.train, strict=True))


def test_a_map_is_what_the_net_draws(photographs: Path, tmp_path: Path) -> None:
    kept = sketch.load(photographs, tmp_path / "maps", EdgeNet(), 4, lambda line: None).held_out[0]
    drawn = EdgeNet().edges(np.asarray(Image.open(photographs / "0.png")))
    assert kept.shape == (80, 96, 3)
    assert np.array_equal(kept, sketches.grey(drawn))


def test_crops_have_three_equal_channels() -> None:
    maps = sketch.Maps([np.arange(9600, dtype=np.uint32).reshape(80, 120).astype(np.uint8)], [])
    task = sketch.task(sketch.recipe(sketch.Schedule(), batch=3, crop_px=64), maps)
    pixels, quality, _ = task.batch(draws(0, 3))
    assert pixels.shape == (3, 3, 64, 64) and quality.shape == (3,)
    assert torch.equal(pixels[:, 0], pixels[:, 1]) and torch.equal(pixels[:, 0], pixels[:, 2])


def test_trained_weights_code_sketches(photographs: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "set"
    asked = ["train", "sketch", "--data", str(photographs), "--out", str(run), "--batch", "2", "--crop", "64"]
    machine = ["--accelerator", "cpu", "--precision", "32-true", "--threads", "1"]
    for steps in ("1", "2"):
        assert main([*asked, *machine, "--steps", steps]) == 0
    assert torch.load(run / "last.pt", weights_only=True)["step"] == 2
    assert main(["train", "export-sketch", "--run", str(run / "last.pt"), "--out", str(out), "--name", "sketch-0"]) == 0
    weights = at(out)
    assert (weights.name, weights.system) == ("sketch-0", "sketch")
    assert sum(path.stat().st_size for path in out.iterdir()) < LIMIT_BYTES
    codec = sketches.codec_of(weights)
    made = codec.fit(EdgeNet().edges(scene(96, 80)), 40)
    assert codec.read(layer.read(layer.write(made))).shape == (80, 96)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"")
    with pytest.raises(LimnerError, match="no held-out maps"):
        sketch.export_sketch(tmp_path / "last.pt", tmp_path / "set", "none")
    (tmp_path / sketch.MAPS).mkdir()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / sketch.MAPS / "held_out-00000.png")
    torch.save({"ema": {}}, tmp_path / "last.pt")
    with pytest.raises(LimnerError, match="no checkpoint"):
        sketch.export_sketch(tmp_path / "last.pt", tmp_path / "set", "none")
