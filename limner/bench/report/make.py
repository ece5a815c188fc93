"""From a file of records to the files of a report.

    rows.jsonl, pictures/ -> opened -> Source -> files -> write
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.atomic import write_atomic
from limner.bench.harness.record import Head, Record, read
from limner.bench.report.deltas import anchor_of
from limner.bench.report.document import LONG_ROWS, Section, document, own_page
from limner.bench.report.kept import Kept, kept_in
from limner.bench.report.page import Page, page_html
from limner.bench.report.part import Part, published
from limner.bench.report.plots import plots
from limner.bench.report.reported import reported_tables
from limner.bench.report.series import Group, groups
from limner.bench.report.table import Table, to_csv, to_latex
from limner.bench.report.tables import tables
from limner.errors import LimnerError

ROWS = "rows.jsonl"
FORMATS = ("md", "csv", "tex", "html", "svg", "png")
DEFAULT_ANCHOR = "jpeg"


@dataclass(frozen=True)
class Source:
    """Records, what is common to them, and pictures that were kept."""

    head: Head
    records: tuple[Record, ...]
    kept: Kept


@dataclass(frozen=True)
class Wish:
    """What is to be made. ``anchor``: beside whom deltas are taken; None: `DEFAULT_ANCHOR` where it is there.

    ``name``: of the pages, for more than one report in a folder; empty: report.md and index.html. Raises LimnerError.
    """

    formats: tuple[str, ...] = FORMATS
    anchor: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.formats if kind not in FORMATS]
        if unknown or not self.formats:
            raise LimnerError(f"formats are of {', '.join(FORMATS)}: {', '.join(unknown) or 'none given'}")
        if self.name and not re.fullmatch(r"\w[\w.-]*", self.name):
            raise LimnerError(f"a report's name is of letters, digits, '-', '_' and '.': {self.name!r}")


def opened(path: Path) -> Source:
    """Read a run's folder, or a file of records. Raises LimnerError for what is neither, or holds no records."""
    rows = path / ROWS if path.is_dir() else path
    head, records = read(rows)
    if not records:
        raise LimnerError(f"{rows}: holds no records")
    return Source(head, tuple(records), kept_in(rows.parent, records))


def files(source: Source, wish: Wish) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file of a report but pictures: the same for the same records in any order."""
    names = Names(f"{wish.name}-" if wish.name else "")
    parts = [_part(group, wish.anchor) for group in groups(source.records)]
    withins = withins_of([part.group.title for part in parts])
    sections = []
    for part, within in zip(parts, withins, strict=True):
        plotted = dict[str, str]()
        for kind in ("png", "svg"):
            for metric, data in (plots(part.group, kind) if kind in wish.formats else {}).items():
                plotted[metric] = names.plot(within, metric, kind)
                yield plotted[metric], data
        yield from _tables(part, names, within, wish.formats)
        links = {table.name: names.page(within, table) for table in part.tables if len(table.rows) > LONG_ROWS}
        sections.append(Section(part, plotted, links))
    for table in published(parts):
        yield from _data(table, names, "", wish.formats)
    if "md" in wish.formats:
        yield f"{wish.name or 'report'}.md", document(source.head, sections).encode()
    if "html" in wish.formats:
        yield f"{wish.name or 'index'}.html", page_html(Page(source.head, tuple(parts), source.kept)).encode()


@dataclass(frozen=True)
class Names:
    """Names of files below the report's folder. ``before``: begins those of one report where several share a folder."""

    before: str

    def plot(self, within: str, metric: str, kind: str) -> str:
        return f"{self.before}curves/{within}{slug(metric)}.{kind}"

    def table(self, within: str, table: Table, kind: str) -> str:
        return f"{self.before}tables/{within}{slug(table.name)}.{kind}"

    def page(self, within: str, table: Table) -> str:
        return f"{self.before}{within}{slug(table.name)}.md"


def slug(text: str) -> str:
    """Text as part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-") or "x"


def withins_of(titles: Sequence[str]) -> list[str]:
    """How the names of the files of each group begin: with nothing where it is the only one."""
    if len(titles) == 1:
        return [""]
    slugs = [slug(title) for title in titles]
    return [f"{name}-" if slugs.count(name) == 1 else f"{place}-{name}-" for place, name in enumerate(slugs, 1)]


def _part(group: Group, anchor: str | None) -> Part:
    there = any(family.system == DEFAULT_ANCHOR for family in group.families)
    name = anchor or (DEFAULT_ANCHOR if there else None)
    beside = None if name is None else anchor_of(group, name)
    return Part(group, tables(group, beside), reported_tables(group.data))


def _tables(part: Part, names: Names, within: str, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for table in part.tables:
        yield from _data(table, names, within, formats)
        if "md" in formats and len(table.rows) > LONG_ROWS:
            yield names.page(within, table), own_page(table).encode()


def _data(table: Table, names: Names, within: str, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for kind, text in (("csv", to_csv), ("tex", to_latex)):
        if kind in formats:
            yield names.table(within, table, kind), text(table).encode()


def write(source: Source, wish: Wish, out: Path) -> list[Path]:
    """Write a report under ``out``, each file whole or not at all, and return what was written. Raises OSError."""
    written = []
    for name, data in files(source, wish):
        written.append(_written(out / name, data))
    if "html" in wish.formats:
        for name, path in source.kept.files(source.records):
            if path.resolve() != (out / name).resolve():
                written.append(_written(out / name, path.read_bytes()))
    return written


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data)
    return path
