"""The tables of a report, each a function of a group of records."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from limner.bench.harness.record import Cost
from limner.bench.report.ablation import ablation_table
from limner.bench.report.curves import curve_table
from limner.bench.report.deltas import delta_table
from limner.bench.report.scales import scale_of
from limner.bench.report.series import Cell, Family, Group, mean, place, rounded
from limner.bench.report.table import NONE, Column, Table, Value, one_line

MIB = 2**20
SYSTEM, TARGET = Column("system"), Column("at most bytes")


def tables(group: Group, anchor: Family | None) -> list[Table]:
    """Every table that has a row. ``anchor``: beside whom deltas are taken; None: none are."""
    found = [means(group)]
    if anchor is not None:
        found.append(delta_table(group, anchor))
    found += [ablation_table(group), layers(group), costs(group), failures(group), absent(group), systems(group)]
    return [table for table in [*found, curve_table(group), pictures(group)] if table.rows]


def means(group: Group) -> Table:
    """Means over all pictures, target by target."""
    columns = (TARGET, SYSTEM, Column("pictures", 0), Column("bytes", 1), Column("bpp", 4), *_metric_columns(group))
    words = (
        f"Arithmetic means over all {len(group.pictures)} pictures; seeds of a picture are averaged first. Pictures: how many "
        f"have a file. {_NONE_WORDS}"
    )
    return Table("means", "Means", words, columns, tuple(_by_target(group, _mean_row)))


_NONE_WORDS = "A dash: not every picture has the figure."


def _metric_columns(group: Group) -> list[Column]:
    return [Column(scale_of(metric).heading, scale_of(metric).digits) for metric in group.metrics]


def _by_target(group: Group, row: Callable[[Group, Cell], tuple[Value, ...]]) -> Iterator[tuple[Value, ...]]:
    for cell in group.by_target:
        yield (cell.target.label, cell.family.label, *row(group, cell))


def _mean_row(group: Group, cell: Cell) -> tuple[Value, ...]:
    sizes = cell.sizes_bytes()
    figures = [cell.figures(metric) for metric in group.metrics]
    return (len(sizes), *(_mean(group, values) for values in (sizes, cell.rates_bpp(), *figures)))


def _mean(group: Group, values: dict[str, float]) -> float | None:
    whole = group.complete(values)
    return None if whole is None else rounded(mean(whole))


def pictures(group: Group) -> Table:
    """Every picture by itself."""
    columns = (Column("picture"), TARGET, SYSTEM, Column("bytes", 0), Column("bpp", 4), *_metric_columns(group))
    columns = (*columns, Column("chosen"))
    rows = []
    for cell in group.by_target:
        columns_of = [cell.sizes_bytes(), cell.rates_bpp(), *(cell.figures(metric) for metric in group.metrics)]
        for name in dict.fromkeys(record.picture for record in cell.records):
            numbers = (None if name not in values else rounded(values[name]) for values in columns_of)
            chosen = _listed(record.chosen for record in cell.records if record.picture == name)
            rows.append((one_line(name), cell.target.label, cell.family.label, *numbers, chosen))
    words = (
        "Every picture by itself; seeds of a picture are averaged. A dash: there is no such figure of this picture. Chosen: by "
        "the encoder, for this picture."
    )
    return Table("pictures", "Every picture", words, columns, tuple(sorted(rows, key=lambda row: str(row[0]))))


def layers(group: Group) -> Table:
    """Whose the bytes of our files are."""
    columns = (TARGET, SYSTEM, Column("layer"), Column("bytes", 1), Column("share %", 1), Column("pictures", 0))
    rows: list[tuple[Value, ...]] = []
    for cell in group.by_target:
        found = [record.layer_bytes for record in cell.records if record.layer_bytes]
        whole = sum(sum(layer.values()) for layer in found)
        for owner in dict.fromkeys(owner for layer in found for owner in layer):
            owned = sum(layer.get(owner, 0) for layer in found)
            share = rounded(100 * owned / whole) if whole else None
            rows.append((cell.target.label, cell.family.label, one_line(owner), rounded(owned / len(found)), share, len(found)))
    words = "Mean bytes of each layer over the files that there are; a layer that a file lacks counts as 0."
    return Table("layers", "Bytes by layer", words, columns, tuple(rows))


def costs(group: Group) -> Table:
    """Seconds and memory."""
    kinds = [f"{verb} {what}" for verb in ("encode", "decode") for what in ("wall s", "CPU s", "peak MiB")]
    columns = (TARGET, SYSTEM, *(Column(kind, 1 if kind.endswith("MiB") else 3) for kind in kinds), Column("device"))
    words = (
        "Medians of seconds and greatest peak of memory, over the files that there are. Decode: the whole fresh process, "
        "start and opening of weights included. Several workers on one machine make seconds mean less."
    )
    return Table("costs", "Time and memory", words, columns, tuple(_by_target(group, _cost_row)))


def _cost_row(group: Group, cell: Cell) -> tuple[Value, ...]:
    done = [record for record in cell.records if record.failure is None]
    ends = (_cost([record.encode for record in done]), _cost([record.decode for record in done]))
    return (*ends[0], *ends[1], _listed(record.device for record in cell.records))


def _cost(found: Sequence[Cost | None]) -> tuple[Value, Value, Value]:
    known = [cost for cost in found if cost is not None]
    if not known:
        return None, None, None
    wall, cpu = (statistics.median(values) for values in ([one.wall_s for one in known], [one.cpu_s for one in known]))
    return rounded(wall), rounded(cpu), rounded(max(one.peak_bytes for one in known) / MIB)


def failures(group: Group) -> Table:
    """What has no figures, and why."""
    columns = (Column("picture"), TARGET, SYSTEM, Column("at"), Column("error"), Column("message"))
    rows = []
    for record in group.records:
        if record.failure is not None:
            family, target = place(record)
            why = (record.failure.stage, one_line(record.failure.error), one_line(record.failure.message))
            rows.append((one_line(record.picture), target.label, family.label, *why))
    words = f"{len(rows)} of {len(group.records)} records are failures."
    return Table("failures", "Failures", words, columns, tuple(rows))


def absent(group: Group) -> Table:
    """Figures that were not computed, and why."""
    columns = (Column("metric"), SYSTEM, Column("why"), Column("records", 0))
    found = Counter(
        (scale_of(metric).label, place(record)[0].label, one_line(why))
        for record in group.records
        for metric, why in record.absent.items()
    )
    words = "Figures that were not computed; they are in no mean and never zero."
    return Table("absent", "Absent figures", words, columns, tuple((*key, found[key]) for key in sorted(found)))


def systems(group: Group) -> Table:
    """What made the files: weights, versions, devices."""
    columns = (SYSTEM, Column("weights"), Column("versions"), Column("seeds"))
    rows = []
    for family in group.families:
        records = [record for cell in group.of(family) for record in cell.records]
        weights = _listed(record.weights_sha256[:16] for record in records if record.weights_sha256 is not None)
        versions = _listed(f"{name} {text}" for record in records for name, text in record.versions.items())
        rows.append((family.label, weights, versions, _listed(str(record.seed) for record in records)))
    words = "Weights: the first 16 digits of their identity. More than one of a kind: the records are of more than one run."
    return Table("systems", "What made the files", words, columns, tuple(rows))


def _listed(names: Iterable[str]) -> str:
    return one_line(", ".join(sorted(set(names) - {""}))) or NONE

