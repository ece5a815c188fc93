"""Do words earn their bytes? The same pictures with other words, none, or "NA", beside the true ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from limner.bench.report.bootstrap import WORDS as BANDS
from limner.bench.report.bootstrap import Band, band
from limner.bench.report.scales import Scale, scale_of
from limner.bench.report.series import Cell, Group, mean, rounded
from limner.bench.report.table import Column, Table, Value

TRUE = "true"
OTHERS = ("empty", "shuffled", "na")
BYTES = Scale("bytes", -1, 1)


def ablation_table(group: Group) -> Table:
    """Differences that other words make, picture by picture."""
    columns = (
        *(Column("system"), Column("at most bytes"), Column("words"), Column("measure")),
        *(Column("pictures", 0), Column("of", 0), Column("true words", 4), Column("difference", 4)),
        *(Column("low", 4), Column("high", 4), Column("than true words")),
    )
    words = (
        "Difference: with other words less with true words, mean over pictures, each beside itself; no mean unless every "
        f"picture has both. Worse or better where the band leaves zero out. {BANDS}."
    )
    return Table("words", "What words change", words, columns, tuple(_rows(group)))


def _rows(group: Group) -> Iterator[tuple[Value, ...]]:
    cells = {(cell.family.system, cell.family.way, cell.target, cell.family.words): cell for cell in group.cells}
    for (system, way, target, words), cell in cells.items():
        if words != TRUE:
            continue
        for other in OTHERS:
            if (beside := cells.get((system, way, target, other))) is not None:
                name = f"{system} {way}".rstrip()
                yield from ((name, target.label, other, *line) for line in _lines(group, cell, beside))


def _lines(group: Group, true: Cell, other: Cell) -> Iterator[tuple[Value, ...]]:
    yield _line(group, BYTES, true.sizes_bytes(), other.sizes_bytes())
    for metric in group.metrics:
        yield _line(group, scale_of(metric), true.figures(metric), other.figures(metric))


def _line(group: Group, scale: Scale, true: Mapping[str, float], other: Mapping[str, float]) -> tuple[Value, ...]:
    changes = {name: other[name] - true[name] for name in true.keys() & other.keys()}
    counts = (scale.heading, len(changes), len(group.pictures))
    whole = group.complete(changes)
    if whole is None:
        return (*counts, None, None, None, None, "incomplete")
    found = band(whole)
    before = rounded(mean([true[name] for name in group.pictures]))
    return (*counts, before, found.mean, found.low, found.high, verdict(found, scale))


def verdict(found: Band, scale: Scale) -> str:
    """What a difference shows: "better", "worse", "no difference shown"; nothing of one picture."""
    if found.low is None or found.high is None or not scale.better:
        return "not known"
    if found.low <= 0 <= found.high:
        return "no difference shown"
    return "better" if scale.better * found.mean > 0 else "worse"
