"""``limner bench report``: what it writes, and what it says of wrong arguments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from made_records import run_folder, two_systems

from limner.cli import main

HEAVY = {"torch", "onnxruntime", "constriction", "skimage"}

def test_a_report_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("bjontegaard")
    out = tmp_path / "out"
    command = ["bench", "report", str(run_folder(tmp_path, two_systems())), "--out", str(out), "--anchor", "jpeg"]
    assert main([*command, "--formats", "md,csv,tex,html"]) == 0
    assert {path.name for path in out.iterdir()} == {"report.md", "index.html", "tables", "pictures"}
    assert {path.suffix for path in (out / "tables").iterdir()} == {".csv", ".tex"}
    assert capsys.readouterr().out.strip().endswith("report.md, index.html")


def test_it_is_made_again_from_a_file_of_records_under_another_name(tmp_path: Path) -> None:
    pytest.importorskip("bjontegaard")
    rows = run_folder(tmp_path, two_systems()) / "rows.jsonl"
    moved = rows.rename(tmp_path / "small.jsonl")
    command = ["bench", "report", str(moved), "--out", str(tmp_path / "results"), "--formats", "md", "--name", "small"]
    assert main(command) == 0
    made = (tmp_path / "results" / "small.md").read_bytes()
    assert main(command) == 0
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["small.md"]
    assert (tmp_path / "results" / "small.md").read_bytes() == made


WRONG = [
    (["--formats", "pdf"], "formats are of"),
    (["--anchor", "heic"], "take one of jpeg, miniature"),
    (["--name", ".."], "a report's name"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    folder = run_folder(tmp_path, two_systems())
    assert main(["bench", "report", str(folder), "--out", str(tmp_path / "out"), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_report_needs_no_model_and_no_codec(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, two_systems())
    arguments = ["bench", "report", str(folder), "--out", str(tmp_path / "out"), "--formats", "md,csv,tex,html,svg"]
    code = f"import sys\nfrom limner.cli import main\nassert main({arguments!r}) == 0\n"
    code += f"print(sorted({{name.partition('.')[0] for name in sys.modules}} & {HEAVY}))"
    pytest.importorskip("bjontegaard")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
