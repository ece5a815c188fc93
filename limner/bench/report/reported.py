"""Numbers that others published: in tables of their own, each with its source and what its rate is, never beside ours."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from limner.bench.report.scales import in_order, scale_of
from limner.bench.report.series import UNPREPARED
from limner.bench.report.table import Column, Table, Value
from limner.errors import LimnerError

DATA = Path(__file__).with_name("reported.toml")
RATES: Mapping[str, str] = {
    "file": "length of a file",
    "estimate": "estimate of the entropy coder's output; no file",
    "nominal": "what the format fixes, without its header",
    "in doubt": "said to be a file; others measured more",
    "not stated": "not stated",
}
WORDS = (
    "As published, not measured here, and not to be set beside our figures: other programs, other readings of metrics, often "
    "other pictures. LPIPS is of AlexNet. Rate: "
    + "; ".join(f"'{name}': {words}" for name, words in RATES.items() if name != words)
    + "."
)


@dataclass(frozen=True)
class Reported:
    """The points that one source gives of one codec on one data set. Raises LimnerError for columns of other lengths.

    ``data``, ``preparation``: as records name them; ``rate``: one of `RATES`; ``figures``: metric -> a figure a point;
    ``source``: its short name, ``reference``: where that is to be found.
    """

    codec: str
    data: str
    preparation: str
    rate: str
    source: str
    reference: str
    bpp: tuple[float, ...]
    figures: Mapping[str, tuple[float, ...]]
    note: str = ""

    def __post_init__(self) -> None:
        if self.rate not in RATES:
            raise LimnerError(f"{self.codec}: rate is one of {', '.join(RATES)}: {self.rate!r}")
        lengths = {len(self.bpp), *map(len, self.figures.values())}
        if len(lengths) != 1 or not self.bpp:
            raise LimnerError(f"{self.codec} on {self.data}: columns of {sorted(lengths)} points")


@cache
def reported() -> tuple[Reported, ...]:
    """All that is in ``reported.toml``."""
    found = tomllib.loads(DATA.read_text("utf-8"))
    sources = found["source"]
    return tuple(_entry(entry, sources) for entry in found["reported"])


def _entry(entry: Mapping[str, object], sources: Mapping[str, str]) -> Reported:
    texts = {field.name for field in fields(Reported)} - {"bpp", "figures", "reference"}
    said = {name: value for name, value in entry.items() if name in texts and isinstance(value, str)}
    points = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    return Reported(**said, reference=sources[str(entry["source"])], bpp=points.pop("bpp"), figures=points)


def reported_tables(data: str) -> list[Table]:
    """A table for each preparation in which others reported on a data set."""
    here = [one for one in reported() if one.data == data.lower()]
    hows = dict.fromkeys(one.preparation for one in here)
    return [_table([one for one in here if one.preparation == how], how) for how in hows]


def _table(found: list[Reported], preparation: str) -> Table:
    metrics = in_order(metric for one in found for metric in one.figures)
    numbers = (Column(scale_of(metric).heading, scale_of(metric).digits) for metric in metrics)
    columns = (Column("codec"), Column("bpp", 5), Column("rate"), *numbers, Column("source"), Column("note"))
    rows = [row for one in found for row in _rows(one, metrics)]
    references = {one.source: one.reference for one in found}
    sources = "; ".join(f"{name}: {reference}" for name, reference in references.items())
    where = found[0].data if preparation == UNPREPARED else f"{found[0].data}-{preparation}"
    return Table(f"reported-{where}", f"Published: {where}", f"{WORDS} Sources: {sources}.", columns, tuple(rows))


def _rows(one: Reported, metrics: list[str]) -> list[tuple[Value, ...]]:
    figures = [one.figures.get(name, (None,) * len(one.bpp)) for name in metrics]
    return [
        (one.codec, bpp, one.rate, *(column[place] for column in figures), one.source, one.note)
        for place, bpp in enumerate(one.bpp)
    ]
