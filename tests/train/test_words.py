"""Words in the encoder: a trial on tiny data."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from limner.bench.words import Tried, gain, page, tried, verdict, ways
from limner.nets.miniature import Miniature
from limner.nets.wordids import BEGIN, NOTHING
from limner.nets.words import Worded, WordEncoder, ids_of
from limner.train import words
from limner.train.loop import train
from limner.train.machine import Machine
from limner.train.miniature import Recipe
from limner.train.task import Schedule
from limner.train.words import Captioned, Cost, Task, distilled, square

TEXTS = [
    f"a {colour} {thing} on a {place}" for colour in ("red", "blue") for thing in ("car", "bird") for place in ("road", "roof")
]


def stand_in(texts: Sequence[str]) -> Tensor:
    """Sentences that share words lie near each other."""
    rows = [
        sum(torch.randn(384, generator=torch.Generator().manual_seed(len(w) + ord(w[0]))) for w in t.split()) for t in texts
    ]
    return F.normalize(torch.stack(rows), dim=1)  # type: ignore[arg-type]


def test_ids_are_words_whatever_their_case_and_signs() -> None:
    ids = ids_of(["A red car!", "a RED, car", "", "word " * 99])
    assert torch.equal(ids[0], ids[1])
    assert ids[2].tolist() == [BEGIN] + [NOTHING] * 32
    assert (ids[3] != NOTHING).all()


def test_the_encoder_learns_what_its_teacher_says() -> None:
    said: list[str] = []
    untaught = WordEncoder()
    model = distilled(TEXTS, stand_in, 30, said.append, batch=8)
    with torch.no_grad():
        near, far = (F.cosine_similarity(m.sentences(ids_of(TEXTS)), stand_in(TEXTS)).mean() for m in (model, untaught))
    assert near > far + 0.3 and "held-out" in said[0]


def test_untrained_looks_change_nothing() -> None:
    torch.manual_seed(0)
    codec = Miniature()
    model = Worded(codec, WordEncoder())
    x, t = torch.rand(2, 3, 64, 64), torch.tensor([0.2, 0.8])
    with torch.no_grad():
        assert torch.equal(model.latent(x, t, ids_of(["a red car", ""])), codec.analysis(x, t))


def test_only_the_second_part_of_the_analysis_learns() -> None:
    model = Worded(Miniature(), WordEncoder())
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert learning and all(name.startswith(("looks.", "codec.analysis.sixteenth.")) for name in learning)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Two shards of captioned pictures; the last one's bsd picture is held out."""
    rng, lines = np.random.default_rng(0), []
    for shard, names in (("photos-00.tar", ("a.png", "b.png")), ("photos-01.tar", ("bsd_1.png", "c.png"))):
        with tarfile.open(tmp_path / shard, "w") as tar:
            for name in names:
                buffer = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (64, 96, 3), np.uint8)).save(buffer, "PNG")
                info = tarfile.TarInfo(name)
                info.size = buffer.tell()
                tar.addfile(info, io.BytesIO(buffer.getvalue()))
                lines.append({"file": name, "caption": f"the picture {name}"})
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def test_a_trial_runs_and_its_codec_stays(shards: Path, tmp_path: Path) -> None:
    taught, held_out = words.load(shards)
    assert [one.caption for one in held_out] == ["the picture bsd_1.png"] and len(taught) == 3
    torch.manual_seed(0)
    codec = Miniature()
    torch.save({"ema": codec.state_dict()}, tmp_path / "codec.pt")
    task = Task(taught, held_out, tmp_path / "codec.pt", WordEncoder(), Recipe(Schedule(steps=2), batch=2, crop_px=64))
    said: list[str] = []
    train(task, tmp_path / "run", Machine("cpu", precision="32-true"), said.append)
    assert "true words" in said[-1] and "empty words" in said[-1]
    kept = torch.load(tmp_path / "run/last.pt", weights_only=True)["model"]
    for name, tensor in codec.state_dict().items():
        if not name.startswith("analysis.sixteenth."):
            assert torch.equal(kept[f"codec.{name}"], tensor), name
    assert not torch.equal(kept["looks.0.found.weight"], torch.zeros_like(kept["looks.0.found.weight"]))
    model = task.begin()
    found = tried(model, task.recipe, {"one": held_out[0], "two": Captioned(held_out[0].pixels[::-1], "upside down")})
    assert "| 48 |" in page(found, 1, "the command")


def test_a_square_is_the_largest_that_fits() -> None:
    photo = np.repeat(np.arange(96, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    piece = square(photo, 64, np.random.default_rng(3))
    assert piece.shape == (64, 64, 3)
    assert int(piece[0, -1, 0]) - int(piece[0, 0, 0]) == 63


def costs(true: float, shuffled: float) -> dict[str, Cost]:
    told = {"true": true, "empty": 1.0, "shuffled": shuffled, '"NA"': 1.0}
    return {way: Cost(loss, 0.1, 24.0) for way, loss in told.items()}


def test_words_win_beyond_noise_alone() -> None:
    better = [Tried(f"{i}", 6, costs(0.98 + 0.001 * (i % 3), 1.0)) for i in range(12)]
    assert gain(better, "true").percent == pytest.approx(1.9)
    assert "win beyond noise:" in verdict(better)
    noise = [Tried(f"{i}", 6, costs(1 + 0.02 * (-1) ** i, 1.0)) for i in range(12)]
    assert "do not win" in verdict(noise)
    any_words = [Tried(f"{i}", 6, costs(0.98 + 0.001 * (i % 3), 0.98 + 0.001 * (i % 2))) for i in range(12)]
    assert "do not win" in verdict(any_words)


def test_shuffled_words_are_never_a_pictures_own() -> None:
    told = ways(["a", "b", "c", "d", "e"])
    assert sorted(told["shuffled"]) == ["a", "b", "c", "d", "e"]
    assert all(one != other for one, other in zip(told["true"], told["shuffled"], strict=True))
