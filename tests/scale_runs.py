"""Runs of ``limner scale`` in the tests: small inputs, a verb that is quick, and what an output holds."""

from __future__ import annotations

import io
import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pictures import scene
from PIL import Image

from limner.container.blob import MAX_PIXELS, Blob, Layer, pack
from limner.errors import LimnerError
from limner.image import load
from limner.scale.engine import Engine, Plain
from limner.scale.manifest import Plain as Value
from limner.scale.rows import Row
from limner.scale.run import Run, Totals, carried_out
from limner.scale.verbs import of_file
from limner.scale.work import Done
from limner.suffixes import PICTURES

TIMES = ("seconds", "encode_s", "decode_s")


def png(seed: int, width_px: int = 24, height_px: int = 16) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(scene(width_px, height_px, seed)).save(stream, "PNG")
    return stream.getvalue()


def folder_of(place: Path, pictures: Mapping[str, bytes]) -> Path:
    for name, data in pictures.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def table_of(path: Path, columns: Mapping[str, Sequence[object]], rows_a_group: int = 100) -> Path:
    table = pa.table({name: pa.array(list(cells)) for name, cells in columns.items()})
    pq.write_table(table, path, row_group_size=rows_a_group)
    return path


@dataclass(frozen=True)
class Toy:
    """The first bytes of a picture's file as the body of a file of limner. ``log``: a file that gets a line for each picture
    that is coded. A picture with "kills" in its name kills its process: always, or once if ``once`` is a file to be made."""

    log: str = ""
    once: str = ""
    word: str = ""
    column: str = "image"
    name: str = "toy"
    payload: str = "blob"
    suffix: str = ".limn"
    suffixes: frozenset[str] = PICTURES
    figures: tuple[str, ...] = ()

    @property
    def settings(self) -> Mapping[str, Value]:
        return {"word": self.word}

    def models(self) -> Mapping[str, str]:
        return {}

    def __call__(self, path: str, data: bytes) -> Row:
        if self.log:
            with open(self.log, "a") as stream:
                stream.write(f"{path}\n")
        if "kills" in path and not (self.once and os.path.exists(self.once)):
            if self.once:
                open(self.once, "x").close()
            os.kill(os.getpid(), signal.SIGKILL)
        if "bug" in path:
            raise KeyError("nobody thought of it")
        height_px, width_px = load(data, name=path).pixels.shape[:2]
        blob = pack(Blob(1, b"\0\0", width_px, height_px, (Layer(1, data[:40] + self.word.encode()),)))
        return replace(of_file(path, blob, MAX_PIXELS), payload=blob)


@dataclass(frozen=True)
class Slow(Toy):
    """Takes its time, and writes who does it into the log."""

    def __call__(self, path: str, data: bytes) -> Row:
        with open(self.log, "a") as stream:
            stream.write(f"{path} {os.getpid()}\n")
        time.sleep(0.1)
        return Toy()(path, data)


@dataclass(frozen=True)
class Removes(Toy):
    """Puts a file where the output was, as a disk that is gone."""

    def __call__(self, path: str, data: bytes) -> Row:
        shutil.rmtree(self.log, ignore_errors=True)
        Path(self.log).touch()
        return Toy()(path, data)


def ran(run: Run, engine: Engine | None = None) -> tuple[Totals, list[Done]]:
    told: list[Done] = []
    totals = carried_out(run, engine or Plain(), lambda done, _totals: told.append(done))
    return totals, told


def stopped_after(run: Run, parts: int) -> None:
    """A run that ends behind so many parts."""

    class Enough(Exception):
        pass

    def told(_done: Done, totals: Totals) -> None:
        if totals.parts == parts:
            raise Enough

    try:
        carried_out(run, Plain(), told)
    except Enough:
        return
    raise LimnerError("it ended before")


def rows_of(output: Path) -> list[dict[str, Any]]:
    """All rows by path, without times and places."""
    rows = [row for path in tables_of(output) for row in pq.read_table(path).to_pylist()]
    kept = [{name: value for name, value in row.items() if name not in (*TIMES, "file", "offset")} for row in rows]
    return sorted(kept, key=lambda row: (row["path"], row["sha256"] or ""))


def tables_of(output: Path) -> list[Path]:
    return sorted((*output.glob("part-*.parquet"), *output.glob("_rows/part-*.parquet")))


def marks_of(output: Path) -> dict[str, tuple[int, int]]:
    """Which file stands under each name of a table: it changes if that is written anew."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tables_of(output)}
