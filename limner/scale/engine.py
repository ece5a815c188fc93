"""Who does the parts: this process, processes beside it, or a cluster by Ray Data. All do the same, a part at a time."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from limner.cores import THREADS
from limner.errors import LimnerError, one_line
from limner.extras import need
from limner.many import many
from limner.scale.parts import Part
from limner.scale.place import EXTRA
from limner.scale.work import Done, Job

if TYPE_CHECKING:
    from types import ModuleType

PART, DONE, FAULT = "part", "done", "fault"
LOCAL = "local"
# No reports to its makers; and it warns of what it does itself with actors that may begin again.
SILENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}


class Engine(Protocol):
    def done(self, job: Job, parts: Iterable[Part]) -> Generator[Done, None, None]:
        """Do the parts and tell of each as it is done. Closing it ends the work: what is whole stays."""
        ...


@dataclass(frozen=True)
class Plain:
    """This process, or several beside it; parts are planned as they are needed."""

    processes: int = 1

    def done(self, job: Job, parts: Iterable[Part]) -> Generator[Done, None, None]:
        for result in many(job, parts, self.processes, _back, window=2 * self.processes):
            yield job.with_care(result) if isinstance(result, Part) else result


def _back(part: Part) -> Part:
    """Whose worker died: it needs care."""
    return part


@dataclass(frozen=True)
class Ray:
    """A cluster. address: "auto" for the one that this machine belongs to, a URL, or "local" for one that lives as long as the
    run. workers: how many, each with its weights; None: one for each core or GPU. gpus: of each worker, 0 for a core."""

    address: str = LOCAL
    workers: int | None = None
    gpus: float = 0

    def __post_init__(self) -> None:
        if self.gpus < 0 or (self.workers is not None and self.workers < 1):
            raise LimnerError("a cluster needs a worker at least, and no fewer GPUs than none")

    def done(self, job: Job, parts: Iterable[Part]) -> Generator[Done, None, None]:
        planned = [{PART: part.to_json()} for part in parts]
        if not planned:
            return
        with self._cluster() as data, _quiet():
            pool = data.ActorPoolStrategy(size=min(self._workers(), len(planned)), max_tasks_in_flight_per_actor=2)
            rows = data.from_items(planned, override_num_blocks=len(planned)).map(
                Worker, fn_constructor_args=(job,), compute=pool, num_cpus=1, num_gpus=self.gpus or None
            )
            for row in rows.iter_rows():
                if row[FAULT]:
                    raise LimnerError(row[FAULT])
                yield Done.from_json(row[DONE])

    def _workers(self) -> int:
        """As many as the cluster has room for, unless it was said."""
        if self.workers is not None:
            return self.workers
        there = need("ray", extra=EXTRA).cluster_resources()
        return max(1, int(there.get("GPU", 0) / self.gpus) if self.gpus else int(there.get("CPU", 1)))

    @contextmanager
    def _cluster(self) -> Iterator[ModuleType]:
        """Ray Data, with a cluster behind it; one that was begun here ends here."""
        ray, data = need("ray", extra=EXTRA), need("ray.data", extra=EXTRA)
        if ray.is_initialized():
            yield data
            return
        # A worker has one core, and as many threads.
        environment = {"env_vars": dict.fromkeys(THREADS, "1")}
        own = {"include_dashboard": False, "num_cpus": self.workers} if self.address == LOCAL else {}
        try:
            with _variables(SILENT):
                ray.init(address=self.address, runtime_env=environment, log_to_driver=False, logging_level="ERROR", **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise LimnerError(f"no cluster at {self.address}: {one_line(error)}") from error
        try:
            yield data
        finally:
            ray.shutdown()


@contextmanager
def _variables(said: Mapping[str, str]) -> Iterator[None]:
    """The environment with these, where they are not set, until the block ends."""
    ours = {name: value for name, value in said.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


class Worker:
    """A worker of the cluster: an actor that keeps its weights."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, row: Mapping[str, str]) -> dict[str, str]:
        """A part as JSON -> what came of it as JSON. What ends the run is told and not raised: Ray would try it again."""
        part = Part.from_json(row[PART])
        try:
            result = self.job(part)
            done = self.job.with_care(result) if isinstance(result, Part) else result
        except (LimnerError, OSError) as error:
            return {DONE: "", FAULT: one_line(error)}
        return {DONE: done.to_json(), FAULT: ""}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the bars, reports and warnings of Ray Data itself; its errors are heard."""
    logger = logging.getLogger("ray.data")
    before = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        need("ray.data", extra=EXTRA).DataContext.get_current().enable_progress_bars = False
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
