"""``limner bench``: from options to a run, and what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from toy_codec import data_set, programs

from limner.bench.harness.record import read
from limner.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures in ``data``, a codec of two scripts, and nothing installed but them."""
    data_set(tmp_path / "data")
    programs(tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    return main(["bench", "run", "--data", "data", "--out", "out", "--metrics", "psnr_db", *words])


def test_a_run_writes_records_and_says_how_it_went(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--systems", "miniature, toy", "--budgets", "250") == 1
    assert "there is no system 'toy'" in capsys.readouterr().err
    assert run("--systems", "miniature", "--codec", "toy/toy.toml", "--budgets", "5 900") == 0
    told = capsys.readouterr()
    assert told.out == "" and told.err == "out: 8 rows, 4 failures, 0 of ours that no budget explains\n"
    head, rows = read(folder / "out" / "rows.jsonl")
    assert {(row.system, row.budget_bytes) for row in rows} == {(name, n) for name in ("miniature", "toy") for n in (5, 900)}
    words = "--data data --out out --systems miniature --budgets '5 900' --codec toy.toml --metrics psnr_db"
    assert head.command == f"limner bench run {words}"


def test_a_failure_of_ours_is_told_and_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken").mkdir()
    files = {"entropy.npz": "0" * 64, "synthesis.onnx": "1" * 64}
    manifest = {"name": "broken", "system": "taco", "decoding": list(files), "files": files}
    (folder / "broken" / "manifest.json").write_text(json.dumps(manifest))
    assert run("--systems", "taco", "--budgets", "none", "--weights", "broken") == 1
    told = capsys.readouterr().err
    assert "error: a.png, taco weights=broken, none words: encode failed: MissingError: weights broken" in told
    assert "2 rows, 2 failures, 2 of ours" in told


def test_without_budgets_every_quality_is_a_setting(folder: Path) -> None:
    assert run("--systems", "", "--codec", "toy/toy.toml", "--budgets", "none", "--keep") == 0
    _, rows = read(folder / "out" / "rows.jsonl")
    assert [row.setting for row in rows[:3]] == ["quality=1", "quality=4", "quality=8"]
    assert len(list((folder / "out" / "pictures").rglob("*.png"))) == 2 * 4


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--budgets", "many"], "bytes over 0, or none, not 'many'"),
        (["--budgets", "0"], "bytes over 0"),
        (["--budgets", ""], "budgets are numbers"),
        (["--systems", "gif"], "there is no system 'gif'"),
        (["--systems", "jpeg", "--budgets", "none"], "jpeg needs budgets"),
        (["--metrics", "loudness"], "no metric 'loudness'"),
        (["--ways", "sideways"], "a way is one of plain, downscaled"),
        (["--effort", "none"], "an effort is one of"),
        (["--painters", "bob"], "a painter is one of"),
        (["--preparation", "upside-down"], "no preparation 'upside-down'"),
        (["--data", "nowhere"], "nowhere is no folder"),
        (["--systems", "pic", "--words", "loud"], "words are true, empty"),
        (["--set-metrics", "psnr_db", "--keep"], "no metric of sets 'psnr_db'"),
        (["--set-metrics", "fid"], "give --keep too"),
    ],
)
def test_what_makes_no_sense_is_said(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str) -> None:
    assert run("--systems", "miniature", "--budgets", "250", *words) in (1, 2)
    assert why in " ".join(capsys.readouterr().err.split())
    assert not (folder / "out" / "rows.jsonl").exists()


def test_what_is_not_installed_is_absent_or_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("bpgenc"):
        pytest.skip("bpgenc is installed")
    assert run("--systems", "bpg", "--budgets", "900") == 1
    assert "bpg cannot run: bpgenc" in capsys.readouterr().err


def test_baselines_are_all_classical_codecs_that_are_here(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    from limner.bench.harness.choosing import Wish, chosen

    found, absent = chosen(Wish(("miniature", "baselines"), (250, 500), cache=tmp_path))
    names = [system.name for system in found]
    assert names[:11] == ["miniature", *(name for name in ("jpeg", "webp", "avif", "jxl", "heic") for _ in range(2))]
    assert {*names[11:], *absent} == {"avifenc", "bpg", "cjxl", "cwebp", "vvc"}
    assert all("not installed" in why for why in absent.values())
    texts = [setting.text for system in found[:3] for setting in system.settings()]
    assert texts[::2] == ["target_bytes=250", "target_bytes=250", "target_bytes=250 downscaled beside=size,filter"]


def test_data_sets_are_listed_checked_and_pinned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "data", "list"]) == 0
    assert "kodak: Kodak" in capsys.readouterr().out
    assert main(["bench", "data", "list", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["name"]: line["pictures"] for line in lines}["kodak"] == 24
    assert main(["bench", "data", "check", "data"]) == 0
    assert capsys.readouterr().out == "data: 2 pictures, not checked\n"
    assert main(["bench", "data", "pin", "data"]) == 0
    capsys.readouterr()
    assert main(["bench", "data", "check", "data"]) == 0
    assert "2 pictures, pinned on" in capsys.readouterr().out
    shutil.copy(folder / "data" / "a.png", folder / "data" / "b.png")
    assert main(["bench", "data", "check", "data"]) == 1
    assert "b.png is not the picture" in capsys.readouterr().err


def test_a_set_that_is_not_here_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "data", "check", "kodak"]) == 1
    assert "limner bench data fetch kodak" in capsys.readouterr().err


def test_a_report_is_made_of_a_run(folder: Path) -> None:
    assert run("--systems", "", "--codec", "toy/toy.toml", "--budgets", "700,2500") == 0
    assert main(["bench", "report", "out", "--out", "report", "--formats", "md"]) == 0
    assert any((folder / "report").iterdir())
