"""The package's systems under the seal: the same files and pictures as by its own functions."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_codec import data_set, subject

from limner import api
from limner.bench.harness import seal as sealing
from limner.bench.harness.ours import Ours, layer_bytes, paints, scene_files, systems
from limner.bench.harness.run import Plan, failed_unexpectedly, tasks_of
from limner.bench.harness.seal import Seal, best_grade
from limner.bench.harness.system import StageError, with_budget
from limner.bench.harness.trial import records
from limner.describe.scene import Scene, Thing, from_json
from limner.errors import LimnerError, MissingError
from limner.image import load, save
from limner.weights import packaged

HERE = Seal(best_grade())


def test_miniature_is_what_the_api_makes() -> None:
    system = Ours("miniature", (300,))
    (setting,) = system.settings()
    encoded = system.encode(subject(), setting, HERE)
    assert encoded.blob == api.encode(subject().pixels, target_bytes=300)
    assert sum(encoded.layer_bytes.values()) == len(encoded.blob) <= 300 and "header" in encoded.layer_bytes
    how = encoded.decoding
    ended = sealing.run(how.command, {how.source: encoded.blob}, how.target, HERE)
    assert ended.output is not None
    assert np.array_equal(load(ended.output).pixels, api.decode(encoded.blob))
    assert system.weights_sha256 == packaged("miniature").identity.hex()
    assert system.versions().keys() >= {"limner", "numpy", "python", "weights"}


def test_what_the_api_refuses_is_told_by_its_name() -> None:
    system = Ours("miniature", (5,))
    with pytest.raises(StageError, match="bytes") as caught:
        system.encode(subject(), system.settings()[0], HERE)
    assert caught.value.error == "BudgetError"


def test_a_decoder_that_refuses_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Ours.encode
    monkeypatch.setattr(Ours, "encode", lambda *given: replace(real(*given), blob=b"\xa7LH no file", layer_bytes={}))
    plan = Plan(data_set(tmp_path / "data"), (Ours("miniature", (300,)),), ("psnr_db",), HERE)
    (record,) = records(tasks_of(plan, tmp_path / "out")[0])
    assert record.failure is not None and record.failure.stage == "decode"
    assert record.failure.error.endswith("Error") and "byte" in record.failure.message
    assert failed_unexpectedly([record], plan.systems) == [record]


def test_a_budget_that_is_too_small_is_no_fault(tmp_path: Path) -> None:
    plan = Plan(data_set(tmp_path / "data"), (Ours("miniature", (5,)),), ("psnr_db",), HERE)
    (record,) = records(tasks_of(plan, tmp_path / "out")[0])
    assert record.failure is not None and failed_unexpectedly([record], plan.systems) == []


def test_settings_say_what_is_not_usual(tmp_path: Path, sketch_set: Path) -> None:
    def texts(*given: object) -> list[str]:
        return [setting.text for setting in Ours(*given).settings()]  # type: ignore[arg-type]

    assert texts("miniature", (300, None)) == ["target_bytes=300", "default"]
    assert texts("miniature", (300,), "vivid") == ["target_bytes=300 painter=vivid"]
    assert texts("pic", (300,), "faithful", None, "fast") == ["target_bytes=300 settings=fast"]
    assert texts("pics", (300,), "faithful", sketch_set) == ["target_bytes=300 weights=sketch"]


def test_painters_are_of_those_that_have_them() -> None:
    assert [one.painter for one in systems("miniature", (300,), ("faithful", "vivid", "reference"))] == ["faithful", "vivid"]
    assert [one.painter for one in systems("pic", (300,), ("faithful", "vivid"))] == ["faithful"]
    assert paints("sedic", "reference") and not paints("pic", "reference")
    with pytest.raises(LimnerError, match="no painter"):
        Ours("pic", (300,), "vivid")
    with pytest.raises(LimnerError, match="systems of this version"):
        Ours("jpeg", (300,))


def test_taco_reads_words_and_its_weights_are_told() -> None:
    taco_set = packaged("taco").folder
    (system,) = systems("taco", (None,), weights=[taco_set])
    assert system.takes_words and system.weights == taco_set
    assert system.settings()[0].text == f"weights={taco_set.name}"
    files = []
    for caption in ("a hill", ""):
        encoded = system.encode(subject(caption=caption), system.settings()[0], HERE)
        assert encoded.blob == api.encode(subject().pixels, system="taco", caption=caption, weights=taco_set)
        files.append(encoded)
    assert files[0].blob != files[1].blob
    how = files[0].decoding
    ended = sealing.run(how.command, {how.source: files[0].blob}, how.target, HERE)
    assert ended.output is not None, ended
    assert np.array_equal(load(ended.output).pixels, api.decode(files[0].blob, weights=taco_set))


def test_another_encoder_for_the_same_decoder_is_another_version(tmp_path: Path) -> None:
    taco_set = packaged("taco").folder
    other = tmp_path / "other"
    shutil.copytree(taco_set, other)
    kept = json.loads((other / "manifest.json").read_text())
    encoder = next(name for name in kept["files"] if name not in kept["decoding"])
    kept["files"][encoder] = "0" * 64
    (other / "manifest.json").write_text(json.dumps(kept))
    one, two = (Ours("taco", (None,), weights=folder) for folder in (taco_set, other))
    assert one.weights_sha256 == two.weights_sha256 and one.versions() != two.versions()


def test_without_weights_there_is_a_failure_and_no_exception(tmp_path: Path) -> None:
    files = {"entropy.npz": "0" * 64, "synthesis.onnx": "1" * 64}
    manifest = {"name": "broken", "system": "taco", "decoding": list(files), "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    system = Ours("taco", (None,), weights=tmp_path)
    assert system.weights_sha256 is not None and not system.takes_words
    with pytest.raises(StageError, match="missing") as caught:
        system.encode(subject(), with_budget(None, ""), HERE)
    assert caught.value.error == MissingError.__name__
    assert Ours("taco", (None,), weights=tmp_path / "none").weights_sha256 is None


def test_pics_sends_words_and_a_sketch(sketch_set: Path) -> None:
    system = Ours("pics", (400,), weights=sketch_set)
    encoded = system.encode(subject(caption="a green hill"), system.settings()[0], HERE)
    assert len(encoded.blob) <= 400 and any("text" in owner for owner in encoded.layer_bytes)
    assert b"a green hill" not in b"".join(encoded.decoding.command.words[n].encode() for n in range(3))
    assert layer_bytes(encoded.blob) == encoded.layer_bytes


def test_sedic_sends_a_scene_and_its_reference_needs_no_diffusion() -> None:
    (system,) = list(systems("sedic", (600,), ("faithful", "reference")))[1:]
    (setting,) = system.settings()
    assert setting.text == "target_bytes=600 painter=reference" and system.device == "cpu"
    assert system.weights_sha256 == packaged("miniature").identity.hex()
    encoded = system.encode(subject(caption="a green hill"), setting, HERE)
    assert len(encoded.blob) <= 600 and sum(encoded.layer_bytes.values()) == len(encoded.blob)
    how = encoded.decoding
    ended = sealing.run(how.command, {how.source: encoded.blob}, how.target, HERE)
    assert ended.output is not None, ended
    assert np.array_equal(load(ended.output).pixels, api.decode(encoded.blob, stages=0))


def test_a_scene_travels_with_its_masks(tmp_path: Path) -> None:
    mask = tmp_path / "door.png"
    save(subject().pixels, mask)
    scene = Scene("a wall", "", (Thing("wall"), Thing("door", (1, 2, 3, 4), "red", mask, "grabcut")), (96, 64))
    files = scene_files(scene)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = from_json((tmp_path / "scene.json").read_text(), tmp_path)
    assert found.things[1].mask == tmp_path / "mask1.png" and found.things[1].mask.read_bytes() == mask.read_bytes()
    assert replace(found, things=()) == replace(scene, things=())
