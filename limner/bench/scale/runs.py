"""``limner scale`` as a command, watched: what it wrote when, what it held, and what a killed worker cost."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.bench.fresh import PACKAGE_PARENT
from limner.bench.load import TARGET_BYTES
from limner.bench.many.runs import python
from limner.bench.running import Held
from limner.bench.scale.watch import kill_worker, look
from limner.cores import THREADS
from limner.errors import LimnerError
from limner.extras import need

EVERY_S = 0.5


@dataclass(frozen=True)
class Way:
    """How it is run. options: of the command. workers: at work at once. killed: one of them is, in the middle."""

    name: str
    options: tuple[str, ...]
    workers: int
    killed: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a run. wall_s: from the command's beginning to its end. first_s, last_s: when the first and the last part
    was there. busy_s: seconds of workers over parts. row_s: seconds of the rows. written: (seconds, rows in all) of each part.
    hashes: of the files by picture. lost: pictures without a row. repeated: with more than one, and tables that were there when
    a worker was killed and are others now. different: from the plain loop. killed: how many workers were."""

    way: Way
    pictures: int
    wall_s: float
    busy_s: float
    row_s: float
    read_bytes: int
    written_bytes: int
    failed: int
    written: tuple[tuple[float, int], ...]
    held: tuple[Held, ...]
    lost: int
    repeated: int
    different: int
    killed: int

    @property
    def holds(self) -> bool:
        faults = self.lost + self.repeated + self.different + self.failed
        return not faults and self.killed == int(self.way.killed)

    @property
    def per_s(self) -> float:
        """Pictures a second between the first part that was done and the last: the start of the engine is not in it."""
        if len(self.written) < 2:
            return self.pictures / self.wall_s
        (first_s, before), (last_s, after) = self.written[0], self.written[-1]
        return (after - before) / max(last_s - first_s, 1e-9)


def environment() -> dict[str, str]:
    """One thread for each process."""
    return os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(PACKAGE_PARENT)}


def looped(folder: Path) -> tuple[dict[str, str], float, float]:
    """The plain loop: hashes of files by picture, seconds of all pictures, and of the process."""
    begun_s = time.monotonic()
    done = subprocess.run(
        python("limner.bench.scale.loop", str(folder)), env=environment(), stdout=subprocess.PIPE, text=True, check=False
    )
    wall_s = time.monotonic() - begun_s
    if done.returncode:
        raise LimnerError("the plain loop failed")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["path"]: row["sha256"] for row in rows}, sum(row["seconds"] for row in rows), wall_s


def run(way: Way, folder: Path, output: Path, part: int, expected: Mapping[str, str]) -> Result:
    """Encode a folder once. Raises LimnerError if the command cannot be carried out."""
    words = ["-i", str(folder), "-o", str(output), "--target-bytes", str(TARGET_BYTES), "--part", str(part), "--json"]
    process = subprocess.Popen(
        python("limner", "scale", "encode", *words, *way.options),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    begun_s, began = time.monotonic(), time.time()
    held, before, killed = [], dict[str, tuple[int, int]](), 0
    while process.poll() is None:
        held.append(look(process.pid, time.monotonic() - begun_s))
        # Where half is done, one is killed.
        if way.killed and not killed and 2 * part * len(marks(output)) >= len(expected):
            before = marks(output)
            killed = int(kill_worker(process.pid) > 0)
        time.sleep(EVERY_S)
    wall_s = time.monotonic() - begun_s
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    if process.returncode not in (0, 1) or not said:
        raise LimnerError(f"{way.name}: the command ended with {process.returncode}")
    return _result(way, json.loads(said), output, expected, (wall_s, began), tuple(held), before, killed)


def _result(
    way: Way,
    totals: Mapping[str, Any],
    output: Path,
    expected: Mapping[str, str],
    times: tuple[float, float],
    held: tuple[Held, ...],
    before: Mapping[str, tuple[int, int]],
    killed: int,
) -> Result:
    rows = rows_of(output)
    hashes = {row["path"]: hashlib.sha256(row["blob"] or b"").hexdigest() for row in rows}
    after = marks(output)
    rewritten = sum(after.get(name) != mark for name, mark in before.items())
    return Result(
        way=way,
        pictures=len(rows),
        wall_s=times[0],
        busy_s=float(totals["seconds"]),
        row_s=sum(row["seconds"] for row in rows),
        read_bytes=int(totals["read_bytes"]),
        written_bytes=int(totals["written_bytes"]),
        failed=int(totals["failed"]),
        written=written(output, times[1]),
        held=held,
        lost=len(expected.keys() - hashes.keys()),
        repeated=len(rows) - len(hashes) + rewritten,
        different=sum(hashes[path] != sha256 for path, sha256 in expected.items() if path in hashes),
        killed=killed,
    )


def rows_of(output: Path, columns: tuple[str, ...] = ("path", "blob", "seconds")) -> list[dict[str, Any]]:
    read = need("pyarrow.parquet", extra="ray").read_table
    return [row for path in sorted(output.glob("part-*.parquet")) for row in read(path, columns=list(columns)).to_pylist()]


def marks(output: Path) -> dict[str, tuple[int, int]]:
    """Which file stands under each table's name: another if it is written anew."""
    return {path.name: (stat.st_ino, stat.st_mtime_ns) for path in output.glob("part-*.parquet") for stat in [path.stat()]}


def written(output: Path, began: float) -> tuple[tuple[float, int], ...]:
    """When each part was there, in seconds, and how many rows there were then."""
    parquet = need("pyarrow.parquet", extra="ray")
    tables = sorted((path.stat().st_mtime, parquet.read_metadata(path).num_rows) for path in output.glob("part-*.parquet"))
    together, found = 0, []
    for moment, rows in tables:
        together += rows
        found.append((moment - began, together))
    return tuple(found)
