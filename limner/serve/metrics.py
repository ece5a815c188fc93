"""Counts and times as Prometheus reads them: text format 0.0.4.

Labels are routes, methods, statuses and names of ours: as many series as the code has, whatever is asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gauge:
    """A value of this moment."""

    name: str
    help: str
    values: tuple[tuple[Labels, float], ...]


@dataclass
class Times:
    """Durations in buckets: how many were at most so long."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds


@dataclass
class Meter:
    """What is counted while the service runs."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    times: dict[str, Times] = field(default_factory=dict)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    upload_bytes: int = 0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        self.requests[route, method, status] += 1
        self.times.setdefault(route, Times()).add(seconds)

    def ended(self, pool: str, why: str) -> None:
        """A worker has ended."""
        self.ends[pool, why] += 1

    def text(self, gauges: Iterable[Gauge]) -> str:
        """All of it, with values of this moment."""
        lines = [*self._requests(), *self._times(), *self._ends()]
        lines += _head("limner_upload_bytes_total", "Bytes of bodies received", "counter")
        lines.append(f"limner_upload_bytes_total {self.upload_bytes}")
        for gauge in gauges:
            lines += _head(gauge.name, gauge.help, "gauge")
            lines += [f"{gauge.name}{_labels(labels)} {value:g}" for labels, value in gauge.values]
        return "\n".join(lines) + "\n"

    def _requests(self) -> Iterator[str]:
        yield from _head("limner_requests_total", "Requests by route, method and status", "counter")
        for (route, method, status), number in sorted(self.requests.items()):
            yield f"limner_requests_total{_labels((('route', route), ('method', method), ('status', str(status))))} {number}"

    def _times(self) -> Iterator[str]:
        name = "limner_request_seconds"
        yield from _head(name, "Time from the head of a request to the end of its answer", "histogram")
        for route, times in sorted(self.times.items()):
            below = 0
            for bound, number in zip((*(f"{bucket:g}" for bucket in BUCKETS_S), "+Inf"), times.counts, strict=True):
                below += number
                yield f"{name}_bucket{_labels((('route', route), ('le', bound)))} {below}"
            yield f"{name}_sum{_labels((('route', route),))} {times.total_s:.6f}"
            yield f"{name}_count{_labels((('route', route),))} {below}"

    def _ends(self) -> Iterator[str]:
        name = "limner_worker_ends_total"
        yield from _head(name, "Workers that ended: died, over time, worn (near their memory limit), idle", "counter")
        for (pool, why), number in sorted(self.ends.items()):
            yield f"{name}{_labels((('pool', pool), ('why', why)))} {number}"


def _head(name: str, help: str, kind: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _labels(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
