"""The run over very many pictures: small pictures, processes that are watched, faults that are seen, a page of numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pictures import scene
from PIL import Image

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

from limner.bench.running import Held
from limner.bench.scale.cost import Prices, Size, cost, on_gpu, sizes
from limner.bench.scale.crops import SIDES_PX, crops, sample
from limner.bench.scale.page import POINTS, Found, page
from limner.bench.scale.runs import Result, Way, looped, run
from limner.bench.scale.watch import below, look
from limner.errors import LimnerError

PRICES = Prices(core_hour=0.5, gpu_hour=2.0, gb_month=0.1, cores=10)
SIZE = Size("up to 128 x 128 px", 5, encode_s=0.36, decode_s=0.1, source_bytes=1000, bytes=400)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "photos" / f"{number}.png" for number in range(2)]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(scene(300, 280, number)).save(path)
    return paths


def test_crops_are_as_many_and_as_large_as_asked_and_the_same_again(photos: list[Path], tmp_path: Path) -> None:
    folders = [crops(photos, tmp_path / name, 12) for name in "ab"]
    files = [sorted(folder.rglob("*.jpg")) for folder in folders]
    assert len(files[0]) == 12
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    for path in files[0]:
        with Image.open(path) as picture:
            assert all(SIDES_PX[0] <= side <= SIDES_PX[1] for side in picture.size)
    some = sample(folders[0], photos, tmp_path / "some", 4)
    assert len(list(some.rglob("*.jpg"))) == 4 and len(list(some.rglob("*.png"))) == 2


def test_a_small_photograph_is_refused(tmp_path: Path) -> None:
    Image.fromarray(scene(50, 50)).save(tmp_path / "a.png")
    with pytest.raises(LimnerError, match="smaller"):
        crops([tmp_path / "a.png"], tmp_path / "out", 1)


def test_a_run_is_held_against_the_plain_loop(photos: list[Path], tmp_path: Path) -> None:
    pictures = crops(photos, tmp_path / "pictures", 4)
    expected, loop_s, wall_s = looped(pictures)
    assert len(expected) == 4 and 0 < loop_s < wall_s
    result = run(Way("plain", ("--plain",), 1), pictures, tmp_path / "out", 2, expected)
    assert result.holds and (result.pictures, len(result.written)) == (4, 2)
    assert result.held and max(one.front for one in result.held) > 10**7
    other = {**dict.fromkeys(expected, "00"), "absent.jpg": "00"}
    wrong = run(Way("plain", ("--plain",), 1, killed=True), pictures, tmp_path / "out", 2, other)
    assert not wrong.holds and (wrong.lost, wrong.different, wrong.killed) == (1, 4, 0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes as Linux tells of them")
def test_processes_below_are_seen() -> None:
    inner = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    process = subprocess.Popen([sys.executable, "-c", inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "1\n"
    pids = list(below(os.getpid()))
    assert process.pid in pids and len(set(below(process.pid))) == 1 and set(below(process.pid)) <= set(pids)
    held = look(process.pid, 1.5)
    assert held.after_s == 1.5 and 0 < held.front < held.together and held.worker == 0
    process.communicate("\n", timeout=60)


def test_costs_by_hand() -> None:
    found = cost(SIZE, 10**6, 1.25, 100, PRICES)
    assert (found.core_hours, found.hours, found.price) == pytest.approx((125, 12.5, 62.5))
    assert (found.read_bytes, found.written_bytes, found.storage) == pytest.approx((1e9, 5e8, 0.05))
    assert on_gpu(3600, 2.0, PRICES) == pytest.approx((2.0, 4.0))


def test_sizes_are_means_of_their_pictures() -> None:
    row = {"width_px": 100, "height_px": 100, "load_s": 0.1, "encode_s": 0.2, "decode_s": 0.3, "source_bytes": 10, "bytes": 5}
    small, large = sizes([row, {**row, "encode_s": 0.4}, {**row, "width_px": 1000}])
    assert (small.name, small.pictures) == ("up to 128 x 128 px", 2) and small.encode_s == pytest.approx(0.4)
    assert (large.name, large.encode_s) == ("the photographs", pytest.approx(0.3))


def result(**other: object) -> Result:
    held = tuple(Held(float(at), 1, at, 2 * at) for at in range(100))
    written = tuple((float(at), 10 * at) for at in range(1, 11))
    same = Result(Way("Ray", ("--workers", "2"), 2), 100, 99.0, 22.0, 20.0, 10**6, 10**5, 0, written, held, 0, 0, 0, 0)
    return replace(same, **other)


def test_speed_is_that_between_the_first_part_and_the_last() -> None:
    assert result().per_s == pytest.approx(10)
    assert result(written=()).per_s == pytest.approx(100 / 99)


@pytest.mark.parametrize("fault", [{"lost": 1}, {"repeated": 1}, {"different": 1}, {"failed": 1}, {"killed": 1}])
def test_every_fault_is_one(fault: dict[str, int]) -> None:
    assert result().holds and not result(**fault).holds


def test_the_page_has_every_run(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found(100, 10, 9.0, 11.0, [result(), result(lost=3)], [SIZE], PRICES, {"sedic, low": 2.0})
    text = page(found, "a machine", "the command")
    assert text.count("## Over time: Ray") == 2 and text.count("does not hold") == 1
    assert not found.holds and found.overhead == pytest.approx(1.1)
    assert len([line for line in text.split("## Over time")[1].splitlines() if line.startswith("| ")]) == POINTS + 2
    assert "| 1,000,000 by sedic, low | 2 | 0.5 | 556 | 1,111 |" in text
