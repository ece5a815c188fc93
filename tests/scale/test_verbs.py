"""The verbs are those of `limner.api`, picture for picture; the command carries them out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

import pyarrow.parquet as pq
from PIL import Image
from scale_runs import folder_of, png, ran, rows_of, tables_of

import limner
from limner.bench.measures import measured
from limner.bench.scale.verb import Bench
from limner.cli import main
from limner.errors import LimnerError, MissingError
from limner.image import load
from limner.scale.engine import Plain
from limner.scale.run import Run
from limner.scale.verbs import Coding, Decode, Encode, attempted

PICTURES = {"a.png": png(0, 64, 48), "b/c.png": png(1, 48, 80), "bad.png": b"\x89PNG no"}
GOOD = ("a.png", "b/c.png")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("in"), PICTURES)


@pytest.mark.parametrize("processes", [1, 2])
def test_files_are_those_of_the_plain_loop(source: Path, tmp_path: Path, processes: int) -> None:
    ran(Run(Encode(Coding(target_bytes=200)), str(source), str(tmp_path / "out"), part=1), Plain(processes))
    rows = {row["path"]: row for row in rows_of(tmp_path / "out")}
    for name in GOOD:
        blob = limner.encode(source / name, target_bytes=200)
        report = limner.inspect(blob)
        row = rows[name]
        assert row["blob"] == blob and row["bytes"] == len(blob) <= 200
        assert (row["width_px"], row["height_px"], row["bpp"]) == (report.width_px, report.height_px, report.bpp)
        assert row["system"] == "miniature"
        assert [layer["name"] for layer in row["layers"]] == ["header", "latent"]
        body = sum(part.length for part in report.rows if part.owner == "layer 1 latent")
        assert row["layers"][1] == {"kind": 1, "name": "latent", "bytes": body}
    assert rows["bad.png"]["error"] == "ImageError"


def test_pictures_are_those_of_the_plain_loop(source: Path, tmp_path: Path) -> None:
    ran(Run(Encode(Coding(quality=10, bare=True)), str(source), str(tmp_path / "blobs")))
    for form in ("files", "parquet"):
        totals, _ = ran(Run(Decode(suffix=".webp"), str(tmp_path / "blobs"), str(tmp_path / form), form))
        assert (totals.done, totals.failed) == (2, 1)
    kept = {row["path"]: row["image"] for row in rows_of(tmp_path / "parquet")}
    for name in GOOD:
        painted = limner.decode(limner.encode(source / name, quality=10, bare=True))
        assert np.array_equal(load(kept[name]).pixels, painted)
        assert np.array_equal(load(tmp_path / "files" / "pictures" / f"{name}.webp").pixels, painted)
    with Image.open(tmp_path / "files" / "pictures" / "a.png.webp") as picture:
        assert picture.format == "WEBP" and "limner:system: miniature" in picture.getexif()[0x010E]


def test_measures_are_those_of_the_bench(source: Path, tmp_path: Path) -> None:
    verb = Bench(Coding(quality=20), ("psnr_db", "ssim", "ms_ssim"))
    ran(Run(verb, str(source), str(tmp_path)))
    rows = {row["path"]: row for row in pq.read_table(tables_of(tmp_path)).to_pylist()}
    for name in GOOD:
        blob = limner.encode(source / name, quality=20)
        figures, _ = measured(load(source / name).pixels, limner.decode(blob), names=verb.measures)
        row = rows[name]
        assert row["blob"] == blob
        assert {key: row[key] for key in figures} == figures and row["ms_ssim"] is None
        assert 0 < row["encode_s"] + row["decode_s"] <= row["seconds"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Coding(target_bytes=5, quality=5),
        lambda: Coding(system="pics"),
        lambda: Decode(suffix=".gif"),
        lambda: Bench(Coding(), ("lpips_alex",)),
        lambda: Run(Encode(Coding()), "a", "b", "csv"),
        lambda: Run(Encode(Coding()), "a", "b", part=0),
    ],
)
def test_what_does_not_go_together_is_refused(wrong) -> None:
    with pytest.raises(LimnerError):
        wrong()


def test_missing_weights_end_a_run() -> None:
    class Without(Encode):
        def __call__(self, path: str, data: bytes):
            raise MissingError("no weights")

    with pytest.raises(MissingError):
        attempted(Without(Coding()), "a", b"")


def test_the_command(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["scale", "encode", "-i", str(source), "-o", str(tmp_path / "o"), "--target-bytes", "150", "--plain"]
    assert main([*command, "--json"]) == 1
    out, err = capsys.readouterr()
    totals = json.loads(out)
    assert (totals["done"], totals["failed"], totals["before"]) == (2, 1, 0)
    assert "error: bad.png: not a" in err and err.endswith("2 pictures done, 1 failed\n")
    assert main(command) == 1
    assert capsys.readouterr().err.endswith("2 pictures done, 1 failed; 3 were there\n")
    assert main([*command, "--quality", "3"]) == 2
    assert main([word if word != "150" else "151" for word in command]) == 1
    assert "settings.target_bytes was 150, now 151" in capsys.readouterr().err
    assert main(["scale", "decode", "-i", str(tmp_path / "o"), "-o", str(tmp_path / "p"), "--plain", "-j", "2"]) == 1
    assert {path.name for path in (tmp_path / "p" / "pictures").rglob("*.png")} == {"a.png.png", "c.png.png"}
    good = tmp_path / "good"
    folder_of(good, {"a.png": PICTURES["a.png"]})
    assert main(["scale", "bench", "-i", str(good), "-o", str(tmp_path / "q"), "--plain", "--measures", "psnr_db"]) == 0
    (row,) = pq.read_table(tables_of(tmp_path / "q")).to_pylist()
    assert 10 < row["psnr_db"] < 60 and "ssim" not in row


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--plain", "--workers", "2"], "leave out --plain"),
        (["-j", "2"], "--plain"),
        (["--plain", "--format", "csv"], "parquet, shards, files"),
        (["--plain", "--system", "pic"], "miniature or taco"),
    ],
)
def test_wrong_usage_is_said(
    source: Path, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scale", "encode", "-i", str(source), "-o", str(tmp_path / "o"), *words]) in (1, 2)
    assert said in re.sub(r"\s+", " ", capsys.readouterr().err.replace("│", " "))
    assert not (tmp_path / "o").exists()
