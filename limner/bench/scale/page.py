"""The page of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limner.bench.load import TARGET_BYTES
from limner.bench.rows import table
from limner.bench.running import Held
from limner.bench.scale.cost import Prices, Size, cost, on_gpu
from limner.bench.scale.crops import SIDES_PX
from limner.bench.scale.runs import Result
from limner.bench.speed.machine import described, versions

MB = 1e6
POINTS = 20
NUMBERS = (10**6, 10**9)


@dataclass(frozen=True)
class Found:
    """What was measured. loop_s, loop_wall_s: of the plain loop over all pictures, and of its process. gpu: seconds of a
    picture by what paints it, as told."""

    pictures: int
    part: int
    loop_s: float
    loop_wall_s: float
    results: Sequence[Result]
    sizes: Sequence[Size]
    prices: Prices
    gpu: Mapping[str, float]

    @property
    def holds(self) -> bool:
        return all(result.holds for result in self.results)

    @property
    def cluster(self) -> Result:
        """The run on the cluster in which nobody was killed."""
        return next(result for result in self.results if not result.way.killed and "--workers" in result.way.options)

    @property
    def overhead(self) -> float:
        """Seconds of a worker for each second of a row."""
        return max(1.0, self.cluster.busy_s / self.cluster.row_s)


def page(found: Found, machine: str, command: str) -> str:
    parts = [
        f"# {found.pictures} pictures by every engine of `limner scale`\n",
        f"Printed by the command below; nothing here is written by hand.\n\n```\n{command}\n```\n\n{machine}\n",
        table(["machine", ""], [[name, text] for name, text in {**described(), **versions()}.items()]),
        _throughput(found),
        *(_over_time(result) for result in found.results),
        _sizes(found),
        _cost(found),
    ]
    return "\n".join(parts)


def _throughput(found: Found) -> str:
    one = found.pictures / found.loop_s
    head = ["run", "pictures/s", "of a core's speed", "command s", "lost", "repeated", "different", "failed", "killed", ""]
    lines = [["the plain loop", f"{one:.2f}", "100 %", f"{found.loop_wall_s:.0f}", *["–"] * 6]]
    for result in found.results:
        share = result.per_s / (one * result.way.workers)
        faults = [result.lost, result.repeated, result.different, result.failed, result.killed]
        cells = [result.way.name, f"{result.per_s:.2f}", f"{100 * share:.0f} %", f"{result.wall_s:.0f}", *map(str, faults)]
        lines.append([*cells, "holds" if result.holds else "does not hold"])
    cluster = found.cluster
    return f"""## Throughput, and what is lost

Pieces of photographs with sides of {SIDES_PX[0]} to {SIDES_PX[1]} px, as JPEG, to files of at most {TARGET_BYTES} bytes
in tables, {found.part} pictures a part; every process has one thread. *Pictures/s*: of the plain loop over its pictures; of
the others between the first part that was there and the last, so that the start of the engine is not in it; *command s* has
all. *Of a core's speed*: for each worker, as a part of the plain loop's. *Different*: files that are not those of the plain
loop, byte for byte. *Lost*: pictures without a row. *Repeated*: pictures with two rows, and tables that were there when a
worker was killed and were written anew.

{table(head, lines)}
On the cluster a worker takes {found.overhead:.3f} s for each second of a picture's row, which is from bytes to bytes: the
rest is reading, hashing and writing. It read {cluster.read_bytes / MB:.1f} MB and wrote {cluster.written_bytes / MB:.1f} MB,
{cluster.written_bytes / cluster.pictures:.0f} bytes a picture.
"""


def _over_time(result: Result) -> str:
    lines = []
    for held in _points(result.held):
        rows = max((rows for moment, rows in result.written if moment <= held.after_s), default=0)
        cells = [f"{held.after_s:.0f}", str(rows), *(f"{value / MB:.0f}" for value in (held.front, held.worker, held.together))]
        lines.append(cells)
    head = ["after s", "pictures in tables", "command MB", "largest worker MB", "all MB"]
    return f"""## Over time: {result.way.name}

Memory is the most that was held since the row above; pages that processes share are counted for each.

{table(head, lines)}"""


def _points(held: Sequence[Held]) -> list[Held]:
    """The most of every stretch, at its end."""
    if not held:
        return []
    found = []
    for number in range(POINTS):
        stretch = held[number * len(held) // POINTS : (number + 1) * len(held) // POINTS]
        if stretch:
            most = [max(getattr(one, name) for one in stretch) for name in ("front", "worker", "together")]
            found.append(Held(stretch[-1].after_s, *most))
    return found


def _sizes(found: Found) -> str:
    lines = [
        [
            size.name,
            str(size.pictures),
            f"{1000 * size.encode_s:.1f}",
            f"{1 / size.encode_s:.1f}",
            f"{1000 * size.decode_s:.1f}",
            f"{1 / size.decode_s:.1f}",
            f"{size.source_bytes:.0f}",
            f"{size.bytes:.0f}",
        ]
        for size in found.sizes
    ]
    head = ["pictures of", "measured", "encode ms", "pictures/core-s", "decode ms", "pictures/core-s", "bytes read", "bytes"]
    return f"""## Seconds of a picture

By `limner scale bench`, one process of one thread, files of at most {TARGET_BYTES} bytes; from a
picture's bytes to these, and back to pixels.

{table(head, lines)}"""


def _cost(found: Found) -> str:
    prices = found.prices
    row_bytes = found.cluster.written_bytes / found.cluster.pictures - found.sizes[0].bytes
    lines = []
    for size in found.sizes:
        for number in NUMBERS:
            one = cost(size, number, found.overhead, max(0.0, row_bytes), prices)
            cells = [f"{one.core_hours:,.0f}", f"{one.hours:,.1f}", f"{one.price:,.2f}"]
            cells += [f"{one.read_bytes / 1e9:,.1f}", f"{one.written_bytes / 1e9:,.2f}", f"{one.storage:,.2f}"]
            lines.append([f"{number:,} {size.name}", *cells])
    head = ["pictures", "core-hours", f"hours on {prices.cores} cores", "price", "GB read", "GB written", "a month's storage"]
    text = f"""## What very many cost

Encoding, computed from the seconds above times {found.overhead:.3f}, and from what is assumed: {prices.core_hour:g} for a
core-hour, {prices.gb_month:g} for a GB-month, {prices.cores} cores of this speed at work at once, none idle. Requests to an
object store and the network are not in it.

{table(head, lines)}"""
    if not found.gpu:
        return text
    painted = [
        [f"{number:,} by {name}", f"{seconds:g}", f"{1 / seconds:.3g}", *map(_rounded, on_gpu(number, seconds, prices))]
        for name, seconds in found.gpu.items()
        for number in NUMBERS
    ]
    head = ["pictures", "GPU seconds of one", "pictures/GPU-s", "GPU-hours", "price"]
    return f"""{text}
Painted on a GPU, from seconds that were told to this command and {prices.gpu_hour:g} for a GPU-hour:

{table(head, painted)}"""


def _rounded(value: float) -> str:
    return f"{value:,.0f}"
