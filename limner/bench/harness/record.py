"""One line of ``rows.jsonl``: what became of one picture in one system at one setting. A failure is a row too.

    run -> Record -> to_line -> rows.jsonl -> read -> report

The first line of a file is its `Head`: what all its records share. Standard library only, so that reports need no more.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, get_args

from limner.bench.harness.checks import is_number, is_table, is_text, is_whole, matches, need, object_of, same_names
from limner.errors import LimnerError

FORMAT = 1  # counted up when older readers would misread the lines

Stage = Literal["encode", "decode", "measure"]
WORDS = ("true", "empty", "shuffled", "na", "none")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._=,]+")
_HEX = re.compile(r"[0-9a-f]+")
_BUDGET = re.compile(r"target_bytes=(\d+)(?: |$)")


@dataclass(frozen=True)
class Cost:
    """What a process took: wall seconds, CPU seconds (user and system, with its children), peak resident memory in bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int

    def __post_init__(self) -> None:
        for name, value in (("wall_s", self.wall_s), ("cpu_s", self.cpu_s)):
            need(is_number(value) and 0 <= value < math.inf, name, "is seconds from 0 up", value)
        need(is_whole(self.peak_bytes) and self.peak_bytes > 0, "peak_bytes", "is a number of bytes over 0", self.peak_bytes)


@dataclass(frozen=True)
class Failure:
    """Where it went wrong, the class of the error, and what it said."""

    stage: Stage
    error: str
    message: str

    def __post_init__(self) -> None:
        need(self.stage in get_args(Stage), "failure.stage", f"is one of {', '.join(get_args(Stage))}", self.stage)
        need(is_text(self.error) and self.error != "", "failure.error", "names a class", self.error)
        need(is_text(self.message), "failure.message", "is text", self.message)


@dataclass(frozen=True)
class Record:
    """One picture through one system at one setting. Raises LimnerError if it contradicts itself.

    ``picture``: name within the data set ``data``, folders and all; ``preparation``: what was done to it first, or "none".
    ``picture_sha256``: of ``f"{width} {height}\\n"`` and the RGB bytes of the prepared pixels. ``setting``: one line that
    tells the settings of a system apart: equal text, equal setting. ``budget_bytes``: None where there was none; a file over it
    cannot be recorded but as a failure. ``words``: which were given, "none" to a system that takes none. ``layer_bytes``:
    owner -> bytes, which add up to ``bytes``; empty where the format is not ours. ``weights_sha256``: identity of the weights
    in hex, None where there are none. ``figures``: metric -> value, finite, of those alone that were computed; ``absent``:
    metric -> why it is not there. ``encode``: of the encoder, None where it was not measured, as of files kept from earlier;
    ``decode``: of the decoder's whole fresh process. ``versions``: of all that the outcome depends on. ``device``: "cpu", or an
    accelerator's name. ``failure``: then there are no figures. ``chosen``: what the encoder chose for this picture, for people.
    """

    picture: str
    data: str
    preparation: str
    picture_sha256: str
    width_px: int
    height_px: int
    system: str
    setting: str
    budget_bytes: int | None
    words: str
    seed: int
    blob_sha256: str | None
    bytes: int | None
    layer_bytes: dict[str, int]
    weights_sha256: str | None
    figures: dict[str, float]
    absent: dict[str, str]
    encode: Cost | None
    decode: Cost | None
    versions: dict[str, str]
    device: str
    failure: Failure | None
    chosen: str = ""

    def __post_init__(self) -> None:
        self._check_question()
        self._check_file()
        self._check_answer()

    def _check_question(self) -> None:
        for name in ("picture", "data", "preparation", "system", "device"):
            value = getattr(self, name)
            need(is_text(value) and value != "", name, "is text", value)
        need(is_text(self.chosen), "chosen", "is text", self.chosen)
        one_line = is_text(self.setting) and self.setting != "" and " ".join(self.setting.split()) == self.setting
        need(one_line and self.setting.isprintable(), "setting", "is one line of words with a space between", self.setting)
        need(self.words in WORDS, "words", f"is one of {', '.join(WORDS)}", self.words)
        for name, least in (("width_px", 1), ("height_px", 1), ("seed", 0)):
            value = getattr(self, name)
            need(is_whole(value) and value >= least, name, f"is a whole number from {least} up", value)
        need(matches(_SHA256, self.picture_sha256), "picture_sha256", "is a SHA-256 in hex", self.picture_sha256)
        budget = self.budget_bytes
        need(budget is None or (is_whole(budget) and budget > 0), "budget_bytes", "is a whole number over 0", budget)
        told = _BUDGET.match(self.setting)
        need(told is None or int(told[1]) == budget, "budget_bytes", f"is not what {self.setting!r} says", budget)
        need(is_table(self.versions, str), "versions", "is a table of texts", self.versions)
        weights = self.weights_sha256
        need(weights is None or matches(_HEX, weights), "weights_sha256", "is in hex", weights)

    def _check_file(self) -> None:
        size, sha256 = self.bytes, self.blob_sha256
        need((size is None) == (sha256 is None), "bytes", "and blob_sha256 come together", (size, sha256))
        need(is_table(self.layer_bytes, int), "layer_bytes", "is a table of numbers of bytes", self.layer_bytes)
        if size is not None:
            need(is_whole(size) and size >= 0, "bytes", "is a whole number", size)
            need(matches(_SHA256, sha256), "blob_sha256", "is a SHA-256 in hex", sha256)
            over = self.budget_bytes is not None and size > self.budget_bytes
            need(not over, "bytes", f"is over the budget of {self.budget_bytes}", size)
        if self.layer_bytes:
            added = sum(self.layer_bytes.values())
            need(min(self.layer_bytes.values()) >= 0, "layer_bytes", "has less than nothing", self.layer_bytes)
            need(added == size, "layer_bytes", f"adds up to {added} of {size} bytes", self.layer_bytes)

    def _check_answer(self) -> None:
        need(is_table(self.figures, float), "figures", "is a table of numbers", self.figures)
        for name, value in self.figures.items():
            need(math.isfinite(value), f"figures.{name}", "is finite, or it is absent", value)
        need(is_table(self.absent, str) and all(self.absent.values()), "absent", "says why", self.absent)
        both = self.figures.keys() & self.absent.keys()
        need(not both, "absent", "has figures", sorted(both))
        for name in ("encode", "decode"):
            cost = getattr(self, name)
            need(cost is None or isinstance(cost, Cost), name, "is a cost", cost)
        if self.failure is not None:
            need(isinstance(self.failure, Failure), "failure", "is one", self.failure)
            need(not self.figures and not self.absent, "figures", "and a failure exclude each other", self.figures)
        else:
            need(self.bytes is not None and self.decode is not None, "failure", "is needed without a decoded file", None)
            need(bool(self.figures or self.absent), "figures", "or a failure: neither is there", self.figures)


@dataclass(frozen=True)
class Head:
    """The first line of a file of records: what all of them share.

    ``metrics``: name -> full parameters; ``command``: what makes these records; ``settings``: name -> value, whatever else held
    for the whole run.
    """

    metrics: dict[str, str] = field(default_factory=dict)
    command: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in (("metrics", self.metrics), ("settings", self.settings)):
            need(is_table(value, str), f"head.{name}", "is a table of texts", value)
        need(is_text(self.command), "head.command", "is text", self.command)


Key = tuple[str, str, str, str, str, str, str, int]


def key(record: Record) -> Key:
    """What was asked: no two records of a file have the same."""
    asked = (record.data, record.preparation, record.picture, record.picture_sha256)
    return (*asked, record.system, record.setting, record.words, record.seed)


def order(record: Record) -> tuple[str, str, str, str, int, str, str, int, str]:
    """What records are sorted by: pictures by name, budgets rising. Two records of equal order have equal keys."""
    where = (record.data, record.preparation, record.picture)
    asked = (record.system, record.budget_bytes or 0, record.setting, record.words, record.seed)
    return (*where, *asked, record.picture_sha256)


def same(one: Record, other: Record) -> bool:
    """Whether two records say the same, times, memory and the wording of a failure aside."""
    return _timeless(one) == _timeless(other)


def _timeless(record: Record) -> Record:
    failure = None if record.failure is None else replace(record.failure, message="")
    decode = None if record.decode is None else Cost(0.0, 0.0, 1)
    return replace(record, encode=None, decode=decode, failure=failure)


def kept_original(record: Record) -> str:
    """Where a run with ``--keep`` puts the prepared picture, from the folder of the records on."""
    return f"pictures/{record.picture_sha256[:16]}/original.png"


def kept_picture(record: Record) -> str:
    """Where a run with ``--keep`` puts what was painted, from the folder of the records on."""
    told = _UNSAFE.sub("-", f"{record.system} {record.setting} {record.words} {record.seed}")
    return f"pictures/{record.picture_sha256[:16]}/{told}.png"


def to_line(row: Record | Head) -> str:
    """One line of JSON, without its line end."""
    found = {"limner_rows": FORMAT, **asdict(row)} if isinstance(row, Head) else asdict(row)
    return json.dumps(found, allow_nan=False)


def from_line(line: str) -> Record:
    """Read a record: the inverse of `to_line`. Raises LimnerError for anything else."""
    found = object_of(line)
    same_names(found, {entry.name for entry in fields(Record)}, "a record")
    figures = found["figures"]
    if isinstance(figures, dict):
        found["figures"] = {name: float(value) if is_number(value) else value for name, value in figures.items()}
    for name in ("encode", "decode"):
        found[name] = cost_of(found[name])
    found["failure"] = _failure(found["failure"])
    return Record(**found)  # type: ignore[arg-type]  # it checks itself


def head_from_line(line: str) -> Head:
    """Read the first line of a file. Raises LimnerError for anything else."""
    found = object_of(line)
    version = found.pop("limner_rows", None)
    if version != FORMAT:
        raise LimnerError(f"not the first line of records that this version reads: limner_rows is {version}, not {FORMAT}")
    same_names(found, {entry.name for entry in fields(Head)}, "a head")
    return Head(**found)  # type: ignore[arg-type]  # it checks itself


def read(path: Path) -> tuple[Head, list[Record]]:
    """Read a file of records. A last line without its end, which a killed run leaves behind, is left out.

    Raises LimnerError, naming the line, for anything that is no record, and where two records answer one question.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise LimnerError(f"{path}: {error.strerror or error}") from error
    if not lines:
        raise LimnerError(f"{path}: holds no records")
    head, found = Head(), dict[Key, Record]()
    for number, line in enumerate(lines, 1):
        try:
            if number == 1:
                head = head_from_line(line.decode())
                continue
            record = from_line(line.decode())
        except ValueError as error:
            raise LimnerError(f"{path}, line {number}: {error}") from error
        if found.setdefault(key(record), record) is not record:
            raise LimnerError(f"{path}, line {number}: {record.picture}, {record.system}, {record.setting} is there already")
    return head, list(found.values())


def cost_of(found: object) -> Cost | None:
    """A cost as its line has it. Raises LimnerError for anything else."""
    if found is None:
        return None
    if not isinstance(found, dict):
        raise LimnerError("not a cost")
    same_names(found, {entry.name for entry in fields(Cost)}, "a cost")
    return Cost(**found)


def _failure(found: object) -> Failure | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise LimnerError("not a failure")
    same_names(found, {entry.name for entry in fields(Failure)}, "a failure")
    return Failure(**found)
