"""Measures of all pictures together, of what a run has kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_records import failed, record
from pictures import scene

from limner.bench import measures
from limner.bench.harness import sets
from limner.bench.harness.record import Record, kept_original, kept_picture
from limner.errors import LimnerError
from limner.image import save


def kept(folder: Path) -> list[Record]:
    """Three pictures at two budgets, one of them failed; the painted ones are darker by 1 and by 2."""
    found = []
    for budget in (250, 500):
        for seed, name in enumerate(("a", "b", "c")):
            one = replace(record(f"{name}.png", budget=budget), picture_sha256=f"{seed}" * 64)
            original = scene(32, 32, seed)
            for place, pixels in ((kept_original, original), (kept_picture, original - np.uint8(budget // 250))):
                (folder / place(one)).parent.mkdir(parents=True, exist_ok=True)
                save(pixels, folder / place(one))
            found.append(one)
    return [*found[:-1], failed(found[-1])]


def test_every_setting_has_a_line_and_says_of_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def darker(pairs: object, names: object, table: object) -> tuple[dict[str, float], dict[str, str]]:
        steps = [float(np.mean(one.astype(float) - other)) for one, other in pairs]  # type: ignore[attr-defined]
        return {"fid": sum(steps) / len(steps)}, {}

    monkeypatch.setattr(measures, "set_measured", darker)
    found = sets.write(kept(tmp_path), tmp_path, ["fid"])
    assert [(one.setting, one.pictures, one.tried, one.figures) for one in found] == [
        ("target_bytes=250", 3, 3, {"fid": 1.0}),
        ("target_bytes=500", 2, 3, {"fid": 2.0}),
    ]
    lines = [json.loads(line) for line in (tmp_path / "sets.jsonl").read_text().splitlines()]
    assert [line["figures"] for line in lines] == [{"fid": 1.0}, {"fid": 2.0}]
    assert "Inception" in lines[0]["metrics"]["fid"]


def test_what_cannot_be_measured_is_absent(tmp_path: Path) -> None:
    if not measures.SET_MEASURES["fid"].missing():
        pytest.skip("the weights are here")
    found = sets.write(kept(tmp_path), tmp_path, ["fid", "kid_patched"])
    assert all(one.figures == {} and one.absent.keys() == {"fid", "kid_patched"} for one in found)


def test_other_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LimnerError, match="no metric of sets 'psnr_db': there are fid"):
        sets.write([], tmp_path, ["psnr_db"])
