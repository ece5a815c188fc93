"""What integers cost a codec: written and estimated bits of one and the same codec, and equal integers everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import scene

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("skimage")

from limner.bench import codec_exact  # noqa: E402
from limner.image import save  # noqa: E402
from limner.nets.codec import Widths  # noqa: E402
from limner.nets.elic import Elic  # noqa: E402
from limner.train.codec_set import write_set  # noqa: E402


def test_a_set_beside_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    codec = Elic(Widths(16, 24), (8, 16))
    codec.entropy_bottleneck.settle()
    torch.save(codec.state_dict(), tmp_path / "run.pt")
    pictures = [scene(100, 75), scene(64, 64, 1)]
    write_set(codec, pictures, tmp_path / "set", "tiny")
    for number, picture in enumerate(pictures):
        save(picture, tmp_path / f"{number}.png")
    asked = ["--data", str(tmp_path), "--out", str(tmp_path), "--work", str(tmp_path)]
    assert codec_exact.main(["--runs", str(tmp_path / "run.pt"), "--sets", str(tmp_path / "set"), *asked]) == 0
    page = (tmp_path / "codec-exact.md").read_text("utf-8")
    assert capsys.readouterr().out == page
    assert "| tiny | 2 of 2 | 2 of 2 | 2 of 2 | 2 of 2 |" in page
    written, estimated = (float(cell) for cell in next(line for line in page.splitlines() if "% |" in line).split("|")[2:4])
    assert 0.95 * estimated < written < 1.01 * estimated + 8 * 4 * len(pictures)


def test_a_run_of_another_codec_shows(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        codec_exact.main(["--runs", "a", "b", "--sets", "c"])
