"""What the process that is measured is asked, and what it reports, both as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from limner.bench.speed.tasks import Task

REQUEST, REPORT = "request.json", "report.json"
PICTURE, FILE = "picture.png", "picture.limn"


@dataclass(frozen=True)
class Request:
    """``turns`` of a task are counted, after so many that are not; no new one begins when those that count have taken
    ``patience_s``. ``weights``: a folder, "" for those at hand. ``powercap``: where the energy is told."""

    system: str
    task: Task
    weights: str
    caption: str
    warm_ups: int
    turns: int
    patience_s: float
    powercap: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, path: Path) -> Request:
        found = json.loads(path.read_text("utf-8"))
        return cls(**found | {"task": Task(**found["task"])})


@dataclass(frozen=True)
class Turn:
    """Seconds by stage, and what the processor's packages took."""

    stages_s: dict[str, float]
    stages_cpu_s: dict[str, float]
    energy_j: float | None


@dataclass(frozen=True)
class Report:
    """The turns that count. ``bytes``: length of the file; ``sha256``: of what was made, a file or a picture's pixels."""

    turns: tuple[Turn, ...]
    bytes: int
    sha256: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Report:
        found = json.loads(text)
        return cls(tuple(Turn(**turn) for turn in found["turns"]), found["bytes"], found["sha256"])
