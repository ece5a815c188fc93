"""The report as one Markdown text: what was measured and how, curves, tables; what others published comes last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from limner.bench.harness.record import Head
from limner.bench.report.bootstrap import WORDS
from limner.bench.report.part import Part, published
from limner.bench.report.scales import scale_of
from limner.bench.report.table import Table, to_markdown

LONG_ROWS = 150
"""A table of more rows stands in a file of its own."""
HOW = f"""- **A rate is the length of a file**, headers and checks included. bpp = 8 * bytes / (width * height).
- **Decoding happens elsewhere**: in a fresh process, in an empty folder that gets the file and nothing else.
- **A mean is of all pictures** or is not given. What could not be computed is absent, never zero.
- {WORDS}.
"""


@dataclass(frozen=True)
class Section:
    """A part and where its files are. ``plots``: metric -> name of a file; ``links``: table -> name of its own file."""

    part: Part
    plots: Mapping[str, str]
    links: Mapping[str, str]


def document(head: Head, sections: Sequence[Section]) -> str:
    """The text of ``report.md``."""
    return "\n".join(_parts(head, sections))


def _parts(head: Head, sections: Sequence[Section]) -> Iterator[str]:
    yield f"# Benchmark: {', '.join(section.part.group.title for section in sections)}\n"
    yield "Computed by `limner bench report` from records alone; nothing here is written by hand.\n"
    if head.command:
        yield f"The records are made by\n\n```\n{head.command}\n```\n"
    yield HOW
    if head.settings:
        yield "".join(f"- {name}: {value}\n" for name, value in sorted(head.settings.items()))
    if head.metrics:
        yield "".join(f"- {scale_of(name).label}: {words}\n" for name, words in sorted(head.metrics.items()))
    for section in sections:
        yield from _section(section)
    theirs = published(section.part for section in sections)
    if theirs:
        yield "## Published numbers\n"
        for table in theirs:
            yield from (f"### {table.title}\n", f"{table.words}\n", to_markdown(table))


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.part.group.title}\n"
    yield f"{section.part.summary}.\n"
    for metric, name in section.plots.items():
        yield f"![{scale_of(metric).label} over bits a pixel]({name})\n"
    for table in section.part.tables:
        yield f"### {table.title}\n"
        yield f"{table.words}\n"
        link = section.links.get(table.name)
        yield to_markdown(table) if link is None else f"{len(table.rows)} rows: [{link}]({link}).\n"


def own_page(table: Table) -> str:
    """The text of a table's own file."""
    return f"# {table.title}\n\n{table.words}\n\n{to_markdown(table)}"
