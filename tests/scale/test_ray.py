"""On a cluster of two workers on this machine: the rows of the plain loop; a worker that is killed costs nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray.data")

from scale_runs import Removes, Slow, Toy, folder_of, marks_of, png, ran, rows_of

from limner.errors import LimnerError
from limner.scale.engine import LOCAL, Plain, Ray
from limner.scale.run import Run

# What Ray and its dependencies leave open or call by old names is theirs.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(os.name == "nt", reason="signals of Unix"),
]
NAMES = [f"{number:02}.png" for number in range(24)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One for all tests: to begin it takes seconds. Its workers find the tests' own modules."""
    import ray

    from limner.scale.engine import SILENT

    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    for name, value in SILENT.items():
        patch.setenv(name, value)
    ray.init(address=LOCAL, num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()
    patch.undo()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = {name: png(number) for number, name in enumerate(NAMES)}
    return folder_of(tmp_path_factory.mktemp("in"), pictures | {"bad.png": b"?"})


def test_rows_are_those_of_the_plain_loop_and_a_killed_worker_costs_nothing(
    cluster: None, source: Path, tmp_path: Path
) -> None:
    plain, halved = tmp_path / "plain", tmp_path / "ray"
    ran(Run(Toy(), str(source), str(plain), part=3), Plain())
    log = tmp_path / "log"
    run = Run(Slow(str(log)), str(source), str(halved), part=3)
    before: dict[str, tuple[int, int]] = {}

    def kill() -> None:
        until = time.monotonic() + 60
        while len(marks_of(halved)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        before.update(marks_of(halved))
        os.kill(int(log.read_text().splitlines()[-1].split()[1]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    totals, _ = ran(run, Ray(workers=2))
    killer.join()
    assert (totals.done, totals.failed, totals.parts) == (24, 1, 9)
    assert rows_of(halved) == rows_of(plain)
    assert 2 <= len(before) < 9 and before.items() <= marks_of(halved).items()
    assert marks_of(halved).keys() == marks_of(plain).keys()
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len({pid for _, pid in lines}) >= 2  # the other may be through before a new one has begun
    # Of the part that was killed some are done twice; of no other.
    assert 25 <= len(lines) <= 25 + 3
    assert {path.name for path in halved.iterdir() if not path.name.startswith("part-")} == {"_limner.json"}
    totals, told = ran(run, Ray(workers=2))
    assert (totals.before, told) == (25, [])


def test_a_picture_that_always_kills_is_a_row(cluster: None, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", {"a.png": png(0), "kills.png": png(1), "z.png": png(2)})
    totals, _ = ran(Run(Toy(), str(source), str(tmp_path / "out")), Ray(workers=1))
    assert (totals.done, totals.failed) == (2, 1)
    assert [row["error"] for row in rows_of(tmp_path / "out")] == [None, "WorkerDied", None]


def test_an_output_that_takes_nothing_ends_the_run(cluster: None, source: Path, tmp_path: Path) -> None:
    run = Run(Removes(str(tmp_path / "out")), str(source), str(tmp_path / "out"), part=5)
    with pytest.raises(LimnerError, match=r"No such file|Not a directory|File exists"):
        ran(run, Ray(workers=1))


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"gpus": -1}])
def test_a_cluster_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(LimnerError):
        Ray(**wrong)
