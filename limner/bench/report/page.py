"""One static HTML page: everything inlined but the pictures, which lie beside it. Works from a disk, asks no network.

    groups of records + pictures that were kept -> data (JSON) -+
    assets/page.html, page.css, *.js ---------------------------+-> index.html

The data, as ``assets/base.js`` reads it: ``{id, title, bands, facts: [[name, value]], scales: {metric: Scale}, groups}``;
a group: ``{title, summary, count, families: [label], systems: {label: name}, looks: {label: Look}, targets: [label], metrics,
curves: {metric: [curve]}, tables: [table], published: [table], pictures: [picture]}``; a picture: ``{name, width_px, height_px,
original: address, shots: {target: {family: {src, bytes, bpp, chosen, figures}}}}``.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from limner.bench.harness.record import Head, Record, key
from limner.bench.report.bootstrap import WORDS
from limner.bench.report.curves import Curve, Point, curves
from limner.bench.report.kept import Kept
from limner.bench.report.looks import looks
from limner.bench.report.part import Part
from limner.bench.report.scales import Scale, scale_of
from limner.bench.report.series import Group, place, rate_bpp, rounded
from limner.bench.report.table import Table, one_line

ASSETS = Path(__file__).with_name("assets")
SCRIPTS = ("base.js", "compare.js", "curves.js", "tables.js", "vote.js", "page.js")
"""In this order; the last one starts the others."""

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True)
class Page:
    """What a page is of. ``kept``: the pictures that lie beside it."""

    head: Head
    parts: tuple[Part, ...]
    kept: Kept

    @property
    def groups(self) -> list[Group]:
        return [part.group for part in self.parts]

    @property
    def title(self) -> str:
        return ", ".join(group.title for group in self.groups)


def page_html(page: Page) -> str:
    """The text of ``index.html``."""
    # In a script element nothing but its own end is special; an escaped "<" cannot be one.
    data = json.dumps(page_data(page), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    parts = {
        "title": html.escape(page.title),
        "style": _asset("page.css"),
        "script": "\n".join(_asset(name) for name in SCRIPTS),
        "data": data.replace("<", "\\u003c"),
    }
    text = _asset("page.html")
    pieces = [piece for half in text.split("{{") for piece in half.split("}}")]
    return "".join(parts[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def page_data(page: Page) -> dict[str, Json]:
    """All that the page shows, as JSON has it."""
    metrics = sorted({metric for group in page.groups for metric in group.metrics})
    return {
        "id": report_id(page.groups),
        "title": page.title,
        "bands": WORDS,
        "facts": _facts(page),
        "scales": {metric: _scale(scale_of(metric)) for metric in metrics},
        "groups": [_part(part, page.kept) for part in page.parts],
    }


def report_id(groups: Sequence[Group]) -> str:
    """Names what was asked and what files came of it, not how it is shown: votes on the same files stay together."""
    lines = sorted(repr((key(record), record.blob_sha256)) for group in groups for record in group.records)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _facts(page: Page) -> list[list[str]]:
    found = [["Command", page.head.command]] if page.head.command else []
    found += [[name, value] for name, value in sorted(page.head.settings.items())]
    return found + [[scale_of(name).label, value] for name, value in sorted(page.head.metrics.items())]


def _scale(scale: Scale) -> Json:
    return {"heading": scale.heading, "better": scale.better, "digits": scale.digits}


def _part(part: Part, kept: Kept) -> Json:
    group = part.group
    labels = [family.label for family in group.families]
    return {
        "title": group.title,
        "summary": part.summary,
        "count": len(group.pictures),
        "families": labels,
        "systems": {family.label: family.system for family in group.families},
        "looks": {label: asdict(look) for label, look in looks(labels).items()},
        "targets": list(dict.fromkeys(cell.target.label for cell in group.by_target)),
        "metrics": group.metrics,
        "curves": {metric: [_curve(curve) for curve in curves(group, metric)] for metric in group.metrics},
        "tables": [_table(table) for table in part.tables],
        "published": [_table(table) for table in part.published],
        "pictures": [found for name in group.pictures if (found := _picture(group, name, kept))["shots"]],
    }


def _curve(curve: Curve) -> Json:
    return {
        "family": curve.family.label,
        "points": [_point(point) for point in curve.points],
        "incomplete": [_point(point) for point in curve.incomplete],
    }


def _point(point: Point) -> Json:
    found: dict[str, Json] = {"target": point.target.label, "pictures": point.pictures, "wanted": point.wanted}
    if point.figure is None:
        return found
    return {**found, "bytes": point.bytes, "bpp": point.bpp, **asdict(point.figure)}


def _table(table: Table) -> Json:
    columns = [{"heading": column.heading, "digits": column.digits} for column in table.columns]
    return {"name": table.name, "title": table.title, "words": table.words, "columns": columns, "rows": table.rows}


def _picture(group: Group, name: str, kept: Kept) -> dict[str, Json]:
    """One original and what was painted of it; of several seeds the lowest."""
    records = [record for record in group.records if record.picture == name]
    shots: dict[str, dict[str, Json]] = {}
    for record in records:
        if (source := kept.painted(record)) is not None:
            family, target = place(record)
            shots.setdefault(target.label, {}).setdefault(family.label, _shot(record, source))
    first = records[0]
    size: dict[str, Json] = {"width_px": first.width_px, "height_px": first.height_px}
    return {"name": one_line(name), **size, "original": kept.original(first), "shots": shots}


def _shot(record: Record, source: str) -> Json:
    figures: dict[str, Json] = {name: rounded(value) for name, value in record.figures.items()}
    rate = rate_bpp(record)
    bpp = None if rate is None else rounded(rate)
    return {"src": source, "bytes": record.bytes, "bpp": bpp, "chosen": one_line(record.chosen), "figures": figures}
