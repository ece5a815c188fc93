"""A codec of a few lines as two programs, honest or not, and what tests of the harness need around it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pictures import scene

from limner.bench.datasets import DataSet, Item, opened
from limner.bench.harness.external import External
from limner.bench.harness.programs import Programs, read
from limner.bench.harness.record import Record
from limner.bench.harness.seal import Seal
from limner.bench.harness.system import Encoded, Setting, Subject, with_budget
from limner.describe.scene import Scene
from limner.image import save

ENCODE = """
import sys, zlib
source, target, quality = sys.argv[1:4]
head, size, top, body = open(source, "rb").read().split(b"\\n", 3)
mask = 256 - (256 >> int(quality))
open(target, "wb").write(size + b"\\n" + zlib.compress(bytes(value & mask for value in body), 9))
"""
DECODE = """
import sys, zlib
source, target = sys.argv[1:3]
size, body = open(source, "rb").read().split(b"\\n", 1)
open(target, "wb").write(b"P6\\n" + size + b"\\n255\\n" + zlib.decompress(body))
"""
QUALITIES = [1, 4, 8]
SIZE_PX = 96, 64


def programs(
    folder: Path,
    encode: str = ENCODE,
    decode: str = DECODE,
    name: str = "toy",
    qualities: Sequence[int] = QUALITIES,
    timeout_s: float = 60,
) -> Programs:
    """Scripts of an encoder (source, target, quality) and a decoder (source, target) as a codec."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encode.py").write_text(encode)
    (folder / "decode.py").write_text(decode)
    start = [sys.executable, "-I", "-S"]
    lines = {
        "name": name,
        "encode": [*start, "{here}/encode.py", "{input}", "{output}", "{quality}"],
        "decode": [*start, "{here}/decode.py", "{input}", "{output}"],
        "input": "ppm",
        "output": "ppm",
        "qualities": list(qualities),
        "timeout_s": timeout_s,
    }
    path = folder / f"{name}.toml"
    path.write_text("".join(f"{key} = {value!r}\n".replace("'", '"') for key, value in lines.items()))
    return read(path)


def toy(folder: Path, budgets: tuple[int, ...] = (), encode: str = ENCODE, decode: str = DECODE) -> External:
    return External(programs(folder, encode, decode), budgets)


def data_set(folder: Path, count: int = 2) -> DataSet:
    """So many pictures, a.png, b.png ..., with captions."""
    folder.mkdir(parents=True, exist_ok=True)
    names = "abcdefgh"[:count]
    for seed, name in enumerate(names):
        save(scene(*SIZE_PX, seed), folder / f"{name}.png")
    told = ", ".join(f'"{name}.png": {{"caption": "the hill {name}"}}' for name in names)
    (folder / "scenes.json").write_text(f"{{{told}}}")
    return opened(str(folder))


def subject(seed: int = 0, caption: str = "") -> Subject:
    return Subject(scene(*SIZE_PX, seed), Scene(caption), 0)


def item_of(data: DataSet, name: str) -> Item:
    return next(item for item in data.pictures if item.name == name)


def by_setting(records: list[Record]) -> dict[tuple[str, str, str], Record]:
    return {(record.picture, record.setting, record.words): record for record in records}


@dataclass(frozen=True)
class Deadly:
    """A system over which the worker dies, if the picture is the one with this seed."""

    name = "deadly"
    ours = False
    takes_words = False
    device = "cpu"
    weights_sha256 = None

    def versions(self) -> dict[str, str]:
        return {}

    def settings(self) -> list[Setting]:
        return [with_budget(500, "")]

    def encode(self, subject: Subject, setting: Setting, seal: Seal) -> Encoded:
        os._exit(9)


def halved(number: int) -> int:
    """Work for a pool: it dies over 13, and refuses what is below 0."""
    if number == 13:
        os._exit(9)
    if number < 0:
        raise ValueError("below 0")
    return number // 2
