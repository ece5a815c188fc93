"""Records of a benchmark that nobody ran: by formula, so that tests know what is to come out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pictures import scene
from PIL import Image

from limner.bench.harness.record import Cost, Failure, Head, Record, kept_original, kept_picture, to_line

BUDGETS = (250, 500, 1000, 2000)
PICTURES = ("harbour.png", "hill.png", "quay.png")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def record(
    picture: str = "harbour.png", system: str = "miniature", budget: int = 500, words: str = "none", **figures: float
) -> Record:
    """A picture of 96 x 64 px that came through, with these figures (PSNR if none are given)."""
    name = f"{picture} {system} {budget} {words}"
    return Record(
        picture=picture,
        data="made",
        preparation="none",
        picture_sha256=sha256(picture),
        width_px=96,
        height_px=64,
        system=system,
        setting=f"target_bytes={budget}",
        budget_bytes=budget,
        words=words,
        seed=0,
        blob_sha256=sha256(name),
        bytes=budget - 10,
        layer_bytes={},
        weights_sha256=None,
        figures=figures or {"psnr_db": 20.0},
        absent={},
        encode=Cost(0.25, 0.5, 64 << 20),
        decode=Cost(0.5, 0.75, 96 << 20),
        versions={"limner": "1"},
        device="cpu",
        failure=None,
    )


def failed(one: Record, message: str = "no setting is small enough") -> Record:
    """The same, gone wrong."""
    fault = Failure("encode", "BudgetError", message)
    nothing = {"blob_sha256": None, "bytes": None, "encode": None, "decode": None}
    return replace(one, **nothing, layer_bytes={}, figures={}, absent={}, failure=fault)


def one_failed(records: Sequence[Record], system: str, budget: int, picture: str = "hill.png") -> list[Record]:
    """The same, but for one picture at one budget of one system."""
    lost = (system, budget, picture)
    return [failed(one) if (one.system, one.budget_bytes, one.picture) == lost else one for one in records]


def curve(
    system: str, first_db: float, budgets: Sequence[int] = BUDGETS, pictures: Sequence[str] = PICTURES, words: str = "none"
) -> Iterator[Record]:
    """A system that gains 3 dB each time the bytes double; a picture later in the row is 1 dB easier."""
    for step, budget in enumerate(budgets):
        for ease, picture in enumerate(pictures):
            value = first_db + 3 * step + ease
            one = record(picture, system, budget, words=words, psnr_db=value, flip=round(0.5 - value / 100, 6))
            yield replace(one, bytes=budget)


def two_systems() -> list[Record]:
    """jpeg, and miniature that needs half the bytes for the same."""
    return [*curve("jpeg", 20.0), *curve("miniature", 23.0)]


def run_folder(folder: Path, records: Sequence[Record], head: Head | None = None) -> Path:
    """What a run leaves behind: records, and pictures of those that came through."""
    lines = [to_line(head or Head({"psnr_db": "made"}, "limner bench run"))] + [to_line(one) for one in records]
    (folder / "rows.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    for place, one in enumerate(one for one in records if one.failure is None):
        for name, seed in ((kept_original(one), 0), (kept_picture(one), place + 1)):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(scene(one.width_px, one.height_px, seed)).save(path)
    return folder
