"""Lines of ``speed.jsonl``: a head, then one sample each. Standard library only.

Nothing here tells who or where: no machine's name, no path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from limner.bench.harness.checks import is_number, is_table, is_text, is_whole, need, object_of, same_names
from limner.bench.harness.record import Cost, cost_of
from limner.errors import LimnerError

FORMAT = 1
"""Counted up when lines change in a way that older readers would misread."""

State = Literal["cold", "dropped", "warm"]
COLD, DROPPED, WARM = get_args(State)
"""A fresh process; one before which the system's caches of files were dropped; a turn in a process that has had one before."""
ENCODE, DECODE = "encode", "decode"
MINIATURE, START = "miniature", "start"
"""Systems that more than their own files know of: the second is the command itself."""
SLACK_S = 0.002  # stages and their sum are taken by two clocks


@dataclass(frozen=True)
class Head:
    """The first line: what all samples share.

    ``machine``: name -> what is known of it. ``versions``: of packages. ``picture``: what all sizes are made from.
    ``settings``: name -> value. ``weights``: system -> name and identity. ``absent``: what is not known of the machine -> why.
    """

    command: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    picture: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("command", "picture"):
            need(is_text(getattr(self, name)), f"head.{name}", "is text", getattr(self, name))
        for name in ("machine", "versions", "settings", "weights", "absent"):
            need(is_table(getattr(self, name), str), f"head.{name}", "is a table of texts", getattr(self, name))


@dataclass(frozen=True)
class Case:
    """What is measured. Raises LimnerError if it contradicts itself.

    ``task``: "encode", "decode", or a command line. ``setting``: how, in one line; "" of a command line. ``width_px``,
    ``height_px``: None where there is no picture. ``threads``: how many it may use, on as many cores.
    """

    system: str
    task: str
    setting: str
    width_px: int | None
    height_px: int | None
    threads: int
    state: State

    def __post_init__(self) -> None:
        for name in ("system", "task"):
            value = getattr(self, name)
            need(is_text(value) and value != "", name, "is text", value)
        need(is_text(self.setting), "setting", "is text", self.setting)
        need((self.width_px is None) == (self.height_px is None), "width_px", "and height_px come together", self.width_px)
        for name in ("width_px", "height_px"):
            value = getattr(self, name)
            need(value is None or (is_whole(value) and value > 0), name, "is a whole number over 0", value)
        need(is_whole(self.threads) and self.threads > 0, "threads", "is a whole number over 0", self.threads)
        need(self.state in get_args(State), "state", f"is one of {', '.join(get_args(State))}", self.state)

    @property
    def size(self) -> str:
        return "" if self.width_px is None else f"{self.width_px} x {self.height_px}"

    @property
    def words(self) -> str:
        """What it is called."""
        named = " ".join(word for word in (self.system, self.task, self.setting, self.size and f"{self.size} px") if word)
        return f"{named}, {self.threads} threads, {self.state}"


@dataclass(frozen=True)
class Sample:
    """One turn of a case. Raises LimnerError if it contradicts itself.

    ``turn``: from 0 up. ``cost``: seconds of the turn, of the whole process where it is a fresh one; the most memory that its
    process held; None after a failure. ``stages_s``, ``stages_cpu_s``: stage -> seconds, which add up to those of the turn, or
    nothing where a system shows no stages. ``energy_j``: of the processor's packages meanwhile, whatever they did; None where
    it is not known. ``bytes``: length of the file. ``load_before``, ``load_after``: processes that wanted to run, means of a
    minute, its own among them. ``others_cores``: how many of the cores it was bound to others took while its process ran.
    ``failure``: why there is nothing, else "".
    """

    case: Case
    turn: int
    cost: Cost | None
    stages_s: dict[str, float] = field(default_factory=dict)
    stages_cpu_s: dict[str, float] = field(default_factory=dict)
    energy_j: float | None = None
    bytes: int | None = None
    load_before: float | None = None
    load_after: float | None = None
    others_cores: float | None = None
    failure: str = ""

    def __post_init__(self) -> None:
        need(isinstance(self.case, Case), "case", "is one", self.case)
        need(is_whole(self.turn) and self.turn >= 0, "turn", "is a whole number from 0 up", self.turn)
        need(self.cost is None or isinstance(self.cost, Cost), "cost", "is one", self.cost)
        need(is_text(self.failure), "failure", "is text", self.failure)
        need((self.cost is None) == (self.failure != ""), "failure", "is where no cost is", self.failure)
        for name in ("energy_j", "load_before", "load_after", "others_cores"):
            value = getattr(self, name)
            need(value is None or (is_number(value) and value >= 0), name, "is a number from 0 up", value)
        need(self.bytes is None or (is_whole(self.bytes) and self.bytes > 0), "bytes", "is a whole number over 0", self.bytes)
        self._check_stages()

    def _check_stages(self) -> None:
        for name in ("stages_s", "stages_cpu_s"):
            stages = getattr(self, name)
            need(is_table(stages, float) and min(stages.values(), default=0) >= 0, name, "is a table of seconds", stages)
        need(self.stages_s.keys() == self.stages_cpu_s.keys(), "stages_cpu_s", "has the same stages", self.stages_cpu_s)
        if self.stages_s and self.cost is not None:
            added = sum(self.stages_s.values())
            need(abs(added - self.cost.wall_s) <= SLACK_S, "stages_s", f"adds up to {added:g} of {self.cost.wall_s:g} s", "")

    @property
    def wall_s(self) -> float:
        """Of a sample that did not fail."""
        return 0.0 if self.cost is None else self.cost.wall_s


def to_line(row: Head | Sample) -> str:
    """One line of JSON, without its line end."""
    if isinstance(row, Head):
        return json.dumps({"limner_speed": FORMAT, **asdict(row)}, allow_nan=False)
    found = asdict(row)
    return json.dumps({**found.pop("case"), **found}, allow_nan=False)


def from_line(line: str) -> Sample:
    """Read a sample: the inverse of `to_line`. Raises LimnerError for anything else."""
    found = object_of(line)
    of_case = {entry.name for entry in fields(Case)}
    own = {entry.name for entry in fields(Sample)} - {"case"}
    same_names(found, of_case | own, "a sample")
    for name in ("stages_s", "stages_cpu_s"):
        stages = found[name]
        if isinstance(stages, dict):
            found[name] = {stage: float(value) if is_number(value) else value for stage, value in stages.items()}
    case = Case(**{name: found[name] for name in of_case})  # type: ignore[arg-type]  # it checks itself
    rest = {name: found[name] for name in own} | {"cost": cost_of(found["cost"])}
    return Sample(case, **rest)  # type: ignore[arg-type]  # it checks itself


def head_from_line(line: str) -> Head:
    """Read the first line of a file. Raises LimnerError for anything else."""
    found = object_of(line)
    version = found.pop("limner_speed", None)
    if version != FORMAT:
        raise LimnerError(f"not the first line of samples that this version reads: limner_speed is {version}, not {FORMAT}")
    same_names(found, {entry.name for entry in fields(Head)}, "a head")
    return Head(**found)  # type: ignore[arg-type]  # it checks itself


def to_text(head: Head, samples: Iterable[Sample]) -> str:
    """The whole file."""
    return "".join(f"{line}\n" for line in (to_line(head), *map(to_line, samples)))


def read(path: Path) -> tuple[Head, list[Sample]]:
    """Read a file of samples. Raises LimnerError, naming the line, for anything that is none, and for the same one twice."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise LimnerError(f"{path}: cannot be read: {error}") from error
    if not lines:
        raise LimnerError(f"{path}: holds no samples")
    head, found = Head(), dict[tuple[Case, int], Sample]()
    for number, line in enumerate(lines, 1):
        try:
            if number == 1:
                head = head_from_line(line)
                continue
            sample = from_line(line)
            if found.setdefault((sample.case, sample.turn), sample) is not sample:
                raise LimnerError(f"{sample.case.words} is there already")
        except LimnerError as error:
            raise LimnerError(f"{path}, line {number}: {error}") from error
    return head, list(found.values())
