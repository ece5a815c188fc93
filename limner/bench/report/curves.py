"""Rate curves: the mean figure of all pictures over their mean rate, at every target of a family."""

from __future__ import annotations

from dataclasses import dataclass

from limner.bench.report.bootstrap import Band, band
from limner.bench.report.series import Cell, Family, Group, Target, mean, rounded
from limner.bench.report.table import Column, Table, Value


@dataclass(frozen=True)
class Point:
    """Means over all pictures of a group; ``figure`` is None, and the point on no curve, unless each of them has a figure.

    ``pictures``: how many of ``wanted`` have one.
    """

    target: Target
    pictures: int
    wanted: int
    bytes: float | None = None
    bpp: float | None = None
    figure: Band | None = None


@dataclass(frozen=True)
class Curve:
    """The points of a family by one metric, rates rising, and those that are incomplete, targets rising."""

    family: Family
    metric: str
    points: tuple[Point, ...]
    incomplete: tuple[Point, ...]

    @property
    def every(self) -> tuple[Point, ...]:
        return (*self.points, *self.incomplete)


def curves(group: Group, metric: str) -> list[Curve]:
    """The curve of every family that has a figure of the metric."""
    found = [_curve(group, family, metric) for family in group.families]
    return [curve for curve in found if any(point.pictures for point in curve.every)]


def _curve(group: Group, family: Family, metric: str) -> Curve:
    points = [point_of(group, cell, metric) for cell in group.of(family)]
    whole = sorted((point for point in points if point.figure is not None), key=lambda point: (point.bpp, point.target))
    return Curve(family, metric, tuple(whole), tuple(point for point in points if point.figure is None))


def point_of(group: Group, cell: Cell, metric: str) -> Point:
    """The point of one cell."""
    figures = cell.figures(metric)
    whole = group.complete(figures)
    if whole is None:
        return Point(cell.target, len(figures), len(group.pictures))
    rates, sizes = cell.rates_bpp(), cell.sizes_bytes()
    return Point(
        cell.target,
        len(figures),
        len(group.pictures),
        rounded(mean([sizes[name] for name in group.pictures])),
        rounded(mean([rates[name] for name in group.pictures])),
        band(whole),
    )


def curve_table(group: Group) -> Table:
    """All curves as data, one line a point."""
    columns = (
        *(Column("metric"), Column("system"), Column("at most bytes"), Column("pictures", 0), Column("of", 0)),
        *(Column("bytes", 1), Column("bpp", 5), Column("mean", 4), Column("low", 4), Column("high", 4)),
    )
    found = [curve for metric in group.metrics for curve in curves(group, metric)]
    rows = [(curve.metric, curve.family.label, *_cells(point)) for curve in found for point in curve.every]
    words = "Every point of every rate curve with its band. No mean: not every picture has a figure."
    return Table("curves", "Rate curves as data", words, columns, tuple(rows))


def _cells(point: Point) -> tuple[Value, ...]:
    figure = point.figure
    known = (None, None, None) if figure is None else (figure.mean, figure.low, figure.high)
    return (point.target.label, point.pictures, point.wanted, point.bytes, point.bpp, *known)
