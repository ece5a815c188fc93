"""What miniature has to stay under, on two cores."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limner.bench.speed.clock import IMPORT, PICTURE, PNG
from limner.bench.speed.rows import COLD, DECODE, ENCODE, MINIATURE, START, WARM, Sample, State

THREADS = 2
FILES = (PICTURE, PNG)


@dataclass(frozen=True)
class Limit:
    """``only``: the one stage that it is about; ``without``: stages that it is not about; neither, the whole. ``size_px``: None
    for any. ``most_bytes``: of memory, None for no limit."""

    what: str
    system: str
    task: str
    setting: str
    size_px: tuple[int, int] | None
    state: State
    most_s: float
    most_bytes: float | None = None
    only: str = ""
    without: tuple[str, ...] = ()

    def about(self, sample: Sample) -> bool:
        case = sample.case
        asked = (self.system, self.task, self.setting, self.state, THREADS)
        same = (case.system, case.task, case.setting, case.state, case.threads) == asked
        return same and sample.cost is not None and self.size_px in (None, (case.width_px, case.height_px))

    def seconds(self, sample: Sample) -> float:
        if self.only:
            return sample.stages_s[self.only]
        return sample.wall_s - sum(sample.stages_s.get(stage, 0.0) for stage in self.without)


def coding(size_px: tuple[int, int], most_s: float, most_bytes: float) -> Iterator[Limit]:
    """Of the codec alone, from pixels to a file and back."""
    for task in (ENCODE, DECODE):
        for setting in ("target_bytes=1500", "quality=32"):
            what = "{} {} x {}, {}, warm, files of pictures aside".format(task, *size_px, setting)
            yield Limit(what, MINIATURE, task, setting, size_px, WARM, most_s, most_bytes, without=FILES)


LIMITS = (
    Limit("import limner", START, "import limner", "", None, COLD, 0.15, only=IMPORT),
    Limit("limner --help, the whole process", START, "limner --help", "", None, COLD, 0.5),
    Limit("limner decode of 768 x 512, the whole process", START, "limner decode", "", (768, 512), COLD, 1.0),
    *coding((768, 512), 0.15, 350e6),
    *coding((4000, 3000), 12.0, 1500e6),
)


@dataclass(frozen=True)
class Judged:
    """A limit, and what was measured: the median of seconds, and the most memory of a process."""

    limit: Limit
    seconds: float
    peak_bytes: int

    @property
    def holds(self) -> bool:
        return self.seconds < self.limit.most_s and (self.limit.most_bytes is None or self.peak_bytes < self.limit.most_bytes)


def judged(samples: Sequence[Sample]) -> list[Judged]:
    """Those limits that there are samples for."""
    found = []
    for limit in LIMITS:
        about = [sample for sample in samples if limit.about(sample)]
        if about:
            peaks = [sample.cost.peak_bytes for sample in about if sample.cost is not None]
            found.append(Judged(limit, statistics.median(map(limit.seconds, about)), max(peaks)))
    return found
