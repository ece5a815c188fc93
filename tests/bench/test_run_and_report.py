"""One command measures miniature and every classical codec that is here, another makes the report: on two pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictures import scene

pytest.importorskip("skimage")
pytest.importorskip("bjontegaard")

from limner.cli import main
from limner.image import save


def test_a_run_and_its_report(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for number in range(2):
        save(scene(96, 64, number), tmp_path / "set" / f"{number}.png")
    asked = ["--data", str(tmp_path / "set"), "--out", str(tmp_path / "rows"), "--budgets", "250,600,2000"]
    light = ["--effort", "quick", "--ways", "downscaled", "--metrics", "psnr_db,ssim", "--cache", str(tmp_path / "cache")]
    assert main(["bench", "run", *asked, *light, "--systems", "miniature,baselines"]) == 0
    head, *rows = map(json.loads, (tmp_path / "rows" / "rows.jsonl").read_text("utf-8").splitlines())
    assert head["limner_rows"] == 1
    classical = {row["system"] for row in rows} - {"miniature"}
    assert {"jpeg", "webp"} <= classical and len([row for row in rows if row["system"] == "miniature"]) == 6
    assert all(row["failure"] is None and row["bytes"] <= row["budget_bytes"] for row in rows if row["system"] == "miniature")
    for folder in ("one", "other"):
        made = ["bench", "report", str(tmp_path / "rows"), "--out", str(tmp_path / folder), "--anchor", "webp"]
        assert main([*made, "--formats", "md,csv,tex,html"]) == 0
    names = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert any(name.suffix == ".html" for name in names) and any(name.suffix == ".md" for name in names)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name
