"""Classical codecs and hashes as systems: the same as the search makes, decoded elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import scene

pytest.importorskip("pillow_jxl")

from limner.bench import baselines
from limner.bench.baselines import QUICK, best_of_codec
from limner.bench.harness import seal as sealing
from limner.bench.harness.classical import HASHES, Classical, Hash
from limner.bench.harness.seal import Seal, best_grade
from limner.bench.harness.system import Encoded, StageError, Subject
from limner.describe.scene import Scene
from limner.image import Pixels, load

HERE = Seal(best_grade())
SUBJECT = Subject(scene(96, 64), Scene(), 0)


def painted(encoded: Encoded) -> Pixels:
    how = encoded.decoding
    ended = sealing.run(how.command, {how.source: encoded.blob}, how.target, HERE)
    assert ended.output is not None, ended.stderr
    return load(ended.output).pixels


@pytest.mark.parametrize("codec", baselines.CODECS)
def test_a_plain_codec_is_not_shrunk_and_needs_nothing_beside(codec: str, tmp_path: Path) -> None:
    system = Classical(codec, (1200,), tmp_path)
    (setting,) = system.settings()
    assert setting.text == "target_bytes=1200" and system.versions().keys() >= {codec, "pillow"}
    encoded = system.encode(SUBJECT, setting, HERE)
    assert len(encoded.blob) <= 1200 and encoded.chosen.startswith("q")
    assert encoded.decoding.command.words[-3:] == ("decode", "blob", "picture.png")
    assert encoded.cost is not None and encoded.cost.cpu_s > 0
    assert painted(encoded).shape == (64, 96, 3)


def test_a_downscaled_codec_is_what_the_search_finds(tmp_path: Path) -> None:
    system = Classical("jpeg", (600, 900), tmp_path, True, "quick")
    found = best_of_codec(SUBJECT.pixels, (600, 900), "jpeg", QUICK)
    for setting in system.settings():
        assert setting.budget_bytes is not None
        coded = found[setting.budget_bytes]
        encoded = system.encode(SUBJECT, setting, HERE)
        assert coded is not None and (encoded.blob, encoded.chosen) == (coded.blob, coded.setting)
        assert setting.text == f"target_bytes={setting.budget_bytes} downscaled effort=quick beside=size,filter"
        assert np.array_equal(painted(encoded), coded.picture(96, 64))
    assert len(list(tmp_path.iterdir())) == 2


def test_the_thorough_search_is_not_named(tmp_path: Path) -> None:
    assert Classical("avif", (600,), tmp_path, True).settings()[0].text == "target_bytes=600 downscaled beside=size,filter"


def test_a_cost_is_told_of_the_very_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Classical("jpeg", (900,), tmp_path, True, "quick")
    encoded = system.encode(SUBJECT, system.settings()[0], HERE)
    assert encoded.cost is not None
    other = Subject(scene(96, 64, 1), Scene(), 0)
    coded = best_of_codec(SUBJECT.pixels, (900,), "jpeg", QUICK)[900]
    assert coded is not None and system._cost(other, coded, HERE) is None


@pytest.mark.parametrize("name", HASHES)
def test_a_hash_is_painted_as_its_search_saw_it(name: str) -> None:
    system = Hash(name, (60,))
    (setting,) = system.settings()
    assert setting.text == "target_bytes=60 beside=size,filter"
    encoded, thumb = system.encode(SUBJECT, setting, HERE), HASHES[name](SUBJECT.pixels, 60)
    assert thumb is not None and encoded.blob == thumb.blob and len(encoded.blob) <= 60
    assert np.array_equal(painted(encoded), thumb.picture)


def test_too_few_bytes_are_an_error(tmp_path: Path) -> None:
    plain, downscaled = Classical("jpeg", (20,), tmp_path), Classical("jpeg", (20,), tmp_path, True, "quick")
    for system in (plain, downscaled, Hash("blurhash", (4,))):
        with pytest.raises(StageError) as caught:
            system.encode(SUBJECT, system.settings()[0], HERE)
        assert caught.value.error == "BudgetError"
