"""The page of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from limner.bench.load import TARGET_BYTES
from limner.bench.many.batched import Batched, Share
from limner.bench.many.names import Planned
from limner.bench.many.runs import WARM, Run, Way
from limner.bench.rows import table
from limner.bench.running import Held
from limner.bench.speed.machine import described, versions

MB = 1e6
PARTS = 4
WORTH = 0.1
"""A gain that would be worth a batch."""


@dataclass(frozen=True)
class Found:
    """What a run has found. ``speeds``: by verb and way, the turns; ``memory``: by the number of pictures, of ``watched``.
    ``planned``: a folder that is only planned, if any was."""

    side_px: int
    pictures: int
    speeds: Mapping[tuple[str, Way], Sequence[Run]]
    memory: Mapping[int, Run]
    watched: Way
    planned: Planned | None
    batches: Sequence[Batched]
    shares: Sequence[Share]


def page(found: Found, machine: str, command: str) -> str:
    """``machine``: as it was before the run."""
    parts = [
        "# A folder by one process and by several\n",
        f"Printed by the command below; nothing here is written by hand.\n\n```\n{command}\n```\n\n{machine}\n",
        _machine(),
        _speeds(found),
        _memory(found),
        _batches(found),
    ]
    return "\n".join(parts)


def _machine() -> str:
    known = described()
    lines = [[name, text] for name, text in {**known, **versions()}.items()]
    return f"""{table(["machine", ""], lines)}
What a virtual machine calls a core may be one of two threads of a real one, of which it need not tell: then two of them have
less than twice the speed of one, whatever the program. The rows of plain loops at once, which know nothing of each other, say
what this machine gives.
"""


# --- speed


def _speeds(found: Found) -> str:
    verbs = list(dict.fromkeys(verb for verb, _ in found.speeds))
    texts = [
        f"""## Pictures a second

{found.pictures} squares of {found.side_px} x {found.side_px} px, as JPEG, to files of at most {TARGET_BYTES} bytes, and these
to PNG; the median of {len(next(iter(found.speeds.values())))} turns, in which every way had its turn. The first {WARM} pictures
of each process are not counted, so the start of Python and the opening of weights are not in it, nor are the last, when some
have no more to do. *Of a core's speed*: pictures a second for each thread, as a part of those of the plain loop of one thread.
*Begins after*: the seconds until the first picture was done.
"""
    ]
    for verb in verbs:
        ways = {way: runs for (one, way), runs in found.speeds.items() if one == verb}
        texts.append(f"### {verb}\n\n{_speed_table(ways)}")
    return "\n".join(texts)


def _speed_table(ways: Mapping[Way, Sequence[Run]]) -> str:
    one_per_s = median(run.per_s for run in next(iter(ways.values())))
    lines = []
    for way, runs in ways.items():
        rates = [run.per_s for run in runs]
        share = median(rates) / (one_per_s * way.processes * way.threads_each)
        first_s = median(run.done_s[0] for run in runs)
        cells = [way.name, str(way.processes), str(way.threads_each), f"{median(rates):.2f}"]
        lines.append([*cells, f"{min(rates):.2f}–{max(rates):.2f}", f"{100 * share:.0f} %", f"{first_s:.1f}"])
    head = ["way", "processes", "threads each", "pictures/s", "from–to", "of a core's speed", "begins after s"]
    return table(head, lines)


# --- memory


def _memory(found: Found) -> str:
    lines = []
    for pictures, run in found.memory.items():
        for part, held in enumerate(_parts(run.held)):
            front, worker, together = (max(map(of, held)) / MB for of in (_front, _worker, _together))
            cells = [f"{pictures}, part {part + 1} of {PARTS}", f"{front:.0f}", f"{worker:.0f}", f"{together:.0f}"]
            lines.append(cells)
    head = ["pictures", "the command MB", "largest worker MB", "all MB"]
    return f"""## Memory

`{found.watched.name}`, encoding; the most that was held in each quarter of the time. Pages that processes share are counted for
each. A result waits for those before it in a window of a few pictures. {_growth(found.memory)}

{table(head, lines)}{_planned(found.planned)}"""


def _growth(memory: Mapping[int, Run]) -> str:
    most = {pictures: max((held.together for held in run.held), default=0) for pictures, run in memory.items()}
    if len(most) < 2 or not all(most.values()):
        return ""
    few, many = min(most), max(most)
    more = 100 * (most[many] / most[few] - 1)
    return f"A folder of {many} took {more:+.1f} % more than one of {few} at most."


def _planned(planned: Planned | None) -> str:
    if planned is None:
        return ""
    return f"""
The plan is whole before the first picture: its two names of each file are what grows with the folder. {planned.names} empty
files were planned in {planned.seconds:.1f} s, and their plan held {planned.held_bytes / MB:.0f} MB:
{planned.held_bytes / planned.names:.0f} bytes a file.
"""


def _parts(held: Sequence[Held]) -> list[Sequence[Held]]:
    until_s = held[-1].after_s if held else 0.0
    parts: list[list[Held]] = [[] for _ in range(PARTS)]
    for one in held:
        parts[min(PARTS - 1, int(PARTS * one.after_s / until_s)) if until_s else 0].append(one)
    return [part for part in parts if part]


def _front(held: Held) -> int:
    return held.front


def _worker(held: Held) -> int:
    return held.worker


def _together(held: Held) -> int:
    return held.together


# --- batches


def _batches(found: Found) -> str:
    if not found.batches:
        return ""
    sizes = list(found.batches[0].milliseconds)
    lines = [
        [
            f"{one.network.file}, {one.side_px} px",
            *(f"{one.milliseconds[size]:.2f}" for size in sizes),
            f"{100 * one.gain:.0f} %",
        ]
        for one in found.batches
    ]
    shares = [
        [
            f"{one.verb}, {one.side_px} px",
            f"{one.milliseconds:.1f}",
            f"{100 * one.networks:.0f} %",
            f"{100 * one.saved(found.batches):.1f} %",
        ]
        for one in found.shares
    ]
    most = max((one.saved(found.batches) for one in found.shares), default=0.0)
    return f"""## Batches inside onnxruntime

The networks of miniature on one thread, on so many equal pictures at once: milliseconds a picture, the least of some turns.
*Saved*: by the best size of a batch, below 0 if every batch is slower.

{table(["network", *(f"{size} at once" for size in sizes), "saved"], lines)}
Of the time of one picture from pixels to the bytes of its latent, or back, the part that its networks take, and what the best
size of a batch would save of the whole; the rest is the search for the size and the walk over symbols, one picture at a time.

{table(["picture", "ms", "in networks", "saved of the whole"], shares)}
The most that is saved is {100 * most:.1f} %: {"worth building" if most >= WORTH else "no batches are built in for that"}, where
{100 * WORTH:.0f} % would be worth it.
"""
