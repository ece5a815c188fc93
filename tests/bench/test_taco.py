"""taco's pages: rows of real files, what words are worth, seconds of stages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pictures import scene

pytest.importorskip("skimage")
pytest.importorskip("torch")

from limner import api
from limner.bench import stages, taco
from limner.bench.taco import EMPTY, FIXED, SHUFFLED, TRUE, Row
from limner.image import save


def row(picture: str, words: str, size_bytes: int) -> Row:
    return Row(picture, "some", "0000", words, 10, 10, size_bytes, 30.0, 0.9)


def test_words_that_save_bytes_cost_less() -> None:
    rows = [row(picture, words, 100) for picture in "ab" for words in (EMPTY, SHUFFLED, FIXED)]
    rows += [row("a", TRUE, 90), row("b", TRUE, 80)]
    page = taco.words_table(rows, 0.0, 0.0)
    assert "| some | true | +15.000 ± 5.000 % |" in page and "| some | shuffled | +0.000 ± 0.000 % |" in page


def test_the_page_of_a_set(taco_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for number in range(2):
        save(scene(176, 177, number), tmp_path / f"{number}.png")
        told[f"{number}.png"] = {"caption": f"a hill, number {number}"}
    (tmp_path / "scenes.json").write_text(json.dumps(told), "utf-8")
    asked = ["--sets", str(taco_set), "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--lambda-mse", "0.001"]
    assert taco.main(asked) == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "taco.jsonl").read_text().splitlines()]
    assert len(rows) == 8 and {one["words"] for one in rows} == {TRUE, EMPTY, SHUFFLED, FIXED}
    blob = api.encode(tmp_path / "0.png", system="taco", caption="a hill, number 1", weights=taco_set)
    assert [one["bytes"] for one in rows if (one["picture"], one["words"]) == ("0.png", SHUFFLED)] == [len(blob)]
    page = (tmp_path / "out" / "taco.md").read_text()
    assert capsys.readouterr().out == page and "| tiny | true |" in page


def test_seconds_of_stages(taco_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "TURNS", 1)
    save(scene(64, 48), tmp_path / "small.png")
    assert stages.main(["--picture", str(tmp_path / "small.png"), "--weights", str(taco_set), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "taco-speed.md").read_text()
    assert "| analysis transform |" in page and "weights tiny" in page.lower()
