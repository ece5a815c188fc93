"""taco over a tiny codec with random weights, exported as trained ones are: files, words, budgets, weights by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import scene

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from limner import api  # noqa: E402
from limner.cli import main  # noqa: E402
from limner.errors import (  # noqa: E402
    BudgetError,
    EncodeError,
    ImageError,
    LimnerError,
    MissingError,
    WrongModelError,
)
from limner.layers import hyperlatent  # noqa: E402
from limner.layers.latent import Geometry, Meter  # noqa: E402
from limner.layers.prefix import Part  # noqa: E402
from limner.nets.codec import Widths  # noqa: E402
from limner.nets.hyperprior import MeanScaleHyperprior  # noqa: E402
from limner.systems import taco  # noqa: E402
from limner.weights import at, sets  # noqa: E402

PICTURE = scene(100, 75)
READ = "import sys; from limner import files; found = files.read(sys.stdin.buffer.read()); print(hash(found.fitted.layer))"


@pytest.fixture(scope="module")
def folder(taco_set: Path) -> Path:
    return taco_set


@pytest.fixture(scope="module")
def blob(folder: Path) -> bytes:
    return api.encode(PICTURE, system="taco", caption="a green hill", weights=folder)


@pytest.mark.parametrize(("width_px", "height_px"), [(1, 1), (17, 33), (100, 75)])
def test_what_is_read_is_what_was_fitted(folder: Path, width_px: int, height_px: int) -> None:
    codec = taco.Taco(at(folder))
    fitted = codec.fit(codec.describe(scene(width_px, height_px), "a hill"), 0)
    header = api.unpack(api.pack(api.blob_of(codec, fitted.body, width_px, height_px)))
    read = codec.read(header)
    assert read.layer == fitted.layer and codec.write(read.layer, width_px, height_px) == fitted.body
    assert codec.render(read, width_px, height_px).shape == (height_px, width_px, 3)


def test_a_file_whose_end_is_missing_is_read_as_far_as_it_goes(folder: Path, blob: bytes) -> None:
    parts: list[Part] = []

    def painted(start: bytes) -> np.ndarray:
        return api.decode(start, cut=True, told=parts.append, weights=folder).astype(float)

    whole = painted(blob)
    assert not parts
    errors = [np.square(painted(blob[: len(blob) * tenths // 10]) - whole).mean() for tenths in (1, 5, 9)]
    assert errors == sorted(errors, reverse=True)
    assert all(0 < part.known < part.symbols for part in parts) and len(parts) == 3


def test_estimated_and_real_bits_agree(folder: Path) -> None:
    codec = taco.Taco(at(folder))
    fitted = codec.fit(codec.describe(PICTURE))
    meter = Meter()
    hyperlatent.walk_all(meter, Geometry(100, 75, 0), codec.path, hyperlatent.of_layer(fitted.layer))
    assert abs(8 * fitted.size_bytes - meter.bits) <= 0.005 * meter.bits + 32


def test_a_fresh_process_reads_the_same_with_one_thread_and_two(folder: Path, blob: bytes) -> None:
    found = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "LIMNER_WEIGHTS": str(folder.parent), "PYTHONHASHSEED": "0"}
        found.add(
            subprocess.run([sys.executable, "-c", READ], input=blob, env=environment, capture_output=True, check=True).stdout
        )
    assert len(found) == 1


def test_words_change_the_file_and_are_not_in_it(folder: Path, blob: bytes) -> None:
    assert blob != api.encode(PICTURE, system="taco", weights=folder)
    assert b"hill" not in blob and "words" not in str(api.inspect(blob))
    assert "taco" in str(api.inspect(blob)) and "16/16" in str(api.inspect(blob))


def test_budgets_are_kept(folder: Path, blob: bytes) -> None:
    for limit_bytes in (len(blob), len(blob) // 2):
        assert len(api.encode(PICTURE, system="taco", weights=folder, target_bytes=limit_bytes)) <= limit_bytes
    with pytest.raises(BudgetError) as caught:
        api.encode(PICTURE, system="taco", weights=folder, target_bytes=12)
    least = caught.value.least_bytes
    assert len(api.encode(PICTURE, system="taco", weights=folder, target_bytes=least)) == least


def test_weights_are_found_by_what_they_are(folder: Path, blob: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    painted = api.decode(blob, weights=folder)
    assert painted.shape == PICTURE.shape
    if not sets("taco"):
        with pytest.raises(MissingError, match="limner weights convert"):
            api.encode(PICTURE, system="taco")
    with pytest.raises(WrongModelError, match="at hand are"):
        api.decode(blob)
    monkeypatch.setenv("LIMNER_WEIGHTS", os.pathsep.join(["/nowhere", str(folder.parent)]))
    assert np.array_equal(api.decode(blob), painted)
    assert api.verify(blob).system == "taco"


def test_what_taco_has_not_is_said(folder: Path, blob: bytes) -> None:
    with pytest.raises(EncodeError, match="one quality"):
        api.encode(PICTURE, system="taco", weights=folder, quality=3)
    with pytest.raises(EncodeError, match="miniature reads no words"):
        api.encode(PICTURE, caption="a hill")
    with pytest.raises(ImageError, match="one painter"):
        api.decode(blob, weights=folder, painter="vivid")


def test_damage_is_found(folder: Path, blob: bytes) -> None:
    for place in range(0, len(blob), 7):
        with pytest.raises(LimnerError):
            api.verify(blob[:place] + bytes([blob[place] ^ 4]) + blob[place + 1 :], weights=folder)


def test_a_published_state_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    torch.save({"state_dict": MeanScaleHyperprior(Widths(16, 24)).state_dict()}, tmp_path / "mean.pth.tar")
    (tmp_path / "photos").mkdir()
    for number in range(3):
        api.image.save(scene(64, 48, number), tmp_path / "photos" / f"{number}.png")
    out = tmp_path / "sets" / "mean"
    asked = ["weights", "convert", str(tmp_path / "mean.pth.tar"), "--data", str(tmp_path / "photos"), "--out", str(out)]
    assert main([*asked, "--name", "mean"]) == 0
    photo = tmp_path / "photos" / "1.png"
    assert main(["encode", str(photo), "--system", "taco", "--weights", str(out)]) == 0
    assert main(["verify", str(photo.with_suffix(".limn")), "--weights", str(out)]) == 0
    assert main(["decode", str(photo.with_suffix(".limn")), "--weights", str(out), "-o", str(tmp_path / "painted.png")]) == 0
    assert main(["decode", str(photo.with_suffix(".limn")), "-o", str(tmp_path / "again.png")]) == 1
    assert "made with weights" in capsys.readouterr().err
    (tmp_path / "mean.pth.tar").write_bytes(b"no state")
    assert main([*asked, "--name", "mean"]) == 1
