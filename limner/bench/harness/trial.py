"""One picture through one system: what a worker does.

    Task -> pixels --encode--> file --sealed decoder--> picture --measures--> Record, one for each setting

Whatever goes wrong becomes a record's failure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from limner import image
from limner.bench import datasets, measures, preparations
from limner.bench.datasets import Item
from limner.bench.harness import pictures
from limner.bench.harness import seal as sealing
from limner.bench.harness.record import Cost, Failure, Record, Stage, kept_original, kept_picture
from limner.bench.harness.seal import Seal
from limner.bench.harness.system import Encoded, Setting, StageError, Subject, System, one_line, output_of
from limner.bench.measures import Measure, Told
from limner.describe.scene import Scene
from limner.errors import ImageError, LimnerError
from limner.image import Pixels

DIGITS = 6


@dataclass(frozen=True)
class Task:
    """A picture, a system and settings of it. ``scene``: with the words that the encoder is given; ``done``: texts of settings
    that are there already, with the SHA-256 of the picture that they are of; ``pictures``: the folder that keeps what is
    painted, None for none; ``measured_on``: the device of torch for metrics with nets."""

    data: str
    preparation: str
    item: Item
    scene: Scene
    words: str
    system: System
    settings: tuple[Setting, ...]
    metrics: tuple[str, ...]
    seed: int
    seal: Seal
    versions: Mapping[str, str]
    device: str
    weights_sha256: str | None
    measured_on: str = "cpu"
    done: frozenset[tuple[str, str]] = frozenset()
    pictures: Path | None = None


class Stopped(Exception):
    """A setting came to an end that is a failure."""

    def __init__(self, stage: Stage, error: BaseException) -> None:
        name = error.error if isinstance(error, StageError) else type(error).__name__
        self.failure = Failure(stage, name, one_line(str(error)))


def records(task: Task) -> list[Record]:
    """All that the task asks for and that is not there yet."""
    return list(made(task))


def made(task: Task) -> Iterator[Record]:
    pixels, scene = prepared(task)
    sha256 = datasets.digest(pixels)
    subject = Subject(pixels, scene, task.seed)
    for setting in task.settings:
        if (setting.text, sha256) not in task.done:
            yield one(task, setting, subject, blank(task, setting, pixels))


def prepared(task: Task) -> tuple[Pixels, Scene]:
    """The picture as it is coded, and its scene, boxes moved along."""
    whole = datasets.pixels(task.item)
    size_px = whole.shape[1], whole.shape[0]
    return preparations.prepared(whole, task.preparation), preparations.prepared_scene(task.scene, size_px, task.preparation)


def blank(task: Task, setting: Setting, pixels: Pixels, failure: Failure | None = None) -> Record:
    """The record of a setting of which nothing is known yet, or how it failed."""
    return Record(
        picture=task.item.name,
        data=task.data,
        preparation=task.preparation,
        picture_sha256=datasets.digest(pixels),
        width_px=pixels.shape[1],
        height_px=pixels.shape[0],
        system=task.system.name,
        setting=setting.text,
        budget_bytes=setting.budget_bytes,
        words=task.words,
        seed=task.seed,
        blob_sha256=None,
        bytes=None,
        layer_bytes={},
        weights_sha256=task.weights_sha256,
        figures={},
        absent={},
        encode=None,
        decode=None,
        versions=dict(task.versions),
        device=task.device,
        failure=failure or Failure("encode", "NotRun", "not run"),
    )


def one(task: Task, setting: Setting, subject: Subject, record: Record) -> Record:
    """Run one setting to its end."""
    try:
        encoded = encode(task, setting, subject)
        record = checked(record, encoded)
        painted, cost = decode(task, subject, encoded)
        record = replace(record, decode=cost)
        found, absent = measure(task, subject.pixels, painted)
    except Stopped as stopped:
        return replace(record, failure=stopped.failure)
    if task.pictures is not None:
        keep(task.pictures, record, subject.pixels, painted)
    return replace(record, figures=found, absent=absent, failure=None)


def checked(record: Record, encoded: Encoded) -> Record:
    """The record of a file; one over its budget, or whose layers do not add up, is a failure of the encoder."""
    try:
        return replace(
            record,
            blob_sha256=hashlib.sha256(encoded.blob).hexdigest(),
            bytes=len(encoded.blob),
            layer_bytes=dict(encoded.layer_bytes),
            encode=encoded.cost,
            chosen=encoded.chosen,
        )
    except LimnerError as error:
        over = record.budget_bytes is not None and len(encoded.blob) > record.budget_bytes
        raise Stopped("encode", StageError("OverBudget" if over else "LimnerError", str(error))) from error


def encode(task: Task, setting: Setting, subject: Subject) -> Encoded:
    # Libraries of codecs raise what they like: that is a row, and the run goes on.
    try:
        return task.system.encode(subject, setting, task.seal)
    except Exception as error:
        raise Stopped("encode", error) from error


def decode(task: Task, subject: Subject, encoded: Encoded) -> tuple[Pixels, Cost | None]:
    how = encoded.decoding
    seal = replace(task.seal, limit_s=min(task.seal.limit_s, how.limit_s))
    try:
        ended = sealing.run(how.command, {how.source: encoded.blob}, how.target, seal)
        data = output_of(ended, "the decoder", seal.limit_s)
        painted = pictures.from_file(data, Path(how.target).suffix.removeprefix("."))
        if painted.shape != subject.pixels.shape:
            raise ImageError("painted were {1} x {0} px, not {3} x {2}".format(*painted.shape[:2], *subject.pixels.shape[:2]))
    except Exception as error:
        raise Stopped("decode", error) from error
    return painted, ended.cost


def measure(task: Task, original: Pixels, painted: Pixels) -> tuple[dict[str, float], dict[str, str]]:
    """Figures, rounded, and what is absent with the reason. What is said of the original is the truth, whatever was sent."""
    scene = task.item.scene
    told = Told(scene.caption or scene.overall, tuple(thing.name for thing in scene.things))
    try:
        found, absent = measures.measured(original, painted, told, task.metrics, table(task.measured_on))
    except Exception as error:
        raise Stopped("measure", error) from error
    return {name: round(value, DIGITS) for name, value in found.items()}, absent


@lru_cache(maxsize=2)
def table(device: str) -> Mapping[str, Measure]:
    """All metrics, with their nets on a device."""
    return measures.on(device)


def keep(folder: Path, record: Record, original: Pixels, painted: Pixels) -> None:
    """Write what was painted, and the original if it is not there."""
    for name, pixels in ((kept_picture(record), painted), (kept_original(record), original)):
        path = folder / name
        if pixels is painted or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                image.save(pixels, path)
            except OSError as error:
                raise LimnerError(f"{path} cannot be written: {error.strerror}") from error
