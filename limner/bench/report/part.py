"""A group of records with the tables that were made of it, once for all pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from limner.bench.report.series import Group
from limner.bench.report.table import Table


@dataclass(frozen=True)
class Part:
    """``published``: tables of what others reported on the same data set; they stand apart on every page."""

    group: Group
    tables: Sequence[Table]
    published: Sequence[Table]

    @property
    def summary(self) -> str:
        """What a group is, in a line."""
        group = self.group
        targets = len({cell.target for cell in group.cells})
        failed = sum(record.failure is not None for record in group.records)
        systems = _count(len({family.system for family in group.families}), "system")
        ways = len(group.families)
        used = systems if systems == _count(ways, "system") else f"{systems} in {ways} ways"
        parts = [_count(len(group.pictures), "picture"), used, _count(targets, "budget"), _count(len(group.records), "record")]
        return f"{' · '.join(parts)}, {_count(failed, 'failure') if failed else 'no failures'}"


def published(parts: Iterable[Part]) -> list[Table]:
    """What others reported on the data sets of all parts, each table once."""
    return list({table.name: table for part in parts for table in part.published}.values())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
